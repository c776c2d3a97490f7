"""Which samples a backend that compiles each shape runs."""

from __future__ import annotations

from collections import Counter

import pullback as pb
from pullback.extend import get_backend, import_all, registry
from pullback_conformance.runner import Runner, Selection, Unit
from pullback_conformance.samples import Arguments, Turns
from pullback_conformance.samples.turns import SHARES

import_all()
DTYPES = [pb.float32, pb.float64, pb.float16, pb.bfloat16, pb.int64, pb.int32, pb.int16, pb.int8]


def arguments(number: int, *shape: int) -> Arguments:
    return Arguments(number, str(shape), (pb.zeros(shape),), {})


def run(dtype: pb.dtype, samples: list[Arguments]) -> list[str]:
    turns = Turns(registry["exp"], dtype, DTYPES)
    return [sample.label for sample in samples if turns.has(sample)]


def test_each_shape_is_run_in_its_share_of_the_dtypes() -> None:
    samples = [arguments(number, number) for number in range(2, 10)]
    counts = Counter(label for dtype in DTYPES for label in run(dtype, samples))
    assert counts == {sample.label: len(DTYPES) // SHARES for sample in samples}


def test_dtypes_are_given_equally_much() -> None:
    samples = [arguments(number, number) for number in range(2, 10)]
    assert {len(run(dtype, samples)) for dtype in DTYPES} == {len(samples) // SHARES}


def test_the_first_samples_are_run_in_every_dtype() -> None:
    samples = [arguments(0, 2, 3), arguments(1, 1025)]
    assert all(len(run(dtype, samples)) == 2 for dtype in DTYPES)


def test_what_has_the_shapes_of_an_earlier_sample_is_run() -> None:
    samples = [arguments(0, 2, 3), arguments(5, 2, 3)._replace(label="columnwise")]
    assert all("columnwise" in run(dtype, samples) for dtype in DTYPES)


def test_a_backend_that_compiles_runs_fewer_samples_and_says_so() -> None:
    class Compiling(type(get_backend("numpy"))):  # type: ignore[misc]
        compiles_each_shape = True

    unit = Unit(registry["exp"], pb.float32)
    plain, standard, full = (
        Runner(backend, "numpy", Selection(tier, ("exp",)))
        for backend, tier in (("numpy", "standard"), (Compiling(), "standard"), (Compiling(), "full"))
    )
    assert len(standard.samples(unit)) < len(plain.samples(unit)) < len(full.samples(unit))
    assert any("compiles each shape" in note for note in standard.record().notes)
    assert not any("compiles each shape" in note for note in [*plain.record().notes, *full.record().notes])
    assert plain.has_all_samples
    assert not standard.has_all_samples


def test_one_dtype_alone_is_run_with_all() -> None:
    class Compiling(type(get_backend("numpy"))):  # type: ignore[misc]
        compiles_each_shape = True

    runners = (Runner(b, "numpy", Selection("standard", ("exp",), ("float32",))) for b in ("numpy", Compiling()))
    plain, compiling = (len(runner.samples(Unit(registry["exp"], pb.float32))) for runner in runners)
    assert plain == compiling
