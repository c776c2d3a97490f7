"""Copies and casts: ``clone``, ``to``, ``float()`` and the like, and writing one tensor into another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, overload

from pullback import ops
from pullback.autograd.gradient_accumulation import reduce_gradient
from pullback.backend.base import Backend
from pullback.backend.registry import known_backends
from pullback.backend.selection import backend_for_device, get_backend
from pullback.backend.transfers import note_move
from pullback.dispatch import sampling
from pullback.dispatch.complete_path import constant, filled
from pullback.dispatch.declaration import Array, Number, Sample, attach, composite, op
from pullback.dispatch.declaration_values import Inplace
from pullback.dispatch.inplace import apply_inplace, check_history, check_writable
from pullback.dispatch.numbers import fitted
from pullback.dispatch.overwriting import overwrites
from pullback.meta import dtypes
from pullback.meta.devices import Device
from pullback.meta.dtypes import DType
from pullback.meta.formats import MemoryFormat, copy_in_order
from pullback.meta.shapes import broadcast_shape
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.geometry import keep_layout
from pullback.tensor.history import edge_of
from pullback.tensor.modes import FORWARD, NO_GRAD, mode
from pullback.tensor.node import Node, start_node
from pullback.tensor.registry import registry
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.backend.base import NativeArray
    from pullback.ops.creation.legacy_types import TensorType


@op(
    batching="any shape",
    linear=True,
    vjp=lambda grad: grad,
    memory="preserved",
    samples=sampling.of_shapes((2, 3), (), (0, 3), (2, 3, 2), (65, 33)),
    accuracy="exact",
)
def clone(backend: Backend, input: Array, *, memory_format: MemoryFormat | None = None) -> Array:
    """A copy with memory of its own, through which gradients flow.

    Its elements lie in memory in the order of the tensor's, or in that of ``memory_format``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> y = x.clone()
    >>> y[0] = 5
    >>> x
    tensor([1., 1.])
    """
    return copy_in_order(backend, input, memory_format)


@op(
    batching="any shape",
    name="to_dtype",
    memory="preserved",
    node="ToCopyBackward0",
    linear=True,
    vjp=lambda grad, input_dtype: cast_gradient(grad, input_dtype),
    method=False,
    namespace=None,
    samples=sampling.to_dtype,
    accuracy="exact",
)
def to_dtype(backend: Backend, input: Array, dtype: DType) -> Array:
    """The elements converted to another dtype; what :func:`to` records."""
    return backend.astype(input, dtype)


def cast_gradient(grad: Tensor, dtype: DType) -> Tensor:
    """A gradient in the dtype its operand had before a cast."""
    return reduce_gradient(grad, None, dtype)


class TransferBackward0(Node):
    """Gradient of a move to another backend or device: the move back."""

    __slots__ = ("source",)

    source: tuple[Backend, Device]

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        return (_transfer(grad, *self.source),)

    def name(self) -> str:
        return "ToCopyBackward0"


def _transfer(value: Tensor, backend: Backend, device: Device | None) -> Tensor:
    """The tensor's elements on another backend or device; differentiable."""
    source = value.backend
    backend = backend.plain
    moved = source.transferred(value, backend, device)
    if moved is not None:
        return moved
    there = repr(backend.name) if device is None else f"{backend.name!r} on {device}"
    note_move("to()", source, value.array, there)
    if source is backend:
        array: NativeArray = backend.to_device(value.array, device) if device is not None else value.array
    else:
        array = backend.from_numpy(source.to_numpy(value.array))
        if backend.mutable:  # the two must not share memory, or a write on one side would show on the other
            array = backend.copy(array)
        if device is not None:
            array = backend.to_device(array, device)
    out = Tensor._wrap(array, backend)
    if not backend.mutable:
        keep_layout(out, value)
    edge = None if mode() & NO_GRAD else edge_of(value)
    if edge is not None:
        node = TransferBackward0()
        start_node(node, (edge,))
        node.source = (source, value.device)
        out.edge = node
    if mode() & FORWARD and value._tangent is not None:
        seams.set_tangent(out, _transfer(value._tangent, backend, device))
    return out


@composite(namespace=None, samples=sampling.to_dtype, accuracy="exact", warns="discards the imaginary part")
def to(
    input: Tensor,
    *args: DType | type | Device | Backend | Tensor | str | bool | None,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    backend: str | Backend | None = None,
    tensor: Tensor | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor:
    """The tensor with another dtype, on another device or another backend; itself where nothing changes.

    Gradients flow through it, also between backends.

    Parameters
    ----------
    *args
        A dtype; a device or a backend, and a dtype; or a Tensor to be like. Then ``non_blocking`` and ``copy``.
    non_blocking : bool
        Has no effect.
    copy : bool
        Copy even where nothing changes.
    memory_format : MemoryFormat, optional
        The order in memory of what is copied; by default the tensor's own.

    Raises
    ------
    TypeError
        For other arguments.
    RuntimeError, UnknownBackendError
        For a device or backend that isn't there.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, 2.5]).to(pb.int64)
    tensor([1, 2])
    >>> pb.ones(2).to("numpy").backend.name
    'numpy'
    """
    given = {"device": device, "dtype": dtype, "backend": backend, "tensor": tensor}
    named = {name: value for name, value in given.items() if value is not None}
    if args:
        target, flags = _read_target(args, named)
        copy = copy or flags[1:] == [True]
    else:
        target = named
    like = target.get("tensor")
    if like is not None:
        target = {"dtype": like.dtype, "backend": like.backend, "device": like.device}
    result = _moved(input, target.get("backend"), target.get("device"))
    kind = target.get("dtype")
    if kind is not None and not isinstance(kind, DType):
        kind = _dtype_of_python(kind)
    if kind is not None and kind is not result.dtype:
        if result.dtype.is_complex and not kind.is_complex and kind is not dtypes.bool_:
            _warn_of_lost_imaginary_part()
        result = to_dtype(result, kind)
    elif copy and result is input:
        result = to_dtype(result, result.dtype)
    if memory_format is None or memory_format.name == "preserve_format":
        return result
    if memory_format.name == "contiguous_format":
        return result if result is input else result.contiguous()
    return clone(result, memory_format=memory_format)


_TO_FORMS = (
    "(torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *,"
    " torch.memory_format memory_format = None)",
    "(torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)",
    "(Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)",
    "(backend's name or Backend, torch.dtype dtype = None, bool non_blocking = False, bool copy = False)",
)


def _read_target(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[dict[str, Any], list[bool]]:
    """What positional arguments of ``to`` say, with those by keyword, and the flags that follow."""
    first, *rest = args
    target = dict(named)
    kind = _kind_of_target(first)
    takes_dtype = kind in ("device", "backend")
    if takes_dtype and rest and (rest[0] is None or _kind_of_target(rest[0]) == "dtype"):
        target_dtype = rest.pop(0)
        if "dtype" in named:
            kind = None
        elif target_dtype is not None:
            target["dtype"] = target_dtype
    elif takes_dtype and rest:
        kind = None
    if (
        kind is None
        or kind in named
        or (kind != "device" and "tensor" in named)
        or (kind == "tensor" and named)
        or len(rest) > 2
        or not all(isinstance(flag, bool) for flag in rest)
    ):
        given = [_type_name(a) for a in args] + [f"{name}={_type_name(value)}" for name, value in named.items()]
        forms = "".join(f" * {form}\n" for form in _TO_FORMS)
        raise TypeError(
            f"to() received an invalid combination of arguments - got ({', '.join(given)}), but expected one of:\n"
            f"{forms}"
        )
    if first is not None:
        target[kind] = first
    return target, rest


def _kind_of_target(value: Any) -> str | None:
    """What the first argument of ``to`` says: a dtype, a device, a backend or a tensor to be like."""
    if isinstance(value, DType | type):
        return "dtype"
    if value is None or isinstance(value, Device) or (isinstance(value, int) and not isinstance(value, bool)):
        return "device"
    if isinstance(value, Backend):
        return "backend"
    if isinstance(value, str):
        return "device" if _names_device(value) else "backend"
    return "tensor" if isinstance(value, Tensor) else None


def _type_name(value: Any) -> str:
    names: dict[type, str] = {DType: "torch.dtype", Device: "torch.device"}
    return names.get(type(value), type(value).__name__)


def _dtype_of_python(kind: Any) -> DType:
    """The dtype that a Python number's class stands for."""
    widest = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}
    if kind not in widest:
        raise TypeError(f"to(): argument 'dtype' must be torch.dtype, not {_type_name(kind)}")
    return widest[kind]


def _moved(input: Tensor, backend: Any, device: Any) -> Tensor:
    """The tensor on that backend and device; itself where it is there."""
    place = Device(device) if device is not None else None
    if backend is None:
        if place is None or _is_on(input, place):
            return input
        target = input.backend if input.backend.has_device(place) else backend_for_device(place)
        return _transfer(input, target, place)
    target = get_backend(backend)
    if target is input.backend and (place is None or _is_on(input, place)):
        return input
    return _transfer(input, target, place)


def _warn_of_lost_imaginary_part() -> None:
    import warnings

    warnings.warn("Casting complex values to real discards the imaginary part", UserWarning, stacklevel=4)


def _names_device(text: str) -> bool:
    """Whether a string names a device rather than a backend: ``"cpu"``, ``"cuda:1"``."""
    kinds = {kind for spec in known_backends().values() for kind in spec.device_types}
    return text.partition(":")[0] in kinds


def _is_on(tensor: Tensor, place: Device) -> bool:
    device = tensor.device
    return device.type == place.type and place.index in (None, device.index)


def _cast_method(name: str, dtype: DType) -> Callable[..., Tensor]:
    def cast(input: Tensor, memory_format: MemoryFormat | None = None) -> Tensor:
        return to(input, dtype, memory_format=memory_format)

    cast.__name__ = cast.__qualname__ = name
    cast.__doc__ = f"The tensor as ``{dtype.name}``; itself where it has that dtype."
    return cast


for _name, _dtype in {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "bfloat16": dtypes.bfloat16,
    "cfloat": dtypes.complex64,
    "cdouble": dtypes.complex128,
    "bool": dtypes.bool_,
    "byte": dtypes.uint8,
    "char": dtypes.int8,
    "short": dtypes.int16,
    "int": dtypes.int32,
    "long": dtypes.int64,
}.items():
    attach(_name, _cast_method(_name, _dtype))


@composite(namespace=None, samples=sampling.several(((2, 3), (1,)), ((0, 3), ())), accuracy="exact")
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """``input`` in the dtype and on the backend of ``other``."""
    if not isinstance(other, Tensor):
        raise TypeError(f"type_as(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}")
    return to(input, other)


@composite(samples=sampling.of_shapes((2, 3), ()), accuracy="exact")
def cpu(input: Tensor, memory_format: MemoryFormat | None = None) -> Tensor:
    """The tensor on the CPU; itself where it is there already.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2).cpu().device
    device(type='cpu')
    """
    return to(input, Device("cpu"), memory_format=memory_format)


def _cuda(
    input: Tensor,
    device: Device | int | str | None = None,
    non_blocking: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor:
    """The tensor on a CUDA device, of a backend that has one; itself where it is there already."""
    place = Device("cuda") if device is None else Device(device)
    if place.type != "cuda":
        raise RuntimeError("Invalid device, must be cuda device")
    return to(input, place, memory_format=memory_format)


attach("cuda", _cuda)


@overload
def _type(input: Tensor, dtype: None = None, non_blocking: bool = False) -> str: ...


@overload
def _type(input: Tensor, dtype: DType | str | TensorType | type, non_blocking: bool = False) -> Tensor: ...


def _type(
    input: Tensor, dtype: DType | str | TensorType | type | None = None, non_blocking: bool = False
) -> str | Tensor:
    """The tensor's type as PyTorch spells it, or the tensor converted to another dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2).type()
    'torch.FloatTensor'
    >>> pb.ones(2).type("torch.LongTensor")
    tensor([1, 1])
    """
    if dtype is None:
        prefix = "torch.cuda." if input.is_cuda else "torch."
        return prefix + input.dtype.tensor_type_name
    if dtype is Tensor:
        return to(input, dtypes.get_default_dtype())
    if isinstance(dtype, type):
        dtype = dtype.__name__
    if isinstance(dtype, str):
        named = {f"torch.{d.tensor_type_name}": d for d in dtypes.ALL}
        if dtype not in named:
            raise ValueError(f"invalid type: {dtype!r}")
        dtype = named[dtype]
    elif not isinstance(dtype, DType):
        from pullback.ops.creation.legacy_types import TensorType

        if not isinstance(dtype, TensorType):
            raise TypeError("dtype must be a type, str, or dtype object")
        dtype = dtype.dtype
    return to(input, dtype)


attach("type", _type)


@op(
    batching="copy",
    name="copy",
    memory="shared",
    node="CopyBackwards",
    vjp={
        "input": lambda grad, input_shape: zeros_of(grad, input_shape),
        "src": lambda grad, src_shape, src_dtype: written_gradient(grad, src_shape, src_dtype),
    },
    jvp={
        "input": lambda tangent: zeros_of(tangent, tangent.shape),
        "src": lambda tangent, input_shape, input_dtype: tangent.to(input_dtype).expand(input_shape),
    },
    method=False,
    namespace=None,
    inplace=Inplace(refused_by="arithmetic", method=False),
    samples=sampling.several(
        ((2, 3), (2, 3)), ((2, 3), (3,)), ((3, 3), (3, 3)), ((2, 3, 2), (3, 1)), ((), ()), ((0, 3), (3,)), ((2, 3), ())
    ),
    accuracy="exact",
)
def copy(backend: Backend, input: Array, src: Array) -> Array:
    """``src`` broadcast and cast to the shape and dtype of ``input``; what writing into a tensor records."""
    dtype = backend.dtypes[input.dtype]
    if backend.dtypes[src.dtype] is not dtype:
        src = backend.astype(src, dtype)
    if tuple(src.shape) != tuple(input.shape):
        src = _without_leading_ones(backend, src, len(input.shape))
        src = backend.broadcast_to(src, ops.expanded_shape(backend, src, input.shape))
    return src


def _without_leading_ones(backend: Backend, array: Array, ndim: int) -> Array:
    """Assignment drops leading dimensions of size 1 that the target does not have."""
    extra = len(array.shape) - ndim
    if extra > 0 and all(size == 1 for size in array.shape[:extra]):
        return backend.reshape(array, array.shape[extra:])
    return array


def written_gradient(grad: Tensor, shape: tuple[int, ...], dtype: DType) -> Tensor:
    """The gradient of a source that was broadcast and cast into a tensor."""
    extra = max(len(shape) - grad.ndim, 0)
    return reduce_gradient(grad, tuple(shape[extra:]), dtype).reshape(shape)


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write ``src``, broadcast and cast, into the tensor; a source on another backend or device is moved.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(2).copy_(pb.tensor([1, 2]))
    tensor([1., 2.])
    """
    if not isinstance(src, Tensor):
        dtype = dtypes.dtype_of_scalar(src) if isinstance(src, int | float | complex) else None
        src = self.new_tensor(src, dtype=dtype)
    if src.backend is not self.backend:
        src = to(src, self.backend)
    there, here = src.backend.device_of(src.array), self.backend.device_of(self.array)
    if there is not here and there != here:
        src = to(src, here)
    own, given = tuple(self.array.shape), tuple(src.array.shape)
    if own != given and broadcast_shape([own, given]) != own:
        check_writable(self, [src])
        other = list(broadcast_shape([own, given]))
        raise RuntimeError(f"output with shape {list(own)} doesn't match the broadcast shape {other}")
    return apply_inplace(_operation("copy"), self, (src,), {})


def fill_(self: Tensor, value: Tensor | Number) -> Tensor:
    """Write one value into every element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(2).fill_(7)
    tensor([7., 7.])
    """
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
            )
        if value.backend is not self.backend:
            value = to(value, self.backend)
        elif value.alias is not None and self.alias is not None and value.alias.storage is self.alias.storage:
            check_history(self, [value])
            value = clone(value)
        return apply_inplace(_operation("fill_tensor"), self, (value,), {})
    return apply_inplace(_operation("fill"), self, (), {"value": value})


def zero_(self: Tensor) -> Tensor:
    """Write zero into every element."""
    return apply_inplace(_operation("zero"), self, (), {})


def _zero_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))
    yield Sample(make())
    yield Sample(make(0, 3))
    yield Sample(make(2, 3, 2).mT)
    yield Sample(make(129, 2))


@op(
    batching="any shape",
    node="ZeroBackward0",
    vjp=lambda grad: zeros_of(grad, grad.shape),
    jvp="vjp",
    method=False,
    memory="filled",
    samples=_zero_samples,
    namespace=None,
    accuracy="exact",
)
def zero(backend: Backend, input: Array) -> Array:
    """Zeros of the shape and dtype of ``input``, as its in-place form ``zero_`` writes them."""
    return _number_in_each_place(backend, input, 0)


@overwrites("zero", node="ZeroBackward0")
def _zero_into(backend: Backend, input: Array) -> Array:
    return _number_into(backend, input, 0)


@op(
    batching="any shape",
    node="FillBackward0",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    method=False,
    memory="filled",
    inplace=Inplace(refused_by="name", method=False),
    samples=sampling.with_arguments(((2, 3), 1), ((), 1), ((0, 3), 2), ((2, 65), 3)),
    accuracy="exact",
)
def fill(backend: Backend, input: Array, value: Any) -> Array:
    """A tensor of the shape and dtype of ``input`` filled with one value.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.fill(pb.zeros(2), 3.)
    tensor([3., 3.])
    """
    return _number_in_each_place(backend, input, value)


@overwrites("fill", node="FillBackward2")
def _fill_into(backend: Backend, input: Array, value: Any) -> Array:
    return _number_into(backend, input, value)


def _number_in_each_place(backend: Backend, input: Array, value: Any) -> Array:
    """A new array of a number, in the shape, dtype and place of ``input``."""
    dtype = backend.dtypes[input.dtype]
    number = fitted(value, dtype)
    if not isinstance(number, bool | int | float | complex):  # a 0-d array of another library
        return _spread(backend, constant(backend, number, dtype), input.shape)
    place = backend.device_of(input)
    device = None if place == backend.default_device else place
    return filled(backend, input.shape, number, dtype, device)


def _number_into(backend: Backend, input: Array, value: Any) -> Array:
    if not backend.mutable:
        return _number_in_each_place(backend, input, value)
    dtype = backend.dtypes[input.dtype]
    backend.assign(input, constant(backend, fitted(value, dtype), dtype))
    return input


def _spread(backend: Backend, value: Array, shape: tuple[int, ...]) -> Array:
    """A 0-d array broadcast to the shape, in memory of its own."""
    spread = backend.broadcast_to(value, shape)
    return backend.copy(spread) if backend.mutable else spread


def _filled_into(backend: Backend, input: Array, value: Array) -> Array:
    if not backend.mutable:
        return backend.broadcast_to(value, input.shape)
    backend.assign(input, value)
    return input


def _fill_tensor_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make())
    yield Sample(make(), make())
    yield Sample(make(0, 3), make())
    yield Sample(make(2, 3, 2).mT, make())


@op(
    batching="fill",
    node="FillBackward1",
    vjp={
        "input": lambda grad: zeros_of(grad, grad.shape),
        "value": lambda grad, value_dtype: cast_gradient(grad.sum(), value_dtype),
    },
    jvp={
        "input": "vjp",
        "value": lambda tangent, input_shape, input_dtype: tangent.to(input_dtype).expand(input_shape),
    },
    method=False,
    samples=_fill_tensor_samples,
    namespace=None,
    inplace=Inplace(refused_by="name", method=False),
    accuracy="exact",
)
def fill_tensor(backend: Backend, input: Array, value: Array) -> Array:
    """A tensor of the shape and dtype of ``input`` filled with the element of a 0-d tensor."""
    return _spread(backend, _as_dtype_of(backend, input, value), input.shape)


@overwrites("fill_tensor", node="FillBackward3")
def _fill_tensor_into(backend: Backend, input: Array, value: Array) -> Array:
    return _filled_into(backend, input, _as_dtype_of(backend, input, value))


def _as_dtype_of(backend: Backend, input: Array, value: Array) -> Array:
    return value if value.dtype == input.dtype else backend.astype(value, backend.dtypes[input.dtype])


def _operation(name: str) -> Any:
    return registry[name]


attach("copy_", copy_)
attach("fill_", fill_)
attach("zero_", zero_)
