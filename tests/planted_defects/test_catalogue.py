"""Every planted defect is one: its program has another value than on the clean loopback."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from pullback.extend import import_all, registry
from pullback_conformance.checks import CHECKS
from pullback_conformance.selftest import planted
from pullback_conformance.selftest.catalogue import catalogue, kinds
from pullback_conformance.selftest.defect import CONTRACT, Defect
from pullback_conformance.selftest.loopbacks import loopback_class
from pullback_conformance.selftest.showing import shows, value_of

RETURNING = [name for name, defect in catalogue().items() if not defect.ends_the_process]
ENDING = [name for name, defect in catalogue().items() if defect.ends_the_process]


def test_there_are_many_of_many_kinds() -> None:
    assert len(catalogue()) >= 700
    assert len(kinds()) >= 30
    counts = Counter(defect.kind for defect in catalogue().values())
    assert min(counts.values()) >= 5


@pytest.mark.parametrize("name", RETURNING)
def test_a_planted_defect_shows(name: str) -> None:
    assert shows(catalogue()[name])


@pytest.mark.parametrize("name", ENDING)
def test_a_planted_defect_does_not_come_back(name: str) -> None:
    program = [sys.executable, "-W", "ignore", "-m", "pullback_conformance.selftest.showing", name]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        try:
            process.wait(1.5 if "hangs" in name else 60)
        except subprocess.TimeoutExpired:
            assert "hangs" in name
            return
        assert "hangs" not in name
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("name", [n for n, d in catalogue().items() if d.kind == "derivative formulas"][::7])
def test_what_is_broken_in_the_core_is_mended_again(name: str) -> None:
    defect = catalogue()[name]
    clean = loopback_class()()
    before = value_of(defect.program, clean)
    with defect.planted() as backend:
        assert value_of(defect.program, backend) != before
    assert value_of(defect.program, clean) == before


def test_operations_tiers_and_checks_exist() -> None:
    import_all()
    for defect in catalogue().values():
        assert defect.name.isidentifier()
        assert defect.tier in ("smoke", "standard")
        assert defect.check in {*CHECKS, "limitation"}, defect.name
        assert defect.operations, defect.name
        assert set(defect.operations) <= {*registry, *CONTRACT}, defect.name


def test_a_defective_backend_is_found_by_its_name() -> None:
    kind = planted.exp_is_8_ulp_off
    assert kind is planted.exp_is_8_ulp_off
    assert kind().name == "exp_is_8_ulp_off"
    assert kind.__module__ == planted.__name__
    with pytest.raises(AttributeError, match="has no attribute 'exp_is_right'"):
        planted.exp_is_right  # noqa: B018


def test_a_defect_of_an_immutable_backend_has_one() -> None:
    defect: Defect = catalogue()["immutable_sort_writes"]
    with defect.planted() as backend:
        assert not backend.mutable
        assert not backend.inplace_kernels
