"""Scripts that reproduce failures: each parses, and runs to the same end as the case it is about."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.extend import ArrayAPIBackend, Composite, Operation, Sample, Tensor, composite, get_backend, registry
from pullback_conformance.case import Case
from pullback_conformance.named_sample import sample_named
from pullback_conformance.runner import Runner, Selection, Unit, accepts
from pullback_conformance.samples import samples_of
from pullback_conformance.script import script_for
from pullback_conformance.tiers import TIERS

PROGRAM = [
    "print(gradients(operands, []))", "pushed(operands, [])", "second_gradients(operands, [], [])", "inner([], [])",
]  # fmt: skip


def cases(operation: Operation | Composite) -> Iterator[Case]:
    """The smoke tier's cases of an operation."""
    tier, numpy = TIERS["smoke"], get_backend("numpy")
    for dtype in tier.dtypes:
        if not accepts(operation, dtype):
            continue
        try:
            for arguments in samples_of(operation, numpy, dtype, most=tier.samples):
                yield Case(operation, dtype, arguments, numpy, numpy)
        except Exception:  # samples of floating numbers, that a mask or an index cannot be made of
            continue


def sampled() -> list[Operation | Composite]:
    return Runner("numpy").operations()


def test_every_script_parses() -> None:
    for operation in sampled():
        for case in cases(operation):
            script = script_for(case, 'it is "wrong" \\ here:\nC:\\new', PROGRAM)
            ast.parse(script)
            assert " object at 0x" not in script
            assert "pullback_conformance" not in script, "arguments without a literal form"


def test_scripts_run_and_give_what_the_suite_gets() -> None:
    for operation in sampled()[::9]:
        for case in cases(operation):
            space: dict[str, Any] = {}
            script = compile(script_for(case, "a title", ["result = flat(run())"]), operation.name, "exec")
            try:
                wanted = case.on(case.subject).run()
            except (RuntimeError, TypeError) as refused:  # a division of integers by zero
                with pytest.raises(type(refused)):
                    exec(script, space)
                continue
            exec(script, space)
            assert [plain(r) for r in space["result"]] == [plain(r) for r in wanted], operation.name


def plain(result: Any) -> Any:
    """Results as text, in which NaN is equal to NaN."""
    return f"{result.dtype} {result.tolist()}" if isinstance(result, Tensor) else repr(result)


@pytest.mark.parametrize("name", ["index", "index_put", "restride", "rand", "polygamma"])
def test_what_has_no_number_for_a_value_is_written_out(name: str) -> None:
    for case in cases(registry[name]):
        if name == "rand" and case.dtype.category < 2:
            with pytest.raises(NotImplementedError):
                case.on(case.subject).run()
            continue
        space: dict[str, Any] = {}
        exec(script_for(case, "a title", ["result = flat(run())"]), space)
        assert [plain(r) for r in space["result"]] == [plain(r) for r in case.on(case.subject).run()]


def test_a_script_stands_alone() -> None:
    case = next(cases(registry["index"]))
    script = script_for(case, "index", ["assert result.shape == (2, 2)"])
    done = subprocess.run([sys.executable, "-"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "AssertionError" in done.stderr


@pytest.fixture
def applied() -> Iterator[Composite]:
    """An operation that takes a function, which has no literal form."""

    def samples(make: Any) -> Iterator[Sample]:
        yield Sample(make(3), pb.exp)

    @composite(samples=samples, method=False)
    def applied_function(input: Tensor, function: Any) -> Tensor:
        """What a function gives."""
        result: Tensor = function(input)
        return result

    yield registry["applied_function"]
    del registry["applied_function"]


def test_an_argument_without_a_literal_form_is_the_samples(applied: Composite) -> None:
    case = next(cases(applied))
    space: dict[str, Any] = {}
    exec(script_for(case, "a title", ["result = run()"]), space)
    assert plain(space["result"]) == plain(case.on(case.subject).run()[0])


def test_a_backend_that_a_program_made_is_left_to_the_program() -> None:
    import array_api_strict

    backend = ArrayAPIBackend("made_here", array_api_strict)
    arguments = sample_named("exp", "float32", "0-d")
    script = script_for(Case(registry["exp"], pb.float32, arguments, backend, backend), "a title", [])
    ast.parse(script)
    assert "# Register the backend 'made_here' here" in script


def test_samples_are_found_by_their_labels() -> None:
    runner = Runner("numpy", selection=Selection("full", ("exp",), ("float32",)))
    for arguments, _ in runner._samples(Unit(registry["exp"], pb.float32)):
        assert arguments is not None
        again = sample_named("exp", "float32", arguments.label)
        assert plain(again.args[0]) == plain(arguments.args[0])
    with pytest.raises(ValueError, match="exp has no sample 'nowhere' in float32"):
        sample_named("exp", "float32", "nowhere")
