"""Chains of 100,000 and 1,000,000 operations: time and memory for each must be what they are in a shorter chain.

Each measurement is a process of its own (``python long_chain.py LIBRARY COUNT``), so that the peak of its
memory is its own too.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

SHORT, LONG, VERY_LONG = 10_000, 100_000, 1_000_000


def reports(effort: Any) -> Iterator[Any]:
    from libraries import available_backends
    from measuring import Report, duration

    rows = []
    for library in ("torch", *(f"pullback:{name}" for name in available_backends()), "autograd"):
        short, long = [], []
        for _ in range(min(3, effort.processes)):
            short.append(measured(library, SHORT))
            long.append(measured(library, LONG))
        linearity = statistics.median(
            (b["seconds"] / LONG) / (a["seconds"] / SHORT) for a, b in zip(short, long, strict=True)
        )
        peak = statistics.median(result["peak_bytes"] for result in long)
        rows.append(
            [
                long[0]["label"],
                duration(statistics.median(result["seconds"] for result in short)),
                duration(statistics.median(result["seconds"] for result in long)),
                f"{linearity:.2f}",
                f"{peak / 2**20:.0f} MiB",
                f"{peak / LONG:.0f}",
            ]
        )
    columns = [
        "",
        f"{SHORT:,} nodes",
        f"{LONG:,} nodes",
        "time per node, long / short",
        f"peak memory, {LONG:,} nodes",
        "bytes per node",
    ]
    yield Report("A long chain of 4x4 float32, forward and backward", columns, rows)
    yield very_long(effort)


def very_long(effort: Any) -> Any:
    """A million nodes, built, run and freed, once for each library that does so in a reasonable time."""
    from libraries import available_backends
    from measuring import Report, duration

    backends = available_backends() if effort.processes > 3 else ("numpy",)
    rows = []
    for library in ("torch", *(f"pullback:{name}" for name in backends)):
        long, very = measured(library, LONG), measured(library, VERY_LONG)
        rows.append(
            [
                very["label"],
                duration(very["seconds"]),
                f"{(very['seconds'] / VERY_LONG) / (long['seconds'] / LONG):.2f}",
                f"{very['peak_bytes'] / 2**20:.0f} MiB",
                f"{long['peak_bytes'] / LONG:.0f}",
                f"{very['peak_bytes'] / VERY_LONG:.0f}",
            ]
        )
    columns = [
        "",
        f"{VERY_LONG:,} nodes",
        f"time per node, to that of {LONG:,}",
        "peak memory",
        f"bytes per node, {LONG:,}",
        f"bytes per node, {VERY_LONG:,}",
    ]
    return Report(f"A chain of {VERY_LONG:,} nodes, built, run and freed", columns, rows)


def measured(library: str, count: int) -> dict[str, Any]:
    process = subprocess.run(
        [sys.executable, __file__, library, str(count)], check=True, capture_output=True, text=True
    )
    result: dict[str, Any] = json.loads(process.stdout)
    return result


def memory(field: str) -> int:
    """``VmRSS`` (now) or ``VmHWM`` (peak) of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def chain(y: Any, c: Any, count: int) -> Any:
    for _ in range(count // 2):
        y = y * c + c
    return y


def tensor_program(library: Any) -> Callable[[int], Any]:
    xp = library.namespace
    with library.scope():
        x, c, one = xp.ones(4, 4, requires_grad=True), xp.ones(4, 4), xp.ones(4, 4)

    def run(count: int) -> Any:
        chain(x, c, count).backward(one)
        gradient, x.grad = x.grad, None
        return gradient

    return library.timed(run)


def autograd_program() -> Callable[[int], Any]:
    import numpy as np
    from autograd.core import make_vjp

    one = np.ones((4, 4), dtype=np.float32)

    def run(count: int) -> Any:
        vjp, _ = make_vjp(lambda y: chain(y, one, count), one)
        return vjp(one)

    return run


def main(library: str, count: int) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from libraries import AUTOGRAD, pullback_on, pytorch

    if library == "autograd":
        label, program = AUTOGRAD, autograd_program()
    else:
        chosen = pytorch() if library == "torch" else pullback_on(library.partition(":")[2])
        label, program = chosen.label, tensor_program(chosen)
    program(10)  # imports, compilation and caches belong to no chain
    before = memory("VmRSS")
    start = perf_counter()
    gradient = program(count)
    seconds = perf_counter() - start
    assert gradient.tolist() == [[1.0] * 4] * 4
    print(json.dumps({"label": label, "seconds": seconds, "peak_bytes": memory("VmHWM") - before}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
