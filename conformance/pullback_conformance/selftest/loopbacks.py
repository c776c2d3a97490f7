"""The clean backends that defects are planted in: NumPy under another name, with arrays that can be written or not."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pullback.extend import Backend, get_backend


@functools.cache
def loopback_class(mutable: bool = True) -> type[Any]:
    """The class of clean backends over NumPy, none of which is the reference itself."""
    base: Any = type(get_backend("numpy"))

    class Loopback(base):  # type: ignore[misc]
        """NumPy under another name, and nothing wrong with it."""

        def __init__(self) -> None:
            super().__init__()
            self.name = type(self).__name__

    class ImmutableLoopback(Loopback):
        """NumPy under another name, whose arrays nobody writes to."""

        mutable = False

        def __init__(self) -> None:
            super().__init__()
            self.inplace_kernels = frozenset()

        def from_numpy(self, array: Any) -> Any:
            return super().from_numpy(array).copy()

        def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> Any:
            if copy is False:
                raise BufferError("memory that others write to is no immutable array's")
            return super().from_dlpack(producer, copy=copy).copy()

        def to_numpy(self, array: Any) -> Any:
            shown = np.asarray(array).view()  # a kernel may give a scalar
            shown.flags.writeable = False
            return shown

        def writable(self, array: Any) -> bool:
            return False

        def strides(self, array: Any) -> None:
            return None

        def same_strides(self, array: Any, other: Any) -> bool:
            return True

        def is_contiguous(self, array: Any) -> bool:
            return True

        def data_pointer(self, array: Any) -> None:
            return None

        def owns_memory(self, array: Any) -> bool:
            return True

        def view_as_complex(self, x: Any) -> Any:
            return super().view_as_complex(x.copy())

        def reinterpret(self, x: Any, dtype: Any) -> Any:
            return super().reinterpret(x.copy(), dtype)

        def index_put(self, x: Any, key: Any, values: Any, accumulate: bool = False) -> Any:
            return super().index_put_into(x.copy(), key, values, accumulate)

        def scatter(self, x: Any, axis: int, indices: Any, values: Any, reduce: str | None = None) -> Any:
            return super().scatter_into(x.copy(), axis, indices, values, reduce)

        assign = Backend.assign
        index_put_into = Backend.index_put_into
        scatter_into = Backend.scatter_into
        fill_where_into = Backend.fill_where_into

    return Loopback if mutable else ImmutableLoopback
