"""Device naming: ``cpu``, ``cuda:0``, or whatever kind of device a backend declares."""

from __future__ import annotations

import re
from collections.abc import Callable

_DEVICE = r"([a-z][a-z_]*)(?::(0|[1-9][0-9]*))?"


class Device:
    """Where a tensor's elements are.

    Parameters
    ----------
    type : str, int or Device
        A kind of device, optionally with its index: ``"cpu"``, ``"cuda"``, ``"cuda:1"``. An int is a CUDA
        index.
    index : int, optional
        Which device of that kind.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.device("cuda:1")
    device(type='cuda', index=1)
    >>> str(pb.device("cuda", 1))
    'cuda:1'
    >>> pb.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | int | Device, index: int | None = None) -> None:
        self.type: str
        self.index: int | None
        if isinstance(type, Device):
            if index is not None:
                raise RuntimeError(f"device(): an index cannot follow the device {str(type)!r}")
            self.type, self.index = type.type, type.index
            return
        if isinstance(type, int) and not isinstance(type, bool):
            if index is not None:
                raise RuntimeError(f"device(): an index cannot follow the device index {type}")
            index = int(type)
            type = "cuda"
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        match = re.fullmatch(_DEVICE, type)
        if match is None:
            raise RuntimeError(f"Invalid device string: {type!r}")
        written: str | None = match.group(2)
        if written is not None:
            if index is not None:
                raise RuntimeError(
                    f"type (string) must not include an index because index was passed explicitly: {type}"
                )
            index = int(written)
        if index is not None and index < 0:
            raise RuntimeError(f"Device index must not be negative, got {index}")
        self.type, self.index = match.group(1), index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        return self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Callable[..., Device], tuple[str, int | None]]:
        return Device, (self.type, self.index)


CPU = Device("cpu")
