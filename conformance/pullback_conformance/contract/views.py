"""The kernels whose results are views: where they lie in memory, and writes that are seen in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from pullback.extend import Backend, DType, dtypes
from pullback_conformance.contract.arrays import difference, elements, native, numpy_copy, other_elements
from pullback_conformance.contract.probe import probe


def strided(x: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Any:
    """NumPy's view of any strides, in elements, of a row-major array."""
    flat = x.reshape(-1)[offset:]
    return np.lib.stride_tricks.as_strided(flat, shape, tuple(s * x.itemsize for s in strides))


#: What a kernel makes of an array of 4 by 4 elements, and NumPy of its own; by the kernel's name and what it is told.
VIEWS: Final[dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], Any]]]] = {
    "getitem [1:, ::2]": (lambda b, x: b.getitem(x, (slice(1, None), slice(None, None, 2))), lambda x: x[1:, ::2]),
    "getitem [::3]": (lambda b, x: b.getitem(x, slice(None, None, 3)), lambda x: x[::3]),
    "getitem [:, -2:]": (lambda b, x: b.getitem(x, (slice(None), slice(-2, None))), lambda x: x[:, -2:]),
    "getitem [..., None, 3]": (lambda b, x: b.getitem(x, (..., None, 3)), lambda x: x[..., None, 3]),
    "getitem [1]": (lambda b, x: b.getitem(x, 1), lambda x: x[1]),
    "getitem [1, 2]": (lambda b, x: b.getitem(x, (1, 2)), lambda x: x[1, 2, ...]),
    "reshape (2, 8)": (lambda b, x: b.reshape(x, (2, 8)), lambda x: x.reshape(2, 8)),
    "reshape (16,)": (lambda b, x: b.reshape(x, (16,)), lambda x: x.reshape(16)),
    "reshape of columns": (
        lambda b, x: b.reshape(b.permute_dims(x, (1, 0)), (4, 1, 4)),
        lambda x: x.T.reshape(4, 1, 4),
    ),
    "permute_dims (1, 0)": (lambda b, x: b.permute_dims(x, (1, 0)), lambda x: x.T),
    "permute_dims (2, 0, 1)": (
        lambda b, x: b.permute_dims(b.reshape(x, (2, 2, 4)), (2, 0, 1)),
        lambda x: x.reshape(2, 2, 4).transpose(2, 0, 1),
    ),
    "expand_dims 0": (lambda b, x: b.expand_dims(x, axis=0), lambda x: x[None]),
    "expand_dims 2": (lambda b, x: b.expand_dims(x, axis=2), lambda x: x[..., None]),
    "expand_dims of columns": (lambda b, x: b.expand_dims(b.permute_dims(x, (1, 0)), axis=1), lambda x: x.T[:, None]),
    "squeeze (0,)": (lambda b, x: b.squeeze(b.reshape(x, (1, 4, 4)), (0,)), lambda x: x),
    "squeeze (1, 3)": (lambda b, x: b.squeeze(b.reshape(x, (4, 1, 4, 1)), (1, 3)), lambda x: x),
    "broadcast_to of rows": (lambda b, x: b.broadcast_to(x, (3, 4, 4)), lambda x: np.broadcast_to(x, (3, 4, 4))),
    "broadcast_to of a column": (
        lambda b, x: b.broadcast_to(b.getitem(x, (slice(None), slice(1, 2))), (4, 3)),
        lambda x: np.broadcast_to(x[:, 1:2], (4, 3)),
    ),
    "diagonal": (lambda b, x: b.diagonal(x), lambda x: strided(x, (4,), (5,), 0)),
    "diagonal of several": (
        lambda b, x: b.diagonal(b.reshape(x, (4, 2, 2))),
        lambda x: strided(x, (4, 2), (4, 3), 0),
    ),
    "unfold of rows": (lambda b, x: b.unfold(x, 0, 2, 1), lambda x: strided(x, (3, 4, 2), (4, 1, 4), 0)),
    "unfold with a step": (lambda b, x: b.unfold(x, 1, 2, 2), lambda x: strided(x, (4, 2, 2), (4, 2, 1), 0)),
    "as_strided with an offset": (
        lambda b, x: b.as_strided(x, (2, 2), (5, 1), 1),
        lambda x: strided(x, (2, 2), (5, 1), 1),
    ),
    "as_strided that overlaps": (
        lambda b, x: b.as_strided(x, (3, 3), (2, 1), 0),
        lambda x: strided(x, (3, 3), (2, 1), 0),
    ),
}


def is_view(backend: Backend, dtype: DType, variant: str) -> str | None:
    """Is the result in its operand's memory, so that what is written into either is seen in the other?"""
    make, right = VIEWS[variant]
    want = elements(dtype, 4, 4)
    places = right(np.arange(16).reshape(4, 4))
    x = native(backend, want, dtype)
    view = make(backend, x)
    problem = difference("the view", numpy_copy(backend, view), want.reshape(-1)[places])
    if problem is not None:
        return problem
    strides, seen = backend.strides(view), right(want)
    wanted = tuple(s // seen.itemsize for s in seen.strides)
    if strides is None or any(n > 1 and s != w for n, s, w in zip(seen.shape, strides, wanted, strict=True)):
        return f"the view has strides {strides}, not {wanted}"
    want = other_elements(want)
    backend.assign(x, native(backend, want, dtype))
    problem = difference("the view", numpy_copy(backend, view), want.reshape(-1)[places])
    if problem is not None:
        return f"{problem}: what is written into its base is not seen"
    if np.unique(places).size < places.size:
        return None  # elements that share a place
    if not backend.writable(view):
        return "the view cannot be written to"
    written = want.copy()
    written.reshape(-1)[places] = other_elements(want.reshape(-1)[places])
    backend.assign(view, native(backend, written.reshape(-1)[places], dtype))
    problem = difference("the base", numpy_copy(backend, x), written)
    return problem and f"{problem}, after its view was written to"


def calls_of(kernel: str) -> Callable[[Backend, DType], list[str]]:
    """What is made by a kernel."""
    return lambda backend, dtype: [name for name in VIEWS if name.partition(" ")[0] == kernel]


for _kernel in dict.fromkeys(name.partition(" ")[0] for name in VIEWS):
    probe(_kernel, "", mutable=True, variants=calls_of(_kernel))(is_view)


def shows_writes(backend: Backend, x: Any, view: Any, want: Any, seen: Any, dtype: DType) -> str | None:
    """What is wrong with a view of another dtype; ``want`` and its view ``seen`` are NumPy's, with the elements."""
    problem = difference("the view", numpy_copy(backend, view), np.array(seen))
    if problem is not None:
        return problem
    want[...] = other_elements(want)
    backend.assign(x, native(backend, want, dtype))
    problem = difference("the view", numpy_copy(backend, view), np.array(seen))
    if problem is not None:
        return f"{problem}: what is written into its base is not seen"
    if not backend.writable(view):
        return "the view cannot be written to"
    seen[...] = other_elements(seen)
    backend.assign(view, native(backend, seen, backend.dtype_of(view.dtype)))
    problem = difference("the base", numpy_copy(backend, x), want)
    return problem and f"{problem}, after its view was written to"


@probe("view_as_real", "", dtypes=lambda dtype: dtype.is_complex, mutable=True)
def view_as_real(backend: Backend, dtype: DType) -> str | None:
    """Are the parts of complex numbers pairs of real ones in the same memory?"""
    want = elements(dtype, 2, 3)
    seen = want[..., None].view(want.real.dtype)
    x = native(backend, want, dtype)
    return shows_writes(backend, x, backend.view_as_real(x), want, seen, dtype)


@probe("real", "and imag", dtypes=lambda dtype: dtype.is_complex, mutable=True)
def real_and_imag(backend: Backend, dtype: DType) -> str | None:
    """Are the parts of complex numbers views of them?"""
    for name in ("real", "imag"):
        want = elements(dtype, 2, 3)
        x = native(backend, want, dtype)
        problem = shows_writes(backend, x, getattr(backend, name)(x), want, getattr(want, name), dtype)
        if problem is not None:
            return f"{name}: {problem}"
    return None


@probe("view_as_complex", "", dtypes=lambda dtype: dtype.name in ("float32", "float64"), mutable=True)
def view_as_complex(backend: Backend, dtype: DType) -> str | None:
    """Are pairs of real numbers complex ones in the same memory?"""
    want = elements(dtype, 2, 3, 2)
    x = native(backend, want, dtype)
    seen = want.view(np.dtype(f"c{2 * want.itemsize}"))[..., 0]
    return shows_writes(backend, x, backend.view_as_complex(x), want, seen, dtype)


@probe("reinterpret", "", dtypes=lambda dtype: dtype.category > 0, mutable=True)
def reinterpret(backend: Backend, dtype: DType) -> str | None:
    """Are the bytes of the elements those of another dtype in the same memory?"""
    want = elements(dtype, 2, 4)
    x = native(backend, want, dtype)
    for name in ("uint8", "int16", "int32", "int64"):
        target = dtypes.by_name[name]
        if target.itemsize > want.shape[-1] * dtype.itemsize or target is dtype:
            continue
        seen = want.view(np.dtype(name))
        problem = shows_writes(backend, x, backend.reinterpret(x, target), want, seen, dtype)
        if problem is not None:
            return f"as {name}: {problem}"
    return None
