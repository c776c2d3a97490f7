"""The functions that take ``out=``, each made from its declaration when it is first asked for."""

from __future__ import annotations

import types
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from pullback.dispatch.arguments import checking, dressed
from pullback.dispatch.codegen import make_callable, stub
from pullback.dispatch.declaration import Composite, Operation, public_function
from pullback.dispatch.out import write_result
from pullback.dispatch.overridable import make_function_overridable
from pullback.process.locks import new_lock
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable

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
            if home.startswith("pullback.ops.") and home != "pullback.ops.creation.from_data":
                exported[name] = public_function(function)

    def __contains__(self, name: str) -> bool:
        return name in self._waiting

    def make(self, name: str) -> Callable[..., Any]:
        """The function of that name, now in the module under this name and its aliases."""
        with _making:
            return self._exported[name] if name in self._exported else self._make(name)

    def _make(self, name: str) -> Callable[..., Any]:
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

        return write_result(record, args, given, out, function)

    made = dressed(public, _shown_with_out(record, declared))
    made.__module__ = declared.__module__
    make_function_overridable(made)
    return made


def _shown_with_out(record: Operation | Composite, declared: FunctionType) -> FunctionType:
    """A function that stands for one written by hand where its signature is asked for: it has ``out`` too."""
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
