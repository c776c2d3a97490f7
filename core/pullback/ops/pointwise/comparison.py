"""Comparisons and logic: results are bool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from pullback import ops
from pullback.dispatch.declaration import Array, Number, attach, elementwise, in_namespace
from pullback.dispatch.declaration_values import Accepts, Inplace, Promotes, Sampled
from pullback.dispatch.out_rules import SAME, Out
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import EVERY, INTEGRAL, REAL_AND_BOOL, bool_
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


@elementwise(promotion=Promotes(numbers=("other",)), kernel="equal", result=bool_)
def eq(input: Array, other: Array) -> Array:
    """Whether the elements are equal.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2]) == 2
    tensor([False,  True])
    """


@elementwise(promotion=Promotes(numbers=("other",)), kernel="not_equal", result=bool_, aliases=("not_equal",))
def ne(input: Array, other: Array) -> Array:
    """Whether the elements differ.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2]) != 2
    tensor([ True, False])
    """


@elementwise(
    promotion=Promotes(numbers=("other",)),
    kernel="less",
    result=bool_,
    dtypes=REAL_AND_BOOL,
    operator="lt",
    aliases=("less",),
)
def lt(input: Array, other: Array) -> Array:
    """Whether elements of ``input`` are less than those of ``other``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2]) < 2
    tensor([ True, False])
    """


@elementwise(
    promotion=Promotes(numbers=("other",)),
    kernel="less_equal",
    result=bool_,
    dtypes=REAL_AND_BOOL,
    operator="le",
    aliases=("less_equal",),
)
def le(input: Array, other: Array) -> Array:
    """Whether elements of ``input`` are less than or equal to those of ``other``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2, 3]) <= 2
    tensor([ True,  True, False])
    """


@elementwise(
    promotion=Promotes(numbers=("other",)),
    kernel="greater",
    result=bool_,
    dtypes=REAL_AND_BOOL,
    operator="gt",
    aliases=("greater",),
)
def gt(input: Array, other: Array) -> Array:
    """Whether elements of ``input`` are greater than those of ``other``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2, 3]) > 2
    tensor([False, False,  True])
    """


@elementwise(
    promotion=Promotes(numbers=("other",)),
    kernel="greater_equal",
    result=bool_,
    dtypes=REAL_AND_BOOL,
    operator="ge",
    aliases=("greater_equal",),
)
def ge(input: Array, other: Array) -> Array:
    """Whether elements of ``input`` are greater than or equal to those of ``other``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 2, 3]) >= 2
    tensor([False,  True,  True])
    """


def _equal_operator(self: Tensor, other: Any) -> Tensor:
    return eq(self, other) if _is_comparable(other) else NotImplemented


def _not_equal_operator(self: Tensor, other: Any) -> Tensor:
    return ne(self, other) if _is_comparable(other) else NotImplemented


def _is_comparable(other: Any) -> bool:
    return isinstance(other, Tensor | bool | int | float | complex) or hasattr(other, "__array__")


attach("__eq__", _equal_operator)
attach("__ne__", _not_equal_operator)


@elementwise(result=bool_, promotion=Promotes(numbers=False), inplace=Inplace(refused_by="arithmetic"))
def logical_and(backend: Backend, input: Array, other: Array) -> Array:
    """Whether both elements are nonzero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.logical_and(pb.tensor([0, 1]), pb.tensor([1, 1]))
    tensor([False,  True])
    """
    return backend.logical_and(*_truth(backend, input, other))


@elementwise(result=bool_, promotion=Promotes(numbers=False), inplace=Inplace(refused_by="arithmetic"))
def logical_or(backend: Backend, input: Array, other: Array) -> Array:
    """Whether one of the elements is nonzero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.logical_or(pb.tensor([0, 0]), pb.tensor([0, 3]))
    tensor([False,  True])
    """
    return backend.logical_or(*_truth(backend, input, other))


@elementwise(result=bool_, promotion=Promotes(numbers=False), inplace=Inplace(refused_by="arithmetic"))
def logical_xor(backend: Backend, input: Array, other: Array) -> Array:
    """Whether exactly one of the elements is nonzero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.logical_xor(pb.tensor([0, 1]), pb.tensor([1, 1]))
    tensor([ True, False])
    """
    return backend.logical_xor(*_truth(backend, input, other))


@elementwise(result=bool_)
def logical_not(backend: Backend, input: Array) -> Array:
    """Whether the element is zero.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.logical_not(pb.tensor([0, 2]))
    tensor([ True, False])
    """
    return backend.logical_not(*_truth(backend, input))


def _truth(backend: Backend, *arrays: Array) -> tuple[Array, ...]:
    """Which elements are nonzero: the standard's logical functions take bool arrays only."""
    return tuple(array if backend.dtypes[array.dtype] is bool_ else backend.not_equal(array, 0) for array in arrays)


_BITS = "bits are not differentiable"


@elementwise(
    dtypes=INTEGRAL,
    nondifferentiable=_BITS,
    operator=("and", "rand"),
    inplace=Inplace(refused_by="shape"),
    accuracy="exact",
)
def bitwise_and(input: Array, other: Array) -> Array:
    """Bitwise AND of integers; logical AND of bools.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([5, 6]) & 3
    tensor([1, 2])
    """


@elementwise(
    dtypes=INTEGRAL,
    nondifferentiable=_BITS,
    operator=("or", "ror"),
    inplace=Inplace(refused_by="shape"),
    accuracy="exact",
)
def bitwise_or(input: Array, other: Array) -> Array:
    """Bitwise OR of integers; logical OR of bools.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([5, 6]) | 3
    tensor([7, 7])
    """


@elementwise(
    dtypes=INTEGRAL,
    nondifferentiable=_BITS,
    operator=("xor", "rxor"),
    inplace=Inplace(refused_by="shape"),
    accuracy="exact",
)
def bitwise_xor(input: Array, other: Array) -> Array:
    """Bitwise exclusive OR of integers; logical of bools.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([5, 6]) ^ 3
    tensor([6, 5])
    """


@elementwise(
    kernel="bitwise_invert", dtypes=INTEGRAL, nondifferentiable=_BITS, operator="invert", out=SAME, accuracy="exact"
)
def bitwise_not(input: Array) -> Array:
    """Bitwise complement of integers; logical NOT of bools.

    Examples
    --------
    >>> import pullback as pb
    >>> ~pb.tensor([0, 5])
    tensor([-1, -6])
    >>> ~pb.tensor([True, False])
    tensor([False,  True])
    """


@elementwise(
    dtypes=Accepts(INTEGRAL - {bool_}, unsupported="lshift_cpu"),
    nondifferentiable=_BITS,
    domain=(1, 6),
    operator="lshift",
    inplace=Inplace(refused_by="shape"),
    accuracy="exact",
    samples=Sampled(ends="a shift by less than nothing or by the width and more is not defined"),
)
def bitwise_left_shift(input: Array, other: Array) -> Array:
    """Bits of integers shifted to the left.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1, 5]) << 2
    tensor([ 4, 20])
    """


@elementwise(
    dtypes=Accepts(INTEGRAL - {bool_}, unsupported="rshift_cpu"),
    nondifferentiable=_BITS,
    domain=(1, 6),
    operator="rshift",
    inplace=Inplace(refused_by="shape"),
    accuracy="exact",
    samples=Sampled(ends="a shift by less than nothing or by the width and more is not defined"),
)
def bitwise_right_shift(input: Array, other: Array) -> Array:
    """Bits of integers shifted to the right, keeping the sign.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([5, -8]) >> 1
    tensor([ 2, -4])
    """


def _left_shift_reflected(self: Tensor, other: Any) -> Any:
    return bitwise_left_shift(other, self) if isinstance(other, bool | int | float | complex) else NotImplemented


def _right_shift_reflected(self: Tensor, other: Any) -> Any:
    return bitwise_right_shift(other, self) if isinstance(other, bool | int | float | complex) else NotImplemented


attach("__rlshift__", _left_shift_reflected)
attach("__rrshift__", _right_shift_reflected)


def _check_where(condition: Any, input: Any, other: Any) -> None:
    if condition.dtype is not bool_:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {type_name(condition.dtype)}"
        )


@elementwise(
    dtypes=EVERY,
    promotion=Promotes(operands=("input", "other"), fits=("input", "other")),
    vjp={
        "input": lambda grad, condition: _where(condition, grad, 0),
        "other": lambda grad, condition: _where(condition, 0, grad),
    },
    linear=True,
    check=_check_where,
    inplace=False,
    method=False,
    name="where",
    out=Out("Expected out type to be {result} but got {out}"),
    namespace=None,
    accuracy="exact",
)
def _where(condition: Array, input: Array, other: Array) -> Array:
    """Elements of ``input`` where ``condition`` holds, of ``other`` elsewhere; the three broadcast.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([-1., 2.])
    >>> pb.where(x > 0, x, 0.)
    tensor([0., 2.])
    """


@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...


@overload
def where(condition: Tensor, input: Tensor | Number, other: Tensor | Number) -> Tensor: ...


@in_namespace("pullback")
def where(condition: Tensor, input: Any = None, other: Any = None) -> Tensor | tuple[Tensor, ...]:
    """Elements of ``input`` where ``condition`` holds, of ``other`` elsewhere; the three broadcast.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([-1., 2.])
    >>> pb.where(x > 0, x, 0.)
    tensor([0., 2.])

    With the condition alone, where it holds: a tensor of positions for each dimension.

    >>> pb.where(x > 0)
    (tensor([1]),)
    """
    if input is None and other is None:
        return ops.nonzero(condition, as_tuple=True)
    return _where(condition, input, other)


def _where_method(self: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """The tensor's elements where ``condition`` holds, those of ``other`` elsewhere."""
    return _where(condition, self, other)


attach("where", _where_method)
