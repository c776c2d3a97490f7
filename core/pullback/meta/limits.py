"""The limits of dtypes: ``finfo`` and ``iinfo``."""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.meta import dtypes
from pullback.meta.dtypes import COMPLEX, FLOATING, INTEGER, DType, get_default_dtype

#: Bits of the fraction, and the greatest exponent.
_FORMATS: Final = {
    dtypes.float16: (10, 15),
    dtypes.bfloat16: (7, 127),
    dtypes.float32: (23, 127),
    dtypes.float64: (52, 1023),
}

_GIVEN: Final = object()


def _dtype_argument(function: str, type: Any) -> DType:
    try:
        dtype: Any = dtypes.PYTHON_TYPES.get(type, type)
    except TypeError:  # unhashable
        dtype = type
    if not isinstance(dtype, DType):
        raise TypeError(
            f"{function}(): argument 'type' (position 1) must be torch.dtype, not {type.__class__.__name__}"
        )
    return dtype


class finfo:
    """The limits of a floating dtype; of a complex one, those of its parts.

    Parameters
    ----------
    type : DType, optional
        The default dtype if left out.

    Attributes
    ----------
    bits : int
        The number of bits an element occupies.
    eps : float
        The difference between 1 and the next greater number.
    max, min : float
        The greatest finite number, and its negative.
    tiny, smallest_normal : float
        The least positive number of full precision.
    resolution : float
        The decimal resolution, a power of ten.
    dtype : str
        The dtype's name.

    Raises
    ------
    TypeError
        For a dtype that is neither floating nor complex.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.finfo(pb.float16).max
    65504.0
    >>> pb.finfo()
    finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, smallest_normal=1.17549e-38, \
tiny=1.17549e-38, dtype=float32)
    """

    __slots__ = ("_dtype",)
    __hash__ = None  # type: ignore[assignment]  # as PyTorch's

    def __init__(self, type: DType = _GIVEN) -> None:  # type: ignore[assignment]
        dtype = get_default_dtype() if type is _GIVEN else _dtype_argument("finfo", type)
        if dtype.category < FLOATING:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        self._dtype = dtype.to_real() if dtype.category == COMPLEX else dtype

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return self._dtype.name

    @property
    def bits(self) -> int:
        """The number of bits an element occupies."""
        return 8 * self._dtype.itemsize

    @property
    def eps(self) -> float:
        """The difference between 1 and the next greater number."""
        return math.ldexp(1.0, -_FORMATS[self._dtype][0])

    @property
    def max(self) -> float:
        """The greatest finite number."""
        return math.ldexp(2.0 - self.eps, _FORMATS[self._dtype][1])

    @property
    def min(self) -> float:
        """The least finite number."""
        return -self.max

    @property
    def tiny(self) -> float:
        """The least positive number of full precision."""
        return math.ldexp(1.0, 1 - _FORMATS[self._dtype][1])

    @property
    def smallest_normal(self) -> float:
        """The least positive number of full precision."""
        return self.tiny

    @property
    def resolution(self) -> float:
        """The decimal resolution: ten to the minus number of decimal digits that are always kept."""
        return float(f"1e-{math.floor(_FORMATS[self._dtype][0] * math.log10(2))}")

    def __eq__(self, other: object) -> bool:
        return self._dtype is other._dtype if isinstance(other, finfo) else NotImplemented

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        values = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({values}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype.

    Parameters
    ----------
    type : DType

    Attributes
    ----------
    bits : int
        The number of bits an element occupies.
    max, min : int
        The greatest and the least number.
    dtype : str
        The dtype's name.

    Raises
    ------
    TypeError
        For a dtype that is no integer one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.iinfo(pb.uint8)
    iinfo(min=0, max=255, dtype=uint8)
    >>> pb.iinfo(pb.int64).max == 2**63 - 1
    True
    """

    __slots__ = ("_dtype",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, type: DType) -> None:
        dtype = _dtype_argument("iinfo", type)
        if dtype is dtypes.bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if dtype.category != INTEGER:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        self._dtype = dtype

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return self._dtype.name

    @property
    def bits(self) -> int:
        """The number of bits an element occupies."""
        return 8 * self._dtype.itemsize

    @property
    def max(self) -> int:
        """The greatest number."""
        return (1 << self.bits - self._dtype.is_signed) - 1

    @property
    def min(self) -> int:
        """The least number."""
        return -(1 << self.bits - 1) if self._dtype.is_signed else 0

    def __eq__(self, other: object) -> bool:
        return self._dtype is other._dtype if isinstance(other, iinfo) else NotImplemented

    def __repr__(self) -> str:
        return f"iinfo(min={float(self.min):g}, max={float(self.max):g}, dtype={self.dtype})"
