"""Programs as data: how they read as scripts, and how a disagreement is found and made small."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

from programs.comparison import Disagreement, Ended, Twins, failure  # noqa: E402
from programs.differences import DIFFERENCES, Difference  # noqa: E402
from programs.machine import Machine, UnknownVariable  # noqa: E402
from programs.minimal import minimal  # noqa: E402
from programs.step import Expression, Step, Variable  # noqa: E402

import pullback as pb  # noqa: E402

pytestmark = pytest.mark.oracle

PROGRAM = [
    Step(1, "function", "tensor", ([[0.0, 1.0], [2.0, 3.0]],), (("dtype", Expression("float64")),)),
    Step(2, "function", "ones", ((3,),)),
    Step(3, "method", "split", (Variable("t1"), 1)),
    Step(4, "getitem", "", (Variable("t3_1"), (0, slice(1, None)))),
    Step(5, "setitem", "", (Variable("t4"), ..., 7.0), grad=False),
    Step(6, "apply", "Square", (Variable("t2"),)),
]
#: pullback's name is in it, so the step does not give what it gives in PyTorch.
DIFFERENT = Step(7, "text", "{} + lib.__name__.count('pullback')", (Variable("t4"),))


def test_steps_read_as_python() -> None:
    assert [step.source() for step in PROGRAM] == [
        "lib.tensor([[0.0, 1.0], [2.0, 3.0]], dtype=lib.float64)",
        "lib.ones((3,))",
        "t1.split(1)",
        "t3_1[0, 1:]",
        "t4[...] = 7.0",
        "Square.apply(t2)",
    ]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_machine_names_what_steps_make(backend: str) -> None:
    machine = Machine(pb, backend)
    names = [machine.run(step) for step in PROGRAM]
    assert names == [("t1",), ("t2",), ("t3_0", "t3_1"), ("t4",), (), ("t6",)]
    assert machine.tensors["t1"].tolist() == [[0, 1], [2, 7]]


def test_a_result_that_has_a_name_gets_no_other() -> None:
    machine = Machine(torch)
    machine.run(PROGRAM[1])
    assert machine.run(Step(9, "method", "mul_", (Variable("t2"), 2))) == ()
    assert list(machine.tensors) == ["t2"]


def test_a_machine_refuses_tensors_that_are_not_there() -> None:
    with pytest.raises(UnknownVariable):
        Machine(torch).run(PROGRAM[5])


def test_a_disagreement_is_found() -> None:
    twins = Twins("numpy")
    for step in PROGRAM:
        twins.run(step)
    with pytest.raises(Disagreement) as raised:
        twins.run(DIFFERENT)
    assert (raised.value.field, raised.value.name) == ("values", "t7")


def test_a_known_difference_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("programs.comparison.DIFFERENCES", [Difference("planted", field="values", step="count")])
    twins = Twins("numpy")
    for step in PROGRAM:
        twins.run(step)
    with pytest.raises(Ended, match="planted"):
        twins.run(DIFFERENT)


def test_each_known_difference_has_a_reason() -> None:
    assert all(len(known.reason) > 20 for known in DIFFERENCES)


def test_a_program_is_made_small() -> None:
    twins, disagreement = minimal([*PROGRAM, DIFFERENT], "numpy")
    assert [step.source() for step in twins.steps] == [
        "lib.ones((2, 2))",
        "t1.split(1)",
        "t3_1[0, 1:]",
        "t4 + lib.__name__.count('pullback')",
    ]
    assert disagreement.field == "values"


def test_its_script_shows_the_disagreement(capsys: pytest.CaptureFixture[str]) -> None:
    twins, disagreement = minimal([*PROGRAM, DIFFERENT], "numpy")
    exec(twins.script(disagreement), {})
    assert capsys.readouterr().out == "tensor([1.])\ntensor([2.])\n"


def test_a_script_has_the_functions_it_applies() -> None:
    result = failure(
        [PROGRAM[1], PROGRAM[5], Step(8, "text", "{} * (1 + hasattr(lib, '_C'))", (Variable("t6"),))], "numpy"
    )
    assert result is not None
    twins, disagreement = result
    assert "class Square(lib.autograd.Function):" in twins.script(disagreement)
    exec(twins.script(disagreement), {})
