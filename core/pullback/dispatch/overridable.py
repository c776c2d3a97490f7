"""Making functions overridable, once anything in the process may override them.

Functions that are written by hand get code that looks at their arguments first, in place of their own, when the first
overriding class is defined or the first mode entered: until then they cost what they cost.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pullback.meta.shapes import Size
from pullback.process.locks import new_lock
from pullback.tensor import Tensor
from pullback.tensor.modes import OVERRIDDEN, mode
from pullback.tensor.overriding import (
    NOT_OVERRIDDEN,
    PLAIN,
    DisablePullbackFunctionSubclass,
    answered,
    ask,
    disabled,
    use,
)
from pullback.tensor.registry import registry
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Composite, Operation


F = TypeVar("F", bound=Callable[..., Any])


def begin_use() -> None:
    """Have the functions that are written by hand look whether to ask, from now on."""
    if use.begun:
        return
    package: Any = sys.modules["pullback"]
    with _beginning:
        package._functions_with_out.make_all()
        PLAIN.add(Size)
        for record in tuple(registry.values()):
            _make_record_overridable(record)
        for name in list(vars(Tensor)):
            _make_attribute_overridable(name)
        for module in ("pullback", "pullback.nn.functional", *_FUNCTIONS_OF):
            if module in sys.modules:
                _make_functions_overridable(module)
        use.begun = True  # where this is interrupted, the next one does it again


_beginning: Final = new_lock()

#: The public functions of modules that do not list them.
_FUNCTIONS_OF: Final = {
    "pullback.autograd.differentiate": ("backward", "grad"),
    "pullback.autograd.forward_ad": ("make_dual", "unpack_dual"),
    "pullback.ops.shape.queries": ("is_complex", "is_floating_point", "is_signed", "numel", "result_type"),
}


_HOMES_OF_OPERATIONS: Final = ("pullback.ops.", "pullback.dispatch.", "pullback.autograd.tensor_methods")

#: Whom functions ask that do not ask the classes of their arguments, as they were told.
_ASKED: Final[dict[tuple[str, str], Literal["modes", "nobody"]]] = {}


def asks(whom: Literal["modes", "nobody"]) -> Callable[[F], F]:
    """Declare that a public function asks modes alone, as it makes a tensor of whatever it gets, or nobody."""

    def told(function: F) -> F:
        _ASKED[function.__module__, function.__name__] = whom
        return function

    return told


def asked_by(function: Callable[..., Any]) -> Literal["classes", "modes", "nobody"]:
    """Whom a public function asks before it runs: nobody where it is no operation, and so not about tensors."""
    home, name = function.__module__, function.__name__
    about_tensors = home.startswith(_HOMES_OF_OPERATIONS) or name in _FUNCTIONS_OF.get(home, ())
    return _ASKED.get((home, name), "classes" if about_tensors else "nobody")


def make_module_overridable(module_name: str) -> None:
    """Make the public functions of a module overridable, once anything may override them."""
    if use.begun:
        _make_functions_overridable(module_name)


def _make_functions_overridable(module_name: str) -> None:
    module = sys.modules[module_name]
    for name in _FUNCTIONS_OF.get(module_name) or module.__all__:
        value = vars(module).get(name)
        if isinstance(value, types.FunctionType) and (asked := asked_by(value)) != "nobody":
            _overridable(value, value, asks_classes=asked == "classes")


def make_overridable(record: Operation | Composite) -> None:
    """Make a composite overridable, once anything may override it; operations always are."""
    if use.begun:
        _make_record_overridable(record)


def _make_record_overridable(record: Operation | Composite) -> None:
    if hasattr(record, "kernel"):
        return  # an operation, which always asks
    call: Any = record.call
    public: Any = record.public
    if isinstance(call, types.FunctionType):
        _overridable(call, call)
        _overridable(public, public)


def _make_attribute_overridable(name: str) -> None:
    """Make a method or property of Tensor overridable."""
    value = vars(Tensor)[name]
    if name in _INTERNAL:
        return
    if isinstance(value, types.FunctionType):
        _overridable(value, value)
    elif isinstance(value, property):
        reader: Any = value.fget
        _overridable(reader, value.__get__, asks_modes=False)
        if value.fset is not None:
            writer: Any = value.fset
            _overridable(writer, value.__set__, asks_modes=False)
        if value.fdel is not None:
            deleter: Any = value.fdel
            _overridable(deleter, value.__delete__, asks_modes=False)


#: What the package calls itself, or what must not ask for it answers.
_INTERNAL: Final = frozenset(
    (
        "__init_subclass__", "__iter__", "__new__", "__pullback_function__", "__hash__", "_host", "_node",
        "_real_scalar", "_scalar", "_warn_of_lost_gradient", "_wrap", "as_subclass", "_make_subclass",
    )
)  # fmt: skip


def make_function_overridable(function: types.FunctionType) -> None:
    """Make a public function overridable, once anything may override it."""
    if use.begun:
        _overridable(function, function, asks_classes=asked_by(function) == "classes")


def _asking(*args: Any, **kwargs: Any) -> Any:
    # Becomes the code of functions written by hand; the text is replaced by what decides whether to ask.
    decide: Any = "decide"
    return decide(args, kwargs)


@functools.cache
def _asking_code(free: int) -> types.CodeType:
    """The code of a function that asks, and that as many variables belong to as to the one it replaces."""
    if not free:
        return _asking.__code__
    names = "".join(f"v{number}, " for number in range(free))
    source = (
        f"def closed({names}):\n"
        "    def _asking(*args, **kwargs):\n"
        '        decide = "decide"\n'
        "        return decide(args, kwargs)\n"
        f"        return ({names})\n"  # never run: it makes them variables of the function
        "    return _asking\n"
    )
    made: dict[str, Any] = {}
    exec(compile(source, "<pullback: overridable>", "exec"), made)
    code: types.CodeType = made["closed"](*range(free)).__code__
    return code


def _overridable(
    function: types.FunctionType, public: Callable[..., Any], asks_classes: bool = True, asks_modes: bool = True
) -> None:
    """Exchange the function's code for code that asks first; the function object stays what everyone refers to."""
    code = function.__code__
    if code.co_name == _asking.__code__.co_name or "_first_call" in code.co_names:
        return  # done already, or done when it is compiled
    if code.co_filename.startswith("<pullback ") and not code.co_filename.startswith("<pullback function "):
        return  # the general path asks
    if code.co_qualname.startswith("make_inplace."):
        return  # so does writing in place
    original = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__kwdefaults__ = function.__kwdefaults__
    original.__doc__, original.__annotations__ = function.__doc__, function.__annotations__
    original.__qualname__, original.__module__ = function.__qualname__, function.__module__
    if hasattr(function, "__wrapped__"):
        original.__wrapped__ = function.__wrapped__  # type: ignore[attr-defined]

    def decide(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for value in args:
            if value.__class__ not in PLAIN:
                break
        else:
            if not kwargs and not (asks_modes and mode() & OVERRIDDEN):
                return original(*args)
        asking_modes = asks_modes and mode() & OVERRIDDEN
        if not asking_modes:
            if not asks_classes:
                with DisablePullbackFunctionSubclass():
                    return original(*args, **kwargs)
            if disabled():
                return original(*args, **kwargs)
        relevant = (*args, *kwargs.values()) if asks_classes else ()
        result = ask(public, args, kwargs, relevant, asks_modes)
        if result is NOT_OVERRIDDEN:
            return original(*args, **kwargs)
        return result if result is not NotImplemented else answered(public, result, relevant)

    function.__wrapped__ = original  # type: ignore[attr-defined]  # so that its signature stays visible
    asking = _asking_code(len(code.co_freevars))
    function.__code__ = asking.replace(
        co_consts=tuple(decide if c == "decide" else c for c in asking.co_consts), co_freevars=code.co_freevars
    )


seams.begin_overriding = begin_use
