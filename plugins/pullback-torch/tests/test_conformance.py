"""The smoke tier of pullback's conformance suite: nothing fails but what is known of PyTorch."""

from pathlib import Path

from pullback_conformance.expected import apply_expected, read_expected
from pullback_conformance.runner import Runner, Selection


def test_nothing_fails_but_what_is_known() -> None:
    runner = Runner("pytorch", "numpy", Selection("smoke"))
    record = runner.run()
    entries = read_expected(Path(__file__).parents[1] / "expected_failures.toml")
    apply_expected(record, entries, has_all_samples=runner.has_all_samples)
    assert record.is_good, [f"{c.name}: {c.outcome.value}" for c in record.bad_cells()]
