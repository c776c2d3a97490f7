"""Tensors and what holds them in files: ``save`` and ``load``, on safetensors, without pickle.

The tensors of a file are named by where they are in the object, so that any library that reads safetensors finds them.
What the format has no place for, the file's metadata tell: containers and plain values, parameters, which tensors
require gradients, and which share memory.
"""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pullback.backend.base import Backend
from pullback.backend.selection import current_backend, get_backend
from pullback.errors import BackendError
from pullback.interop import safetensors_format
from pullback.interop.replacing import write_file
from pullback.interop.safetensors_format import Entry, UnreadableFile
from pullback.interop.shared_memory import placements, view_of
from pullback.meta import dtypes
from pullback.meta.devices import Device
from pullback.meta.dtypes import DType
from pullback.meta.shapes import Size
from pullback.nn.parameter import Parameter
from pullback.tensor import Tensor

if TYPE_CHECKING:
    #: Where ``load`` puts tensors, as ``torch.load`` takes it.
    MapLocation: TypeAlias = str | Device | Backend | Mapping[str, str] | Callable[[Tensor, str], Tensor | None] | None

_METADATA_KEY: Final = "pullback"
_VERSION: Final = 1


# -- save -------------------------------------------------------------------------------------------------------------


def save(obj: object, f: str | os.PathLike[str] | Any) -> None:
    """Write an object of tensors, containers and plain values to a file, in the safetensors format.

    Parameters
    ----------
    obj
        Tensors and parameters in dictionaries, lists, tuples and sets, with None, numbers, text, bytes, dtypes, devices
        and sizes among them; a dictionary of tensors, such as a module's ``state_dict()``, is a plain safetensors file.
    f : path or file
        A path, or anything with ``write``.

    Raises
    ------
    TypeError
        For anything else, naming where in the object it is; nothing is written then.

    Notes
    -----
    Tensors that share memory share it again when loaded. They are stored once, but for a plain dictionary of tensors,
    which other libraries shall find complete. Whether a tensor requires gradients is kept, its graph and its ``grad``
    are not.

    Examples
    --------
    >>> import io
    >>> import pullback as pb
    >>> file = io.BytesIO()
    >>> pb.save({"weight": pb.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> pb.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    if not isinstance(f, str | os.PathLike) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    content = safetensors_format.serialize(*_described(obj))
    if not isinstance(f, str | os.PathLike):
        f.write(content)
        return
    parent = os.path.dirname(os.fspath(f))
    if parent and not os.path.isdir(parent):
        raise RuntimeError(f"Parent directory {parent} does not exist.")
    write_file(f, content)


class _Writer:
    """Turns an object into a tree for JSON, and collects its tensors."""

    def __init__(self) -> None:
        self.tensors: list[tuple[str, Tensor]] = []
        self._numbers: dict[int, int] = {}
        self._open: set[int] = set()

    def tree(self, value: Any, path: tuple[Any, ...]) -> Any:
        """The tree of a value: itself where JSON has it, else an object of one key that says what it is."""
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if value - value == 0 else {"float": repr(value)}
        if isinstance(value, Tensor):
            return {"tensor": self._number(value, path)}
        if kind in _PLAIN:
            name, write, _ = _PLAIN[kind]
            return {name: write(value)}
        if kind not in _SEQUENCES and kind not in _MAPPINGS:
            raise TypeError(f"save(): {_where(path)} is {_refused(value)}")
        if id(value) in self._open:
            raise ValueError(f"save(): {_where(path)} contains itself")
        self._open.add(id(value))
        try:
            if kind in _SEQUENCES:
                return {kind.__name__: [self.tree(item, (*path, number)) for number, item in enumerate(value)]}
            pairs = [[self._key(key, path), self.tree(item, (*path, key))] for key, item in value.items()]
            return {kind.__name__: pairs}
        finally:
            self._open.discard(id(value))

    def _key(self, key: Any, path: tuple[Any, ...]) -> Any:
        if isinstance(key, Tensor):
            raise TypeError(f"save(): {_where(path)} has a Tensor as a key, which no file can keep")
        return self.tree(key, (*path, key))

    def _number(self, tensor: Tensor, path: tuple[Any, ...]) -> int:
        if type(tensor) is not Tensor and type(tensor) is not _parameter_type():
            raise TypeError(
                f"save(): {_where(path)} is of the Tensor subclass {type(tensor).__name__}, which a file cannot"
                " rebuild. Save tensor.as_subclass(pullback.Tensor)"
            )
        number = self._numbers.get(id(tensor))
        if number is None:
            number = self._numbers[id(tensor)] = len(self.tensors)
            self.tensors.append((".".join(str(part) for part in path) or "tensor", tensor))
        return number


def _where(path: tuple[Any, ...]) -> str:
    """A place in an object as Python spells it."""
    return "the object" + "".join(f"[{part!r}]" for part in path)


def _refused(value: Any) -> str:
    """What a value is that cannot be saved, and what to save instead."""
    kind = type(value)
    named = f"of type {kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else f"a {kind.__name__}"
    advice = "only tensors, containers and plain values can be saved"
    if kind.__module__ == "numpy":
        advice = "save pullback.from_numpy(array)" if getattr(value, "shape", ()) else "save its .item()"
    elif hasattr(value, "state_dict"):
        advice = "save its state_dict()"
    elif isinstance(value, dict | list | tuple):
        advice = f"save a plain {next(b.__name__ for b in (dict, list, tuple) if isinstance(value, b))} of it"
    return f"{named}: {advice}"


def _parameter_type() -> type[Tensor]:
    return Parameter


def _base64(value: bytes) -> str:
    import base64

    return base64.b64encode(value).decode("ascii")


def _unbase64(text: str) -> bytes:
    import base64

    return base64.b64decode(text)


#: Plain values that JSON lacks: their name in a tree, how they are written and read.
_PLAIN: Final[dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]]] = {
    float: ("float", repr, float),
    complex: ("complex", repr, complex),
    bytes: ("bytes", _base64, _unbase64),
    Size: ("Size", list, Size),
    DType: ("dtype", lambda dtype: dtype.name, lambda name: dtypes.by_name[name]),
    Device: ("device", str, Device),
}
_SEQUENCES: Final[tuple[type, ...]] = (list, tuple, set, frozenset)
_MAPPINGS: Final[tuple[type, ...]] = (dict, OrderedDict)
_CONTAINERS: Final = {kind.__name__: kind for kind in (*_SEQUENCES, *_MAPPINGS)}
_READERS: Final = {name: read for name, _, read in _PLAIN.values()}


def _described(obj: object) -> tuple[dict[str, Entry], dict[str, str]]:
    """What goes into the file: the stored tensors, and the metadata that tell of the rest."""
    import json

    writer = _Writer()
    tree = writer.tree(obj, ())
    entries: dict[str, Entry] = {}
    stored: list[dict[str, Any]] = []
    table: list[dict[str, Any]] = []
    plan = placements([tensor for _, tensor in writer.tensors])
    names = iter(_names([name for name, _ in writer.tensors]))
    named = [next(names) for _ in writer.tensors]
    for number, memory in enumerate(plan.memories):
        name = named[memory.owner] if memory.owner is not None else f"storage.{number}"
        while name in entries or (memory.owner is None and name in named):
            name += "'"
        entries[name], dtype = _entry(memory.tensor)
        stored.append({"name": name, **({"dtype": dtype} if dtype else {}), **_place(memory.tensor)})
    for (_, tensor), place in zip(writer.tensors, plan.placements, strict=True):
        told: dict[str, Any] = {"stored": place.memory}
        if place.geometry is not None:
            geometry = place.geometry
            told |= {"dtype": tensor.dtype.name, "shape": geometry.shape, "strides": geometry.strides}
            told |= {"offset": geometry.offset}
        if tensor.requires_grad:
            told["requires_grad"] = True
        if type(tensor) is not Tensor:
            told["parameter"] = True
        table.append(told)
    if type(obj) is dict and all(type(key) is str and isinstance(value, Tensor) for key, value in obj.items()):
        # Other libraries shall find every tensor of a dictionary, also those that share memory with another.
        for name, value in obj.items():
            name = _unicode(name)
            if name not in entries and name != "__metadata__":
                entries[name], _ = _entry(value)
    description = {"version": _VERSION, "object": tree, "tensors": table, "stored": stored}
    return entries, {_METADATA_KEY: json.dumps(description, separators=(",", ":"))}


def _names(wanted: list[str]) -> list[str]:
    """The wanted names, changed where two are one."""
    taken = {"__metadata__"}
    names = []
    for name in map(_unicode, wanted):
        while name in taken:
            name += "'"
        taken.add(name)
        names.append(name)
    return names


def _unicode(name: str) -> str:
    """The name as the format can have it: without lone surrogates."""
    return name.encode(errors="backslashreplace").decode()


def _entry(tensor: Tensor) -> tuple[Entry, str | None]:
    """A tensor as the file stores it, and its dtype where that is stored as another."""
    array = tensor._host()
    shape = tuple(array.shape)
    if tensor.dtype is not dtypes.complex128:
        return Entry(tensor.dtype.name, shape, array.ravel()), None
    return Entry("float64", (*shape, 2), array.ravel()), "complex128"


def _place(tensor: Tensor) -> dict[str, str]:
    return {"backend": tensor.backend.name, "device": str(tensor.device)}


# -- load -------------------------------------------------------------------------------------------------------------


def load(
    f: str | os.PathLike[str] | Any,
    map_location: MapLocation = None,
    *,
    weights_only: bool = True,
    backend: str | Backend | None = None,
) -> Any:
    """Read what :func:`save` wrote, or any safetensors file, which gives a dictionary of tensors.

    Parameters
    ----------
    f : path or file
        A path, or anything with ``read``.
    map_location : optional
        Where to put the tensors: a device, a backend's name, a dictionary from saved to wanted ones, or a function of
        a tensor and its saved location that returns it where it shall be, or None. By default where they were saved
        from; tensors of another program's file go to the selected backend.
    weights_only : bool
        Accepted for PyTorch's sake: nothing is ever unpickled, whatever it is.
    backend : str or Backend, optional
        The backend of all tensors.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RuntimeError
        For a damaged file or one of another format, and tensors whose backend or device isn't there.

    Examples
    --------
    >>> import io
    >>> import pullback as pb
    >>> file = io.BytesIO()
    >>> pb.save(pb.nn.Parameter(pb.ones(2)), file)
    >>> _ = file.seek(0)
    >>> pb.load(file)
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return _loaded(file, repr(os.fspath(f)), map_location, backend)
    if not hasattr(f, "read"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'read' attribute")
    return _loaded(f, "the file", map_location, backend)


#: What metadata that pullback did not write lead to.
_DAMAGED: Final = (
    ArithmeticError, AttributeError, IndexError, KeyError, MemoryError, RecursionError, TypeError, ValueError
)  # fmt: skip


class _CallersError(Exception):
    """An error of the function that ``map_location`` is, on its way out."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


def _loaded(file: Any, name: str, map_location: MapLocation, backend: str | Backend | None) -> Any:
    import json

    try:
        entries, metadata = safetensors_format.read(file)
        told = json.loads(metadata[_METADATA_KEY]) if _METADATA_KEY in metadata else None
        if told is None:
            return {key: _placed(_tensor(entry), None, map_location, backend) for key, entry in entries.items()}
        return _Reader(entries, told, map_location, backend).value(told["object"])
    except UnreadableFile as error:
        raise RuntimeError(f"load(): {name} cannot be read as a safetensors file: {error}") from None
    except _CallersError as error:
        raise error.cause from None
    except BackendError:  # the file is whole, and this backend cannot have what is in it
        raise
    except _DAMAGED as error:
        raise RuntimeError(f"load(): {name}: the metadata that pullback wrote are damaged: {error!r}") from error


def _tensor(entry: Entry, dtype: str | None = None) -> Tensor:
    """A stored tensor, on the NumPy backend, with memory of its own."""
    numpy = get_backend("numpy")
    native = numpy.native_dtype(dtypes.by_name[dtype or entry.dtype])
    shape = entry.shape[:-1] if dtype == "complex128" else entry.shape
    array = numpy.as_array(memoryview(entry.data)).view(native).reshape(shape)
    return Tensor._wrap(array, numpy)


#: The bytes that tensors which share elements may take anyway, where they cannot share memory.
_SPREAD: Final = 1 << 24


class _Reader:
    """Makes the object again of its tree."""

    def __init__(
        self, entries: dict[str, Entry], told: dict[str, Any], map_location: MapLocation, backend: str | Backend | None
    ) -> None:
        if told["version"] > _VERSION:
            raise UnreadableFile(f"a later version of pullback wrote it (version {told['version']} of its metadata)")
        self.memories = [
            _placed(_tensor(entries[place["name"]], place.get("dtype")), place, map_location, backend)
            for place in told["stored"]
        ]
        self.taken: set[int] = set()
        self.spread = 0
        self.allowed = _SPREAD + 16 * sum(len(entry.data) for entry in entries.values())
        self.tensors = [self._tensor(place) for place in told["tensors"]]

    def _tensor(self, told: dict[str, Any]) -> Tensor:
        number = told["stored"]
        tensor: Tensor = self.memories[number]
        if "strides" in told:
            if not tensor.backend.mutable:
                self._spread_out(tensor, told)
            tensor = view_of(tensor, dtypes.by_name[told["dtype"]], told["shape"], told["strides"], told["offset"])
        elif number in self.taken:
            tensor = tensor.detach()
        self.taken.add(number)
        requires_grad = told.get("requires_grad", False)
        if told.get("parameter"):
            make: Any = _parameter_type()
            parameter: Tensor = make(tensor, requires_grad)
            return parameter
        if requires_grad:
            tensor.requires_grad_()
        return tensor

    def _spread_out(self, tensor: Tensor, told: dict[str, Any]) -> None:
        """Refuse geometries that repeat a few elements very often, where each of them takes memory of its own."""
        self.spread += math.prod(told["shape"]) * dtypes.by_name[told["dtype"]].itemsize
        if self.spread > self.allowed:
            raise UnreadableFile(
                f"its tensors share elements, and would take {self.spread} bytes on backend {tensor.backend.name!r}."
                " Use load(..., backend='numpy')"
            )

    def value(self, tree: Any) -> Any:
        """The value of a tree."""
        if not isinstance(tree, dict):
            return tree
        ((kind, inner),) = tree.items()
        if kind == "tensor":
            return self.tensors[inner]
        if kind in _READERS:
            return _READERS[kind](inner)
        container = _CONTAINERS[kind]
        if container in _MAPPINGS:
            return container((self.value(key), self.value(item)) for key, item in inner)
        return container(self.value(item) for item in inner)


def _placed(
    tensor: Tensor, place: dict[str, str] | None, map_location: MapLocation, backend: str | Backend | None
) -> Tensor:
    """A tensor just read, where it shall be."""
    if backend is not None:
        tensor = tensor.to(get_backend(backend))
    saved = place["device"] if place is not None else "cpu"
    if callable(map_location) and not isinstance(map_location, Backend | Mapping):
        try:
            mapped = map_location(tensor, saved)
        except Exception as error:
            raise _CallersError(error) from None
        if mapped is not None:
            return mapped
        map_location = None
    if isinstance(map_location, Mapping):
        keys = (saved, place["backend"]) if place is not None else (saved,)
        map_location = next((map_location[key] for key in keys if key in map_location), None)
    if map_location is not None:
        return tensor.to(map_location)
    if backend is not None:
        return tensor
    if place is None:
        return tensor.to(current_backend())
    try:
        return tensor.to(get_backend(place["backend"])).to(Device(place["device"]))
    except BackendError as error:
        raise RuntimeError(
            f"load(): a tensor was saved from backend {place['backend']!r} on {place['device']}, which isn't available"
            f" here: {error}. Use map_location= or backend= to put it elsewhere, for example map_location='cpu'."
        ) from error
