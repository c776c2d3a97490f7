"""What a declaration says of the accuracy of a call: attributes away from their defaults may change it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.extend import Accuracy, Sample, get_backend, import_all, registry
from pullback_conformance.case import Call
from pullback_conformance.outcome import Outcome
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.samples import swept
from pullback_conformance.tolerances import Kind, accuracy_of, bound, kind_of

import_all()


def call(**attributes: Any) -> Sample:
    return Sample(pb.ones(2), pb.ones(2), **attributes)


def test_a_sum_is_rounded_once_and_with_a_factor_twice() -> None:
    add = registry["add"]
    assert kind_of(add) is kind_of(add, call()) is kind_of(add, call(alpha=1)) is Kind.EXACT
    assert kind_of(add, call(alpha=3)) is Kind.ROUNDED_TWICE
    assert bound(add, pb.float32, "value", "numpy")[0] == 0.5
    assert bound(add, pb.float32, "value", "numpy", call(alpha=3))[0] == 1.0


def test_an_attribute_given_by_position_counts_too() -> None:
    operation = registry["nan_to_num"]
    assert accuracy_of(operation, Sample(pb.ones(2), 1.0)) is operation.accuracy


def test_decimals_allow_the_other_side_of_a_jump_and_whole_numbers_do_not() -> None:
    operation = registry["round"]
    assert not accuracy_of(operation, Sample(pb.ones(2))).either_side
    assert accuracy_of(operation, Sample(pb.ones(2), decimals=1)).either_side


def test_an_accuracy_names_others_for_attributes() -> None:
    twice = Accuracy("rounded twice")
    assert Accuracy("rounded", attributes={"alpha": twice}).attributes == {"alpha": twice}
    with pytest.raises(ValueError, match="no accuracy is called 'rounded thrice'; did you mean 'rounded twice'"):
        Accuracy("rounded thrice")


def test_terms_out_of_range_are_left_out_of_sweeps() -> None:
    for sample in swept(registry["add"], get_backend("numpy"), pb.float16, seed=3):
        alpha = sample.kwargs.get("alpha", 1)
        if alpha != 1:
            assert np.all(np.abs(alpha * sample.args[1].array.astype(np.float64)) < 65504)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("add", lambda x, y, *, alpha=1: x + (alpha * 1.000001) * y),
        ("add", lambda x, y, *, alpha=1: x + int(alpha) * y),
        ("rsub", lambda x, y, *, alpha=1: y * alpha - x),
        ("round", lambda x, *, decimals=0: pb.trunc(x * 10**decimals) / 10**decimals if decimals else pb.round(x)),
        ("nan_to_num", lambda x, nan=0.0, posinf=None, neginf=None: pb.nan_to_num(x, nan, posinf)),
    ],
)
def test_an_attribute_that_is_not_what_it_says_is_found_in_smoke(
    name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Call.run

    def run_wrongly(self: Any, replaced: Any = None) -> Any:
        if self.backend.name != "numpy" or replaced:
            return run(self, replaced)
        return [wrong(*self.args, **self.kwargs)]

    monkeypatch.setattr(Call, "run", run_wrongly)
    record = Runner("numpy", "numpy", Selection("smoke", (name,), ("float32",), ("value", "special"))).run()
    assert Outcome.FAILED in {cell.outcome for cell in record.cells}
