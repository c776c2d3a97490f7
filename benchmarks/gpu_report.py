"""Run conformance, unit tests and timings of the CuPy backend, and write what came of them.

``benchmarks/gpu.sh`` prepares an environment and calls this. Each part runs in a process of its own; one that fails is
reported, and the others run all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "docs" / "reports"
PARTS = ("conformance", "tests", "timings")
STAND_IN = "stand-in"


def main() -> int:
    options = arguments()
    facts = device()
    if facts is None:
        print("gpu_report: there is no CUDA device that CuPy can use", file=sys.stderr)
        return 2
    if STAND_IN in facts["GPU"] and not options.stand_in:
        print("gpu_report: this is the stand-in for CuPy, no GPU; --stand-in tries this program on it", file=sys.stderr)
        return 2
    slug = re.sub(r"[^a-z0-9]+", "-", facts["GPU"].lower()).strip("-")
    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    record: dict[str, Any] = {
        "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": {**facts, "Python": platform.python_version(), "system": platform.platform()},
        "command": ["benchmarks/gpu_report.py", *sys.argv[1:]],
    }
    run = {"conformance": conformance, "tests": unit_tests, "timings": timings}
    for part in options.only or PARTS:
        print(f"== {part}", flush=True)
        record[part] = run[part](options, folder, slug)
    (folder / f"gpu-{slug}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    page = folder / f"gpu-{slug}.md"
    page.write_text(markdown(record), encoding="utf-8")
    print(f"written to {page}")
    return int(any(record[part]["failed"] for part in PARTS if part in record))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a machine with an NVIDIA GPU says of the CuPy backend.")
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part; may be repeated")
    parser.add_argument("--tier", default="full", choices=("smoke", "standard", "full"), help="of conformance")
    parser.add_argument("--operations", default="", help="conformance of these only, as patterns with commas")
    parser.add_argument("--tests", default="tests/unit", help="the folder or file of tests to run")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds of timings")
    parser.add_argument("--output", type=Path, default=REPORTS, metavar="FOLDER", help="where the reports go")
    parser.add_argument("--stand-in", action="store_true", help="run on the stand-in, to try this program itself")
    return parser.parse_args()


def device() -> dict[str, str] | None:
    """The GPU and the versions of what runs on it; None where there is none."""
    import cupy

    from pullback_cupy.backend import CuPyBackend

    if CuPyBackend.unavailable_reason() is not None:
        return None
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    return {
        **CuPyBackend().versions(),
        "compute capability": f"{properties['major']}.{properties['minor']}",
        "memory": f"{properties['totalGlobalMem'] / 2**30:.1f} GiB",
    }


def ran(command: list[str], **environment: str) -> int:
    """The exit status of a command that shows what it does."""
    print("$ " + " ".join(command), flush=True)
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


def conformance(options: argparse.Namespace, folder: Path, slug: str) -> dict[str, Any]:
    path = folder / f"gpu-{slug}-conformance.json"
    command = [sys.executable, "-m", "pullback", "conformance", "--backend", "cupy", "--tier", options.tier]
    command += ["--operations", options.operations] if options.operations else []
    status = ran([*command, "--quiet", "--json", str(path), "--html", str(path.with_suffix(".html"))])
    if not path.exists():
        return {"failed": True, "status": status, "summary": {}}
    summary = json.loads(path.read_text(encoding="utf-8"))["summary"]
    return {"failed": status != 0, "status": status, "tier": options.tier, "summary": summary, "record": path.name}


def unit_tests(options: argparse.Namespace, folder: Path, slug: str) -> dict[str, Any]:
    path = folder / f"gpu-{slug}-tests.xml"
    command = [sys.executable, "-m", "pytest", options.tests, "-n", "0", "-q", "-k", "cupy", "--junitxml", str(path)]
    status = ran(command, PULLBACK_TEST_BACKENDS="cupy", PULLBACK_CUPY_CHECKS="1")
    if not path.exists():
        return {"failed": True, "status": status, "counts": {}, "failures": []}
    suite = next(ElementTree.parse(path).iter("testsuite"))
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    bad = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    return {"failed": status != 0, "status": status, "counts": counts, "failures": bad}


def timings(options: argparse.Namespace, folder: Path, slug: str) -> dict[str, Any]:
    path = folder / f"gpu-{slug}-timings.json"
    command = [sys.executable, str(Path(__file__).with_name("gpu_timings.py")), "--output", str(path)]
    status = ran(command + (["--quick"] if options.quick else []))
    if not path.exists():
        return {"failed": True, "status": status, "rows": [], "left_out": {}}
    return {"failed": status != 0, "status": status, **json.loads(path.read_text(encoding="utf-8"))}


def markdown(record: dict[str, Any]) -> str:
    name = record["machine"]["GPU"]
    lines = ["---", "orphan: true", "---", "", f"# The CuPy backend on {name}", ""]  # no page of the documentation
    if STAND_IN in name:
        lines += [
            "**No GPU: this was run on the stand-in for CuPy, to try the program. No figure means anything.**",
            "",
        ]
    lines += [f"Written by `{' '.join(record['command'])}`, {record['written']}.", ""]
    lines += [*(f"- {key}: {value}" for key, value in record["machine"].items()), ""]
    if "conformance" in record:
        part = record["conformance"]
        lines += [f"## Conformance, {part.get('tier', '')} tier: {verdict(part)}", ""]
        lines += ["| Outcome | Cells |", "| --- | --- |"]
        lines += [f"| {outcome} | {count} |" for outcome, count in part["summary"].items()]
        lines += ["", f"All cells are in `{part['record']}` and the page beside it." if "record" in part else "", ""]
    if "tests" in record:
        part = record["tests"]
        lines += [f"## Unit tests: {verdict(part)}", ""]
        lines += [", ".join(f"{count} {outcome}" for outcome, count in part["counts"].items()) + ".", ""]
        lines += [*(f"- `{failure}`" for failure in part["failures"]), *([""] if part["failures"] else [])]
    if "timings" in record:
        part = record["timings"]
        lines += [
            f"## Times: {verdict(part)}",
            "",
            "Medians in microseconds; each run ends when the device is done.",
            "",
        ]
        subjects = list(dict.fromkeys(subject for row in part["rows"] for subject in row["microseconds"]))
        lines += [f"| Program | {' | '.join(subjects)} |", "| --- |" + " --- |" * len(subjects)]
        for row in part["rows"]:
            found = [row["microseconds"].get(subject) for subject in subjects]
            lines.append(f"| {row['program']} | {' | '.join('' if f is None else f'{f:.0f}' for f in found)} |")
        lines += ["", *(f"- {subject} is left out: {reason}" for subject, reason in part["left_out"].items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def verdict(part: dict[str, Any]) -> str:
    return f"failed (exit status {part['status']})" if part["failed"] else "passed"


if __name__ == "__main__":
    sys.exit(main())
