"""Random tensors, drawn from a generator's stream: the same numbers on every backend for the same seed.

Uniform numbers have 24 random bits as float32 and 53 as float64. Element ``i`` of a draw takes the stream's words
number ``i`` (or ``2 i`` and ``2 i + 1`` where it needs 64 bits), whatever the number of elements.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.backend.transfers import elements_read
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, composite, op
from pullback.dispatch.declaration_values import Unsampled
from pullback.dispatch.out_rules import EXACT, MAKES, Out
from pullback.meta import dtypes
from pullback.meta.dtype_names import not_implemented, type_name
from pullback.meta.dtypes import FLOATS, DType, get_default_dtype
from pullback.meta.formats import MemoryFormat, StorageLayout
from pullback.meta.shapes import broadcast_shape
from pullback.ops.random.poisson import poisson_array
from pullback.ops.random.streams import happens_array, integer_array, normal_array, permutation_array, uniform_array
from pullback.ops.shared.options import (
    check_options,
    checked_dtype,
    checked_integer,
    checked_shape,
    chosen_backend,
    finished,
)
from pullback.ops.shared.zeros import zeros_of
from pullback.random import Generator
from pullback.tensor import Tensor
from pullback.tensor.levels import drawing_backend, levels
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray
    from pullback.meta.devices import Device

_C_NAMES = {
    dtypes.bool_: "bool",
    dtypes.uint8: "unsigned char",
    dtypes.int8: "signed char",
    dtypes.int16: "short",
    dtypes.int32: "int",
    dtypes.int64: "long",
}


def _drawing_backend(backend: Any, device: Any) -> tuple[Backend, Device | None]:
    """The backend and device to draw on; inside ``vmap`` one whose arrays may differ between examples."""
    chosen, place = chosen_backend(backend, device)
    return drawing_backend(chosen) if levels() else chosen, place


# -- new tensors ------------------------------------------------------------------------------------------------------


def checked_generator(function: str, generator: Any) -> Generator | None:
    """The generator that a function was given; anything else is refused by the function's name."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"{function}(): argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    return generator


def floating_dtype(kernel: str, dtype: DType | None) -> DType:
    """The dtype to draw in, the default one for None; refuses integers in the words of PyTorch's ``kernel``."""
    dtype = dtype or get_default_dtype()
    if dtype.category < dtypes.FLOATING:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{type_name(dtype)}'")
    return dtype


@composite(
    method=False,
    out=MAKES,
    samples=sampling.random((2, 3), (3,), ((),), (0, 2), (600,), (2, 129, 3)),
    accuracy="elementwise",
)
def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Random numbers, uniform on [0, 1).

    Parameters
    ----------
    *sizes : int, or a sequence of int
        The shape.
    generator : Generator, optional
        What to draw from; the default generator, which :func:`manual_seed` seeds, if None.
    dtype : DType, optional
        A floating or complex one; the default dtype if None.
    device, backend : optional
        Where to put the result.
    requires_grad : bool
        Whether gradients are computed for it.

    Raises
    ------
    NotImplementedError
        For an integer dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> generator = pb.manual_seed(0)
    >>> pb.rand(2, 3).shape
    torch.Size([2, 3])
    """
    dtype = checked_dtype("rand", dtype)
    check_options("rand", device, requires_grad, layout, pin_memory)
    shape = checked_shape("rand", sizes, size)
    dtype = floating_dtype("check_uniform_bounds", dtype)
    chosen, place = _drawing_backend(backend, device)
    array = uniform_array(chosen, shape, dtype, place, checked_generator("rand", generator))
    return finished(Tensor._wrap(array, chosen), requires_grad)


@composite(
    method=False,
    out=MAKES,
    samples=sampling.random((2, 3), (3,), ((),), (0, 2), (600,), (2, 129, 3)),
    accuracy="elementwise",
)
def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and variance 1; parameters as of :func:`rand`.

    Raises
    ------
    NotImplementedError
        For an integer dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> generator = pb.manual_seed(0)
    >>> pb.randn(2, requires_grad=True).requires_grad
    True
    """
    dtype = checked_dtype("randn", dtype)
    check_options("randn", device, requires_grad, layout, pin_memory)
    shape = checked_shape("randn", sizes, size)
    dtype = floating_dtype("normal_kernel_cpu", dtype)
    chosen, place = _drawing_backend(backend, device)
    array = normal_array(chosen, shape, dtype, place, checked_generator("randn", generator))
    return finished(Tensor._wrap(array, chosen), requires_grad)


def check_range(low: int, high: int, dtype: DType) -> None:
    """Refuse an empty range, and bounds that the dtype cannot hold."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if dtype.category == dtypes.COMPLEX:
        raise NotImplementedError(f"\"random_from_to\" not implemented for '{type_name(dtype)}'")
    if dtype.category >= dtypes.FLOATING:
        return
    bits = 1 if dtype is dtypes.bool_ else 8 * dtype.itemsize - dtype.is_signed
    least = -(1 << bits) if dtype.is_signed else 0
    for what, value in (("from", low), ("to - 1", high - 1)):
        if not least <= value < 1 << bits:
            raise RuntimeError(f"{what} is out of bounds for {_C_NAMES.get(dtype, dtype.name)}")


@composite(
    method=False,
    out=MAKES,
    samples=sampling.random((10, (2, 3)), (-5, 5, (3,)), (3, ()), (9, (0, 2)), (100, (600,))),
    accuracy="elementwise",
)
def randint(
    *bounds_and_size: Any,
    low: int | None = None,
    high: int | None = None,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Random integers from ``low`` (default 0) up to but not including ``high``, each equally likely.

    Called as ``randint(high, size)`` or ``randint(low, high, size)``; the other parameters are those of :func:`rand`,
    but that the dtype is int64 by default.

    Raises
    ------
    RuntimeError
        If there is no integer in the range, or the dtype cannot hold one of them.

    Examples
    --------
    >>> import pullback as pb
    >>> generator = pb.manual_seed(0)
    >>> pb.randint(3, 5, (2, 2)).dtype
    torch.int64
    """
    values = list(bounds_and_size)
    if size is None and values and isinstance(values[-1], list | tuple):
        size = values.pop()
    if high is None and values:
        high = values.pop()
    if low is None:
        low = values.pop() if values else 0
    if values or size is None or high is None:
        given = ", ".join(type(v).__name__ for v in bounds_and_size)
        raise TypeError(
            f"randint() received an invalid combination of arguments - got ({given}), but expected one of:\n"
            " * (int high, tuple of ints size, *, Generator generator, dtype, device, backend, requires_grad)\n"
            " * (int low, int high, tuple of ints size, *, Generator generator, dtype, device, backend, requires_grad)"
        )
    dtype = checked_dtype("randint", dtype) or dtypes.int64
    check_options("randint", device, requires_grad, layout, pin_memory)
    low = checked_integer("randint", "low", low, 1)
    high = checked_integer("randint", "high", high, 1 if len(bounds_and_size) < 3 else 2)
    shape = checked_shape("randint", (size,), whole=True)
    check_range(low, high, dtype)
    chosen, place = _drawing_backend(backend, device)
    array = integer_array(chosen, shape, low, high, dtype, place, checked_generator("randint", generator))
    return finished(Tensor._wrap(array, chosen), requires_grad)


@composite(method=False, out=MAKES, samples=sampling.random((6,), (0,), (1,), (100,)), accuracy="elementwise")
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The integers from 0 up to but not including ``n``, in random order.

    Raises
    ------
    RuntimeError
        For a negative ``n``, or a dtype that cannot hold it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.randperm(4).sort().values
    tensor([0, 1, 2, 3])
    """
    dtype = checked_dtype("randperm", dtype) or dtypes.int64
    check_options("randperm", device, requires_grad, layout, pin_memory)
    (count,) = checked_shape("randperm", ((checked_integer("randperm", "n", n, 1),),))
    if dtype.category in (dtypes.BOOL, dtypes.COMPLEX):
        raise not_implemented("randperm", dtype)
    if dtype.category == dtypes.INTEGER and count > 1 << (8 * dtype.itemsize - dtype.is_signed):
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")
    chosen, place = _drawing_backend(backend, device)
    array = permutation_array(chosen, (count,), dtype, place, checked_generator("randperm", generator))
    return finished(Tensor._wrap(array, chosen), requires_grad)


@composite(method=False, samples=sampling.random_from(), accuracy="elementwise")
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers uniform on [0, 1), of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.rand_like(pb.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    settings = _like("rand_like", input, dtype, layout, device, pin_memory, requires_grad, memory_format, backend)
    drawn = rand(tuple(input.array.shape), generator=generator, **settings)
    return finished(ops.with_strides_like(drawn, input, memory_format), requires_grad)


@composite(method=False, samples=sampling.random_from(), accuracy="elementwise")
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers from the standard normal distribution, of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.randn_like(pb.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    settings = _like("randn_like", input, dtype, layout, device, pin_memory, requires_grad, memory_format, backend)
    drawn = randn(tuple(input.array.shape), generator=generator, **settings)
    return finished(ops.with_strides_like(drawn, input, memory_format), requires_grad)


@composite(method=False, samples=sampling.random_from(10), accuracy="elementwise")
def randint_like(
    input: Tensor,
    *bounds: Any,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
    backend: str | Backend | None = None,
    **named: Any,
) -> Tensor:
    """Integers as of :func:`randint`, of the shape, dtype, backend and device of ``input``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.randint_like(pb.ones(2, 3), 10).shape
    torch.Size([2, 3])
    """
    settings = _like("randint_like", input, dtype, layout, device, pin_memory, requires_grad, memory_format, backend)
    if not bounds and "high" not in named:
        raise TypeError('randint_like() missing 1 required positional arguments: "high"')
    drawn = randint(*bounds, size=tuple(input.array.shape), generator=generator, **named, **settings)
    return finished(ops.with_strides_like(drawn, input, memory_format), requires_grad)


def _like(
    function: str,
    input: Tensor,
    dtype: DType | None,
    layout: Any,
    device: Any,
    pin_memory: bool,
    requires_grad: bool,
    memory_format: Any,
    backend: Any,
) -> dict[str, Any]:
    ops.check_is_tensor(function, input)
    dtype = checked_dtype(function, dtype) or input.dtype
    check_options(function, device, requires_grad, layout, pin_memory, memory_format)
    if device is None and backend is None:
        device, backend = input.device, input.backend
    return {"dtype": dtype, "device": device, "backend": backend}


@composite(
    method=False,
    out=Out("result type {result} can't be cast to {out}", casts=True, decides=True, resizing=""),
    samples=Unsampled("it forwards to randn, which is checked"),
    accuracy="elementwise",
)
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers from normal distributions: of one mean and standard deviation and a shape, or element by element.

    Parameters
    ----------
    mean, std : float or Tensor
        Where one is a tensor its shape, or the shape both broadcast to, is the result's. No gradients flow to them.
    size : tuple of int
        The shape, where both are numbers.

    Raises
    ------
    RuntimeError
        If a standard deviation is negative.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.normal(10.0, 0.0, (2,))
    tensor([10., 10.])
    """
    tensors = [v for v in (mean, std) if isinstance(v, Tensor)]
    if not tensors:
        if size is None:
            raise TypeError("normal() of two numbers needs the argument 'size'")
        dtype = checked_dtype("normal", dtype)
        check_options("normal", device, requires_grad, layout, pin_memory)
        shape = checked_shape("normal", (size,), whole=True)
        if std < 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        floating_dtype("normal_kernel_cpu", dtype)
        drawn = randn(shape, generator=generator, dtype=dtype, device=device, backend=backend)
        return finished(_scaled(drawn, mean, std), requires_grad)
    like = tensors[0]
    floating_dtype("normal_kernel_cpu", like.dtype)
    if isinstance(std, Tensor):
        if std.numel() and not std.backend.level and bool((std < 0).any()):  # inside ``vmap`` nobody can look
            raise RuntimeError("normal expects all elements of std >= 0.0")
    elif std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    means, deviations = (
        value.to(like.dtype) if isinstance(value, Tensor) else like.new_full((), value) for value in (mean, std)
    )
    kind = 3 if len(tensors) == 2 else 1 if isinstance(mean, Tensor) else 2
    return normal_from(means, deviations, kind, generator=checked_generator("normal", generator))


def _scaled(drawn: Tensor, mean: Any, std: Any) -> Tensor:
    return drawn * std + mean  # type: ignore[no-any-return]


@op(
    batching="draws",
    node=lambda kind: f"NormalBackward{kind}",
    vjp={
        "mean": lambda grad, mean_shape: zeros_of(grad, mean_shape),
        "std": lambda grad, std_shape: zeros_of(grad, std_shape),
    },
    jvp={
        "mean": lambda tangent, out: zeros_of(tangent, out.shape),
        "std": lambda tangent, out: zeros_of(tangent, out.shape),
    },
    method=False,
    namespace=None,
    samples=Unsampled("its derivative is zero by declaration, as PyTorch's, though means shift the numbers"),
    accuracy="elementwise",
)
def normal_from(
    backend: Backend, mean: Array, std: Array, kind: int = 3, *, generator: Generator | None = None
) -> Array:
    """Normal numbers, element by element of these means and standard deviations; what :func:`normal` records.

    Parameters
    ----------
    kind : int
        Which of the two were given as tensors: 1 the means, 2 the deviations, 3 both.
    """
    shape = broadcast_shape([tuple(mean.shape), tuple(std.shape)])
    dtype = backend.dtypes[mean.dtype]
    drawn = normal_array(backend, shape, dtype, backend.device_of(mean), generator)
    return backend.add(backend.multiply(drawn, std), mean)


@op(
    batching="draws",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    out=Out(EXACT.text, resizing=""),
    samples=sampling.random_from(0.3),
    accuracy="elementwise",
)
def bernoulli(backend: Backend, input: Array, p: float | None = None, *, generator: Generator | None = None) -> Array:
    """Ones and zeros: each is 1 with the probability that ``input`` has there, or with probability ``p``.

    Raises
    ------
    RuntimeError
        If a probability is not in [0, 1].

    Examples
    --------
    >>> import pullback as pb
    >>> pb.bernoulli(pb.tensor([0., 1.]))
    tensor([0., 1.])
    """
    dtype, device = backend.dtypes[input.dtype], backend.device_of(input)
    if p is not None:
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
        return backend.astype(happens_array(backend, tuple(input.shape), p, device, generator), dtype)
    if dtype.category != dtypes.FLOATING:
        raise NotImplementedError(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{type_name(dtype)}'")
    return bernoulli_of(backend, input, dtype, device, generator)


def bernoulli_of(
    backend: Backend, probabilities: NativeArray, dtype: DType, device: Device | None, generator: Generator | None
) -> NativeArray:
    """Ones with the given probabilities, else zeros; refuses probabilities outside of 0 to 1."""
    shape = tuple(probabilities.shape)
    inside = backend.logical_and(backend.greater_equal(probabilities, 0.0), backend.less_equal(probabilities, 1.0))
    if not bool(elements_read("drawing", backend, backend.all(inside)).item()):
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so,"
            " please report an enhancement request to PyTorch.)"
        )
    working = dtypes.float64 if backend.dtypes[probabilities.dtype] is dtypes.float64 else dtypes.float32
    drawn = uniform_array(backend, shape, working, device, generator)
    return backend.astype(backend.less(drawn, backend.astype(probabilities, working)), dtype)


@composite(
    out=Out("multinomial expects Long tensor out, got: {out}", resizing=""),
    samples=sampling.multinomial,
    dtypes=FLOATS,
    accuracy="elementwise",
)
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices drawn with probabilities proportional to ``input``, for each of its rows.

    Parameters
    ----------
    input : Tensor
        Weights of shape (n,) or (rows, n); they need not sum to one.
    num_samples : int
        How many indices for each row.
    replacement : bool
        Whether an index may be drawn more than once.

    Returns
    -------
    Tensor
        int64, of shape (num_samples,) or (rows, num_samples).

    Raises
    ------
    RuntimeError
        For weights that are negative, infinite, NaN or sum to zero; for more samples than there are without
        replacement.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.multinomial(pb.tensor([0., 2., 0.]), 4, replacement=True)
    tensor([1, 1, 1, 1])
    """
    if input.dtype.category != dtypes.FLOATING:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {type_name(input.dtype)}")
    if replacement is not True and replacement is not False:
        raise TypeError(
            f"multinomial(): argument 'replacement' (position 3) must be bool, not {type(replacement).__name__}"
        )
    if input.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.array.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if levels():
        drawn = seams.drawn_from_rows(
            input, lambda rows: multinomial(rows, num_samples, replacement, generator=generator)
        )
        if drawn is not None:
            return drawn
    backend, device = input.backend, input.device
    with backend.guard():
        weights = backend.astype(input.array, dtypes.float64)
        acceptable = backend.logical_and(backend.greater_equal(weights, 0.0), backend.isfinite(weights))
        if not bool(elements_read("drawing", backend, backend.all(acceptable)).item()):
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        sums = backend.cumulative_sum(weights, axis=-1)
        totals = backend.getitem(sums, (..., slice(-1, None)))
        if not bool(elements_read("drawing", backend, backend.all(backend.greater(totals, 0.0))).item()):
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        leading = tuple(weights.shape[:-1])
        if replacement:
            drawn = uniform_array(backend, (*leading, num_samples), dtypes.float64, device, generator)
            indices = _count_up_to(backend, sums, backend.multiply(drawn, totals))
        else:
            # The first to arrive, of waits that are exponential with the weights as rates.
            drawn = uniform_array(backend, tuple(weights.shape), dtypes.float64, device, generator)
            waits = backend.divide(backend.negative(backend.log1p(backend.negative(drawn))), weights)
            waits = backend.where(backend.greater(weights, 0.0), waits, math.inf)
            order = backend.argsort(waits, axis=-1, descending=False, stable=True)
            indices = backend.getitem(order, (..., slice(0, num_samples)))
    return Tensor._wrap(backend.as_array(indices), backend)


def _count_up_to(backend: Backend, ascending: NativeArray, bounds: NativeArray) -> NativeArray:
    """How many of the ascending numbers of a row are no greater than each bound of that row: by binary search."""
    size = ascending.shape[-1]
    count = backend.astype(backend.multiply(bounds, 0.0), dtypes.int64)
    for bit in reversed(range(size.bit_length())):
        further = backend.add(count, 1 << bit)
        last = backend.subtract(backend.minimum(further, size), 1)
        passed = backend.less_equal(backend.take_along_axis(ascending, last, -1), bounds)
        passed = backend.logical_and(passed, backend.less_equal(further, size))
        count = backend.where(passed, further, count)
    return count


@op(
    batching="draws",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    dtypes=FLOATS,
    method=False,
    samples=sampling.poisson,
    accuracy="elementwise",
)
def poisson(backend: Backend, input: Array, generator: Generator | None = None) -> Array:
    """Numbers from Poisson distributions whose rates are the elements of ``input``.

    Raises
    ------
    RuntimeError
        For a rate that is negative or NaN.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.poisson(pb.tensor([0., 0.]))
    tensor([0., 0.])
    """
    rates = backend.astype(input, dtypes.float64)
    if not bool(elements_read("drawing", backend, backend.all(backend.greater_equal(rates, 0.0))).item()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return backend.astype(poisson_array(backend, rates, generator), backend.dtypes[input.dtype])


# -- into a tensor ----------------------------------------------------------------------------------------------------
