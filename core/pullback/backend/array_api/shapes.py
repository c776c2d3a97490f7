"""Kernels that lay elements out in another shape."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.backend.array_api.axes import Axis
from pullback.backend.array_api.namespace import NamespaceBackend
from pullback.backend.base import NativeArray


class Shapes(NamespaceBackend):
    """Reshaping, joining and reordering."""

    def reshape(self, x: NativeArray, shape: tuple[int, ...]) -> NativeArray:
        return self.xp.reshape(x, shape)

    def permute_dims(self, x: NativeArray, axes: tuple[int, ...]) -> NativeArray:
        return self.xp.permute_dims(x, axes)

    def expand_dims(self, x: NativeArray, *, axis: int | tuple[int, ...]) -> NativeArray:
        if isinstance(axis, int):
            return self.xp.expand_dims(x, axis=axis)
        dims = len(x.shape) + len(axis)
        for one in sorted(a % dims for a in axis):
            x = self.xp.expand_dims(x, axis=one)
        return x

    def squeeze(self, x: NativeArray, axis: int | tuple[int, ...]) -> NativeArray:
        return self.xp.squeeze(x, axis)

    def broadcast_to(self, x: NativeArray, shape: tuple[int, ...]) -> NativeArray:
        return self.xp.broadcast_to(x, shape)

    def concat(self, arrays: Sequence[NativeArray], *, axis: int | None = 0) -> NativeArray:
        return self.xp.concat(arrays, axis=axis)

    def stack(self, arrays: Sequence[NativeArray], *, axis: int = 0) -> NativeArray:
        return self.xp.stack(arrays, axis=axis)

    def flip(self, x: NativeArray, *, axis: Axis = None) -> NativeArray:
        flipped = self.xp.flip(x, axis=axis)
        return self.copy(flipped) if self.mutable else flipped

    def roll(self, x: NativeArray, shift: int | tuple[int, ...], *, axis: Axis = None) -> NativeArray:
        return self.xp.roll(x, shift, axis=axis)

    def tril(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self.xp.tril(x, k=k)

    def triu(self, x: NativeArray, *, k: int = 0) -> NativeArray:
        return self.xp.triu(x, k=k)
