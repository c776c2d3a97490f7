"""Programs of hooks drawn at random: which run, in which order, what each sees, and which gradients come out."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:.*create_graph=True:UserWarning")]

PROGRAMS = {"numpy": 400, "jax": 60}
ACTIONS = ["see", "see", "scale", "scale", "write", "raise", "take grad", "register", "remove"]
PLACES = ["leaf", "tensor", "pre", "post", "accumulated", "accumulator pre", "accumulator post", "retain"]
WAYS = ["backward", "backward", "create_graph", "grad", "inputs", "input"]


class Stop(Exception):
    """Raised by a hook."""


class Program:
    """One program, which a seed determines, on one of the two libraries; ``log`` has all that can be seen of it."""

    def __init__(self, lib: Any, seed: int) -> None:
        self.lib = lib
        self.choose = random.Random(seed)
        self.log: list[Any] = []
        self.handles: list[Any] = []
        self.kept: list[Any] = []
        self.leaves: list[Any] = []
        self.inner: list[Any] = []
        self.single: list[Any] = []  # those that are no output of several

    def values(self, tensors: Any) -> Any:
        if isinstance(tensors, tuple | list):
            return [self.values(t) for t in tensors]
        return None if tensors is None else [round(number, 4) for number in tensors.detach().reshape(-1).tolist()]

    # -- the graph ----------------------------------------------------------------------------------------------------

    def make_graph(self) -> None:
        lib, choose, log, values = self.lib, self.choose, self.log, self.values

        class ProductAndSum(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, a: Any, b: Any, materialize: bool) -> Any:
                ctx.set_materialize_grads(materialize)
                ctx.save_for_backward(a, b)
                return a * b, a + b

            @staticmethod
            def backward(ctx: Any, grad: Any, other: Any) -> Any:
                log.append(("backward", values(grad), values(other)))
                a, b = ctx.saved_tensors
                grad = lib.zeros(2) if grad is None else grad
                other = lib.zeros(2) if other is None else other
                return grad * b + other, grad * a + other, None

        for _ in range(choose.choice([1, 2, 2, 3])):
            numbers = [choose.choice([1.0, 2.0, -1.0, 0.5]) for _ in range(2)]
            self.leaves.append(lib.tensor(numbers, requires_grad=True))
        if choose.random() < 0.2:
            for leaf in self.leaves:
                leaf.grad = lib.ones(2)
        pool = list(self.leaves)
        self.single = list(self.leaves)
        for _ in range(choose.randint(1, 5)):
            kind = choose.choice(["mul", "add", "scale", "exp", "view", "write", "unbind", "function"])
            a, b = choose.choice(pool), choose.choice(pool)
            if kind == "mul":
                made = [a * b]
            elif kind == "add":
                made = [a + b]
            elif kind == "scale":
                made = [a * 3.0]
            elif kind == "exp":
                made = [(a * 0.1).exp()]
            elif kind == "view":
                made = [a.view(2, 1).view(2)]
            elif kind == "write":
                made = [(a * 2.0).add_(b)]
            elif kind == "unbind":
                made = list(lib.stack([a, b]).unbind(0))
            else:
                made = list(ProductAndSum.apply(a, b, choose.random() < 0.5))
            pool += made
            self.inner += made
            if len(made) == 1:
                self.single += made

    # -- hooks --------------------------------------------------------------------------------------------------------

    def action(self, name: str, late: Callable[[Any], None]) -> Callable[..., str]:
        """What a hook does after it has looked; what it is, where that concerns its result."""
        act = self.choose.choice(ACTIONS)
        if act == "raise" and self.choose.random() < 0.7:
            act = "see"
        target, place = self.choose.choice(self.leaves), self.choose.random()

        def acts() -> str:
            if act == "raise":
                raise Stop(name)
            if act == "take grad":
                target.grad = None
            if act == "register":
                late(target)
            if act == "remove" and self.handles:
                self.handles[int(place * len(self.handles))].remove()
            return act

        return acts

    def changed(self, act: str, grads: tuple[Any, ...]) -> Any:
        if act == "scale":
            return tuple(None if g is None else g * 2 for g in grads)
        if act == "write":
            for grad in grads:
                if grad is not None and not grad.requires_grad:
                    grad.mul_(2)
        return None

    def of_tensor(self, name: str) -> Callable[[Any], Any]:
        acts = self.action(
            name, lambda leaf: leaf.register_hook(lambda g: self.log.append((name, "late", self.values(g))))
        )

        def hook(grad: Any) -> Any:
            self.log.append((name, self.values(grad)))
            changed = self.changed(acts(), (grad,))
            return None if changed is None else changed[0]

        return hook

    def of_node(self, name: str, before: bool) -> Callable[..., Any]:
        acts = self.action(
            name,
            lambda leaf: leaf.register_post_accumulate_grad_hook(
                lambda p: self.log.append((name, "late", self.values(p.grad)))
            ),
        )

        def hook(*grads: tuple[Any, ...]) -> Any:
            self.log.append((name, *(self.values(g) for g in grads)))
            changed = self.changed(acts(), grads[0])
            return changed if before or grads[0] else None

        return hook

    def of_accumulated(self, name: str) -> Callable[[Any], None]:
        acts = self.action(
            name, lambda leaf: leaf.register_hook(lambda g: self.log.append((name, "late", self.values(g))))
        )

        def hook(leaf: Any) -> None:
            self.log.append((name, self.values(leaf.grad)))
            act = acts()
            if act == "take grad":
                leaf.grad = None
            if act == "write" and leaf.grad is not None:
                with self.lib.no_grad():
                    leaf.grad.mul_(2)

        return hook

    def register(self) -> None:
        choose = self.choose
        for number in range(choose.randint(1, 8)):
            place = choose.choice(PLACES)
            leaf, tensor = choose.choice(self.leaves), choose.choice(self.inner)
            name = f"{number} {place}"
            if place == "leaf":
                made = leaf.register_hook(self.of_tensor(name))
            elif place == "tensor":
                made = tensor.register_hook(self.of_tensor(name))
            elif place == "pre":
                made = tensor.grad_fn.register_prehook(self.of_node(name, True))
            elif place == "post":
                made = tensor.grad_fn.register_hook(self.of_node(name, False))
            elif place == "accumulated":
                made = leaf.register_post_accumulate_grad_hook(self.of_accumulated(name))
            elif place == "retain":
                tensor.retain_grad()
                continue
            else:
                accumulator = leaf.view_as(leaf).grad_fn.next_functions[0][0]
                self.kept.append(accumulator)
                if place == "accumulator pre":
                    made = accumulator.register_prehook(self.of_node(name, True))
                else:
                    made = accumulator.register_hook(self.of_node(name, False))
            self.handles.append(made)
        if self.handles and choose.random() < 0.2:
            choose.choice(self.handles).remove()

    # -- passes -------------------------------------------------------------------------------------------------------

    def differentiate(self) -> None:
        lib, choose = self.lib, self.choose
        way = choose.choice(WAYS)
        outputs = [choose.choice(self.inner)]
        if choose.random() < 0.3 or way in ("grad", "input"):  # with one output PyTorch may run its node needlessly
            outputs.append(choose.choice(self.leaves + self.inner))
        numbers = [choose.choice([1.0, 2.0]) for _ in outputs]
        for _ in range(choose.choice([1, 1, 2])):
            grads = [lib.tensor([1.0, number]) for number in numbers]  # PyTorch may make one a leaf's own
            options: dict[str, Any] = {"retain_graph": True}
            try:
                if way == "grad":
                    inputs = [choose.choice(self.single) for _ in range(choose.randint(1, 2))]
                    found = lib.autograd.grad(outputs, inputs, grads, allow_unused=True, **options)
                    self.log.append(self.values(found))
                else:
                    if way == "create_graph":
                        options["create_graph"] = True
                    elif way == "inputs":
                        options["inputs"] = [choose.choice(self.leaves)]
                    elif way == "input":
                        options["inputs"] = [choose.choice(self.single)]
                    lib.autograd.backward(outputs, grads, **options)
            except Stop as error:
                self.log.append(("stopped", str(error)))
            except (RuntimeError, TypeError) as error:
                self.log.append((type(error).__name__, str(error)[:50]))
            self.log.append((way, self.values([leaf.grad for leaf in self.leaves])))
            self.log.append(self.values([t.grad if t.retains_grad else None for t in self.inner]))

    def run(self) -> list[Any]:
        self.make_graph()
        self.register()
        self.differentiate()
        return self.log


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("backend", PROGRAMS)
def test_programs(backend: str, part: int) -> None:
    for seed in range(part, PROGRAMS[backend], 4):
        expected = Program(torch, seed).run()
        with pb.use_backend(backend):
            found = Program(pb, seed).run()
        assert str(found) == str(expected), f"program {seed}"
