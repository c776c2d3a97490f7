"""Kernels that do not come back: they hang, abort, exit, or use up the stack."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import kernel
from pullback_conformance.selftest.defect import Defect

KIND = "hang, abort, exit"


def _hang() -> None:
    time.sleep(3600)


def _spin() -> None:
    while True:
        pass


def _defect(
    name: str, operation: str, kernel_name: str, ends: Callable[[], Any], program: str,
    where: Callable[..., Any] = lambda *operands: True, tier: str = "smoke", *,
    comes_back: bool = False,
) -> Defect:  # fmt: skip
    def broken(true: Any, *arguments: Any, **options: Any) -> Any:
        if where(*arguments):
            ends()
        return true(*arguments, **options)

    return Defect(name, KIND, tier, "value", (operation,), kernel(kernel_name, broken), program,
                  ends_the_process=not comes_back)  # fmt: skip


def _of_nothing(x: Any, *rest: Any) -> bool:
    return np.size(x) == 0


DEFECTS = [
    _defect("exp_hangs", "exp", "exp", _hang, "pb.exp(pb.ones(2))"),
    _defect("sum_of_nothing_hangs", "sum", "sum", _spin, "pb.sum(pb.zeros(0))", _of_nothing, "standard"),
    _defect("complex_log_hangs", "log", "log", _hang, "pb.log(pb.tensor([1j]))", np.iscomplexobj, "standard"),
    _defect("tan_aborts", "tan", "tan", os.abort, "pb.tan(pb.ones(2))"),
    _defect("sort_of_nothing_aborts", "sort", "argsort", os.abort, "pb.sort(pb.zeros(0, 3))", _of_nothing, "standard"),
    _defect("cos_ends_without_a_word", "cos", "cos", lambda: os._exit(0), "pb.cos(pb.ones(2))"),
    _defect("sqrt_exits", "sqrt", "sqrt", lambda: sys.exit(0), "pb.sqrt(pb.ones(2))", comes_back=True),
    _defect("floor_interrupts", "floor", "floor", lambda: os.kill(os.getpid(), 15), "pb.floor(pb.ones(2))"),
]  # fmt: skip
