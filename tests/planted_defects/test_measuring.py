"""What the suite's trial of itself says of a defect, and how it is written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pullback.extend import registry
from pullback_conformance.command import conformance
from pullback_conformance.selftest import measuring
from pullback_conformance.selftest.catalogue import catalogue, kinds
from pullback_conformance.selftest.measuring import (
    BY_ANOTHER_CHECK,
    BY_ITS_CHECK,
    CLEAN,
    ELSEWHERE,
    MISSED,
    NO_RECORD,
    Measured,
    Result,
    Run,
    Settings,
    judged,
    measure,
    operations_for,
)
from pullback_conformance.selftest.table import BEGIN, END, markdown, write_into

DEFECT = catalogue()["neg_writes_into_its_operand"]


def became(*bad: tuple[str, str, str], problem: str = "", clean: tuple[tuple[str, str, str], ...] = ()) -> str:
    result = Result(DEFECT.name, "smoke", list(bad), problem=problem)
    return judged(DEFECT, result, Result("Loopback", "smoke", list(clean)))[0]


def test_who_found_a_defect_is_told_apart() -> None:
    its = ("neg", "float32", "unchanged")
    assert became() == MISSED
    assert became(its, ("abs", "float32", "value")) == BY_ITS_CHECK
    assert became(("neg", "float32", "value")) == BY_ANOTHER_CHECK
    assert became(("abs", "float32", "unchanged")) == ELSEWHERE
    assert became(problem="the process ended with status -9") == NO_RECORD


def test_what_is_bad_without_a_defect_finds_none() -> None:
    its = ("neg", "float32", "unchanged")
    assert became(its, clean=(its,)) == MISSED


def test_a_check_of_the_backend_itself_counts_as_one_of_the_defects_operations() -> None:
    assert became(("the backend", "-", "unchanged")) == BY_ITS_CHECK


def test_the_operations_it_can_strike_are_run_before_some_neighbours_and_the_backend_itself() -> None:
    struck, further = operations_for(DEFECT, [*registry, "backend.copy"])
    assert struck == ("neg",)
    assert further[-1] == "backend.copy"
    assert 2 <= len(further) <= 4


def test_what_strikes_the_backend_itself_is_asked_of_it_first() -> None:
    struck, further = operations_for(catalogue()["from_numpy_copies"], [*registry, "backend.from_numpy"])
    assert struck == ("backend.from_numpy",)
    assert "backend.from_numpy" not in further


def test_a_defect_of_the_core_is_planted_once_for_all_that_is_run() -> None:
    run = Run("core_round_of_decimals_truncates", "smoke", ("zeros",), 0, further=("ones",), check="value")
    (result,) = measuring._run_all([run], Settings(jobs=1))
    assert not result.problem
    assert not result.bad


def test_a_run_that_does_not_end_is_ended() -> None:
    runs = [Run("exp_hangs", "smoke", ("exp",), 0), Run("cos_ends_without_a_word", "smoke", ("cos",), 0)]
    hung, ended = measuring._run_all(runs, Settings(jobs=1, limit=8.0))
    assert hung.problem == "it took more than 8 seconds"
    assert ended.problem or ended.bad


def test_one_kind_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def some(runs: list[Run], settings: Settings) -> Any:
        return iter(
            [Result(r.backend, r.tier, [("neg", "float32", "unchanged")] * (r.backend == DEFECT.name)) for r in runs]
        )

    monkeypatch.setattr(measuring, "_run_all", some)
    measured = measure(Settings(kinds=(DEFECT.kind,)))
    assert measured.defects[DEFECT.name] == {"smoke": BY_ITS_CHECK, "standard": BY_ITS_CHECK}
    assert measured.found[DEFECT.name]["smoke"] == ["neg-float32-unchanged"]
    assert measured.is_clean
    json.dumps(measured.as_dict())


def small() -> Measured:
    settings = Settings(("smoke",))._asdict()
    clean = [Result(name, "smoke") for name in CLEAN]
    defects = {DEFECT.name: {"smoke": BY_ITS_CHECK}, "flip_writes_into_its_operand": {"smoke": MISSED}}
    return Measured(settings, clean, defects, {name: {"smoke": []} for name in defects})


def test_the_table_of_the_documentation() -> None:
    assert markdown(small()).splitlines() == [
        "| Kind | Planted | smoke | by its check |",
        "| --- | --- | --- | --- |",
        "| mutation of operands | 2 | 1 (50 %) | 1 |",
        "| **all** | 2 | 1 (50 %) | 1 |",
        "",
        "By the check and in the tier meant for them, 1 of 2 were found.",
    ]


def test_the_table_is_put_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, small())
    assert page.read_text() == f"before\n{BEGIN}\n{markdown(small())}\n{END}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="has no lines"):
        write_into(page, small())


def test_an_unknown_kind_is_an_error_with_near_matches() -> None:
    done = CliRunner().invoke(conformance, ["selftest", "--kind", "tie"])
    assert done.exit_code == 2
    assert "did you mean 'ties'" in done.output.lower()


def test_the_kinds_are_listed() -> None:
    done = CliRunner().invoke(conformance, ["selftest", "--list"])
    assert done.exit_code == 0
    assert len(done.output.splitlines()) == len(kinds())


def test_the_command_that_runs_the_suite_names_it() -> None:
    done = CliRunner().invoke(conformance, ["--help"])
    assert done.exit_code == 0
    assert "selftest" in done.output


@pytest.mark.slow
@pytest.mark.parametrize("name", CLEAN)
def test_backends_without_a_defect_pass_the_smoke_tier(name: str) -> None:
    result = measuring.suite_on(Run(name, "smoke", (), 0))
    assert not result.bad
    assert result.cells > 1000
