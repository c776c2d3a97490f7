"""Kernels that end the program, as a library does that is a script: an error of their backend, wherever they run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.errors import BackendError
from pullback.process.interrupts import Abandoned
from pullback_numpy.backend import NumPyBackend


class Cancelled(BaseException):
    """As a library for asynchronous programs has it."""


class Ending(NumPyBackend):
    """Its kernels do what they ought to, until they are told what to do first."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "ending"
        self.first: Callable[[], Any] = lambda: None

    def exp(self, x: Any, /, **options: Any) -> Any:
        self.first()
        return np.exp(x, **options)

    def add(self, x: Any, y: Any, /, **options: Any) -> Any:
        self.first()
        return np.add(x, y, **options)

    def take_along_axis(self, x: Any, indices: Any, axis: int = -1, /) -> Any:
        self.first()
        return np.take_along_axis(x, indices, axis=axis)


@pytest.fixture
def backend() -> Ending:
    return Ending()


def tensor(backend: Ending) -> pb.Tensor:
    return pb.Tensor._wrap(np.ones(2, np.float32), backend)


def raising(error: BaseException | type[BaseException]) -> Callable[[], None]:
    def first() -> None:
        raise error

    return first


USES: dict[str, tuple[str, Callable[[pb.Tensor], Any]]] = {
    "unary": ("exp", lambda x: x.exp()),
    "binary": ("add", lambda x: x + x),
    "number": ("add", lambda x: x + 1),
    "in place": ("add", lambda x: x.add_(x)),
    "of a body": ("take_along_axis", lambda x: x.gather(0, pb.Tensor._wrap(np.zeros(2, np.int64), x.backend))),
}


@pytest.mark.parametrize("prepared", [False, True], ids=["general path", "fast path"])
@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("use", USES)
def test_a_kernel_that_exits_is_an_error(backend: Ending, use: str, gradients: bool, prepared: bool) -> None:
    kernel, function = USES[use]
    with pb.set_grad_enabled(gradients):
        if prepared:
            function(tensor(backend))
        for end, said in (
            (lambda: sys.exit(3), "SystemExit: 3"),
            (raising(SystemExit), "SystemExit"),
            (raising(Cancelled("now")), "Cancelled: now"),
        ):
            backend.first = end
            message = (
                rf"\w+\(\): the kernel '{kernel}' of backend 'ending' raised {said} \(.*test_kernel_exits.py:\d+\)"
            )
            with pytest.raises(BackendError, match=message) as caught:
                function(tensor(backend))
            assert isinstance(caught.value.__cause__, SystemExit | Cancelled)
        backend.first = lambda: None
        function(tensor(backend))


@pytest.mark.parametrize("prepared", [False, True], ids=["general path", "fast path"])
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, Abandoned])
def test_what_ends_the_program_or_the_thread_gets_through(
    backend: Ending, error: type[BaseException], use: str, prepared: bool
) -> None:
    _, function = USES[use]
    if prepared:
        function(tensor(backend))
    backend.first = raising(error)
    with pytest.raises(error):
        function(tensor(backend))


@pytest.mark.parametrize("use", USES)
def test_an_exit_by_a_signal_handler_gets_through(backend: Ending, use: str) -> None:
    _, function = USES[use]
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
    try:
        for _ in range(2):  # the general path, then the fast one
            backend.first = lambda: signal.raise_signal(signal.SIGTERM)
            with pytest.raises(SystemExit) as caught:
                function(tensor(backend))
            assert caught.value.code == 7
            backend.first = lambda: None
            function(tensor(backend))
    finally:
        signal.signal(signal.SIGTERM, before)
