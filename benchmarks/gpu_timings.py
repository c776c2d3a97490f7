"""Times of a few programs on a GPU: pullback on CuPy and on JAX, and PyTorch.

::

    python benchmarks/gpu_timings.py [--quick] [--output FILE.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple


class Subject(NamedTuple):
    """A library with PyTorch's interface on a device, and how to wait for that."""

    label: str
    namespace: Any
    device: str
    wait: Callable[[], None]


def subjects() -> tuple[list[Subject], dict[str, str]]:
    """What is measured, and what is left out, with the reason."""
    import pullback as pb

    found: list[Subject] = []
    left_out: dict[str, str] = {}
    for name, title in (("cupy", "pullback, CuPy"), ("jax", "pullback, JAX")):
        if name not in pb.available_backends():
            left_out[title] = "the backend is not available"
            continue
        backend = pb.get_backend(name)
        kinds = [device for device in backend.devices() if device.type == "cuda"]
        if not kinds:
            left_out[title] = "it has no CUDA device"
            continue
        with pb.use_backend(name):
            found.append(Subject(title, _on(pb, name), str(kinds[0]), backend.synchronize))
    try:
        import torch
    except ImportError:
        left_out["PyTorch"] = "it is not installed"
    else:
        if torch.cuda.is_available():
            found.append(Subject("PyTorch", torch, "cuda:0", torch.cuda.synchronize))
        else:
            left_out["PyTorch"] = "it has no CUDA device"
    return found, left_out


class _on:
    """pullback's namespace, whose functions run with a backend as the current one."""

    def __init__(self, namespace: Any, backend: str) -> None:
        self._namespace, self._backend = namespace, backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._namespace, name)

    def __call__(self, run: Callable[[], Any]) -> Any:
        with self._namespace.use_backend(self._backend):
            return run()


def small_operations(lib: Any, device: str) -> Callable[[], Any]:
    x = lib.ones(4, device=device)

    def run() -> Any:
        y = x
        for _ in range(50):
            y = y * 1.01 + 0.5
        return y

    return run


def elementwise(lib: Any, device: str) -> Callable[[], Any]:
    x = lib.ones(1 << 24, device=device).requires_grad_()

    def run() -> Any:
        x.grad = None
        (lib.tanh(x) * x + x).sum().backward()

    return run


def products(dtype: str) -> Callable[[Any, str], Callable[[], Any]]:
    def prepare(lib: Any, device: str) -> Callable[[], Any]:
        x = lib.ones(4096, 4096, device=device, dtype=getattr(lib, dtype))
        return lambda: x @ x

    return prepare


def reduction(lib: Any, device: str) -> Callable[[], Any]:
    x = lib.ones(4096, 4096, device=device)
    return lambda: (lib.softmax(x, 1), x.std(0))


def training_step(lib: Any, device: str) -> Callable[[], Any]:
    sizes = (784, 1024, 1024, 10)
    weights = [(lib.ones(i, o, device=device) / i).requires_grad_() for i, o in pairwise(sizes)]
    x = lib.ones(512, sizes[0], device=device)

    def run() -> Any:
        y = x
        for weight in weights:
            weight.grad = None
            y = lib.tanh(y @ weight)
        (y * y).mean().backward()
        with lib.no_grad():
            for weight in weights:
                weight -= 0.01 * weight.grad

    return run


PROGRAMS: dict[str, Callable[[Any, str], Callable[[], Any]]] = {
    "100 operations on 4 elements": small_operations,
    "tanh(x) * x + x on 2^24 elements, with its gradient": elementwise,
    "product of 4096 x 4096 matrices, float32": products("float32"),
    "product of 4096 x 4096 matrices, float16": products("float16"),
    "softmax and std of 4096 x 4096": reduction,
    "training step of a network 784-1024-1024-10, batch 512": training_step,
}


def median(subject: Subject, prepare: Callable[[Any, str], Callable[[], Any]], seconds: float) -> float:
    """The median time of a run in microseconds, once what is compiled is compiled."""
    enter = subject.namespace if isinstance(subject.namespace, _on) else (lambda run: run())
    run = enter(lambda: prepare(subject.namespace, subject.device))

    def once() -> float:
        subject.wait()
        begin = time.perf_counter()
        enter(run)
        subject.wait()
        return time.perf_counter() - begin

    for _ in range(3):
        once()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 1000):
        times.append(once())
    return statistics.median(times) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="Times of a few programs on a GPU.")
    parser.add_argument("--quick", action="store_true", help="shorter rounds")
    parser.add_argument("--output", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    found, left_out = subjects()
    rows = []
    for program, prepare in PROGRAMS.items():
        row = {s.label: round(median(s, prepare, 0.2 if options.quick else 3.0), 1) for s in found}
        print(program, row, flush=True)
        rows.append({"program": program, "microseconds": row})
    if options.output is not None:
        options.output.write_text(json.dumps({"rows": rows, "left_out": left_out}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
