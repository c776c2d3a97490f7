"""An array of a backend as an object with ``__dlpack__``, which calls the backend's own methods."""

from __future__ import annotations

from typing import Any

from pullback.extend import Backend


class Exported:
    """What a consumer of DLPack gets."""

    def __init__(self, backend: Backend, array: Any) -> None:
        self.backend = backend
        self.array = array

    def __dlpack__(self, **asked: Any) -> Any:
        return self.backend.to_dlpack(self.array, **asked)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.backend.dlpack_device(self.array)
