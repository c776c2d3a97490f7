"""Measure pullback beside PyTorch, HIPS autograd and NumPy, in one run.

::

    python benchmarks/run.py [--only NAME] [--quick] [--threads N] [--output benchmarks/RESULTS.md]

Needs ``pip install -e ".[bench]"``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CASES = (
    "small_operations",
    "chain",
    "mlp_step",
    "large_elementwise",
    "long_chain",
    "per_example_gradients",
    "import_time",
)
PACKAGES = ("pullback", "numpy", "jax", "jaxlib", "cupy-cuda13x", "cupy-cuda12x", "torch", "autograd")


def main() -> None:
    options = arguments()
    limit_threads(options.threads)

    from measuring import Effort, Report
    from rich.console import Console
    from rich.table import Table

    console = Console()
    effort = Effort.quick() if options.quick else Effort.full()
    header = [*machine(), f"Threads: {options.threads} for every library that has a setting for it."]
    console.print("\n".join(header), highlight=False)
    reports: list[Report] = []
    for name in options.only or CASES:
        case = importlib.import_module(f"cases.{name}")
        with console.status(f"measuring {name}"):
            for report in case.reports(effort):
                reports.append(report)
                table = Table(title=report.title.replace("`", ""), title_justify="left")
                for position, column in enumerate(report.columns):
                    first = position == 0
                    table.add_column(column, justify="left" if first else "right", no_wrap=first)
                for row in report.rows:
                    table.add_row(*row)
                console.print(table)
    if options.output is not None:
        options.output.write_text(markdown(header, reports, options.quick), encoding="utf-8")
        console.print(f"written to {options.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure pullback beside PyTorch, HIPS autograd and NumPy.")
    parser.add_argument("--only", action="append", choices=CASES, help="measure this; may be repeated")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--threads", type=int, default=1, help="threads each library may use (default: 1)")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="write the tables as Markdown, too")
    return parser.parse_args()


def limit_threads(count: int) -> None:
    """Before any of the libraries is imported; the processes that benchmarks start inherit it."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = str(count)
    if count == 1:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    import torch

    torch.set_num_threads(count)


def machine() -> list[str]:
    processor = platform.processor()
    description = Path("/proc/cpuinfo")
    if description.exists():
        names = [line for line in description.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {processor or platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.system()}, Python {platform.python_version()}",
        ", ".join(installed_versions()),
    ]


def installed_versions() -> list[str]:
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return versions


def markdown(header: list[str], reports: list, quick: bool) -> str:  # type: ignore[type-arg]
    command = " ".join(["python", "benchmarks/run.py", *sys.argv[1:]])
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}`." + (" A quick run: the figures are rough." if quick else ""),
        "",
        *(f"- {line}" for line in header),
        "",
        "The subjects of a table were timed in turns, round after round. The ratio is the median over the",
        "rounds of the two times of that round, with the middle half of the rounds behind it: it holds on a",
        "busy machine, where absolute times do not. The best ratio is that of the two shortest times.",
        "Less than 1 is faster than the baseline; a target is met or missed by the median.",
        "",
    ]
    return "\n".join(lines) + "\n" + "\n".join(report.markdown() for report in reports)


if __name__ == "__main__":
    main()
