"""The errors of accumulated results beside exact ones: pullback's, and those of the libraries it is used in place of.

::

    python benchmarks/accuracy.py            # the tables of docs/accuracy.md, written there
    python benchmarks/accuracy.py --print    # to the terminal alone
    python benchmarks/accuracy.py --times A  # the times of a revision A beside the files as they are

An error is the largest of a few, relative to the exact result, in units of the rounding error of float32 (2**-24). All
summands are 0.1, so that the roundings have one sign: where they add up, it shows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
UNIT = 2.0**-24
TENTH = float(np.float32(0.1))


def with_pullback(backend: str) -> dict[str, Callable[[int], Any]]:
    import pullback as pb

    def full(*shape: int) -> Any:
        return pb.full(shape, 0.1, backend=backend)

    def ones(*shape: int) -> Any:
        return pb.ones(*shape, backend=backend)

    def added(n: int) -> Any:
        index = pb.zeros(n, dtype=pb.int64, backend=backend)
        return pb.zeros(3, backend=backend).index_add(0, index, full(n))[:1]

    return {
        "sum": lambda n: full(n).sum(),
        "sum of rows": lambda n: full(n, 4).sum(0),
        "sum of a part": lambda n: full(n, 4)[:, :3].sum() / 3,
        "norm": lambda n: full(n, 4).norm(2, 0) ** 2 * 10,
        "cumsum": lambda n: full(n).cumsum(0)[-1:],
        "cumsum of rows": lambda n: full(n, 4).cumsum(0)[-1],
        "dot": lambda n: full(n) @ ones(n),
        "vector @ matrix": lambda n: full(n) @ ones(n, 4),
        "matrix @ matrix": lambda n: full(4, n) @ ones(n, 8),
        "index_add": added,
    }


def with_numpy() -> dict[str, Callable[[int], Any]]:
    def full(*shape: int) -> Any:
        return np.full(shape, 0.1, np.float32)

    def ones(*shape: int) -> Any:
        return np.ones(shape, np.float32)

    def added(n: int) -> Any:
        out = np.zeros(3, np.float32)
        np.add.at(out, np.zeros(n, np.int64), full(n))
        return out[:1]

    return {
        "sum": lambda n: full(n).sum(),
        "sum of rows": lambda n: full(n, 4).sum(0),
        "sum of a part": lambda n: full(n, 4)[:, :3].sum() / 3,
        "norm": lambda n: np.linalg.norm(full(n, 4), axis=0) ** 2 * 10,
        "cumsum": lambda n: full(n).cumsum()[-1:],
        "cumsum of rows": lambda n: full(n, 4).cumsum(0)[-1],
        "dot": lambda n: full(n) @ ones(n),
        "vector @ matrix": lambda n: full(n) @ ones(n, 4),
        "matrix @ matrix": lambda n: full(4, n) @ ones(n, 8),
        "index_add": added,
    }


def with_torch() -> dict[str, Callable[[int], Any]]:
    import torch

    def full(*shape: int) -> Any:
        return torch.full(shape, 0.1)

    return {
        "sum": lambda n: full(n).sum(),
        "sum of rows": lambda n: full(n, 4).sum(0),
        "sum of a part": lambda n: full(n, 4)[:, :3].sum() / 3,
        "norm": lambda n: full(n, 4).norm(2, 0) ** 2 * 10,
        "cumsum": lambda n: full(n).cumsum(0)[-1:],
        "cumsum of rows": lambda n: full(n, 4).cumsum(0)[-1],
        "dot": lambda n: full(n) @ torch.ones(n),
        "vector @ matrix": lambda n: full(n) @ torch.ones(n, 4),
        "matrix @ matrix": lambda n: full(4, n) @ torch.ones(n, 8),
        "index_add": lambda n: torch.zeros(3).index_add(0, torch.zeros(n, dtype=torch.int64), full(n))[:1],
    }


def with_jax() -> dict[str, Callable[[int], Any]]:
    import jax.numpy as jnp

    def full(*shape: int) -> Any:
        return jnp.full(shape, 0.1, np.float32)

    def ones(*shape: int) -> Any:
        return jnp.ones(shape, np.float32)

    return {
        "sum": lambda n: full(n).sum(),
        "sum of rows": lambda n: full(n, 4).sum(0),
        "sum of a part": lambda n: full(n, 4)[:, :3].sum() / 3,
        "norm": lambda n: jnp.linalg.norm(full(n, 4), axis=0) ** 2 * 10,
        "cumsum": lambda n: full(n).cumsum()[-1:],
        "cumsum of rows": lambda n: full(n, 4).cumsum(0)[-1],
        "dot": lambda n: full(n) @ ones(n),
        "vector @ matrix": lambda n: full(n) @ ones(n, 4),
        "matrix @ matrix": lambda n: full(4, n) @ ones(n, 8),
        "index_add": lambda n: jnp.zeros(3, np.float32).at[jnp.zeros(n, np.int32)].add(full(n))[:1],
    }


LIBRARIES: dict[str, Callable[[], dict[str, Callable[[int], Any]]]] = {
    "pullback, NumPy": lambda: with_pullback("numpy"),
    "pullback, JAX": lambda: with_pullback("jax"),
    "NumPy": with_numpy,
    "PyTorch": with_torch,
    "JAX": with_jax,
}


def error(name: str, result: Any, length: int) -> float:
    exact = length * TENTH * (TENTH * 10 if name == "norm" else 1)
    return float(np.abs(np.asarray(result, np.float64) / exact - 1).max()) / UNIT


def error_table() -> str:
    programs = {library: make() for library, make in LIBRARIES.items()}
    lines = ["| | length | " + " | ".join(programs) + " |", "|---|---:|" + "---:|" * len(programs)]
    for name in programs["NumPy"]:
        for length in LENGTHS:
            errors = [error(name, programs[library][name](length), length) for library in programs]
            lines.append(f"| {name} | {length:,} | " + " | ".join(f"{e:,.0f}" for e in errors) + " |")
    return "\n".join(lines)


# -- times ------------------------------------------------------------------------------------------------------------

TIMED = """
import json, sys, time
import numpy as np
import pullback as pb

def best(f, repeat):
    f()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        f()
        times.append(time.process_time() - start)
    return min(times)

def many(f, count):
    def run():
        for _ in range(count):
            f()
    return run

found = {}
for shape in [(4, 4), (32, 16), (1000, 1000), (250000, 4), (10, 100000), (100, 100, 100)]:
    x = pb.tensor(np.random.default_rng(0).random(shape, np.float32))
    for dim in [None, *range(len(shape))]:
        for name in ["sum", "mean", "var", "norm", "cumsum"]:
            if name == "cumsum" and dim is None:
                continue
            f = getattr(x, name)
            call = (lambda: f(2, dim)) if name == "norm" else (lambda: f(dim))
            small = x.numel() < 1000
            found[f"{name} {shape} {'all' if dim is None else dim}"] = best(many(call, 300 if small else 1), 15)
x, y, v = (pb.rand(*s) for s in [(1000, 1000), (1000, 1000), (1000,)])
for name, call in {"matrix @ matrix (1000)": lambda: x @ y, "matrix @ vector (1000)": lambda: x @ v}.items():
    found[name] = best(call, 15)
big = pb.rand(1000000), pb.rand(1000000, 4)
for name, call in {"dot (1e6)": lambda: big[0] @ big[0], "vector @ matrix (1e6, 4)": lambda: big[0] @ big[1]}.items():
    found[name] = best(call, 15)
print(json.dumps(found))
"""


def times(tree: Path) -> dict[str, float]:
    """The seconds of each program with the code of a checkout, in a process of its own."""
    import json

    folders = [str(tree / folder) for folder in ("core", "backends")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", TIMED], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def time_table(revision: str, rounds: int = 2) -> str:
    from compare import checked_out

    with checked_out(revision) as before, checked_out(".") as now:
        samples = [(times(before), times(now)) for _ in range(rounds)]
    lines = [f"| | before ({revision}) | now | ratio |", "|---|---:|---:|---:|"]
    for name in samples[0][0]:
        a, b = (min(sample[side][name] for sample in samples) for side in (0, 1))
        scale = 300 if "(4, 4)" in name or "(32, 16)" in name else 1
        lines.append(f"| {name} | {a / scale * 1e6:,.1f} µs | {b / scale * 1e6:,.1f} µs | {b / a:.2f} |")
    return "\n".join(lines)


def write(marker: str, table: str) -> None:
    begin, end = f"<!-- {marker} -->", f"<!-- end of {marker} -->"
    head, _, rest = PAGE.read_text().partition(begin)
    _, _, tail = rest.partition(end)
    PAGE.write_text(f"{head}{begin}\n\n{table}\n\n{end}{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--print", action="store_true", help="write nothing")
    parser.add_argument("--times", metavar="REVISION", help="measure times beside that revision's instead")
    options = parser.parse_args()
    table = time_table(options.times) if options.times else error_table()
    if options.print:
        print(table)
    else:
        write("times" if options.times else "errors", table)


if __name__ == "__main__":
    main()
