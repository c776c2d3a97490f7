"""Activation functions, held against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.ops.nn.activations as ours

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle
functional = pytest.importorskip("torch.nn.functional", reason="the oracle extra installs it")

CASES = [
    ("relu", {}),
    ("gelu", {}),
    ("gelu", {"approximate": "tanh"}),
    ("silu", {}),
    ("softplus", {}),
    ("softplus", {"beta": 2.0, "threshold": 1.0}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": 0.2}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("logsigmoid", {}),
]
EXTREME = [0.5, -0.5, 30.0, -30.0, 200.0, -200.0, np.inf, -np.inf]


def derivatives(library, compute, x, tangent, second):
    """The node's name, the result, its gradient and the gradient of that."""
    y = compute(x)
    (first,) = library.autograd.grad(y, x, tangent, create_graph=True)
    results = [y.detach().numpy(), first.detach().numpy()]
    if first.requires_grad:
        results.append(library.autograd.grad(first, x, second)[0].numpy())
    return y.grad_fn.name(), results


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_values_gradients_and_node_agree(name, settings):
    random = np.random.default_rng(0)
    data, tangent, second = random.normal(size=(3, 5, 4)) * 2
    node, got = derivatives(
        pb,
        lambda x: getattr(ours, name)(x, **settings),
        pb.tensor(data, requires_grad=True),
        pb.tensor(tangent),
        pb.tensor(second),
    )
    expected_node, expected = derivatives(
        torch,
        lambda x: getattr(functional, name)(x, **settings),
        torch.tensor(data, requires_grad=True),
        torch.tensor(tangent),
        torch.tensor(second),
    )
    assert node == expected_node
    for mine, theirs in zip(got, expected, strict=False):  # where theirs stops there is only zero
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_extreme_values_and_their_gradients_agree(name, settings):
    x, theirs = pb.tensor(np.array(EXTREME), requires_grad=True), torch.tensor(EXTREME, dtype=torch.float64)
    theirs.requires_grad_()
    y, expected = getattr(ours, name)(x, **settings), getattr(functional, name)(theirs, **settings)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-7, atol=1e-12)
    (got,) = pb.autograd.grad(y[:6], x, pb.ones(6, dtype=pb.float64))
    (wanted,) = torch.autograd.grad(expected[:6], theirs, torch.ones(6, dtype=torch.float64))
    assert not np.isnan(got.numpy()).any()  # PyTorch's is NaN at infinity for some
    known = ~np.isnan(wanted.numpy())
    np.testing.assert_allclose(got.numpy()[known], wanted.numpy()[known], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(("name", "settings"), CASES)
@pytest.mark.parametrize("dtype", ["bool", "int64", "float16", "bfloat16", "float32", "complex64"])
def test_result_dtype_or_error_agrees(name, settings, dtype):
    data = [0, 1, 1]
    mine, theirs = pb.tensor(data, dtype=pb.meta.dtypes.by_name[dtype]), torch.tensor(data, dtype=getattr(torch, dtype))
    try:
        expected = getattr(functional, name)(theirs, **settings)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            getattr(ours, name)(mine, **settings)
        return
    got = getattr(ours, name)(mine, **settings)
    assert repr(got.dtype) == repr(expected.dtype)
    wide = "complex128" if dtype == "complex64" else "float64"
    np.testing.assert_allclose(
        got.to(pb.meta.dtypes.by_name[wide]).numpy(),
        expected.to(getattr(torch, wide)).numpy(),
        rtol=1e-2 if dtype in ("float16", "bfloat16") else 1e-6,
    )


def test_gradient_of_relu_at_zero_and_nan_agrees():
    data = [0.0, float("nan"), 1.0]
    x, theirs = pb.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    pb.autograd.backward(ours.relu(x), pb.ones(3))
    functional.relu(theirs).backward(torch.ones(3))
    np.testing.assert_array_equal(x.grad.numpy(), theirs.grad.numpy())
