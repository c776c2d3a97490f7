"""Values and gradients of an array that does not fit into the memory that the process may have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import sys

import dask
import dask.array as da
import numpy as np

import pullback as pb

dask.config.set({"scheduler": "synchronous", "array.chunk-size": "2MiB"})


def loss_and_square_of_gradient(backend, size):
    if backend == "dask":
        x = pb.as_tensor((da.arange(size, chunks=2**19) / size).astype("float32"))
    else:
        x = pb.as_tensor(np.linspace(0, 1, size, dtype="float32"))
    x.requires_grad_()
    loss = (x.sin() ** 2).mean()
    loss.backward()
    return loss.item(), (x.grad**2).sum().item() * size


backend, mebibytes = sys.argv[1], int(sys.argv[2])
loss_and_square_of_gradient(backend, 2**10)  # all that is imported late
with open("/proc/self/statm") as pages:
    used = int(pages.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + mebibytes * 2**20,) * 2)
print(*loss_and_square_of_gradient(backend, mebibytes * 2**18))  # numbers that alone would fill it
"""
MEBIBYTES = 64


def run(backend: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, backend, str(MEBIBYTES)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's, and so is what is in use")
def test_a_gradient_of_an_array_that_does_not_fit_into_memory() -> None:
    done = run("dask")
    assert done.returncode == 0, done.stderr
    loss, square = map(float, done.stdout.split())
    # The integrals of sin(x)² and of sin(2x)² from 0 to 1.
    assert loss == pytest.approx(0.2726756433, rel=1e-4)
    assert square == pytest.approx(0.5946003119, rel=1e-4)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's, and so is what is in use")
def test_the_limit_is_one() -> None:
    done = run("numpy")
    assert done.returncode != 0
    assert "MemoryError" in done.stderr
