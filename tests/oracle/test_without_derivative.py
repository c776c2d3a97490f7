"""Operations without a derivative: which of them PyTorch lets a graph lead to, and what it says there."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb
import pullback.autograd.forward_ad as fwd
from pullback.dispatch.declaration import Operation
from pullback.tensor.registry import registry

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="the oracle extra installs it")

X, Y = [[1.5, -2.0], [0.0, 4.0]], [[2.0, 0.5], [1.0, -3.0]]
NAMES = [
    name
    for name, o in registry.items()
    if isinstance(o, Operation) and o.nondifferentiable and hasattr(torch, name) and pb.float32 in o.dtypes
]
TRUTH = {name for name in NAMES if registry[name].result is pb.bool}


def outcome(lib: Any, program: Callable[[Any, Any, Any], Any], recorded: tuple[bool, ...]) -> list[Any]:
    """What a program gives: whether it has a node, which, behind what, and how a pass through it ends."""
    x, y = (lib.tensor(v, requires_grad=r) for v, r in zip((X, Y), recorded, strict=True))
    try:
        out = program(lib, x, y)
    except Exception as error:
        return [type(error), str(error)]
    seen = [out.requires_grad, out.grad_fn and out.grad_fn.name()]
    if out.grad_fn is not None:
        seen.append([node and node.name() for node, _ in out.grad_fn.next_functions])
    try:
        out.sum().backward()
    except Exception as error:
        seen += [type(error), str(error).split("\n")[0]]
    return [*seen, *(v.is_leaf and v.grad is None for v in (x, y))]


def called(name: str) -> Callable[[Any, Any, Any], Any]:
    count = len(registry[name].operands)
    return lambda lib, x, y: getattr(lib, name)(*(x, y)[:count])


@pytest.mark.parametrize("recorded", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("name", NAMES)
def test_results(name: str, recorded: tuple[bool, ...]) -> None:
    assert outcome(pb, called(name), recorded) == outcome(torch, called(name), recorded)


PROGRAMS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "number": lambda lib, x, y: x // 2,
    "of a number": lambda lib, x, y: 7 // x,
    "operator": lambda lib, x, y: operator.floordiv(x, y),
    "of integers": lambda lib, x, y: x // lib.tensor(2),
    "by integers": lambda lib, x, y: lib.tensor(2) // x,
    "half": lambda lib, x, y: x.half() // y,
    "no_grad": lambda lib, x, y: lib.no_grad()(lambda: x // y)(),
    "in place": lambda lib, x, y: (x * 1).floor_divide_(y),
    "in place, by a number": lambda lib, x, y: (x * 1).floor_divide_(2),
    "into one that is not recorded": lambda lib, x, y: x.detach().clone().floor_divide_(y),
    "operator in place": lambda lib, x, y: operator.ifloordiv(x * 1, y),
    "step in place": lambda lib, x, y: (x * 1).heaviside_(y),
    "into a leaf": lambda lib, x, y: x.floor_divide_(y),
    "rounded": lambda lib, x, y: lib.div(x, y, rounding_mode="floor"),
    "rounded in place": lambda lib, x, y: (x * 1).div_(y, rounding_mode="floor"),
    "further": lambda lib, x, y: (x // y).exp() * x,
    "not reached": lambda lib, x, y: (x // y).detach() * x,
    "remainder": lambda lib, x, y: x % y,
}


@pytest.mark.parametrize("recorded", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, recorded: tuple[bool, ...]) -> None:
    assert outcome(pb, PROGRAMS[name], recorded) == outcome(torch, PROGRAMS[name], recorded)


def test_a_part_that_is_written() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        base = x * 1
        base[0].floor_divide_(2)
        return base

    assert outcome(pb, program, (True, True)) == outcome(torch, program, (True, True))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("name", [n for n in NAMES if n not in TRUTH])
def test_tangents(name: str) -> None:
    """A result of floats has none to give; of positions and truth values there is none to ask for."""

    def outcome(lib: Any, module: Any) -> Any:
        x, y = lib.tensor(X), lib.tensor(Y)
        with module.dual_level():
            try:
                out = called(name)(lib, module.make_dual(x, x), y)
            except NotImplementedError as error:
                return str(error).split("\n")[0]
            out = out[0] if isinstance(out, tuple) else out
            return module.unpack_dual(out).tangent

    assert outcome(pb, fwd) == outcome(torch, torch.autograd.forward_ad)


def test_the_derivative_of_a_derivative_by_steps() -> None:
    """The gradient of a remainder has a rounded quotient in it, whose own derivative is zero."""

    def program(lib: Any) -> Any:
        x, y = lib.tensor(X, requires_grad=True), lib.tensor(Y, requires_grad=True)
        grads = lib.autograd.grad((x % y).sum(), (x, y), create_graph=True)
        second = lib.autograd.grad((grads[1] * y).sum(), (x, y), allow_unused=True)
        return [g if g is None else g.tolist() for g in second]

    assert program(pb) == program(torch)


def test_under_transforms() -> None:
    with pytest.raises(RuntimeError, match="derivative for aten::floor_divide is not implemented"):
        pb.func.grad(lambda x: (x // 2).sum())(pb.tensor(X))
    with pytest.raises(RuntimeError, match="derivative for aten::floor_divide is not implemented"):
        pb.vmap(pb.func.grad(lambda x: (x // 2).sum()))(pb.tensor(X))
    with pytest.raises(NotImplementedError, match="forward AD with aten::floor_divide"):
        pb.func.jvp(lambda x: x // 2, (pb.tensor(X),), (pb.tensor(X),))
    assert pb.vmap(lambda x: x // 2)(pb.tensor(X)).tolist() == [[0.0, -1.0], [0.0, 2.0]]
