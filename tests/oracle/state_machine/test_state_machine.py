"""Generated programs do on pullback what they do on PyTorch, after each step.

A program creates tensors, views them, views the views, writes in place, computes, switches recording on and off,
detaches, forgets, applies Functions and runs backward passes, also in ways that are errors. Each step runs on PyTorch
and on a backend of pullback; then all that can be seen of all live tensors must agree: values, dtypes, shapes, strides,
offsets, versions, ``_base``, which tensors share storage and at which distance, ``requires_grad``, errors and their
texts, and, at some steps and at the end, nodes, leaves and gradients. After an error nothing may have changed.

Where pullback differs on purpose stands in ``programs/differences.py``. A failure shows the smallest program that it
could find, as a script to paste and run.

The number of steps for each backend is fixed, and so are the programs. To run others, and more of them::

    PULLBACK_ORACLE_STEPS=100000 pytest -m oracle tests/oracle/state_machine -n 0 [--hypothesis-seed=7]
"""

from __future__ import annotations

import os
from random import Random

import pytest

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

from hypothesis import HealthCheck, Phase, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test  # noqa: E402
from programs.comparison import Disagreement, Ended, Twins  # noqa: E402
from programs.drawing import FEW_DTYPES, FEW_SHAPES, Drawer  # noqa: E402
from programs.minimal import minimal  # noqa: E402
from programs.step import Step, Variable  # noqa: E402
from programs.viewing import MOST_ELEMENTS  # noqa: E402

pytestmark = pytest.mark.oracle

STEPS_OF_A_PROGRAM = 25
#: What continuous integration runs on each backend. On JAX every new shape is compiled.
STEPS = {"numpy": 10000, "jax": 1500}

decisions = st.randoms(use_true_random=False)


class Programs(RuleBasedStateMachine):
    """Writes a program step by step and runs it on both libraries as it goes."""

    backend = "numpy"

    def __init__(self) -> None:
        super().__init__()
        self.twins = Twins(self.backend)
        few = {"shapes": FEW_SHAPES, "dtypes": FEW_DTYPES} if self.backend == "jax" else {}
        self.drawer = Drawer(self.twins.expected, Random(0), **few)
        self.ended = False

    def run(self, step: Step | None) -> None:
        """Run a step that has been drawn."""
        if step is None or self.ended:
            return
        try:
            for name in self.twins.run(step):
                tensor = self.twins.expected.tensors.get(name)
                if tensor is not None and tensor.numel() > 2 * MOST_ELEMENTS:
                    self.twins.run(self.drawer.step("del", "", Variable(name)))
        except Ended:
            self.ended = True
        except Disagreement:
            self.ended = True
            twins, disagreement = minimal(self.twins.steps, self.backend)
            raise AssertionError(f"{disagreement}\n\n{twins.script(disagreement)}") from None

    def draw(self, kind: str, random: Random) -> None:
        """Draw a step of one kind and run it."""
        self.drawer.random = random
        self.run(getattr(self.drawer, kind)())

    @initialize(random=decisions)
    def begin(self, random: Random) -> None:
        self.draw("create", random)

    @rule(random=decisions)
    def create_or_forget(self, random: Random) -> None:
        self.draw("grow", random)

    @rule(random=decisions)
    def view(self, random: Random) -> None:
        self.draw("view", random)

    @rule(random=decisions)
    def view_again(self, random: Random) -> None:
        self.draw("view", random)

    @rule(random=decisions)
    def write(self, random: Random) -> None:
        self.draw("write", random)

    @rule(random=decisions)
    def write_again(self, random: Random) -> None:
        self.draw("write", random)

    @rule(random=decisions)
    def compute(self, random: Random) -> None:
        self.draw("compute", random)

    @rule(random=decisions)
    def reshape_in_place(self, random: Random) -> None:
        self.draw("reshape_in_place", random)

    @rule(random=decisions)
    def graph(self, random: Random) -> None:
        self.draw("graph", random)

    @rule(random=decisions)
    def differentiate(self, random: Random) -> None:
        self.draw("differentiate", random)

    @rule(random=decisions)
    def apply(self, random: Random) -> None:
        self.draw("apply", random)

    @rule()
    @precondition(lambda self: self.drawer.grad)
    def enter_no_grad(self) -> None:
        self.drawer.grad = False

    @rule()
    @precondition(lambda self: not self.drawer.grad)
    def leave_no_grad(self) -> None:
        self.drawer.grad = True

    @rule()
    def look(self) -> None:
        self.run(self.drawer.look())

    def teardown(self) -> None:
        self.look()


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_generated_programs_agree_with_pytorch(backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax", reason="the jax extra installs it")
    asked = os.environ.get("PULLBACK_ORACLE_STEPS")
    steps = int(asked) if asked else STEPS[backend]
    machine = type("Programs", (Programs,), {"backend": backend})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=max(1, steps // STEPS_OF_A_PROGRAM),
                stateful_step_count=STEPS_OF_A_PROGRAM,
                derandomize=asked is None,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
    finally:
        torch.set_num_threads(threads)
