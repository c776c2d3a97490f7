"""What is measured: pullback on each backend that runs here, PyTorch, HIPS autograd and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

PYTORCH = "PyTorch"
PULLBACK_NUMPY = "pullback, NumPy"
AUTOGRAD = "HIPS autograd"
NUMPY = "NumPy, no gradient"


@dataclass(frozen=True)
class TensorLibrary:
    """A library with PyTorch's interface: PyTorch itself, or pullback on one of its backends."""

    label: str
    namespace: Any
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext
    wait_for: Callable[[Any], None] | None = None  # where results are computed asynchronously

    def timed(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """``run``, made to return only when its result is computed."""
        wait_for = self.wait_for
        if wait_for is None:
            return run

        def run_and_wait(*args: Any) -> Any:
            result = run(*args)
            wait_for(result)
            return result

        return run_and_wait


def tensor_libraries() -> list[TensorLibrary]:
    """PyTorch, which is the baseline, and pullback on every backend available here."""
    return [pytorch(), *(pullback_on(name) for name in available_backends())]


def pytorch() -> TensorLibrary:
    import torch

    return TensorLibrary(PYTORCH, torch)


def pullback_on(backend: str) -> TensorLibrary:
    import pullback as pb

    title = {"numpy": "NumPy", "jax": "JAX", "cupy": "CuPy"}.get(backend, backend)
    return TensorLibrary(
        f"pullback, {title}",
        pb,
        scope=partial(pb.use_backend, backend),
        wait_for=None if backend == "numpy" else _wait_for,
    )


def available_backends() -> list[str]:
    import pullback as pb

    return sorted(pb.available_backends(), key=lambda name: name != "numpy")


def _wait_for(tensor: Any) -> None:
    tensor.backend.synchronize()
