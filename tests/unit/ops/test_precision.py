"""bfloat16 stays bfloat16 in bodies that combine arrays with Python numbers, which NumPy would widen."""

from __future__ import annotations

import pytest

import pullback as pb
import pullback.nn.functional

CALLS = {
    "addmm": lambda x, y: pb.addmm(x[:, :1], x, y.mT, beta=2.0, alpha=0.5),
    "baddbmm": lambda x, y: pb.baddbmm(x[0, 0], x[None], y.mT[None], beta=2.0, alpha=0.5),
    "mse_loss": lambda x, y: pb.nn.functional.mse_loss(x, y),
    "smooth_l1_loss": lambda x, y: pb.nn.functional.smooth_l1_loss(x, y, beta=0.5),
    "huber_loss": lambda x, y: pb.nn.functional.huber_loss(x, y, delta=0.5),
    "binary_cross_entropy": lambda x, y: pb.nn.functional.binary_cross_entropy(x, y),
    "binary_cross_entropy_with_logits": lambda x, y: pb.nn.functional.binary_cross_entropy_with_logits(
        x, y, pos_weight=y[0].detach()
    ),
}


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", CALLS)
def test_bfloat16_results_and_gradients_stay_bfloat16(name, backend):
    with pb.use_backend(backend):
        x, y = (pb.tensor(v, dtype=pb.bfloat16) for v in ([[0.25, 0.5], [0.75, 0.125]], [[0.5, 0.25], [0.5, 0.875]]))
        x.requires_grad_()
        y.requires_grad_()
        out = CALLS[name](x, y)
        first = pb.autograd.grad(out.sum(), [x, y], create_graph=True)
        total = sum((g * g).sum() for g in first)
        second = pb.autograd.grad(total, [x, y], allow_unused=True)
        assert out.dtype is pb.bfloat16
        assert {g.dtype for g in (*first, *second) if g is not None} == {pb.bfloat16}
        wide = CALLS[name](x.detach().double(), y.detach().double())
        assert out.double().sum().item() == pytest.approx(wide.sum().item(), rel=2e-2)


@pytest.mark.parametrize("fill", [lambda x: x.uniform_(0.0, 3.0), lambda x: x.normal_(1.0, 3.0)])
def test_random_bfloat16_numbers_are_the_same_on_every_backend(fill):
    drawn = []
    for backend in ("numpy", "jax"):
        pb.manual_seed(0)
        drawn.append(fill(pb.empty(2000, dtype=pb.bfloat16, backend=backend)).tolist())
    assert drawn[0] == drawn[1]


def test_random_bfloat16_numbers_never_reach_the_bound():
    assert pb.empty(20_000, dtype=pb.bfloat16, backend="numpy").uniform_(0.0, 3.0).max().item() < 3
