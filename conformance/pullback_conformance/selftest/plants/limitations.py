"""Limitations that are none, name nothing, or cover more than they should."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.extend import Limitation, dtypes
from pullback_conformance.selftest.breaking import attributes, kernel, together, wrong_where
from pullback_conformance.selftest.defect import Defect, Plant

KIND = "limitations"
EVERY: frozenset[Any] = frozenset()
HALF = frozenset({dtypes.by_name["float16"]})


def _limited(*limitations: Limitation) -> Plant:
    return attributes(limitations=limitations)


def _slightly_wrong(result: Any, x: Any) -> Any:
    return result * 1.01


def _in_single(x: Any) -> Any:
    return x.dtype == np.float32


def _defect(
    name: str, operations: tuple[str, ...], plant: Plant, program: str, tier: str = "standard",
    check: str = "limitation",
) -> Defect:  # fmt: skip
    return Defect(name, KIND, tier, check, operations, plant, program)


_SHOWN = "[str(one.operation) for one in backend.limitations]"
DEFECTS = [
    _defect("limitation_of_what_works", ("exp",), _limited(Limitation("exp", EVERY, "not precise")), _SHOWN),
    _defect("limitation_of_a_check_that_passes", ("sin",), _limited(Limitation("sin", EVERY, "no NaN", case="special")),
            _SHOWN, "smoke"),
    _defect("limitation_of_no_operation", ("exp",), _limited(Limitation("exq", EVERY, "not precise")), _SHOWN, "smoke"),
    _defect("limitation_of_no_case", ("exp",), _limited(Limitation("exp", EVERY, "not precise", case="speical")),
            _SHOWN,
            "smoke"),
    _defect("limitation_of_everything", ("cos",), together(_limited(Limitation("*", EVERY, "a young library")),
            wrong_where("cos", _in_single, _slightly_wrong)), "pb.cos(pb.ones(1))", "smoke"),
    _defect("limitation_of_half_hides_single", ("tanh",), together(
        _limited(Limitation("tanh", EVERY, "float16 is not precise")),
        wrong_where("tanh", lambda x: (x.dtype == np.float16) | _in_single(x), _slightly_wrong)),
            "pb.tanh(pb.ones(1))"),
    _defect("limitation_of_half_beside_a_wrong_single", ("tanh",), together(
        _limited(Limitation("tanh", HALF, "float16 is not precise")),
        wrong_where("tanh", lambda x: (x.dtype == np.float16) | _in_single(x), _slightly_wrong)), "pb.tanh(pb.ones(1))",
            "smoke", "value"),
    _defect("missing_kernel_without_a_limitation", ("atan",), kernel("atan", lambda true, x, **o: _missing()),
            "pb.atan(pb.ones(1))", "smoke", "value"),
]  # fmt: skip


def _missing() -> Any:
    raise NotImplementedError("this library has no atan")
