"""dask.array, lazy and in chunks, as a backend."""

from typing import Any

import array_api_compat.dask.array as xp
import dask
from dask.array.core import normalize_chunks

from pullback.extend import ArrayAPIBackend


class DaskBackend(ArrayAPIBackend):
    """dask.array: lazy, in chunks."""

    def __init__(self) -> None:
        super().__init__("dask", xp)

    def versions(self) -> dict[str, str]:
        return {"dask": dask.__version__}

    def to_numpy(self, array: Any) -> Any:
        return super().to_numpy(array.compute())

    def nonzero(self, x: Any) -> tuple[Any, ...]:
        return tuple(found.compute_chunk_sizes() for found in super().nonzero(x))

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        try:
            return x.reshape(shape)
        except NotImplementedError:  # dask merges or splits dimensions, one or the other at a time
            return x.reshape((-1,)).reshape(shape)

    def eye(self, n: int, m: int | None = None, *, dtype: Any, device: Any = None) -> Any:
        # Dask's own raises for fewer rows than columns.
        rows, columns = (xp.arange(size, device=self.native_device(device)) for size in (n, n if m is None else m))
        return self.equal(rows[:, None], columns).astype(dtype)

    def broadcast_to(self, x: Any, shape: tuple[int, ...]) -> Any:
        # Dask's own makes one chunk of each new dimension, which others then cut into copies that are all kept.
        own = [(1,)] * (len(shape) - x.ndim) + list(x.chunks)
        chunks = tuple("auto" if parts == (1,) else parts for parts in own)
        return xp.broadcast_to(x, shape, chunks=normalize_chunks(chunks, shape, dtype=x.dtype))
