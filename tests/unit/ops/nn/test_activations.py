"""Activation functions: values, derivatives, and no overflow."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.ops.nn import activations as activation

pytestmark = pytest.mark.usefixtures("backend")


def slope(function, values):
    x = pb.tensor(values, dtype=pb.float64, requires_grad=True)
    (grad,) = pb.autograd.grad(function(x), x, pb.ones(len(values), dtype=pb.float64))
    return grad.numpy()


def test_relu_passes_what_is_positive():
    assert activation.relu(pb.tensor([-1.0, 0.0, 2.0])).tolist() == [0.0, 0.0, 2.0]
    assert slope(activation.relu, [-1.0, 0.0, 2.0]).tolist() == [0.0, 0.0, 1.0]
    assert pb.tensor([-1, 2]).relu().tolist() == [0, 2]
    with pytest.raises(RuntimeError, match="not supported for relu"):
        pb.tensor([True]).relu()


def test_gelu_by_tanh_keeps_its_precision_in_the_tail():
    (result,) = pb.nn.functional.gelu(pb.tensor([-7.0]), approximate="tanh").tolist()
    inner = math.sqrt(2 / math.pi) * (7.0 + 0.044715 * 7.0**3)
    assert result == pytest.approx(-7.0 / (1 + math.exp(2 * inner)), rel=1e-5)


def test_gelu_keeps_its_precision_in_the_tail():
    x = pb.tensor([-8.0], dtype=pb.float64)
    assert activation.gelu(x).item() == pytest.approx(-8 * 0.5 * math.erfc(8 / math.sqrt(2)), rel=1e-12)
    with pytest.raises(RuntimeError, match="approximate argument must be either none or tanh"):
        activation.gelu(x, approximate="erf")


@pytest.mark.parametrize(
    ("function", "at_minus", "at_plus"),
    [
        (activation.gelu, 0.0, 1.0),
        (activation.silu, 0.0, 1.0),
        (activation.softplus, 0.0, 1.0),
        (activation.leaky_relu, 0.01, 1.0),
        (activation.elu, 0.0, 1.0),
        (activation.logsigmoid, 1.0, 0.0),
    ],
)
def test_far_out_the_derivative_is_that_of_the_asymptote(function, at_minus, at_plus):
    np.testing.assert_allclose(slope(function, [-800.0, 800.0]), [at_minus, at_plus], atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "softplus", "leaky_relu", "elu", "logsigmoid"])
def test_half_precision_is_rounded_once(name, dtype):
    values = np.linspace(-4, 4, 33)
    function = getattr(activation, name)
    half = function(pb.tensor(values, dtype=pb.meta.dtypes.by_name[dtype]))
    assert half.dtype is pb.meta.dtypes.by_name[dtype]
    expected = function(pb.tensor(values, dtype=pb.float32)).to(half.dtype)
    np.testing.assert_allclose(half.to(pb.float64).numpy(), expected.to(pb.float64).numpy(), rtol=1e-2)


PIECEWISE = {
    "relu": pb.nn.functional.relu,
    "leaky_relu": pb.nn.functional.leaky_relu,
    "hardtanh": pb.nn.functional.hardtanh,
    "threshold": lambda x: pb.nn.functional.threshold(x, 0.0, 0.0),
}


@pytest.mark.parametrize("name", PIECEWISE)
def test_activations_of_straight_pieces_have_a_second_derivative_of_zero(name: str) -> None:
    x = pb.tensor([1.5, -0.5, 0.5], requires_grad=True)
    (grad,) = pb.autograd.grad(PIECEWISE[name](x).sum(), x, create_graph=True)
    assert grad.requires_grad
    (grad**2).sum().backward()
    assert x.grad.tolist() == [0, 0, 0]
    assert pb.autograd.functional.hessian(lambda x: PIECEWISE[name](x).sum(), x, strict=True).tolist() == [[0] * 3] * 3


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_the_derivatives_of_logsigmoid_keep_their_digits_on_both_sides(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.tensor([-30.0, 30.0], requires_grad=True)
        (grad,) = pb.autograd.grad(pb.nn.functional.logsigmoid(x).sum(), x, create_graph=True)
        (second,) = pb.autograd.grad(grad.sum(), x)
    tail = math.exp(-30)
    assert grad.tolist() == pytest.approx([1 - tail, tail], rel=1e-6)
    assert second.tolist() == pytest.approx([-tail, -tail], rel=1e-6)
