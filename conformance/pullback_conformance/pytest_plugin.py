"""The suite under pytest: ``pytest --pyargs pullback_conformance --backend=NAME``.

Without ``--backend`` this does nothing, and imports nothing of pullback.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pullback conformance")
    try:
        group.addoption("--backend", metavar="NAME", help="run pullback's conformance suite on this backend")
    except ValueError:  # another plugin's; whoever has both runs the suite by its command, and everything else works
        return
    group.addoption("--against", metavar="NAME", default="numpy", help="the backend to compare it with (numpy)")
    group.addoption("--tier", metavar="TIER", default="smoke", help="smoke, standard or full (smoke)")
    group.addoption("--operations", metavar="GLOBS", default="", help="only these operations, as in 'log*,exp'")
    group.addoption("--dtypes", metavar="NAMES", default="", help="only these dtypes")
    group.addoption("--checks", metavar="NAMES", default="", help="only these checks")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "conformance_cell" not in metafunc.fixturenames or not metafunc.config.getoption("--backend", None):
        return
    from pullback_conformance.under_pytest import cells_to_run

    cells = cells_to_run(metafunc.config)
    metafunc.parametrize("conformance_cell", cells, ids=[cell.name for cell in cells], indirect=True)


@pytest.fixture
def conformance_cell(request: pytest.FixtureRequest) -> object:
    """The cell of the grid that a test is about, run."""
    if not hasattr(request, "param"):
        pytest.skip("no backend to check: give --backend=NAME")
    from pullback_conformance.under_pytest import run_cell

    return run_cell(request.config, request.param)
