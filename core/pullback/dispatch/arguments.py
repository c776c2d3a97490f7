"""Arguments that the fast path leaves alone: given under NumPy's names, left out, or of a wrong type.

Nothing here runs unless a call has such arguments, or has failed.
"""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pullback.dispatch.numbers import python_number
from pullback.meta import dtypes
from pullback.meta.allocation import memory_error
from pullback.meta.argument_names import UNSET, further_names
from pullback.process.interrupts import raised_by_handler
from pullback.tensor import Tensor
from pullback.tensor.overriding import overrides

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation


def with_names(
    operation: Operation,
    general: Callable[..., Any],
    given: dict[str, Any],
    rest: Mapping[str, Any],
    out: Any = None,
) -> Any:
    """Run an operation that was called with keywords which are no parameters of its own, NumPy's names among them.

    Raises
    ------
    TypeError
        For a keyword that names no parameter, or one that is given already; for too many arguments by position.
    """
    others = further_names(given)
    for name, value in rest.items():
        if value is UNSET:
            continue
        parameter = others.get(name)
        if name == "_beyond":
            count = len(operation.operands) + len(operation.attributes)
            raise TypeError(f"{operation.name}() takes {count} positional arguments but more were given")
        if parameter is None:
            raise TypeError(f"{operation.name}() got an unexpected keyword argument '{name}'")
        if given[parameter] is not operation.defaults.get(parameter, UNSET):
            raise TypeError(f"{operation.name}() got multiple values for argument '{parameter}'")
        given[parameter] = value
    refuse_missing(operation.name, given)
    operands = tuple(given[name] for name in operation.operands)
    attributes = {name: given[name] for name in operation.attributes}
    if out is not None:
        from pullback.dispatch.out import write_result

        return write_result(operation, operands, attributes, out)
    return general(operation, operands, attributes)


def refuse_missing(function: str, given: Mapping[str, Any]) -> None:
    """Name the arguments that a call has left out, if it has.

    Raises
    ------
    TypeError
        In PyTorch's words.
    """
    missing = [name for name, value in given.items() if value is UNSET]
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        raise TypeError(f"{function}() missing {len(missing)} required positional arguments: {names}")


# -- kinds of arguments -----------------------------------------------------------------------------------------------


class _Mismatch(Exception):
    """An argument is of another kind than its parameter."""


class Kind:
    """What an argument may be, as its parameter's annotation says.

    Attributes
    ----------
    expected : str
        What it must be, in PyTorch's words.
    alternatives : tuple of functions
        Each takes a value and returns what the function shall get, or raises ``_Mismatch``.
    guard : str
        For generated code: what is true of every value that the function must not get as it is.
    """

    __slots__ = ("alternatives", "expected", "guard", "optional")

    def __init__(
        self, expected: str, alternatives: tuple[Callable[[Any], Any], ...], guard: str, optional: bool
    ) -> None:
        self.expected = expected
        self.alternatives = alternatives
        self.guard = guard
        self.optional = optional

    def converted(self, function: str, name: str, position: int | None, value: Any) -> Any:
        """The value as the function gets it: NumPy's numbers and 0-d tensors as Python's.

        Raises
        ------
        TypeError
            For one of another kind.
        ValueError
            For an integer of more than 64 bits.
        """
        if value is None and self.optional:
            return value
        for convert in self.alternatives:
            try:
                return convert(value)
            except _Mismatch:
                continue
        raise TypeError(_must_be(function, name, position, self.expected, value))


def _must_be(function: str, name: str, position: int | None, expected: str, value: Any) -> str:
    place = "" if position is None else f" (position {position})"
    found = f"not {class_name(value)}"
    if expected == "tuple of ints" and isinstance(value, list | tuple) and value:
        wrong = next((i for i, v in enumerate(value) if not _is_integer(v)), 0)
        if wrong:
            kind = class_name(value[wrong])
            return (
                f"{function}(): argument '{name}' failed to unpack the object at pos {wrong + 1} with error"
                f' "type must be tuple of ints,but got {kind}"'
            )
        found = f"but found element of type {class_name(value[wrong])} at pos {wrong}"
    return f"{function}(): argument '{name}'{place} must be {expected}, {found}"


def number_of(value: Any) -> Any:
    """The Python number in a NumPy scalar or a 0-d tensor outside of any graph; other values as they are."""
    try:
        return _number_in(value)
    except _Mismatch:
        return value


def _number_in(value: Any) -> Any:
    if value.__class__ in _PYTHON:
        return value

    if isinstance(value, Tensor):
        if value.array.shape or value.edge is not None:
            raise _Mismatch
        return value if value.backend.level else value.item()
    if getattr(value, "shape", None) == () and hasattr(value, "item") and not hasattr(value, "__dlpack__"):
        return value.item()
    return value


_PYTHON = frozenset((bool, int, float, complex, str, bytes, list, tuple, dict, type(None)))
_LARGEST = 2**63 - 1


def _is_integer(value: Any) -> bool:
    try:
        _integer(value)
    except _Mismatch:
        return False
    except ValueError:
        return True
    return True


def _integer(value: Any) -> Any:
    if value.__class__ is not int:
        if isinstance(value, Tensor) and value.backend.level and not value.array.shape:
            return value  # one for each example
        if isinstance(value, bool):
            raise _Mismatch
        if isinstance(value, Tensor):
            value = _number_in(value)
        elif not isinstance(value, int) and getattr(value, "shape", ()) != ():
            raise _Mismatch
        if isinstance(value, bool):
            raise _Mismatch
        try:
            value = operator.index(value)
        except TypeError:
            raise _Mismatch from None
    if not -_LARGEST - 1 <= value <= _LARGEST:
        raise ValueError("Overflow when unpacking long long")
    return value


def _integers(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise _Mismatch
    try:
        # As in PyTorch only the first may not be a bool.
        found = [_integer(v if place == 0 or v.__class__ is not bool else int(v)) for place, v in enumerate(value)]
    except ValueError:
        raise _Mismatch from None
    if all(a is b for a, b in zip(found, value, strict=True)):
        return value
    return tuple(found)


def _float(value: Any) -> Any:
    value = _number_in(value)
    if isinstance(value, int | float) or _is_mapped(value):
        return value
    raise _Mismatch


def _number(value: Any) -> Any:
    value = _number_in(value)
    if isinstance(value, int | float | complex) or _is_mapped(value):
        return value
    raise _Mismatch


def _is_mapped(value: Any) -> bool:
    backend = getattr(value, "backend", None)
    return bool(getattr(backend, "level", 0))


def _instance_of(*kinds: str) -> Callable[[Any], Any]:
    """The test for instances of classes, given as ``module:name`` so that none is imported before it is needed."""

    def convert(value: Any) -> Any:
        if isinstance(value, tuple(_class_at(kind) for kind in kinds)):
            return value
        raise _Mismatch

    return convert


@functools.cache
def _class_at(place: str) -> Any:
    import importlib

    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _tensor(value: Any) -> Any:
    if isinstance(value, Tensor) or overrides(type(value)):
        return value
    if hasattr(value, "__array__") and python_number(value) is None:
        return value
    raise _Mismatch


def _tensors(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise _Mismatch
    for place, item in enumerate(value):
        check_element(place, item)
    return value


def check_element(place: int, value: Any, argument: int = 0) -> None:
    """Refuse what is no tensor among those of a sequence.

    Raises
    ------
    TypeError
        In PyTorch's words.
    """

    try:
        _tensor(value)
    except _Mismatch:
        raise TypeError(
            f"expected Tensor as element {place} in argument {argument}, but got {class_name(value)}"
        ) from None


def _dtype(value: Any) -> Any:
    if value.__class__ is dtypes.DType:
        return value
    named = dtypes.PYTHON_TYPES.get(value) if isinstance(value, type) else None
    if named is None:
        raise _Mismatch
    return named


#: For each annotation: what PyTorch calls it, its test, and the classes that the function takes as they are.
_KINDS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "int": ("int", _integer, "{0}.__class__ is not int"),
    "Sequence[int]": ("tuple of ints", _integers, "{0}.__class__ is not tuple"),
    "float": ("float", _float, "{0}.__class__ is not float and {0}.__class__ is not int"),
    "complex": ("Number", _number, "{0}.__class__ not in _NUMBERS"),
    "Number": ("Number", _number, "{0}.__class__ not in _NUMBERS"),
    "bool": ("bool", _instance_of("builtins:bool"), "{0} is not False and {0} is not True"),
    "str": ("str", _instance_of("builtins:str"), "{0}.__class__ is not str"),
    "DType": ("torch.dtype", _dtype, "{0}.__class__ is not _DType"),
    "Tensor": ("Tensor", _tensor, ""),
    "Array": ("Tensor", _tensor, ""),
    "Sequence[Tensor]": ("tuple of Tensors", _tensors, ""),
    "Generator": ("torch.Generator", _instance_of("pullback.random:Generator"), ""),
    "MemoryFormat": ("torch.memory_format", _instance_of("pullback.meta.formats:MemoryFormat"), ""),
    "StorageLayout": ("torch.layout", _instance_of("pullback.meta.formats:StorageLayout"), ""),
}
_SHORT = {"Dims": "int | Sequence[int] | None", "Sizes": "int | Sequence[int]"}


@functools.cache
def kind_of(annotation: str) -> Kind | None:
    """What an annotation says; None where it leaves everything open."""
    parts = [p.strip() for p in _SHORT.get(annotation, annotation).split("|")]
    parts = [q for p in parts for q in (s.strip() for s in _SHORT.get(p, p).split("|"))]
    optional = "None" in parts
    named = [p for p in parts if p != "None"]
    if any(p not in _KINDS for p in named):
        return None
    expected = "tuple of ints" if "Sequence[int]" in named and "Tensor" not in named else _KINDS[named[0]][0]
    guards = [_KINDS[p][2] for p in named]
    guard = " and ".join((*(("{0} is not None",) if optional else ()), *guards)) if all(guards) else ""
    return Kind(expected, tuple(_KINDS[p][1] for p in named), guard, optional)


def attribute_kinds(operation: Operation) -> tuple[tuple[str, Kind, int | None], ...]:
    """The operation's attributes whose kind its declaration tells: name, kind and position."""
    found = []
    annotations = operation.function.__annotations__
    for number, name in enumerate(operation.attributes, len(operation.operands) + 1):
        annotation = annotations.get(name)
        kind = kind_of(annotation) if isinstance(annotation, str) else None
        if kind is not None:
            found.append((name, kind, None if name in operation.keyword_only else number))
    return tuple(found)


def guards_of(operation: Operation) -> list[str]:
    """For generated code: what is true where an attribute is not as the operation takes it."""
    tests = []
    for name, kind, _ in attribute_kinds(operation):
        if kind.guard:
            test = kind.guard.format(name)
            default = operation.defaults.get(name, UNSET)
            if default is None and not kind.optional:
                test = f"{name} is not None and {test}"
            tests.append(test)
    return tests


def checked_attributes(operation: Operation, attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes as the operation takes them.

    Raises
    ------
    TypeError
        For one of another kind, and for those left out.
    """
    refuse_missing(operation.name, attributes)
    changed: dict[str, Any] = {}
    for name, kind, position in operation.kinds:
        value = attributes[name]
        if value is operation.defaults.get(name, UNSET):
            continue
        converted = kind.converted(operation.name, name, position, value)
        if converted is not value:
            changed[name] = converted
    return attributes | changed if changed else attributes


# -- functions written by hand ----------------------------------------------------------------------------------------

_VARIADIC: Final = 4  # the flag of a code object with *arguments


def checking(function: types.FunctionType) -> types.FunctionType:
    """A function written by hand, as it is public: where it fails, its arguments are looked at.

    It takes NumPy's names of its parameters, and NumPy's numbers and 0-d tensors for Python's.
    """

    def public(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            again = None if raised_by_handler(error) else _arguments_after(function, args, kwargs, error)
            if again is None:
                raise
        return function(*again[0], **again[1])

    return dressed(public, function)


def dressed(public: Any, function: types.FunctionType) -> types.FunctionType:
    """The function with the name, the documentation and the signature of another."""
    public.__name__, public.__qualname__, public.__doc__ = function.__name__, function.__qualname__, function.__doc__
    public.__module__, public.__annotations__ = function.__module__, function.__annotations__
    public.__wrapped__ = function
    made: types.FunctionType = public
    return made


def _arguments_after(
    function: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """As :func:`_other_arguments`; None also where the function itself has said what is wrong with an argument."""
    try:
        return _other_arguments(function, args, kwargs, error)
    except TypeError:
        own = f"{function.__name__.lstrip('_')}(): argument '"
        if isinstance(error, TypeError) and str(error).startswith(own):
            return None
        raise


def _other_arguments(
    function: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments under the names and of the kinds that the function takes; None where those it got are right.

    Raises
    ------
    TypeError
        For one of a wrong kind.
    """
    if isinstance(error, MemoryError) and not isinstance(error, RuntimeError):
        raise memory_error(error) from error
    function = getattr(function, "__wrapped__", function)  # its own, where classes are asked first
    code = function.__code__
    name = function.__name__
    count = code.co_argcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    renamed = _renamed(name, names, args, kwargs)
    if len(args) > count and not code.co_flags & _VARIADIC:
        return None  # too many: Python has said so
    required = names[: count - len(function.__defaults__ or ())]
    missing = [n for n in required[len(args) :] if n not in renamed]
    if missing:
        told = ", ".join(f'"{n}"' for n in missing)
        raise TypeError(f"{name}() missing {len(missing)} required positional arguments: {told}") from None
    if code.co_flags & _VARIADIC and code.co_varnames[len(names)] in ("tensors", "operands"):
        given = args[count:]
        items = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
        for place, item in enumerate(items):
            check_element(place, item, count)
    positional = list(args)
    changed = _convert(function, names[:count], names[count:], positional, renamed)
    return (tuple(positional), renamed) if changed or renamed.keys() != kwargs.keys() else None


def _renamed(name: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords under the names that the function has for them."""
    others = further_names(names)
    renamed = {}
    for key, value in kwargs.items():
        parameter = others.get(key, key) if key not in names else key
        if parameter in renamed or (parameter in names[: len(args)] and parameter != key):
            raise TypeError(f"{name}() got multiple values for argument '{parameter}'") from None
        renamed[parameter] = value
    return renamed


def _convert(
    function: types.FunctionType,
    by_position: tuple[str, ...],
    by_name: tuple[str, ...],
    args: list[Any],
    kwargs: dict[str, Any],
) -> bool:
    """Convert arguments, in place, to the kinds that the function takes; returns whether any was of another."""
    count, changed = len(by_position), False
    last = function.__defaults__ or ()
    defaults = dict(zip(by_position[count - len(last) :], last, strict=True)) | (function.__kwdefaults__ or {})
    first = by_position[:1] != ("self",)  # a method's first argument counts as none
    for number, parameter in enumerate((*by_position, *by_name)):
        kind = kind_of(str(function.__annotations__.get(parameter, "Any")))
        given_by_position = number < min(len(args), count)
        if kind is None or not (given_by_position or parameter in kwargs):
            continue
        value = args[number] if given_by_position else kwargs[parameter]
        if value is defaults.get(parameter, UNSET):
            continue
        place = max(number + first, 1) if number < count else None
        try:
            converted = kind.converted(function.__name__, parameter, place, value)
        except (TypeError, ValueError) as wrong:
            raise wrong from None
        if converted is value:
            continue
        changed = True
        if given_by_position:
            args[number] = converted
        else:
            kwargs[parameter] = converted
    return changed


_HEAP_TYPE = 1 << 9  # the flag of a class made by a class statement, whose name C does not qualify


def class_name(value: Any) -> str:
    """The name of a value's class as C gives it: qualified where it is not a class statement's, nor a builtin."""
    kind = type(value)
    if kind.__module__ == "builtins" or kind.__flags__ & _HEAP_TYPE:
        return kind.__name__
    return f"{kind.__module__}.{kind.__name__}"
