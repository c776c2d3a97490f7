"""Whether the views that a backend of mutable arrays gives are views: else writes through them would be lost."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pullback.errors import MissingKernelError
from pullback.meta.dtypes import complex64, float32, int32

if TYPE_CHECKING:
    from pullback.backend.base import Backend, Kernel, NativeArray
    from pullback.meta.dtypes import DType

#: The kernels that views are made of: on what shape and dtype each is tried, and how.
_TRIALS: tuple[tuple[str, tuple[int, ...], DType, Callable[[Any, Any], Any]], ...] = (
    ("getitem", (4, 4), float32, lambda backend, x: backend.getitem(x, (slice(1, None), slice(0, 4, 2)))),
    ("getitem", (4, 4), float32, lambda backend, x: backend.getitem(x, (1, ..., None))),
    ("getitem", (4,), float32, lambda backend, x: backend.getitem(x, 1)),
    ("reshape", (4, 4), float32, lambda backend, x: backend.reshape(x, (2, 8))),
    ("permute_dims", (4, 4), float32, lambda backend, x: backend.permute_dims(x, (1, 0))),
    ("expand_dims", (4, 4), float32, lambda backend, x: backend.expand_dims(x, axis=1)),
    ("squeeze", (4, 1, 4), float32, lambda backend, x: backend.squeeze(x, (1,))),
    ("broadcast_to", (4, 1), float32, lambda backend, x: backend.broadcast_to(x, (3, 4, 4))),
    ("diagonal", (4, 4), float32, lambda backend, x: backend.diagonal(x)),
    ("unfold", (4, 4), float32, lambda backend, x: backend.unfold(x, 0, 2, 1)),
    ("as_strided", (4, 4), float32, lambda backend, x: backend.as_strided(x, (2, 2), (5, 1), 1)),
    ("real", (4,), complex64, lambda backend, x: backend.real(x)),
    ("imag", (4,), complex64, lambda backend, x: backend.imag(x)),
    ("view_as_real", (4,), complex64, lambda backend, x: backend.view_as_real(x)),
    ("view_as_complex", (4, 2), float32, lambda backend, x: backend.view_as_complex(x)),
    ("reinterpret", (4,), float32, lambda backend, x: backend.reinterpret(x, int32)),
)


def copying_views(backend: Backend) -> list[str]:
    """The kernels of a mutable backend that give copies where views are expected, or are missing there."""
    found: list[str] = []
    with backend.guard():
        for name, shape, dtype, view in _TRIALS:
            if name not in found and dtype in backend.native_dtypes and _copies(backend, shape, dtype, view):
                found.append(name)
    return found


def _copies(backend: Backend, shape: tuple[int, ...], dtype: DType, view: Callable[[Any, Any], NativeArray]) -> bool:
    """Whether what is written into an array, all zeros, does not show in what should be a view of it."""
    whole = backend.zeros(shape, dtype=backend.native_dtypes[dtype])
    try:
        part = view(backend, whole)
    except MissingKernelError:
        return True
    backend.assign(whole, backend.from_data(1 + 1j if dtype.is_complex else 1.0, dtype, None))
    return any(not element for element in _elements(backend.to_numpy(part).tolist()))


def _elements(nested: Any) -> Iterator[Any]:
    if isinstance(nested, list):
        for part in nested:
            yield from _elements(part)
    else:
        yield nested


def require_views(backend: Backend) -> None:
    """Keep views up as on an immutable backend where one that says that its arrays are mutable gives copies."""
    if not backend.mutable:
        return
    copying = copying_views(backend)
    if not copying:
        return
    warnings.warn(
        f"backend {backend.name!r} declares mutable arrays, but its kernels {', '.join(copying)} give no views: it is"
        " treated as immutable, which costs a copy of what is written. Define these kernels so that they share memory,"
        " or declare mutable=False.",
        UserWarning,
        stacklevel=3,
    )
    become_immutable(backend)


def become_immutable(backend: Backend) -> None:
    """From now on nothing is written into arrays of the backend."""
    backend.mutable = False
    backend.inplace_kernels = frozenset()
    backend.strides = _no_strides  # type: ignore[method-assign]  # results count as row-major, as on any such backend
    # Some write into their operand; others need one that is contiguous, as arrays need not be any more.
    for name in ("index_put_into", "scatter_into", "fill_where_into", "view_as_complex", "reinterpret"):
        if hasattr(type(backend), name) or name in vars(backend):
            setattr(backend, name, _of_a_copy(backend, getattr(backend, name)))


def _no_strides(array: NativeArray) -> None:
    return None


def _of_a_copy(backend: Backend, kernel: Kernel) -> Kernel:
    """A kernel that gets a copy of its first operand."""

    def call(x: NativeArray, *args: Any, **kwargs: Any) -> NativeArray:
        return kernel(backend.copy(x), *args, **kwargs)

    return call
