"""Classes that say what functions do with their instances: :meth:`Tensor.__pullback_function__` and what goes with it.

The names are those of ``torch.overrides``, with ``pullback`` for ``torch``.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import pullback
from pullback.dispatch.overridable import asked_by, begin_use
from pullback.tensor import Tensor
from pullback.tensor.overriding import (
    NOT_OVERRIDDEN,
    DisablePullbackFunction,
    DisablePullbackFunctionSubclass,
    PullbackFunctionMode,
    answered,
    ask,
    disabled,
    disabled_pullback_function_impl,
    overriding,
    unconverted,
)
from pullback.tensor.registry import registry

F = TypeVar("F", bound=Callable[..., Any])

# Whoever imports this may have a class that is no Tensor: its instances are told from other arguments from now on.
begin_use()

TorchFunctionMode = PullbackFunctionMode


def has_pullback_function(relevant_args: Iterable[Any]) -> bool:
    """Whether a class among those of the arguments overrides functions.

    Examples
    --------
    >>> import pullback as pb
    >>> class Named(pb.Tensor):
    ...     pass
    >>> pb.overrides.has_pullback_function((pb.ones(1), Named([1.0])))
    True
    >>> pb.overrides.has_pullback_function((pb.ones(1), 2))
    False
    """
    return not disabled() and bool(overriding(tuple(relevant_args)))


def handle_pullback_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Ask the classes of ``relevant_args`` what the function ``public_api`` does with these arguments.

    For functions of one's own: see :func:`wrap_pullback_function`.

    Raises
    ------
    TypeError
        Where no class overrides the function, or each that does returns ``NotImplemented``.
    """
    relevant = tuple(relevant_args)
    result = ask(public_api, args, kwargs, relevant)
    return answered(public_api, NotImplemented if result is NOT_OVERRIDDEN else result, relevant)


def wrap_pullback_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[F], F]:
    """Make a function of one's own overridable.

    Parameters
    ----------
    dispatcher : callable
        Takes the function's arguments and returns those whose classes to ask.

    Examples
    --------
    >>> import pullback as pb
    >>> @pb.overrides.wrap_pullback_function(lambda x: (x,))
    ... def twice(x):
    ...     return x + x
    >>> class Silent(pb.Tensor):
    ...     @classmethod
    ...     def __pullback_function__(cls, func, types, args=(), kwargs=None):
    ...         return func.__name__
    >>> twice(Silent([1.0]))
    'twice'
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            result = ask(wrapped, args, kwargs, relevant)
            return function(*args, **kwargs) if result is NOT_OVERRIDDEN else answered(wrapped, result, relevant)

        return wrapped  # type: ignore[return-value]

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether functions take this object for a tensor: a Tensor, or an object whose class overrides functions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.overrides.is_tensor_like(pb.ones(1)), pb.overrides.is_tensor_like([1.0])
    (True, False)
    """
    return isinstance(inp, Tensor) or hasattr(inp, "__pullback_function__")


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function that an override is asked for is a method or property of Tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.overrides.is_tensor_method_or_property(pb.Tensor.tolist)
    True
    >>> pb.overrides.is_tensor_method_or_property(pb.Tensor.shape.__get__)
    True
    >>> pb.overrides.is_tensor_method_or_property(pb.cat)
    False
    """
    return any(known == func for _, known in _tensor_functions())


def resolve_name(f: Callable[..., Any]) -> str | None:
    """The name by which users know a function that an override is asked for; None where it is none of ours.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.overrides.resolve_name(pb.add), pb.overrides.resolve_name(pb.Tensor.shape.__get__)
    ('pullback.add', 'pullback.Tensor.shape.__get__')
    """
    names: list[str] = []
    for module, exported in _modules():
        names += [f"{module.__name__}.{name}" for name in exported if getattr(module, name, None) == f]
    names += [f"pullback.Tensor.{name}" for name, known in _tensor_functions() if known == f]
    own = getattr(f, "__name__", "")
    return next((n for n in names if n.rpartition(".")[2] == own), names[0] if names else None)


def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """The functions that classes can override, by the module or class they are found in.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.add in pb.overrides.get_overridable_functions()[pb]
    True
    """
    found: dict[Any, list[Callable[..., Any]]] = {}
    ignored = get_ignored_functions()
    for module, names in _modules():
        functions = (getattr(module, name, None) for name in names)
        found[module] = [f for f in functions if isinstance(f, types.FunctionType) and f not in ignored]
    found[Tensor] = [f for _, f in _tensor_functions()]
    return found


def get_ignored_functions() -> set[Callable[..., Any]]:
    """The public functions that classes cannot override.

    Those that make tensors of other data are seen by a :class:`PullbackFunctionMode` alone.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_tensor in pb.overrides.get_ignored_functions()
    True
    """
    makers = {
        n for n in registry if registry[n].module in ("pullback.ops.creation.filled", "pullback.ops.creation.sequences")
    }
    makers = {n for n in makers if not registry[n].method_names and not n.endswith("_like")}
    functions = {name: getattr(pullback, name) for name in pullback.__all__}
    return {
        function
        for name, function in functions.items()
        if isinstance(function, types.FunctionType) and (name in makers or asked_by(function) != "classes")
    }


def get_default_nowrap_functions() -> set[Callable[..., Any]]:
    """The functions whose results :meth:`Tensor.__pullback_function__` leaves as they are."""
    return unconverted()


def _modules() -> Iterator[tuple[types.ModuleType, Iterable[str]]]:
    yield pullback, pullback.__all__
    functional: Any = sys.modules.get("pullback.nn.functional")
    if functional is not None:
        yield functional, functional.__all__
    yield pullback.autograd, ("backward", "grad")


def _tensor_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, value in vars(Tensor).items():
        if isinstance(value, types.FunctionType):
            yield name, value
        elif isinstance(value, property):
            yield f"{name}.__get__", value.__get__
            if value.fset is not None:
                yield f"{name}.__set__", value.__set__


__all__ = [
    "DisablePullbackFunction",
    "DisablePullbackFunctionSubclass",
    "PullbackFunctionMode",
    "TorchFunctionMode",
    "disabled_pullback_function_impl",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "handle_pullback_function",
    "has_pullback_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_pullback_function",
]
