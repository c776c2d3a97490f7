"""Levels of transformed tensors: what is mapped over, which backend their arrays have, and how to get in and out.

Each ``vmap`` (and each forward-mode pass inside another) is a level. A tensor of a level wraps a tensor of a lower one,
which may be one of a level itself. The history of the wrapped tensor belongs to differentiation outside of the level,
the wrapper's own to differentiation inside of it: so both come out right, and neither knows of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import indent
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pullback.backend.base import Backend
from pullback.backend.geometry import Geometry
from pullback.dispatch.inplace import overlaps_itself
from pullback.process.blocks import begins_at_once
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.history import edge_of
from pullback.tensor.levels import (
    ESCAPED,
    LEVELS,
    derived_levels,
    levels,
    mapped_levels,
    refuse_mapped,
    requires_grad_beneath,
)
from pullback.tensor.modes import FORWARD, NO_GRAD, mode
from pullback.tensor.rebasing import history_after, rebase
from pullback.tensor.seams import seams
from pullback.tensor.views import strided_view
from pullback.tensor.writing import writable_array, write

if TYPE_CHECKING:
    from weakref import ref

    from pullback.dispatch.declaration import Operation
    from pullback.meta.devices import Device


class Level:
    """One active transform that gives tensors another shape: its number, and over how many examples it maps.

    Attributes
    ----------
    number : int
        How many levels it is inside of, counting itself.
    batch_size : int or None
        How many examples are mapped over; None for a level that maps over none.
    randomness : str
        What operations that draw random numbers do: ``"error"``, ``"different"`` or ``"same"``.
    """

    __slots__ = ("_backends", "_before", "batch_size", "lifted", "number", "randomness")

    copies_views = False  # whether the results of views are copies
    _before: tuple[Level, ...]

    def __init__(self, batch_size: int | None = None, randomness: str = "error") -> None:
        self.number = len(levels()) + 1
        self.batch_size = batch_size
        self.randomness = randomness
        self.lifted: list[ref[Tensor]] = []  # what has become of the level until it ends
        self._backends: dict[Backend, LevelBackend] = {}

    def __enter__(self) -> Level:
        self._before = levels()
        try:
            LEVELS.set((*self._before, self))
        except BaseException:
            LEVELS.set(self._before)
            raise
        return self

    @begins_at_once
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            LEVELS.set(self._before)
        finally:
            if self.lifted:
                from pullback.batching.lifting import restore_memory

                restore_memory(self)
            self._backends.clear()  # each refers to the level

    def wrap(self, value: Tensor, batch_dim: int | None) -> Tensor:
        """A tensor of this level around ``value``, whose dimension ``batch_dim`` is the mapped one."""
        backend = self.backend_over(value.backend)
        return Tensor._wrap(LevelArray(value, batch_dim, backend), backend)

    def backend_over(self, inner: Backend) -> LevelBackend:
        """The backend of this level's arrays that wrap tensors of ``inner``."""
        backend = self._backends.get(inner)
        if backend is None:
            backend = self._backends[inner] = LevelBackend(self, inner)
        return backend

    def lift(self, tensor: Tensor) -> Tensor:
        """A tensor as one of this level: those of lower levels are the same for each example."""
        backend = tensor.backend
        if backend.level >= self.number:
            if not isinstance(backend, LevelBackend) or backend.scope is not self:
                raise RuntimeError(ESCAPED)
            return tensor
        return self.wrap(tensor, None)


class LevelArray:
    """The array of a tensor of a level: a tensor with the mapped dimension, seen without it.

    ``shape`` and ``dtype`` are those of one example; ``home`` is the array's backend.
    """

    __slots__ = ("__weakref__", "_value", "batch_dim", "dtype", "home", "shape")

    def __init__(self, value: Tensor, batch_dim: int | None, home: LevelBackend) -> None:
        array = value.array
        self.home = home
        self._value = value
        self.batch_dim = batch_dim
        self.dtype = array.dtype
        shape = tuple(array.shape)
        self.shape = shape if batch_dim is None else (*shape[:batch_dim], *shape[batch_dim + 1 :])

    @property
    def value(self) -> Tensor:
        """The wrapped tensor, of a lower level."""
        value = self._value
        while value.backend.level >= self.home.level:  # it was of a lower one when it was wrapped
            value = self._value = value.array._value
        return value

    @property
    def ndim(self) -> int:
        """The number of dimensions of one example."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<array of shape {self.shape} mapped over dimension {self.batch_dim}>"


class LevelBackend(Backend):
    """The backend of one level's arrays, over the backend of the tensors they wrap.

    It has what a tensor's own methods and the machinery of views and gradients ask of a backend; operations have
    batching rules instead of kernels. Arrays count as mutable, whatever backend is beneath: writing goes to the wrapped
    tensor, which knows how.
    """

    mutable = True
    array_type = LevelArray

    def __init__(self, scope: Level, inner: Backend) -> None:
        self.scope = scope
        self.inner = inner
        self.level = scope.number
        self.name = inner.name
        self.dtypes = inner.dtypes
        self.native_dtypes = inner.native_dtypes
        self.default_device = inner.default_device

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        scope = self.scope
        if scope not in levels():
            raise RuntimeError(ESCAPED)
        if scope.batch_size is None and callable(kernel := getattr(self.inner, name, None)):
            return lambda *arguments, **options: self._constant(kernel, arguments, options)
        raise RuntimeError(
            f"vmap: an operation asked for the kernel {name!r} of a Tensor being vmapped, which has none. Operations"
            " that read a tensor's elements directly are not supported inside vmap."
        )

    def __repr__(self) -> str:
        return f"<level {self.level} over {self.inner!r}>"

    # -- what is asked of a backend because of levels

    @property
    def plain(self) -> Backend:
        return self.inner.plain

    def home_of(self, array: Any) -> Backend:
        return array.home if array.__class__ is LevelArray else self.inner.plain

    def detached(self, array: LevelArray) -> LevelArray:
        return LevelArray(array.value.detach(), array.batch_dim, array.home)

    def repr_of(self, tensor: Tensor) -> str:
        array: LevelArray = tensor.array
        value = repr(array.value)
        if not self.mutable:
            return f"FunctionalTensor(lvl={self.level}, value=\\\n{value})"
        if array.batch_dim is None:
            return value
        return f"BatchedTensor(lvl={self.level}, bdim={array.batch_dim}, value=\n{indent(value, '    ')}\n)"

    def transferred(self, tensor: Tensor, backend: Backend, device: Device | None) -> Tensor:
        array: LevelArray = tensor.array
        value = array.value.to(backend) if device is None else array.value.to(device, backend=backend)
        return tensor if value is array.value else self.scope.wrap(value, array.batch_dim)

    def widened(self, tensor: Tensor, like: Tensor) -> Tensor:
        scope, beneath = self.scope, like.array.value
        array: LevelArray = scope.lift(tensor).array
        value, dim = beneath.backend.widened(array.value, beneath), array.batch_dim
        if dim is None and like.array.batch_dim is not None:
            value, dim = value.unsqueeze(0).expand(scope.batch_size, *value.array.shape).clone(), 0
        return scope.wrap(value, dim)

    def drawn(self, function: Callable[..., Any], shape: Sequence[int], *rest: Any) -> LevelArray:
        count = self.scope.batch_size
        if count is not None:
            check_randomness(self.scope)
        if count is None or self.scope.randomness == "same":
            return LevelArray(Tensor._wrap(self.inner.drawn(function, shape, *rest), self.inner), None, self)
        array = self.inner.drawn(function, (count, *shape), *rest)
        return LevelArray(Tensor._wrap(array, self.inner), 0, self)

    def _constant(self, kernel: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        """What a kernel of the backend beneath makes of arrays without a history, where nothing is mapped over."""

        def beneath(argument: Any) -> Any:
            if not isinstance(argument, LevelArray):
                return argument
            value = argument.value
            if value.backend is not self.inner or value.edge is not None or value._tangent is not None:
                raise RuntimeError(ESCAPED)
            return value.array

        made = kernel(*map(beneath, arguments), **options)
        array = hasattr(made, "dtype") and hasattr(made, "shape")
        return self._made(Tensor._wrap(self.inner.as_array(made), self.inner)) if array else made

    def _made(self, value: Tensor) -> LevelArray:
        return LevelArray(value, None, self)

    # -- new arrays, which may be written to: another one for each example

    def _filled(self, make: Any, shape: Sequence[int], *value: Any, **options: Any) -> LevelArray:
        size = self.scope.batch_size
        whole = tuple(shape) if size is None else (size, *shape)
        made = Tensor._wrap(make(whole, *value, **options), self.inner)
        return LevelArray(made, None if size is None else 0, self)

    def zeros(self, shape: Sequence[int], *, dtype: Any = None, device: Device | None = None) -> LevelArray:
        return self._filled(self.inner.zeros, shape, dtype=dtype, device=device)

    def ones(self, shape: Sequence[int], *, dtype: Any = None, device: Device | None = None) -> LevelArray:
        return self._filled(self.inner.ones, shape, dtype=dtype, device=device)

    def empty(self, shape: Sequence[int], *, dtype: Any = None, device: Device | None = None) -> LevelArray:
        return self._filled(self.inner.empty, shape, dtype=dtype, device=device)

    def full(self, shape: Sequence[int], value: Any, *, dtype: Any = None, device: Device | None = None) -> LevelArray:
        return self._filled(self.inner.full, shape, value, dtype=dtype, device=device)

    # -- arrays that are the same for each example

    def arange(self, *bounds: Any, dtype: Any = None, device: Device | None = None) -> LevelArray:
        return self._made(Tensor._wrap(self.inner.arange(*bounds, dtype=dtype, device=device), self.inner))

    def positions(self, count: int, *options: Any) -> LevelArray:
        return self._made(Tensor._wrap(self.inner.positions(count, *options), self.inner))

    def linspace(self, *bounds: Any, **options: Any) -> LevelArray:
        return self._made(Tensor._wrap(self.inner.linspace(*bounds, **options), self.inner))

    def eye(self, *sizes: Any, **options: Any) -> LevelArray:
        return self._made(Tensor._wrap(self.inner.eye(*sizes, **options), self.inner))

    def from_data(self, data: Any, dtype: Any, device: Device | None = None) -> LevelArray:
        return self._made(Tensor._wrap(self.inner.from_data(data, dtype, device), self.inner))

    def from_numpy(self, array: Any) -> LevelArray:
        return self._made(Tensor._wrap(self.inner.from_numpy(array), self.inner))

    # -- what is known of an array

    def as_array(self, obj: Any) -> LevelArray:
        assert isinstance(obj, LevelArray)
        return obj

    def device_of(self, array: LevelArray) -> Device:
        return array.value.device

    def devices(self) -> list[Device]:
        return self.inner.devices()

    def to_numpy(self, array: LevelArray) -> Any:
        if array.batch_dim is None:
            return array.value._host()
        raise reading_error(self, "calling .item() on a Tensor")

    def any_negative(self, indices: LevelArray) -> bool:
        value = indices.value
        return value.backend.any_negative(value.array)

    def writable(self, array: LevelArray) -> bool:
        value = array.value
        return not value.backend.mutable or value.backend.writable(writable_array(value))

    def strides(self, array: LevelArray) -> tuple[int, ...]:
        strides = geometry_of(array.value).strides
        dim = array.batch_dim
        return strides if dim is None else (*strides[:dim], *strides[dim + 1 :])

    def owns_memory(self, array: LevelArray) -> bool:
        return False  # the wrapped tensor's memory may be anybody's

    # -- new arrays

    def copy(self, array: LevelArray) -> LevelArray:
        return LevelArray(array.value.clone(), array.batch_dim, self)

    def sum(self, array: LevelArray, *, axis: tuple[int, ...]) -> LevelArray:
        # What the engine calls for the gradient of a broadcast operand.
        out = Tensor._wrap(array, self).sum(axis).array
        assert isinstance(out, LevelArray)
        return out

    def add(self, array: LevelArray, number: float) -> LevelArray:
        return LevelArray(array.value + number, array.batch_dim, self)

    def multiply(self, array: LevelArray, number: float) -> LevelArray:
        return LevelArray(array.value * number, array.batch_dim, self)

    def astype(self, array: LevelArray, dtype: Any) -> LevelArray:
        return LevelArray(array.value.to(dtype), array.batch_dim, self)

    def reshape(self, array: LevelArray, shape: tuple[int, ...]) -> LevelArray:
        out = Tensor._wrap(array, self).reshape(shape).array
        assert isinstance(out, LevelArray)
        return out

    def permute_dims(self, array: LevelArray, order: tuple[int, ...]) -> LevelArray:
        out = Tensor._wrap(array, self).permute(order).array
        assert isinstance(out, LevelArray)
        return out

    def as_strided(
        self, array: LevelArray, shape: Sequence[int], strides: Sequence[int], offset: int, *, dtype: Any = None
    ) -> LevelArray:
        # Offsets and strides are those of one example; the examples lie where they lie.
        value, dim = array.value, array.batch_dim
        own = geometry_of(value)
        shape, strides = tuple(shape), tuple(strides)
        if dim is not None:
            shape, strides = (own.shape[dim], *shape), (own.strides[dim], *strides)
        target = Geometry(own.dtype, shape, strides, own.offset + offset)
        return LevelArray(strided_view(value, own, target), None if dim is None else 0, self)

    def to_device(self, array: LevelArray, device: Device) -> LevelArray:
        return LevelArray(array.value.to(device=device), array.batch_dim, self)

    def assign(self, target: LevelArray, value: LevelArray) -> None:
        """Write the elements, with their history, into the wrapped tensor."""
        source, dim = value.value, value.batch_dim
        if overlaps_itself(target.value):
            raise RuntimeError(
                "unsupported operation: more than one element of the written-to tensor refers to a single memory"
                " location. Please clone() the tensor before performing the operation."
            )
        if target.batch_dim is None:
            assert dim is None  # or the write has been refused
        elif dim is None:
            source = source.unsqueeze(target.batch_dim).expand(tuple(target.value.array.shape))
        elif dim != target.batch_dim:
            source = source.movedim(dim, target.batch_dim)
        write_with_history(target.value, source)


def write_with_history(tensor: Tensor, source: Tensor) -> None:
    """Write the elements of ``source`` into a tensor of the same shape and dtype, whose history that becomes."""
    active = mode()
    while source.backend.level > tensor.backend.level:
        if (source.edge is not None and not active & NO_GRAD) or (source._tangent is not None and active & FORWARD):
            if not _lifted(tensor, source):
                raise _captured("copy_")
            break
        source = source.array.value
    if isinstance(tensor.backend, LevelBackend):
        source = tensor.backend.scope.lift(source)

    write(tensor, source.array)
    if not active & NO_GRAD:
        node = edge_of(source)
        if node is not None or tensor.edge is not None:
            rebase(tensor, node, history_after(tensor, node))
    if active & FORWARD and (source._tangent is not None or tensor._tangent is not None):
        seams.write_tangent(tensor, source._tangent)


def stand_in(tensor: Tensor, operands: Sequence[Tensor]) -> Tensor:
    """A tensor of a level as it is before it is written in place, for the operation that computes what is written.

    Where something outside of the level is recorded, because of the tensor or the operands, that history may keep the
    elements as they are now.
    """
    array: LevelArray = tensor.array
    value = array.value
    if not tensor.backend.mutable:
        return Tensor._wrap(array, array.home)
    if not mode() & NO_GRAD and (requires_grad_beneath(value) or any(requires_grad_beneath(o) for o in operands)):
        value = value.clone()
    else:
        value = value.detach() if not mode() & FORWARD else value.clone()
    return Tensor._wrap(LevelArray(value, array.batch_dim, array.home), array.home)


def to_be_written(operation: Operation, tensor: Tensor, out: Tensor) -> Tensor | None:
    """The result of an in-place operation on the level of the tensor that it goes into.

    None where the tensor has become one of a higher level: what is to be written must be computed again.

    Raises
    ------
    RuntimeError
        If the tensor is the same for each example and ``out`` is not, or ``out`` has a history or a tangent of a level
        that the tensor cannot have one of.
    """
    if tensor.backend.level and tensor.backend.level == out.backend.level and not tensor.backend.mutable:
        if operation.name == "copy":  # its result may be its source itself
            array: LevelArray = out.array
            out.array = LevelArray(array.value.clone(), array.batch_dim, array.home)
        return out
    if not mapped_levels(out) <= mapped_levels(tensor):
        raise unbatched_write(operation, tensor, out)
    while out.backend.level > tensor.backend.level:
        if not out.backend.mutable:
            raise _not_functional()
        if out.edge is not None or out._tangent is not None:
            if operation.draws or not _lifted(tensor, out):
                raise _captured(operation.inplace_name or operation.name)
            return None
        out = out.array.value
    return out


def _lifted(tensor: Tensor, out: Tensor) -> bool:
    """Lift a tensor to the levels on which ``out`` has a history or a tangent; False where that cannot be."""
    from pullback.batching.lifting import lift_memory

    active = levels()
    numbers = sorted(number for number in derived_levels(out) if number > tensor.backend.level)
    return all(lift_memory(tensor, active[number - 1]) for number in numbers)


# -- what is said of what can't be ------------------------------------------------------------------------------------


def _not_functional() -> RuntimeError:
    return RuntimeError(
        "mutating a non-functional tensor with a functional tensor is not allowed. Please ensure that all of your"
        " inputs are wrapped inside of a functionalize() call."
    )


def _captured(name: str) -> RuntimeError:
    return RuntimeError(
        "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation"
        f" (aten::{name}) that would mutate a captured Tensor. This is not supported; please rewrite the function being"
        " transformed to explicitly accept the mutated Tensor(s) as inputs."
    )


def check_out(name: str, operands: Sequence[Tensor], outs: Sequence[Tensor]) -> None:
    """Refuse to write a function's results into ``outs`` inside ``vmap``, or into tensors from outside of a level."""
    refuse_mapped(
        f"Batching rule not implemented for aten::{name}.out; the fallback path doesn't work on out= or view ops.",
        *operands,
        *outs,
    )
    level = max((t.backend.level for t in operands), default=0)
    if any(t.backend.level < level for t in outs):
        raise _not_functional()


def unbatched_write(operation: Operation, tensor: Tensor, out: Tensor) -> RuntimeError:
    """The error for writing what differs between examples into a tensor that is the same for all."""
    if operation.draws:
        return RuntimeError(
            "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same"
            " randomness. If this is necessary for your usage, please file an issue with functorch."
        )
    name, where = operation.name, "in a vmap"
    written = f"{name.removesuffix('_to_tensors').removesuffix('_tensor').removesuffix('_value')}_"
    refused_by = operation.inplace.refused_by
    if refused_by in ("arithmetic", "shape"):
        written = "inplace arithmetic"
    elif refused_by is None:
        where, written = f"at level {max(mapped_levels(out) - mapped_levels(tensor))}", f"aten::{written}"
    explained = (
        f"vmap: {written}(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that"
        " has more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped"
        f" over {where}. Please try to use out-of-place operators instead of {written}. If said operator is being"
        " called inside the PyTorch framework, please file a bug report instead."
    )
    if refused_by != "shape":
        return RuntimeError(explained)
    whole = list(out.shape)
    while out.backend.level:
        array: LevelArray = out.array
        out = array.value
        if array.batch_dim is not None:
            whole.insert(0, int(out.array.shape[array.batch_dim]))
    error = RuntimeError(f"output with shape {list(tensor.shape)} doesn't match the broadcast shape {whole}")
    error.add_note(explained)
    return error


def reading_error(backend: LevelBackend, doing: str) -> RuntimeError:
    """What is said where the elements of a mapped tensor should become Python numbers."""
    if backend.scope not in levels():
        return RuntimeError(ESCAPED)
    return RuntimeError(
        f"vmap: It looks like you're {doing}. We don't support vmap over {doing}, please try to rewrite what you're"
        " doing with other operations. If error is occurring somewhere inside PyTorch internals, please file a bug"
        " report."
    )


seams.stand_in, seams.to_be_written, seams.check_out = stand_in, to_be_written, check_out


def check_randomness(level: Level) -> None:
    """Refuse to draw where ``vmap`` was not told how.

    Raises
    ------
    RuntimeError
        For ``randomness="error"``.
    """
    if level.randomness == "error":
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different'"
            " randomness flags on vmap or perform the randomness operation out of vmap"
        )
