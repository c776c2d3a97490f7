"""Losses, dropout and normalisation: what is not a matter of agreeing with PyTorch number by number."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.nn import functional

BACKENDS = ["numpy", "jax"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request):
    with pb.use_backend(request.param):
        yield request.param


def test_cross_entropy_of_extreme_logits_is_finite():
    x = pb.tensor([[1e4, -1e4], [0.0, 1e4]], requires_grad=True)
    loss = functional.cross_entropy(x, pb.tensor([1, 1]))
    loss.backward()
    assert loss.item() == 1e4
    assert x.grad.tolist() == [[0.5, -0.5], [0.0, 0.0]]


def test_logits_and_targets_of_two_classes_do_not_overflow():
    x = pb.tensor([1e4, -1e4], requires_grad=True)
    loss = functional.binary_cross_entropy_with_logits(x, pb.tensor([0.0, 1.0]), reduction="sum")
    loss.backward()
    assert loss.item() == 2e4
    assert x.grad.tolist() == [1.0, -1.0]


@pytest.mark.parametrize("target", [[0, 3], [0, -1]])
@pytest.mark.parametrize("weight", [None, [1.0, 1.0, 1.0]])
@pytest.mark.parametrize("ignore_index", [-100, 1])
def test_targets_that_are_no_class(target, weight, ignore_index):
    weights = None if weight is None else pb.tensor(weight)
    with pytest.raises(IndexError, match=f"Target {target[1]} is out of bounds."):
        functional.cross_entropy(pb.zeros(2, 3), pb.tensor(target), weights, ignore_index=ignore_index)


def test_nothing_to_average_is_nan():
    assert functional.cross_entropy(pb.zeros(0, 3), pb.zeros(0, dtype=pb.int64)).isnan()


def test_mse_of_shapes_that_broadcast_warns():
    with pytest.warns(UserWarning, match="This will likely lead to incorrect results due to broadcasting"):
        loss = functional.mse_loss(pb.zeros(2, 1), pb.ones(2, 3))
    assert loss.item() == 1


def test_old_reduction_arguments_warn():
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        loss = functional.l1_loss(pb.zeros(2), pb.ones(2), size_average=False)
    assert loss.item() == 2


def test_dropout_keeps_the_mean_and_its_graph():
    pb.manual_seed(0)
    x = pb.ones(10_000, requires_grad=True)
    y = functional.dropout(x, 0.25)
    assert sorted(set(y.tolist())) == [0, pytest.approx(4 / 3)]
    assert y.mean().item() == pytest.approx(1, abs=0.03)
    assert y.grad_fn.name() == "MulBackward0"
    y.sum().backward()
    assert pb.equal(x.grad, y.detach())
    z = pb.ones(4)
    assert functional.dropout(z, 0.5, inplace=True) is z


def test_dropout_is_the_generators():
    drawn = [functional.dropout(pb.ones(50), generator=pb.Generator().manual_seed(3)).tolist() for _ in range(2)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("dtype", [pb.float16, pb.bfloat16])
def test_layer_norm_of_half_precision_squares_in_single(dtype):
    x = pb.tensor([[1000.0, 2000.0]]).to(dtype)
    out = functional.layer_norm(x, (2,))
    assert out.dtype is dtype
    assert out.float().tolist() == [[-1.0, 1.0]]


def test_layer_norm_has_mean_0_and_variance_1():
    x = pb.randn(4, 100)
    out = functional.layer_norm(x, (100,))
    assert out.mean(1).abs().max().item() < 1e-5
    assert out.var(1, correction=0).sub(1).abs().max().item() < 1e-3


def test_forward_mode_of_losses():
    import pullback.autograd.forward_ad as fwd

    x, t = pb.tensor([[1.0, 2.0, 4.0]]), pb.tensor([[0.5, 3.0, 1.0]])
    losses = {
        "mse_loss": t,
        "smooth_l1_loss": t,
        "huber_loss": t,
        "binary_cross_entropy_with_logits": t,
        "cross_entropy": pb.tensor([1]),
    }
    for name, target in losses.items():
        loss = getattr(functional, name)
        with fwd.dual_level():
            tangent = fwd.unpack_dual(loss(fwd.make_dual(x, pb.ones(1, 3)), target)).tangent
        leaf = x.clone().requires_grad_()
        loss(leaf, target).backward()
        assert tangent.item() == pytest.approx(leaf.grad.sum().item(), abs=1e-6)
