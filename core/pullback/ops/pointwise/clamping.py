"""Elements held between bounds: clamp and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.arguments import number_of
from pullback.dispatch.complete_path import constant
from pullback.dispatch.declaration import Array, Sample, attach, composite, elementwise
from pullback.dispatch.declaration_values import Accepts, Accuracy
from pullback.dispatch.inplace import apply_inplace
from pullback.dispatch.numbers import fitted
from pullback.dispatch.out_rules import CAST, SAME
from pullback.meta import dtypes
from pullback.meta.dtype_names import full_c_name, not_implemented, type_name
from pullback.meta.dtypes import REAL, REAL_AND_BOOL
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullback.backend.base import Backend


def _within(direction: Tensor, input: Any, min: Any, max: Any) -> Any:
    """``direction`` where the element is between the bounds, zero elsewhere."""
    if min is None:
        return ops.where(ops.le(input, max), direction, 0)
    if max is None:
        return ops.where(ops.ge(input, min), direction, 0)
    return ops.where(ops.logical_and(ops.ge(input, min), ops.le(input, max)), direction, 0)


def _at_minimum(direction: Tensor, input: Any, min: Any, max: Any) -> Any:
    below = ops.lt(input, min)
    return ops.where(below if max is None else ops.logical_and(below, ops.lt(min, max)), direction, 0)


def _at_maximum(direction: Tensor, input: Any, min: Any, max: Any) -> Any:
    above = ops.gt(input, max)
    return ops.where(above if min is None else ops.logical_or(above, ops.lt(max, min)), direction, 0)


def _clamp_number_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), -0.5, 0.5)
    yield Sample(make(3, 4), 0.25)
    yield Sample(make(3, 4), max=0.25)
    yield Sample(make(), -0.5, 0.5)
    yield Sample(make(0, 2), 0)
    yield Sample(make(3, 2).mT, -1, 1)


@elementwise(
    dtypes=Accepts(REAL, unsupported="clamp_scalar_cpu"),
    node="ClampBackward1",
    vjp=lambda grad, input, min, max: _within(grad, input, min, max),
    jvp="vjp",
    samples=_clamp_number_samples,
    method=False,
    inplace=False,
    namespace=None,
)
def clamp_to_numbers(backend: Backend, input: Array, min: float | None = None, max: float | None = None) -> Array:
    """:func:`clamp` between numbers."""
    if min is not None:
        input = backend.maximum(input, _bound(backend, min, input))
    return input if max is None else backend.minimum(input, _bound(backend, max, input))


def _bound(backend: Backend, value: Any, input: Array) -> Any:
    """A bound fit for the kernels: a negative one of unsigned integers wraps around, as PyTorch's."""
    dtype = backend.dtypes[input.dtype]
    return constant(backend, fitted(value, dtype), dtype)


def _clamp_tensor_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), make(3, 4, low=-1.0, high=-0.1), make(3, 4, low=0.1, high=1.0))
    yield Sample(make(3, 4), make(4))
    yield Sample(make(3, 4), None, make(3, 1))
    yield Sample(make(), make(), make())


@elementwise(
    dtypes=Accepts(REAL_AND_BOOL, unsupported="clamp_cpu"),
    node="ClampBackward0",
    vjp={
        "input": lambda grad, input, min, max: _within(grad, input, min, max),
        "min": lambda grad, input, min, max: _at_minimum(grad, input, min, max),
        "max": lambda grad, input, min, max: _at_maximum(grad, input, min, max),
    },
    jvp="vjp",
    samples=_clamp_tensor_samples,
    accuracy=Accuracy("rounded", any_zero=True),
    method=False,
    inplace=False,
    namespace=None,
)
def clamp_to_tensors(backend: Backend, input: Array, min: Array | None = None, max: Array | None = None) -> Array:
    """:func:`clamp` between tensors, which broadcast."""
    if min is not None:
        input = backend.maximum(input, min)
    return input if max is None else backend.minimum(input, max)


def _bounds(input: Tensor, *given: Any) -> list[Any]:
    """The bounds, NumPy's numbers as Python's; beside a number a 0-d tensor is one, too."""
    bounds = [bound if isinstance(bound, Tensor) or bound is None else number_of(bound) for bound in given]
    if any(isinstance(bound, int | float | complex) for bound in bounds):
        bounds = [number_of(bound) for bound in bounds]
    for place, bound in enumerate(bounds):
        if isinstance(bound, complex):
            if input.dtype.is_floating_point:  # a real number may be written as a complex one
                bounds[place] = fitted(bound, dtypes.float64)
        elif bound is not None and not isinstance(bound, (Tensor, int, float)):
            name, kind = ("min", "max")[place], type(bound).__name__
            raise TypeError(f"clamp(): argument '{name}' must be Tensor or Number, not {kind}")
    return bounds


def _clamp_operation(input: Tensor, min: Any, max: Any) -> Any:
    """Which of the two operations serves these bounds."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    for bound in (min, max):
        if isinstance(bound, int):
            dtypes.dtype_of_scalar(bound)  # refuses what has more than 64 bits
    if input.dtype.is_complex:
        raise NotImplementedError("clamp is not supported for complex types")
    of_tensors = {isinstance(bound, Tensor) for bound in (min, max) if bound is not None}
    if len(of_tensors) > 1:
        raise TypeError(
            "clamp() received an invalid combination of arguments: 'min' and 'max' must both be Tensors or both be"
            f" numbers, got {type(min).__name__} and {type(max).__name__}"
        )
    if True not in of_tensors:
        if input.dtype.category < dtypes.FLOATING and (isinstance(min, complex) or isinstance(max, complex)):
            raise NotImplementedError("clamp is not supported for complex types")
        return registry["clamp_to_numbers"]
    if min is not None and max is not None and input.dtype is min.dtype is max.dtype is dtypes.bool_:
        raise not_implemented("clamp_cpu", dtypes.bool_)
    return registry["clamp_to_tensors"]


def _in_common_dtype(input: Tensor, min: Any, max: Any) -> Tensor:
    """The tensor in the dtype it has together with number bounds."""
    category = input.dtype.category
    for bound in (min, max):
        if bound is not None and not isinstance(bound, Tensor):
            own = dtypes.dtype_of_scalar(bound)
            if own.category > category:
                input = input.to(dtypes.promote_types(input.dtype, own))
                category = input.dtype.category
    return input


@composite(
    aliases=("clip",),
    samples=_clamp_number_samples,
    dtypes=REAL_AND_BOOL,
    out=SAME,
    accuracy=Accuracy("rounded", any_zero=True),
)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each element, or the nearer bound where it lies outside.

    Parameters
    ----------
    min, max : number or Tensor, optional
        The bounds: both numbers or both tensors, which broadcast. Where ``min`` exceeds ``max`` the result is ``max``.

    Raises
    ------
    RuntimeError
        Without any bound.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([-2., 0.5, 2.]).clamp(0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    min, max = _bounds(input, min, max)
    operation = _clamp_operation(input, min, max)
    if input.dtype.category < dtypes.FLOATING:
        input = _in_common_dtype(input, min, max)
    return operation.call(input, min, max)  # type: ignore[no-any-return]


def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """In-place version of :func:`clamp`."""
    min, max = _bounds(self, min, max)
    operation = _clamp_operation(self, min, max)
    common = _in_common_dtype(self, min, max) if self.dtype.category < dtypes.FLOATING else self
    if not dtypes.can_cast(common.dtype, self.dtype):
        of_numbers = operation is registry["clamp_to_numbers"]
        raise RuntimeError(
            f"result type {type_name(common.dtype)} can't be cast to the desired output type"
            f" {(full_c_name if of_numbers else type_name)(self.dtype)}"
        )
    return apply_inplace(operation, self, (min, max), {})


@composite(dtypes=REAL_AND_BOOL, out=CAST, samples="elementwise", accuracy=Accuracy("rounded", any_zero=True))
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """:func:`clamp` from below."""
    if isinstance(min, complex):
        raise NotImplementedError("clamp is not supported for complex types")
    return clamp(input, min=min)


@composite(dtypes=REAL_AND_BOOL, out=CAST, samples="elementwise", accuracy=Accuracy("rounded", any_zero=True))
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """:func:`clamp` from above."""
    if isinstance(max, complex):
        raise NotImplementedError("clamp is not supported for complex types")
    return clamp(input, max=max)


def clamp_min_(self: Tensor, min: Any) -> Tensor:
    """In-place version of :func:`clamp_min`."""
    return clamp_(self, min=min)


def clamp_max_(self: Tensor, max: Any) -> Tensor:
    """In-place version of :func:`clamp_max`."""
    return clamp_(self, max=max)


for _name, _method in {"clamp_": clamp_, "clip_": clamp_, "clamp_min_": clamp_min_, "clamp_max_": clamp_max_}.items():
    attach(_name, _method)
