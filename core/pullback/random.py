"""Generators of random numbers and their seeds.

The same seed gives the same stream of uniform numbers and integers on every backend, see
:mod:`pullback.ops.random.philox`; normal numbers agree to a few units in the last place.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any, Final

from pullback.meta.devices import CPU, Device
from pullback.meta.dtypes import uint8
from pullback.ops.creation.from_data import tensor
from pullback.process.blocks import begins_at_once, surely
from pullback.process.locks import new_lock
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_DEFAULT_SEED: Final = 67280421310721
_MASK: Final = 0xFFFFFFFFFFFFFFFF
_STATE_BYTES: Final = 16


class Generator:
    """A source of random numbers: a seed, and how much of its stream has been used.

    Generators have no backend: one and the same serves tensors of all of them. Drawing from one generator in several
    threads is safe; each draw gets a part of the stream of its own.

    Parameters
    ----------
    device : Device or str, optional
        Taken for compatibility with PyTorch and reported by ``device``.

    Examples
    --------
    >>> import pullback as pb
    >>> generator = pb.Generator().manual_seed(0)
    >>> pb.randint(10, (4,), generator=generator)
    tensor([9, 8, 3, 1])
    """

    __slots__ = ("_lock", "_offset", "_seed", "device")

    def __init__(self, device: Device | str | None = None) -> None:
        self.device = CPU if device is None else Device(device)
        self._seed = _DEFAULT_SEED
        self._offset = 0
        self._lock = new_lock()

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of ``seed`` from its beginning, and return the generator.

        Raises
        ------
        ValueError
            If the seed is outside [-2**63, 2**64).
        """
        seed = int(seed)
        if not -(1 << 63) <= seed <= _MASK:
            raise ValueError("Overflow when unpacking long long")
        with self._lock:
            self._seed, self._offset = seed & _MASK, 0
        return self

    def seed(self) -> int:
        """Start the stream of a seed that the operating system draws, and return that seed."""
        import os

        # 53 bits, which survive a way through JSON or a float, as PyTorch's.
        seed = int.from_bytes(os.urandom(8), "little") >> 11
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed of the current stream."""
        return self._seed

    def get_state(self) -> Tensor:
        """The generator's state, for :meth:`set_state`: seed and position, as a tensor of bytes."""
        with self._lock:
            state = self._seed | self._offset << 64
        return tensor(list(state.to_bytes(_STATE_BYTES, "little")), dtype=uint8)

    def set_state(self, new_state: Tensor) -> None:
        """Go back to a state that :meth:`get_state` gave.

        Raises
        ------
        TypeError, RuntimeError
            If it is no such state.
        """
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype is not uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if new_state.numel() != _STATE_BYTES:
            raise RuntimeError(f"RNG state is wrong size: expected {_STATE_BYTES} bytes, got {new_state.numel()}")
        state = int.from_bytes(bytes(new_state.tolist()), "little")
        with self._lock:
            self._seed, self._offset = state & _MASK, state >> 64

    def take(self, blocks: int) -> tuple[int, int]:
        """Reserve that many blocks of four words: the stream's key, and the number of the first of them."""
        with self._lock:
            first = self._offset
            self._offset = (first + blocks) & _MASK
            return self._seed, first

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            return _restored, (str(self.device), self._seed, self._offset)


def _restored(device: str, seed: int, offset: int) -> Generator:
    generator = Generator(device)
    generator._seed, generator._offset = seed, offset
    return generator


#: What random functions draw from where no generator is given; its first seed differs from process to process.
default_generator: Final = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, for every backend, and return it.

    Examples
    --------
    >>> import pullback as pb
    >>> generator = pb.manual_seed(0)
    >>> first = pb.rand(2)
    >>> generator = pb.manual_seed(0)
    >>> pb.equal(pb.rand(2), first)
    True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the operating system, and return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator's current stream."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator back into a state that :func:`get_rng_state` gave."""
    default_generator.set_state(new_state)


class fork_rng(ContextDecorator):
    """On leaving the block, put the default generator back into the state it had on entering.

    Examples
    --------
    >>> import pullback as pb
    >>> generator = pb.manual_seed(0)
    >>> with pb.random.fork_rng():
    ...     inside = pb.rand(2)
    >>> pb.equal(pb.rand(2), inside)
    True
    """

    def __init__(self) -> None:
        self._before: list[Tensor] = []

    def __enter__(self) -> None:
        self._before.append(default_generator.get_state())

    @begins_at_once
    def __exit__(self, *error: object) -> None:
        try:
            surely(default_generator.set_state, self._before[-1])
        finally:
            del self._before[-1]
