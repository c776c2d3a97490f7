"""``out=``: writing a function's result into a tensor that the caller gives.

Which functions take it, and what ``out`` may be, an operation's declaration says with one of the rules below. The
results are written by :mod:`pullback.result_writing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullback.arguments import checking, dressed
from pullback.dtypes import can_cast
from pullback.locks import new_lock
from pullback.op_callable import make_callable, stub
from pullback.ops.dtype_names import full_c_name, type_name
from pullback.overridable import make_function_overridable
from pullback.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FunctionType

    from pullback.dtypes import DType
    from pullback.op import Composite, Operation
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


# -- the functions that take it ----------------------------------------------------------------------------------------


_making: Final = new_lock()


class FunctionsWithOut:
    """Those functions of a module whose declarations let them take ``out=``, each made when it is first asked for.

    Methods and operators, and the functions that formulas call, are those without it, as it makes a call slower.

    Parameters
    ----------
    exported : dict
        The module's names; those of such functions are taken out of it until they are made.
    """

    def __init__(self, exported: dict[str, Any]) -> None:
        from types import FunctionType

        from pullback.op import public_function

        self._exported = exported
        self._waiting: dict[str, tuple[Operation | Composite, FunctionType]] = {}
        for record in registry.values():
            for name in (record.name, *record.aliases):
                function = exported.get(name)
                if not isinstance(function, FunctionType):
                    continue
                if record.out is not None:
                    self._waiting[name] = record, function
                    del exported[name]
                elif function is record.call:
                    exported[name] = record.public
        for name, function in tuple(exported.items()):
            # Those that make tensors of anything say themselves what is wrong.
            home: str = getattr(function, "__module__", "")
            if home.startswith("pullback.ops.") and home != "pullback.ops.from_data":
                exported[name] = public_function(function)

    def __contains__(self, name: str) -> bool:
        return name in self._waiting

    def make(self, name: str) -> Callable[..., Any]:
        """The function of that name, now in the module under this name and its aliases."""
        with _making:
            return self._exported[name] if name in self._exported else self._make(name)

    def _make(self, name: str) -> Callable[..., Any]:
        from pullback.op import Operation

        record, function = self._waiting[name]
        if function is record.call and isinstance(record, Operation):
            made: Callable[..., Any] = make_callable(record, takes_out=True)
        else:
            made = _with_out(record, function)
        for other, (_, same) in tuple(self._waiting.items()):
            if same is function:
                self._exported[other] = made
        return made

    def later(self, name: str, function: Any) -> Any:
        """A function of a module that is only imported now, as it is exported: with ``out=`` where it takes that."""
        record = registry.get(name)
        if record is None or record.out is None:
            return record.public if record is not None and function is record.call else function
        self._waiting[name] = record, function
        return self.make(name)

    def make_all(self) -> None:
        """Make those that nobody has asked for yet."""
        for name in tuple(self._waiting):
            if name not in self._exported:
                self.make(name)


_VARIADIC, _KEYWORDS = 4, 8  # the flags of a code object with *arguments and **keywords


def _with_out(record: Operation | Composite, declared: FunctionType) -> Callable[..., Any]:
    """A function written by hand, with the keyword ``out``."""
    function = checking(declared)
    keywords = declared.__kwdefaults__ or {}

    def public(*args: Any, **kwargs: Any) -> Any:
        if "out" not in kwargs:
            return function(*args, **kwargs)
        given = {**keywords, **kwargs}
        out = given.pop("out")
        if out is None:
            return function(*args, **given)
        from pullback.result_writing import write_result

        return write_result(record, args, given, out, function)

    made = dressed(public, _shown_with_out(record, declared))
    made.__module__ = declared.__module__
    make_function_overridable(made)
    return made


def _shown_with_out(record: Operation | Composite, declared: FunctionType) -> FunctionType:
    """A function that stands for one written by hand where its signature is asked for: it has ``out`` too."""
    import types

    code = getattr(declared, "__wrapped__", declared).__code__  # its own, where it may be overridden already
    count, keyword_count = code.co_argcount, code.co_kwonlyargcount
    further = code.co_varnames[count + keyword_count :][
        : bool(code.co_flags & _VARIADIC) + bool(code.co_flags & _KEYWORDS)
    ]
    names = (*code.co_varnames[: count + keyword_count], "out", *further)
    made = stub.__code__.replace(
        co_name=record.name,
        co_qualname=record.name,
        co_varnames=names,
        co_nlocals=len(names),
        co_argcount=count,
        co_kwonlyargcount=keyword_count + 1,
        co_flags=stub.__code__.co_flags | code.co_flags & (_VARIADIC | _KEYWORDS),
        co_filename=f"<pullback function {record.name}>",
    )
    function = types.FunctionType(made, {"__name__": declared.__module__}, record.name, declared.__defaults__)
    function.__kwdefaults__ = {**(declared.__kwdefaults__ or {}), "out": None}
    function.__doc__ = declared.__doc__
    function.__qualname__ = declared.__qualname__
    function.__annotations__ = declared.__annotations__
    return function
