"""What tensor a function takes as ``out=``: one of these rules, which an operation's declaration names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullback.meta.dtype_names import full_c_name, type_name
from pullback.meta.dtypes import can_cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullback.meta.dtypes import DType
    from pullback.tensor import Tensor


class Out:
    """What tensor an operation takes as ``out``.

    Attributes
    ----------
    text : str
        What is said of another dtype: ``{result}`` (``Float``) and ``{out}`` are the dtypes, ``{c_result}`` (``float``)
        and ``{c_out}`` their names in C, ``{name}`` is the operation's name.
    casts : bool
        Whether ``out`` may be of any dtype that the result can be cast to; else it must be of the result's.
    also : tuple of DType
        Dtypes of ``out`` that are taken beside the result's.
    decides : bool
        Whether ``out`` decides the dtype of the result where the argument ``dtype`` does not.
    resizing : str or None
        The warning where ``out`` has elements and takes another size, with ``{shape}``, ``{count}``, ``{needed_shape}``
        and ``{needed_count}``; the usual one if None, and none if empty.
    error : type
    """

    __slots__ = ("also", "casts", "decides", "error", "resizing", "text")

    def __init__(
        self,
        text: str,
        *,
        casts: bool = False,
        also: tuple[DType, ...] = (),
        decides: bool = False,
        resizing: str | None = None,
        error: type[Exception] = RuntimeError,
    ) -> None:
        self.text = text
        self.casts = casts
        self.also = also
        self.decides = decides
        self.resizing = resizing
        self.error = error

    def check(self, name: str, result: DType, out: DType, operands: Sequence[Tensor] = ()) -> None:
        """Refuse an ``out`` of a dtype that the result may not be written to."""
        if result is out or out in self.also or (self._may_cast(out, operands) and can_cast(result, out)):
            return
        texts = {"result": type_name(result), "out": type_name(out)}
        texts |= {"c_result": full_c_name(result), "c_out": full_c_name(out)}
        raise self.error(self.text.format(name=name, **texts))

    def _may_cast(self, out: DType, operands: Sequence[Tensor]) -> bool:
        return self.casts


class OutOfParts(Out):
    """What an operation takes that makes real numbers of complex ones: any real dtype then, and the operand's own."""

    __slots__ = ()

    def _may_cast(self, out: DType, operands: Sequence[Tensor]) -> bool:
        return any(operand.dtype.is_complex and (not out.is_complex or out is operand.dtype) for operand in operands)


_EXACT_TEXT = "Expected out tensor to have dtype {c_result}, but got {c_out} instead"

#: Any dtype that the result can be cast to: what elementwise operations take.
CAST: Final = Out("result type {result} can't be cast to the desired output type {out}", casts=True)
#: The same, in the words of :func:`pullback.cat`.
JOINED: Final = Out(
    "torch.cat(): input types can't be cast to the desired output type {out}", casts=True, error=TypeError
)
#: The result's own dtype: elementwise operations of one tensor that do not promote it.
SAME: Final = Out("Found dtype {out} but expected {result}")
#: The same, but that what is computed of complex numbers can be cast.
SAME_OF_REALS: Final = OutOfParts(SAME.text)
#: The result's own dtype, in the words of most other operations.
EXACT: Final = Out(_EXACT_TEXT)
#: The dtype that the result shall have.
DECIDES: Final = Out(_EXACT_TEXT, decides=True)
#: The dtype of the elements to make.
MAKES: Final = Out("dtype {result} does not match dtype of out parameter ({out})", decides=True, resizing="")

#: The same, with PyTorch's warning of :func:`pullback.arange`.
MAKES_RANGE: Final = Out(
    MAKES.text,
    decides=True,
    resizing=(
        "The number of elements in the out tensor of shape {shape} is {count} which does not match the computed number"
        " of elements {needed_count}. Note that this may occur as a result of rounding error. The out tensor will be"
        " resized to a tensor of shape ({needed_count},)."
    ),
)
