"""What may happen to a leaf between forward and backward: frozen, detached, given other memory, as PyTorch takes it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

#: What a program computes of the tensor ``w`` and the leaf ``x``.
USES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "product": lambda lib, w, x: (w * x).sum(),
    "square": lambda lib, w, x: (w * w).sum(),
    "matrix product": lambda lib, w, x: (w.reshape(1, 2) @ x).sum(),
    "one operand": lambda lib, w, x: w.sin().sum(),
    "joined": lambda lib, w, x: (lib.cat([w, x]) ** 2).sum(),
    "part": lambda lib, w, x: (w[:1] * x).sum(),
    "reshaped": lambda lib, w, x: (w.view(2, 1) * x).sum(),
    "chosen": lambda lib, w, x: (lib.where(w > 0, w, x) * w).sum(),
    "maximum": lambda lib, w, x: (w * w).max(),
}


def _step(w: Any, lib: Any) -> None:
    with lib.no_grad():
        w.add_(0.5)


def _view(w: Any, lib: Any) -> None:
    w.kept = w[0:1]


#: What has happened to ``w`` before: from the second step of an optimizer on it has a version.
BEFORE: dict[str, Callable[[Any, Any], Any]] = {
    "nothing": lambda w, lib: None,
    "view": _view,
    "step": _step,
    "view and step": lambda w, lib: (_view(w, lib), _step(w, lib)),
    "detached": lambda w, lib: setattr(w, "kept", w.detach()),
    "data": lambda w, lib: setattr(w, "kept", w.data),
}
BETWEEN: dict[str, Callable[[Any, Any], Any]] = {
    "requires_grad_(False)": lambda w, lib: w.requires_grad_(False),
    "requires_grad = False": lambda w, lib: setattr(w, "requires_grad", False),
    "frozen and not": lambda w, lib: w.requires_grad_(False).requires_grad_(True),
    "frozen and written": lambda w, lib: w.requires_grad_(False).mul_(2),
    "detach_()": lambda w, lib: w.detach_(),
    "detach_() and back": lambda w, lib: w.detach_().requires_grad_(),
    "detach().mul_()": lambda w, lib: w.detach().mul_(2),
    "data = ...": lambda w, lib: setattr(w, "data", lib.tensor([5.0, 6.0])),
    "data.mul_()": lambda w, lib: w.data.mul_(2),
    "grad = None": lambda w, lib: setattr(w, "grad", None),
    "del grad": lambda w, lib: delattr(w, "grad"),
}


def _outcome(lib: Any, leaf: bool, use: str, before: str, between: str, order: int) -> list[Any]:
    start = lib.tensor([2.0, 3.0], requires_grad=True)
    w = start if leaf else start * 1
    x = lib.tensor([1.5, -2.0], requires_grad=True)
    seen: list[Any] = []
    try:
        BEFORE[before](w, lib)
        y = USES[use](lib, w, x)
        BETWEEN[between](w, lib)
        if order == 2:
            firsts = lib.autograd.grad(y, [x, start], create_graph=True, allow_unused=True)
            firsts = [g for g in firsts if g is not None]
            seen += [(g.tolist(), g.requires_grad) for g in firsts]
            y = sum(g.square().sum() for g in firsts)
        y.backward()
    except Exception as error:
        return [*seen, type(error).__name__, str(error).partition("\n")[0]]
    return [*seen, [None if t.grad is None else t.grad.tolist() for t in (start, x)], w.requires_grad, w.is_leaf]


def _rounded(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("leaf", [True, False], ids=["leaf", "result"])
def test_changes_between_forward_and_backward(leaf: bool, between: str, backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax", reason="the jax extra installs it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for use in USES:
            for before in BEFORE:
                for order in (1, 2):
                    expected = _outcome(torch, leaf, use, before, between, order)
                    with pb.use_backend(backend):
                        found = _outcome(pb, leaf, use, before, between, order)
                    assert _rounded(found) == _rounded(expected), (use, before, order)
