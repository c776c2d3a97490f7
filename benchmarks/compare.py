"""Which of two revisions has the faster hot path, measured side by side.

::

    python benchmarks/compare.py REV_A REV_B [--rounds N]

A revision is anything git knows (``HEAD~1``, a branch, a hash), or ``.`` for the files as they are now.
Each round starts a process of each revision and lets them measure in turns; each ratio is that of two
measurements that follow one another.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import duration, ratios

REPOSITORY = Path(__file__).parents[1]
SAMPLES = 7  # of each program in each round


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    if revision == ".":
        yield REPOSITORY
        return
    git = ["git", "-C", str(REPOSITORY)]
    commit = ["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    if subprocess.run([*git, *commit], check=False, stdout=subprocess.DEVNULL).returncode:
        sys.exit(f"git knows no revision {revision!r}")
    with TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run([*git, "worktree", "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(tree)], check=True)


class HotPath:
    """A process that measures a checkout's code, by the measuring code of this checkout."""

    def __init__(self, tree: Path) -> None:
        folders = [str(tree / folder) for folder in ("core", "backends", "conformance")]
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("hot_path.py"))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.programs: list[str] = json.loads(self._answer())

    def __enter__(self) -> HotPath:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the hot path of a revision failed: see above")
        return line

    def seconds(self, program: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{program}\n")
        self._process.stdin.flush()
        return float(self._answer())


def measured(tree_a: Path, tree_b: Path, rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """The samples of both, by program; the n-th of one and the n-th of the other were taken in succession."""
    from rich.progress import track

    samples: dict[str, tuple[list[float], list[float]]] = {}
    for _ in track(range(rounds), "measuring"):
        with HotPath(tree_a) as a, HotPath(tree_b) as b:
            for program in a.programs:
                of_a, of_b = samples.setdefault(program, ([], []))
                for turn in range(SAMPLES):
                    for path, times in [(a, of_a), (b, of_b)][:: 1 if turn % 2 == 0 else -1]:
                        times.append(path.seconds(program))
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the hot paths of two revisions.")
    parser.add_argument("revision_a")
    parser.add_argument("revision_b")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from rich.console import Console
    from rich.table import Table

    revisions = options.revision_a, options.revision_b
    with ExitStack() as stack:
        trees = [stack.enter_context(checked_out(revision)) for revision in revisions]
        samples = measured(*trees, options.rounds)
    table = Table(caption="times: best; paired: median of the ratios of successive samples (middle half)")
    table.add_column("", no_wrap=True)
    for column in (*revisions, "B / A, best", "B / A, paired"):
        table.add_column(column, justify="right")
    for program, (a, b) in samples.items():
        low, ratio, high = ratios(b, a)
        spread = f"{ratio:.2f} ({low:.2f} to {high:.2f})"
        table.add_row(program, duration(min(a)), duration(min(b)), f"{min(b) / min(a):.2f}", spread)
    Console().print(table)


if __name__ == "__main__":
    main()
