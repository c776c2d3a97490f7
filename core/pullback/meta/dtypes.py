"""Element types: the dtype objects, their categories, and the one promotion table.

PyTorch's rules decide (https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc): operands with
dimensions outrank 0-d tensors, those outrank Python scalars, unless the lower rank is of a higher category
(bool < integer < floating < complex).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Category: TypeAlias = Literal[0, 1, 2, 3]
BOOL: Final = 0
INTEGER: Final = 1
FLOATING: Final = 2
COMPLEX: Final = 3

Scalar: TypeAlias = bool | int | float | complex


class DType:
    """The type of a tensor's elements.

    Attributes
    ----------
    name : str
        As in ``pullback.float32``; ``repr`` gives PyTorch's text, ``torch.float32``.
    category : int
        0 bool, 1 integer, 2 floating, 3 complex: the first criterion of promotion.
    itemsize : int
        Size of one element in bytes.
    is_signed, is_floating_point, is_complex : bool

    Examples
    --------
    >>> import pullback as pb
    >>> pb.float32
    torch.float32
    >>> pb.float32.itemsize
    4
    >>> pb.int64.is_floating_point
    False
    """

    __slots__ = ("category", "is_complex", "is_floating_point", "is_signed", "itemsize", "name", "tensor_type_name")

    name: str
    category: Category
    itemsize: int
    is_signed: bool
    is_floating_point: bool
    is_complex: bool
    tensor_type_name: str

    def __init__(self, name: str, category: Category, itemsize: int, signed: bool, tensor_type_name: str) -> None:
        self.name = name
        self.category = category
        self.itemsize = itemsize
        self.is_signed = signed
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.tensor_type_name = tensor_type_name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name  # what the module calls it

    def to_real(self) -> DType:
        """The dtype of the real part: ``complex64`` gives ``float32``; a real dtype gives itself."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> DType:
        """The complex dtype whose parts have this dtype; float16 and bfloat16 give ``complex64``.

        Raises
        ------
        RuntimeError
            For an integer dtype and bool.
        """
        if self is float64:
            return complex128
        if self.category < FLOATING:
            raise RuntimeError(f"Unknown Complex ScalarType for {self.tensor_type_name.removesuffix('Tensor')}")
        return self if self.is_complex else complex64


bool_ = DType("bool", BOOL, 1, False, "BoolTensor")
uint8 = DType("uint8", INTEGER, 1, False, "ByteTensor")
int8 = DType("int8", INTEGER, 1, True, "CharTensor")
int16 = DType("int16", INTEGER, 2, True, "ShortTensor")
int32 = DType("int32", INTEGER, 4, True, "IntTensor")
int64 = DType("int64", INTEGER, 8, True, "LongTensor")
uint16 = DType("uint16", INTEGER, 2, False, "UInt16Tensor")
uint32 = DType("uint32", INTEGER, 4, False, "UInt32Tensor")
uint64 = DType("uint64", INTEGER, 8, False, "UInt64Tensor")
float16 = DType("float16", FLOATING, 2, True, "HalfTensor")
bfloat16 = DType("bfloat16", FLOATING, 2, True, "BFloat16Tensor")
float32 = DType("float32", FLOATING, 4, True, "FloatTensor")
float64 = DType("float64", FLOATING, 8, True, "DoubleTensor")
complex64 = DType("complex64", COMPLEX, 8, True, "ComplexFloatTensor")
complex128 = DType("complex128", COMPLEX, 16, True, "ComplexDoubleTensor")

ALL: Final = (
    bool_, uint8, int8, int16, int32, int64, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip
INTEGERS: Final = frozenset(d for d in ALL if d.category == INTEGER)
FLOATS: Final = frozenset(d for d in ALL if d.category == FLOATING)
COMPLEXES: Final = frozenset(d for d in ALL if d.category == COMPLEX)
INEXACT: Final = FLOATS | COMPLEXES
REAL: Final = INTEGERS | FLOATS
NUMERIC: Final = REAL | COMPLEXES
EVERY: Final = frozenset(ALL)

#: The dtypes that Python's own types stand for where a dtype is expected.
PYTHON_TYPES: Final = {bool: bool_, int: int64, float: float64, complex: complex128}
INTEGRAL: Final = INTEGERS | {bool_}
REAL_AND_BOOL: Final = REAL | {bool_}

by_name: Final = {d.name: d for d in ALL}

_SIGNED_WIDTHS: Final = (int8, int16, int32, int64)
_WIDE_UNSIGNED: Final = frozenset((uint16, uint32, uint64))
_TWO_TO_63: Final = 1 << 63

_default_dtype = float32


def get_default_dtype() -> DType:
    """The floating dtype that Python floats become; ``float32`` unless :func:`set_default_dtype` changed it."""
    return _default_dtype


def set_default_dtype(dtype: DType) -> None:
    """Make ``dtype`` the floating dtype that Python floats become.

    Raises
    ------
    TypeError
        If ``dtype`` is not a floating dtype.
    """
    global _default_dtype
    if not isinstance(dtype, DType):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default_dtype = dtype


def promote_types(type1: DType, type2: DType) -> DType:
    """The smallest dtype that both dtypes can be cast to without leaving the higher one's category.

    Raises
    ------
    RuntimeError
        For ``uint16``, ``uint32`` and ``uint64`` with an integer, bool or complex dtype, as PyTorch.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.promote_types(pb.uint8, pb.int8)
    torch.int16
    >>> pb.promote_types(pb.int64, pb.float16)
    torch.float16
    """
    if type1 is type2 and type1.__class__ is DType:
        return type1
    _require_dtypes("promote_types", type1=type1, type2=type2)
    low, high = sorted((type1, type2), key=lambda d: (d.category, d.itemsize))
    if high.category == COMPLEX and low not in _WIDE_UNSIGNED:
        return complex128 if float64 in (low, high) or complex128 in (low, high) else complex64
    if high.category == FLOATING:
        return float32 if {low, high} == {float16, bfloat16} else high
    if type1 in _WIDE_UNSIGNED or type2 in _WIDE_UNSIGNED:
        names = " and ".join(d.tensor_type_name.removesuffix("Tensor") for d in (type1, type2))
        raise RuntimeError(f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {names}")
    if low.category == BOOL or uint8 not in (low, high):
        return high
    signed = high if low is uint8 else low
    return _SIGNED_WIDTHS[max(1, _SIGNED_WIDTHS.index(signed))]


def _require_dtypes(function: str, **arguments: DType) -> None:
    for position, (name, value) in enumerate(arguments.items(), start=1):
        if not isinstance(value, DType):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be torch.dtype, not {type(value).__name__}"
            )


def dtype_of_scalar(value: Scalar) -> DType:
    """The dtype that a Python number has on its own: bool, int64, the default dtype, or its complex form.

    Integers that only uint64 can hold have that.

    Raises
    ------
    OverflowError
        For an integer of more than 64 bits.
    """
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        if -_TWO_TO_63 <= value < _TWO_TO_63:
            return int64
        if value < 0:
            raise OverflowError("can't convert negative int to unsigned")
        if value >= 2 * _TWO_TO_63:
            raise OverflowError("int too big to convert")
        return uint64
    if isinstance(value, float):
        return _default_dtype
    return _default_dtype.to_complex()


def result_type_of(dimensioned: list[DType], zero_dimensional: list[DType], scalars: list[DType]) -> DType:
    """Promote the operands of one operation: those with dimensions first, then 0-d tensors, then Python scalars.

    A lower rank takes part only where its category is higher than that of all ranks above it.
    """
    result: DType | None = None
    for rank in (dimensioned, zero_dimensional, scalars):
        if not rank:
            continue
        lower = rank[0]
        for dtype in rank[1:]:
            lower = promote_types(lower, dtype)
        result = lower if result is None else _combine_ranks(result, lower)
    if result is None:
        raise ValueError("result_type_of() needs at least one operand")
    return result


def _combine_ranks(higher: DType, lower: DType) -> DType:
    if higher.category == COMPLEX:
        return higher
    if higher.category == FLOATING:
        return higher.to_complex() if lower.category == COMPLEX else higher
    if lower.category == COMPLEX:
        return lower
    if higher.category == BOOL or lower.category == FLOATING:
        return promote_types(higher, lower)
    return higher


def can_cast(from_: DType, to: DType) -> bool:
    """Whether PyTorch's casting rules let a result of dtype ``from_`` be written into a tensor of dtype ``to``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.can_cast(pb.float32, pb.int64), pb.can_cast(pb.float64, pb.float16)
    (False, True)
    """
    _require_dtypes("can_cast", from_=from_, to=to)
    return from_.category <= to.category
