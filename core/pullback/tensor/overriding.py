"""``__pullback_function__``: how a class says what functions do with its instances; PyTorch's ``__torch_function__``.

A public function that gets such an instance asks its class instead of running. For that no operation makes one check
more. The generated callables read a tensor's backend under a second name, ``fast_backend``: of a plain tensor it is the
same slot, of an instance of an overriding class a property that answers :data:`ASK`, which no operation has kernels
for. So such a call takes the general path, and that one asks. How functions that are written by hand come to ask is
told in :mod:`pullback.dispatch.overridable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from pullback.process.blocks import Block, Setting, put, surely
from pullback.tensor.modes import MODE, OVERRIDDEN, ModeBlock, left, mode
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation

#: Whether the classes of operands are not asked now: an overriding class has been, and its default runs the function.
_disabled: ContextVar[bool] = ContextVar("pullback overriding classes disabled", default=False)
disabled = _disabled.get
#: The active modes, outermost first.
_modes: ContextVar[tuple[Any, ...]] = ContextVar("pullback function modes", default=())


class _Ask:
    """Stands for the backend of a tensor whose class must be asked: it has no kernels, and is nobody's backend."""

    array_type = None
    inplace_kernels: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return "<ask the class>"


ASK: Final = _Ask()
#: What :func:`ask` returns where no class overrides the function.
NOT_OVERRIDDEN: Final = object()


class _Use:
    """Whether anything may override functions in this process: an overriding class exists, or a mode was entered."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False


use: Final = _Use()


# -- classes ----------------------------------------------------------------------------------------------------------


def disabled_pullback_function_impl(
    func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
) -> Any:
    """As the ``__pullback_function__`` of a Tensor subclass: its instances are operands like plain tensors."""
    with DisablePullbackFunctionSubclass():
        return func(*args, **(kwargs or {}))


def overrides(cls: type) -> bool:
    """Whether functions ask this class, other than the plain Tensor, what they do with its instances."""
    found = getattr(cls, "__pullback_function__", None)
    return found is not None and found is not disabled_pullback_function_impl and cls is not _Tensor


def register(cls: type) -> None:
    """Have the fast path of operations stop at the instances of a Tensor subclass, where it overrides functions."""
    slot = vars(_Tensor)["backend"]
    if not overrides(cls):
        if cls.fast_backend is not slot:  # type: ignore[attr-defined]
            cls.fast_backend = slot  # type: ignore[attr-defined]
        return
    if cls.fast_backend is slot:  # type: ignore[attr-defined]
        cls.fast_backend = property(_asking_backend)  # type: ignore[attr-defined]
    seams.begin_overriding()


def _asking_backend(self: Any) -> Any:
    return self.backend if disabled() else ASK


def know_tensor(tensor_class: type[Any]) -> None:
    """Tell this module, which Tensor's is built on, what a plain tensor is."""
    global _Tensor
    _Tensor = tensor_class
    PLAIN.add(tensor_class)


_Tensor: Any = None


def default_function(
    cls: type[Any], func: Callable[..., Any], types: Iterable[type], args: Sequence[Any], kwargs: dict[str, Any] | None
) -> Any:
    """What a Tensor subclass does that doesn't say: run the function, and make its results instances of the class."""
    if types != (cls,) and not all(issubclass(cls, t) for t in types):
        return NotImplemented
    before = disabled()
    try:
        _disabled.set(True)
        result = func(*args, **(kwargs or {}))
        if result.__class__ in PLAIN and result.__class__ is not _Tensor:
            return result
        return result if func in unconverted() else converted(result, cls)
    finally:
        _disabled.set(before)


def unconverted() -> set[Callable[..., Any]]:
    """The functions whose results stay what they are: what a tensor refers to, rather than what is made of it."""
    return _unconverted or _note_unconverted()


_unconverted: set[Callable[..., Any]] = set()


def _note_unconverted() -> set[Callable[..., Any]]:
    _unconverted.update((_Tensor._base.__get__, _Tensor.grad.__get__))
    return _unconverted


def converted(value: Any, cls: type[Any]) -> Any:
    """The tensors of a result as instances of a Tensor subclass, also those in a tuple or list."""
    if cls is _Tensor:
        return value
    if isinstance(value, _Tensor):
        return value if isinstance(value, cls) else value.as_subclass(cls)
    if isinstance(value, tuple | list):
        made = [converted(v, cls) for v in value]
        kind = type(value)
        return kind(*made) if hasattr(kind, "_fields") else kind(made)
    return value


class DisablePullbackFunctionSubclass(Block):
    """Inside, functions don't ask the classes of their operands; modes they ask.

    Examples
    --------
    >>> import pullback as pb
    >>> class Named(pb.Tensor):
    ...     pass
    >>> with pb.overrides.DisablePullbackFunctionSubclass():
    ...     type(Named([1.0]) + 1).__name__
    'Tensor'
    """

    def _settings_inside(self) -> Sequence[Setting]:
        return ((_disabled, True),)


class DisablePullbackFunction(ModeBlock):
    """Inside, functions ask neither the classes of their operands nor modes."""

    _bits = OVERRIDDEN

    def _settings_inside(self) -> Sequence[Setting]:
        return (_disabled, True), (_modes, ()), (MODE, left(mode(), OVERRIDDEN))


# -- modes ------------------------------------------------------------------------------------------------------------


class PullbackFunctionMode(ModeBlock):
    """A context manager whose ``__pullback_function__`` is asked by every public function called inside.

    While it answers, it is not active itself, so it may call functions as it likes. Modes nest; the innermost is asked
    first. Attributes of plain tensors, such as ``shape``, do not ask modes.

    Examples
    --------
    >>> import pullback as pb
    >>> class Names(pb.overrides.PullbackFunctionMode):
    ...     def __pullback_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     x = pb.ones(2) + 1
    ones
    add
    """

    _bits = OVERRIDDEN

    def __pullback_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        raise NotImplementedError

    def _value_inside(self) -> Any:
        seams.begin_overriding()
        return self

    def _other_settings(self) -> Sequence[Setting]:
        return ((_modes, (*_modes.get(), self)),)

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Any:
        """A new mode, to be entered."""
        return cls(*args, **kwargs)


# -- asking -----------------------------------------------------------------------------------------------------------


def overriding(values: Iterable[Any]) -> list[Any]:
    """The operands to ask, one of each class: subclasses before their superclasses, else from left to right."""
    found: list[Any] = []
    _collect(values, found)
    return found


def _collect(values: Iterable[Any], found: list[Any]) -> None:
    for value in values:
        kind = value.__class__
        if kind in PLAIN:
            continue
        if kind is tuple or kind is list:
            _collect(value, found)
        elif overrides(kind):
            if not found:
                found.append(value)
            elif not any(f.__class__ is kind for f in found):
                place = next((i for i, f in enumerate(found) if issubclass(kind, f.__class__)), len(found))
                found.insert(place, value)


#: Classes, also those of arguments that are no tensors, that never override: most arguments are of these.
PLAIN: set[type] = {int, float, bool, complex, str, slice, type(None), type(Ellipsis)}


def ask(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    relevant: Iterable[Any],
    asks_modes: bool = True,
) -> Any:
    """Ask modes and the classes of ``relevant`` arguments what ``func`` does.

    Returns
    -------
    object
        The answer; ``NOT_OVERRIDDEN`` where there is nobody to ask, ``NotImplemented`` where nobody knows.
    """
    operands = [] if disabled() else overriding(relevant)
    modes = _modes.get() if asks_modes else ()
    if not operands and not modes:
        return NOT_OVERRIDDEN
    kinds = tuple(map(type, operands))
    if modes:
        result = _ask_mode(modes, func, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
    for operand in operands:
        answer = operand.__pullback_function__
        if getattr(answer, "__self__", None) is operand:
            import warnings

            warnings.warn(
                "Defining your `__pullback_function__` as a plain method is deprecated and will be an error in future,"
                " please define it as a classmethod.",
                UserWarning,
                stacklevel=4,
            )
        result = answer(func, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
    return NotImplemented


def _ask_mode(
    modes: tuple[Any, ...], func: Callable[..., Any], kinds: tuple[type, ...], args: Any, kwargs: dict[str, Any]
) -> Any:
    """Ask the innermost mode; the others are those active meanwhile."""
    before = ((MODE, mode()), (_modes, _modes.get()))
    try:
        _modes.set(modes[:-1])
        if not modes[:-1]:
            MODE.set(left(mode(), OVERRIDDEN))
        return modes[-1].__pullback_function__(func, kinds, args, kwargs)
    finally:
        surely(put, before)


def answered(func: Callable[..., Any], result: Any, relevant: Iterable[Any]) -> Any:
    """The answer of :func:`ask`.

    Raises
    ------
    TypeError
        Where nobody knew what the function does.
    """
    if result is not NotImplemented:
        return result
    if func in _operators():
        return NotImplemented  # Python asks the other operand, and says what is wrong
    from pullback.overrides import resolve_name

    kinds = [type(o) for o in overriding(relevant)]
    name: str = resolve_name(func) or getattr(func, "__qualname__", "") or repr(func)
    if name.startswith("pullback.nn.functional."):
        raise TypeError(f"no implementation found for '{name}' on types that implement __pullback_function__: {kinds}")
    listed = "".join(f"\n  - mode object {active!r}" for active in _modes.get()[-1:])
    listed += "".join(f"\n  - tensor subclass {kind}" for kind in kinds)
    raise TypeError(
        f"Multiple dispatch failed for '{name}'; all __pullback_function__ handlers returned NotImplemented:\n{listed}"
    )


def _operators() -> set[Callable[..., Any]]:
    """The methods that Python's binary operators call."""
    names = ("eq", "ne", "rsub", "rtruediv", "rfloordiv", "rmod", "rpow")
    return {vars(_Tensor)[f"__{name}__"] for name in names if f"__{name}__" in vars(_Tensor)}


def ask_for_operation(
    operation: Operation,
    operands: tuple[Any, ...],
    attributes: dict[str, Any],
    public: Callable[..., Any] | None = None,
) -> Any:
    """Ask what an operation does with these operands; ``public`` was called where not the operation's own callable."""
    relevant = (*operands, *attributes.values())
    if not mode() & OVERRIDDEN and (disabled() or not overriding(relevant)):
        return NOT_OVERRIDDEN
    args, kwargs = public_arguments(operation, operands, attributes)
    return ask(public or operation.call, args, kwargs, relevant)


def public_arguments(
    operation: Operation, operands: tuple[Any, ...], attributes: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as they may have been written in the call: without those that have their defaults."""
    args = list(operands)
    kwargs: dict[str, Any] = {}
    defaults = operation.defaults
    for name, value in attributes.items():
        if name in defaults and value is defaults[name]:
            continue
        if not kwargs and name not in operation.keyword_only and len(args) == _position(operation, name):
            args.append(value)
        else:
            kwargs[name] = value
    while len(args) > 1 and len(args) <= len(operation.operands) and args[-1] is None and not kwargs:
        args.pop()
    return tuple(args), kwargs


def _position(operation: Operation, name: str) -> int:
    return len(operation.operands) + operation.attributes.index(name)
