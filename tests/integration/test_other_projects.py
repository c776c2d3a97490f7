"""What an installed pullback changes for other code: nothing. Other projects' pytest, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

OPTIONS = ("--backend", "--against", "--tier", "--operations", "--dtypes", "--checks")

#: A project with options of the same names as the conformance suite's, and a fixture and a test that use them.
CONFTEST = f"""
import pytest

def pytest_addoption(parser):
    for option in {OPTIONS!r}:
        parser.addoption(option, default="theirs")

@pytest.fixture
def conformance_cell(request):
    return [request.config.getoption(option) for option in {OPTIONS!r}]
"""
TESTS = """
def test_options(conformance_cell):
    assert conformance_cell == ["x", *["theirs"] * 5]

def test_that_uses_pullback():
    import pullback as pb
    x = pb.ones(2, requires_grad=True)
    (3 * x).sum().backward()
    assert x.grad.tolist() == [3, 3]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_theirs.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"
    )
    return tmp_path


def run_pytest(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env={**os.environ, "PYTEST_ADDOPTS": "", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def declared_entry_points() -> dict[str, dict[str, str]]:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"console_scripts": project["scripts"], **project["entry-points"]}


def test_the_distribution_has_a_command_and_its_own_plugins_only():
    assert set(declared_entry_points()) == {"console_scripts", "pullback"}
    found: dict[str, dict[str, str]] = {}
    for entry_point in distribution("pullback").entry_points:
        found.setdefault(entry_point.group, {})[entry_point.name] = entry_point.value
    assert found == declared_entry_points(), "what is installed is older than pyproject.toml: pip install -e ."


def test_a_project_with_options_of_the_suites_names(project):
    done = run_pytest(project, "--backend=x")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "pullback" not in done.stdout


def test_an_installed_plugin_with_options_of_the_suites_names(project, site):
    (project / "conftest.py").unlink()
    (site.folder / "theirs.py").write_text(CONFTEST)
    info = site.folder / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\ntheirs = theirs\n")
    done = run_pytest(project, "--backend=x", **site.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_pytests_help_says_nothing_of_pullback(project):
    (project / "conftest.py").unlink()
    done = run_pytest(project, "--help")
    assert done.returncode == 0
    for word in ("pullback", *OPTIONS):
        assert word not in done.stdout
    done = run_pytest(project, "--backend=x")
    assert done.returncode == 4
    assert "unrecognized arguments: --backend=x" in done.stderr


def run_beside(folder: Path, options: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite's plugin beside one that has these options."""
    lines = [f"    parser.addoption({option!r}, default='theirs')" for option in options]
    (folder / "theirs.py").write_text("\n".join(["def pytest_addoption(parser):", *lines, ""]))
    return run_pytest(
        folder, "-p", "theirs", "-p", "pullback_conformance.pytest_plugin", "--pyargs", "pullback_conformance",
        *arguments,
        PYTHONPATH=os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )  # fmt: skip


def test_the_suites_plugin_beside_options_of_the_commands_names(tmp_path):
    selected = ["--conformance-backend=numpy", "--conformance-operations=neg", "--conformance-dtypes=bool,int64"]
    done = run_beside(tmp_path, OPTIONS, *selected)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conformance of numpy, smoke tier" in done.stdout


def test_the_suites_plugin_beside_its_own_option_says_how_to_go_on(tmp_path):
    done = run_beside(tmp_path, ("--conformance-tier",))
    assert done.returncode == 4
    assert "--conformance-tier" in done.stderr
    assert "leave that plugin out with -p no:NAME, or run the suite with `pullback conformance`" in done.stderr


def test_importing_and_using_it_changes_no_state_of_the_process():
    program = """
import builtins, locale, os, signal, sys, threading, warnings

def state():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
    return {
        "path": list(sys.path), "meta_path": list(sys.meta_path), "hooks": list(sys.path_hooks),
        "warnings": list(warnings.filters),
        "showwarning": warnings.showwarning, "environment": dict(os.environ),
        "directory": os.getcwd(), "signals": handlers, "limit": sys.getrecursionlimit(),
        "streams": (sys.stdin, sys.stdout, sys.stderr), "excepthook": sys.excepthook,
        "displayhook": sys.displayhook, "builtins": dict(vars(builtins)), "locale": locale.setlocale(locale.LC_ALL),
        "switch": sys.getswitchinterval(), "threads": threading.enumerate(), "profile": sys.getprofile(),
        "trace": sys.gettrace(),
    }

import numpy, ml_dtypes  # what they change is theirs
before = state()
import pullback as pb
after_import = state()
x = pb.randn(3, 3, requires_grad=True)
(x @ x).relu().sum().backward()
str(x), x.numpy, pb.nn.Linear(2, 2), pb.optim.SGD([x], lr=0.1)
after_use = state()
for name, value in before.items():
    assert after_import[name] == value, ("import", name)
    assert after_use[name] == value, ("use", name)
print("nothing")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("nothing\n", "")
