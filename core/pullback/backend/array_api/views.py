"""Kernels that PyTorch has as views and the standard lacks: views of mutable arrays, copies of immutable ones."""

from __future__ import annotations

from typing import Any, Final

from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import Kernel, NativeArray
from pullback.backend.selection import get_backend
from pullback.meta import dtypes as dt
from pullback.meta.dtypes import DType

#: Kernels of mutable backends that give views the standard has no function for.
HOST_VIEWS: Final = ("as_strided", "diagonal", "unfold", "view_as_real", "view_as_complex", "reinterpret")


class Views(NamespaceBackend):
    """Windows, and the same bytes as elements of another dtype."""

    def _bind_views(self) -> None:
        """Views that the standard lacks, made on the host: of libraries whose arrays share memory with NumPy's."""
        for name in HOST_VIEWS:
            own = getattr(type(self), name, None)
            if own is None or own is getattr(Views, name, None):
                setattr(self, name, self._on_host(name))

    def _on_host(self, name: str) -> Kernel:
        def call(x: NativeArray, *args: Any, dtype: Any = None) -> NativeArray:
            host = get_backend("numpy")
            options = {} if dtype is None else {"dtype": host.native_dtype(self.dtypes[dtype])}
            return self.from_numpy(getattr(host, name)(self.to_numpy(x), *args, **options))

        call.__name__ = name
        return call

    def unfold(self, x: NativeArray, axis: int, size: int, step: int) -> NativeArray:
        """Windows of ``size`` along an axis, ``step`` apart, in a new last axis."""
        count = (x.shape[axis] - size) // step + 1
        integer = self.native_dtypes[dt.int64]
        starts = self.reshape(self.arange(0, count * step, step, dtype=integer), (count, 1))
        within = self.reshape(self.arange(0, size, 1, dtype=integer), (1, size))
        taken = self.take(x, self.reshape(self.add(starts, within), (-1,)), axis=axis)
        windows = self.reshape(taken, (*x.shape[:axis], count, size, *x.shape[axis + 1 :]))
        dims = [d for d in range(len(windows.shape)) if d != axis + 1]
        return self.permute_dims(windows, (*dims, axis + 1))

    def view_as_real(self, x: NativeArray) -> NativeArray:
        """The real and the imaginary parts in a new last axis."""
        return self.stack([self.real(x), self.imag(x)], axis=-1)

    def view_as_complex(self, x: NativeArray) -> NativeArray:
        """Complex numbers of the real and imaginary parts in the last axis."""
        native = self._complex[x.dtype]
        real, imaginary = self.convert(x[..., 0], native), self.convert(x[..., 1], native)
        return self.add(real, self.multiply(imaginary, self.like(1j, imaginary)))

    def reinterpret(self, x: NativeArray, dtype: DType) -> NativeArray:
        """The bytes of the array as elements of another dtype; the last axis shrinks or grows with the elements."""
        host = self.to_numpy(self.copy(x))
        return self.from_numpy(host.view(self.to_numpy(self.zeros((1,), dtype=self.native_dtype(dtype))).dtype))
