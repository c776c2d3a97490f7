"""The functions of neural networks, held against PyTorch."""

from __future__ import annotations

import pytest

import pullback as pb
import pullback.nn.functional

pytestmark = pytest.mark.oracle

F = "lib.nn.functional."
TARGET = "integers([0, 2])"
PROBABILITIES = "lib.softmax(y, 1).detach()"

EXPRESSIONS = [
    "linear(x, y)",
    "linear(x, y, v[:2])",
    "linear(v, y, v[:2])",
    "linear(b.mT, v[None], s[None])",
    "linear(b.mT.contiguous(), v[None], s[None])",
    "linear(b.mT.contiguous(), v[None])",
    "linear(e, y, v[:2])",
    f"nll_loss(lib.log_softmax(x, 1), {TARGET})",
    *(
        f"cross_entropy(x, {TARGET}, reduction={reduction!r}{more})"
        for reduction in ("mean", "sum", "none")
        for more in ("", ", weight=v.detach()", ", ignore_index=2", ", ignore_index=2, weight=v.detach()")
    ),
    f"cross_entropy(x, {PROBABILITIES}, reduction='sum')",
    f"cross_entropy(x, {PROBABILITIES}, reduction='none', weight=v.detach())",
    "cross_entropy(v, integers(1))",
    "cross_entropy(b[:, :, None], integers([[[0, 1, 2, 0]], [[1, 1, 0, 2]]]))",
    "cross_entropy(x, integers([0, 2]).to(lib.uint8))",
    "cross_entropy(x, integers([-100, -100])).isnan()",
    *(
        f"{loss}(x, {target}, reduction={reduction!r})"
        for loss in ("mse_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits")
        for reduction in ("mean", "sum", "none")
        for target in ("y", "y.detach()")
    ),
    "mse_loss(x, v)",
    "mse_loss(x, y, weight=x.detach())",
    "mse_loss(x, y.double())",
    "l1_loss(x, y)",
    "smooth_l1_loss(x, y, beta=0.3)",
    "huber_loss(x, y, delta=0.3)",
    "binary_cross_entropy_with_logits(x, y, v.detach(), pos_weight=x.detach())",
    "binary_cross_entropy_with_logits(x * 100, lib.sigmoid(y).detach())",
    f"binary_cross_entropy(lib.sigmoid(x), {PROBABILITIES})",
    f"binary_cross_entropy(lib.sigmoid(x), {PROBABILITIES}, v.detach(), reduction='sum')",
    "layer_norm(x, (3,))",
    "layer_norm(b, (3, 4), eps=0.1)",
    "layer_norm(x, (3,), v, v)",
    "layer_norm(x * 1e15, (3,))",
    "layer_norm(x, [3], v)",
    "dropout(x, 0.0)",
    "dropout(x, training=False)",
    "dropout(x, 1.0)",
    "relu(x)",
    "one_hot(i, 3)",
]

# PyTorch multiplies and divides a loss by numbers in nodes with other suffixes.
UNNAMED = [
    f"cross_entropy(x, {TARGET}, label_smoothing=0.1)",
    f"cross_entropy(x, {TARGET}, v.detach(), label_smoothing=0.1, ignore_index=0)",
    f"cross_entropy(x, {TARGET}, label_smoothing=0.1, ignore_index=0)",
    f"cross_entropy(x, {TARGET}, label_smoothing=0.1, reduction='sum')",
    f"cross_entropy(x, {PROBABILITIES}, label_smoothing=0.1)",
]

ERRORS = [
    "cross_entropy(x, integers([0, 5]))",
    "cross_entropy(x, integers([0, -1]))",
    "cross_entropy(x, integers([0]))",
    "cross_entropy(x, integers([0, 1]).float())",
    "cross_entropy(x, integers([0, 1]).int())",
    "cross_entropy(x, integers([[0, 1, 2], [0, 1, 2]]))",
    "cross_entropy(x, integers([0, 1]), weight=v[:2].detach())",
    "cross_entropy(x, integers([0, 1]), weight=v.double().detach())",
    "cross_entropy(x, integers([0, 1]), reduction='all')",
    "cross_entropy(x, integers([0, 1]), label_smoothing=2)",
    "cross_entropy(b, integers([[0, 1], [0, 1]]))",
    "nll_loss(x, integers([0, 1, 2]))",
    "nll_loss(x, integers([0, 3]))",
    "mse_loss(x, v[:2])",
    "binary_cross_entropy(x * 2, y.abs() * 0)",
    "binary_cross_entropy(x, v)",
    "binary_cross_entropy_with_logits(x, v)",
    "layer_norm(x, (2,))",
    "layer_norm(x, (3,), v[:2])",
    "layer_norm(x, (3,), v, v[:2])",
    "layer_norm(x, ())",
    "dropout(x, 1.5)",
    "smooth_l1_loss(x, y, beta=-1)",
    "huber_loss(x, y, delta=-1)",
    "linear(x, y.mT)",
    "linear(x, y.mT, v)",
    "linear(x, y.double(), v[:2])",
    "linear(x, y.double())",
    "linear(x.double(), y, v[:2])",
    "linear(x, y, v[:2].double())",
]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_value_node_and_two_orders_of_gradients(agrees, backend, expression):
    agrees(F + expression, backend)


@pytest.mark.parametrize("expression", UNNAMED)
def test_value_and_two_orders_of_gradients(agrees, expression):
    agrees(f"{F}{expression} + 0", "numpy")


@pytest.mark.parametrize("expression", ERRORS)
def test_error(agrees, expression):
    agrees(F + expression, "numpy")


def test_the_graph_below_a_loss_reads_as_pytorchs():
    x, w, b = pb.ones(2, 3), pb.nn.Parameter(pb.ones(4, 3)), pb.nn.Parameter(pb.ones(4))
    out = pullback.nn.functional.linear(x, w, b)
    loss = pullback.nn.functional.mse_loss(pullback.nn.functional.relu(out), pb.zeros(2, 4))
    below = loss.grad_fn.next_functions[0][0]
    assert below.name() == "ReluBackward0"
    affine = below.next_functions[0][0]
    assert affine.name() == "AddmmBackward0"
    assert affine.next_functions[0][0].name().endswith("AccumulateGrad")
