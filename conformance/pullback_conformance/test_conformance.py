"""One test for each cell of the grid; see :mod:`pullback_conformance.pytest_plugin`."""

from __future__ import annotations

import pytest

from pullback_conformance.outcome import Outcome
from pullback_conformance.pytest_plugin import NAME, destination
from pullback_conformance.record import Cell
from pullback_conformance.under_pytest import cells_to_run, properties_of, run_cell


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    config = metafunc.config
    if not config.pluginmanager.has_plugin(NAME) or not config.getoption(destination("backend")):
        return
    # One worker of pytest-xdist runs all cells of an operation in a dtype, with --dist loadgroup.
    has_groups = config.pluginmanager.has_plugin("xdist")
    cells = [
        pytest.param(
            cell,
            id=cell.name,
            marks=[pytest.mark.xdist_group(f"{cell.unit.operation.name}-{cell.unit.dtype.name}")] if has_groups else [],
        )
        for cell in cells_to_run(config)
    ]
    metafunc.parametrize("conformance_cell", cells, indirect=True)


@pytest.fixture
def conformance_cell(request: pytest.FixtureRequest) -> Cell | None:
    """The cell of the grid that a test is about, run."""
    if not hasattr(request, "param"):
        pytest.skip(f"no backend to check: give -p {NAME} --conformance-backend=BACKEND")
    cell = run_cell(request.config, request.param)
    if cell is not None:
        request.node.user_properties += properties_of(request.config, cell)
    return cell


def test_cell(conformance_cell: Cell | None) -> None:
    """What became of the cell."""
    if conformance_cell is None:
        pytest.skip("the question arises for none of the operation's samples")
    outcome = conformance_cell.outcome
    samples = [s for s in conformance_cell.samples if s.outcome == outcome.value]
    reasons = [f"{outcome.value}: {s.sample}: {s.message}" for s in samples]
    if outcome.is_bad:
        pytest.fail("\n".join([*reasons, samples[0].script]), pytrace=False)
    if outcome in (Outcome.LIMITED, Outcome.EXPECTED, Outcome.FALLBACK):
        pytest.xfail(reasons[0])
    if outcome in (Outcome.UNSUPPORTED, Outcome.NO_ORACLE):
        pytest.skip(reasons[0])
