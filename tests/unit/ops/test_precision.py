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


#: Half precision's greatest number is 65,504.
LOSSES_IN_RANGE = {
    "mse_loss": (300.0, {}, 300.0**2 / 4),
    "smooth_l1_loss": (1000.0, {"beta": 2000.0}, 1000.0**2 / 4000 / 4),
    "huber_loss": (1000.0, {"delta": 100.0}, (1000.0 - 50) * 100 / 4),
}


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", LOSSES_IN_RANGE)
def test_a_mean_loss_is_in_range_where_that_of_one_element_is_not(name, backend):
    difference, options, exact = LOSSES_IN_RANGE[name]
    with pb.use_backend(backend):
        x = pb.tensor([difference, 0.0, 0.0, 0.0], dtype=pb.float16, requires_grad=True)
        loss = getattr(pb.nn.functional, name)(x, pb.zeros(4, dtype=pb.float16), **options)
        loss.backward()
    assert loss.dtype is pb.float16
    assert loss.item() == pytest.approx(exact, rel=1e-3)
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_a_mean_square_is_in_range_where_a_square_is_not(backend, dtype):
    root = pb.finfo(dtype).max ** 0.5
    with pb.use_backend(backend):
        x = pb.tensor([1.5 * root, 0.0, -root, 0.0], dtype=dtype, requires_grad=True)
        loss = pb.nn.functional.mse_loss(x, pb.zeros(4, dtype=dtype))
        loss.backward()
        assert loss.item() == pytest.approx(3.25 / 4 * pb.finfo(dtype).max, rel=1e-6)
        assert x.grad.tolist() == pytest.approx([v / 2 for v in x.tolist()])
        for value in (float("inf"), float("nan")):
            lost = pb.nn.functional.mse_loss(pb.tensor([value, 1.0], dtype=dtype), pb.zeros(2, dtype=dtype))
            assert str(lost.item()) == str(value)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_more_rows_than_half_precision_counts_have_a_mean(backend):
    rows = 70_000
    with pb.use_backend(backend):
        x = pb.full((rows, 2), -0.5, dtype=pb.float16, requires_grad=True)
        loss = pb.nn.functional.nll_loss(x, pb.zeros(rows, dtype=pb.int64), pb.ones(2, dtype=pb.float16))
        loss.backward()
    assert loss.item() == 0.5
    assert x.grad[0, 0].item() == pytest.approx(-1 / rows, rel=1e-2)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", [pb.float16, pb.bfloat16])
def test_means_of_what_is_scattered_neither_leave_the_range_nor_stop_counting(backend, dtype):
    count = 5000
    with pb.use_backend(backend):
        index, source = pb.zeros(count, dtype=pb.int64), pb.full((count,), 30_000.0, dtype=dtype)
        source[0] = -30_000.0
        for mean in (
            lambda s: pb.zeros(1, dtype=dtype).scatter_reduce(0, index, s, "mean", include_self=False),
            lambda s: pb.zeros(1, dtype=dtype).index_reduce(0, index, s, "mean", include_self=False),
        ):
            leaf = source.clone().requires_grad_()
            out = mean(leaf)
            out.sum().backward()
            assert out.dtype is leaf.grad.dtype is dtype
            assert out.item() == pytest.approx(30_000 * (1 - 2 / count), rel=1e-2)
            assert leaf.grad[-1].item() == pytest.approx(1 / count, rel=1e-2)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_loss_whose_weights_are_all_zero_has_no_gradient_but_nan(backend):
    with pb.use_backend(backend):
        x = pb.zeros(2, 3, requires_grad=True)
        pb.nn.functional.nll_loss(x, pb.tensor([0, -100]), pb.zeros(3)).backward()
        assert str(x.grad.tolist()) == "[[nan, 0.0, 0.0], [0.0, 0.0, 0.0]]"
