"""Which elements are among given ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, composite, op
from pullback.dispatch.declaration_values import Accepts, Promotes
from pullback.dispatch.out_rules import EXACT
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import REAL, bool_, dtype_of_scalar
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend
    from pullback.meta.dtypes import DType


def _samples_of_values(make: Any) -> Iterator[Sample]:
    some = make(2, 3)
    yield Sample(some, some[0])
    yield Sample(some, make(4))
    yield Sample(make(), make(2, 2))
    yield Sample(make(0, 3), make(3))
    yield sampling.values_only(make.values(65), make.values(sampling.block_size(make)))


def _unsupported(dtype: DType) -> Exception:
    kind = type_name(dtype)
    return RuntimeError(f"Unsupported input type encountered for isin(): {kind}")


@op(
    promotion=Promotes(numbers=False),
    dtypes=Accepts(REAL, unsupported=_unsupported),
    result=bool_,
    nondifferentiable="its results are truth values",
    batching="membership",
    method=False,
    samples=_samples_of_values,
    namespace=None,
)
def is_among(backend: Backend, input: Array, values: Array) -> Array:
    """Whether each element is among the values, of which there are some; what :func:`isin` computes."""
    return backend.isin(input, backend.reshape(values, (-1,)))


def _as_tensor(value: Any, other: Any) -> Any:
    """A number as a tensor of no dimension, on the other operand's backend."""
    if (
        isinstance(value, Tensor)
        or not isinstance(value, bool | int | float | complex)
        or not isinstance(other, Tensor)
    ):
        return value
    return other.detach().new_tensor(value, dtype=dtype_of_scalar(value))


def _isin_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(4))
    yield Sample(make(2, 3), make(4), invert=True)
    yield Sample(make(2, 3), make(0))
    yield Sample(make(2, 3), make(0), invert=True)
    yield Sample(make(3), 1)


@composite(method=False, dtypes=REAL, out=EXACT, samples=_isin_samples)
def isin(
    elements: Tensor | float, test_elements: Tensor | float, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element is equal to one of ``test_elements``, of any shape. NaN is equal to none.

    Parameters
    ----------
    elements, test_elements : Tensor or number
        One of them must be a Tensor.
    assume_unique : bool
        That each element occurs once; makes no difference here.
    invert : bool
        Whether each element is equal to none of them.

    Raises
    ------
    RuntimeError
        For bools and complex numbers.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.isin(pb.tensor([[1, 2], [3, 4]]), pb.tensor([2, 3]))
    tensor([[False,  True],
            [ True, False]])
    """
    asked, given = _as_tensor(elements, test_elements), _as_tensor(test_elements, elements)
    if not (isinstance(asked, Tensor) and isinstance(given, Tensor)):
        raise TypeError(
            f"isin() received an invalid combination of arguments - got ({type(elements).__name__},"
            f" {type(test_elements).__name__}), but expected tensors, or a tensor and a number"
        )
    for value in (asked, given):
        if value.dtype not in REAL:
            raise _unsupported(value.dtype)
    found: Tensor = is_among(asked, given) if given.numel() else asked.new_zeros(asked.shape, dtype=bool_)
    return found.logical_not() if invert else found
