"""Functions of one tensor: what they give, on backends with and without mutable arrays."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import pullback as pb
from pullback.tensor.registry import registry

pytestmark = pytest.mark.usefixtures("backend")


def call(name, *args, **kwargs):
    return registry[name].call(*args, **kwargs)


def gradient(function, x):
    x = x.detach().requires_grad_()
    y = function(x)
    return pb.autograd.grad(y, x, pb.ones_like(y))[0]


@pytest.mark.parametrize(
    ("name", "value", "expected", "slope"),
    [
        ("exp", 1.0, math.e, math.e),
        ("expm1", 1e-9, 1e-9, 1.0),
        ("log", 2.0, math.log(2), 0.5),
        ("log1p", 1e-9, 1e-9, 1.0),
        ("sqrt", 4.0, 2.0, 0.25),
        ("rsqrt", 4.0, 0.5, -0.0625),
        ("square", 3.0, 9.0, 6.0),
        ("reciprocal", 2.0, 0.5, -0.25),
        ("abs", -2.0, 2.0, -1.0),
        ("abs", 0.0, 0.0, 0.0),
        ("sign", -2.0, -1.0, 0.0),
        ("floor", -1.5, -2.0, 0.0),
        ("frac", -1.5, -0.5, 1.0),
        ("sigmoid", 0.0, 0.5, 0.25),
        ("tanh", 0.0, 0.0, 1.0),
        ("erf", 0.0, 0.0, 2 / math.sqrt(math.pi)),
        ("angle", -1.0, math.pi, 0.0),
    ],
)
def test_value_and_derivative(name, value, expected, slope):
    x = pb.tensor(value, dtype=pb.float64)
    assert call(name, x).item() == pytest.approx(expected, rel=1e-9)
    assert gradient(registry[name].call, x).item() == pytest.approx(slope, rel=1e-8)


def test_sigmoid_does_not_overflow():
    x = pb.tensor([-1000.0, 1000.0])
    assert call("sigmoid", x).tolist() == [0.0, 1.0]
    assert gradient(registry["sigmoid"].call, x).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["exp", "sin", "sigmoid", "erf"])
def test_integers_become_the_default_floating_dtype(name):
    assert call(name, pb.tensor([1, 2])).dtype is pb.float32


@pytest.mark.parametrize("name", ["abs", "floor", "sign", "square", "round"])
def test_integers_stay_integers(name):
    assert call(name, pb.tensor([-1, 2])).dtype is pb.int64


def test_rounding_goes_to_the_even_neighbour_and_to_decimals():
    assert pb.tensor([0.5, 1.5, -0.5]).round().tolist() == [0, 2, 0]
    assert call("round", pb.tensor([15.0, 25.0]), decimals=-1).tolist() == [20, 20]
    with pytest.raises(NotImplementedError, match="decimals"):
        call("round", pb.tensor([1]), decimals=1)


@pytest.mark.parametrize("decimals", [309, -309, 1 << 40, -(1 << 62), (1 << 63) - 1])
def test_more_decimals_than_a_number_has_give_nan_at_once(decimals):
    for dtype in (pb.float32, pb.float64):
        assert pb.tensor([1.25, 0.0, -3.0], dtype=dtype).round(decimals=decimals).isnan().all()


def test_sign_of_nan_is_zero():
    assert pb.tensor([math.nan, -3.0]).sign().tolist() == [0.0, -1.0]


def test_modulus_of_complex_numbers_is_real_and_differentiable():
    z = pb.tensor([3 + 4j, 0j], requires_grad=True)
    size = z.abs()
    assert size.dtype is pb.float32
    assert size.tolist() == [5.0, 0.0]
    (slope,) = pb.autograd.grad(size.sum(), z)
    np.testing.assert_allclose(slope.numpy(), [0.6 + 0.8j, 0], rtol=1e-6)


def test_parts_of_a_complex_tensor():
    z = pb.tensor([1 + 2j])
    assert (z.real.tolist(), z.imag.tolist(), z.conj().tolist()) == ([1.0], [2.0], [1 - 2j])
    x = pb.tensor([1.0])
    assert x.real is x
    assert x.conj() is x
    with pytest.raises(RuntimeError, match="imag is not implemented"):
        _ = x.imag


def test_positive_is_the_tensor_itself_but_no_truth_value():
    x = pb.tensor([1.0])
    assert +x is x
    with pytest.raises(RuntimeError, match="on a bool tensor is not supported"):
        _ = +pb.tensor([True])


def test_nan_to_num_replaces_each_kind():
    x = pb.tensor([math.nan, math.inf, -math.inf, 1.0])
    assert call("nan_to_num", x, 7.0, 8.0, 9.0).tolist() == [7.0, 8.0, 9.0, 1.0]
    largest = call("nan_to_num", x).tolist()
    assert largest[1] == -largest[2] == pytest.approx(3.4028234663852886e38)
    assert gradient(registry["nan_to_num"].call, x).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_in_place_form_writes_and_records():
    leaf = pb.tensor([0.0, 1.0], requires_grad=True)
    x = leaf * 2
    y = x.exp_()
    assert y is x
    pb.autograd.backward(y, pb.ones(2))
    np.testing.assert_allclose(leaf.grad.numpy(), 2 * np.exp([0.0, 2.0]), rtol=1e-6)


@pytest.mark.parametrize("alias", ["arcsin", "arctan", "absolute", "fix"])
def test_aliases_are_methods(alias):
    assert callable(getattr(pb.Tensor, alias))


@pytest.mark.parametrize("name", ["sign", "sgn"])
@pytest.mark.parametrize("dtype", [pb.float16, pb.bfloat16, pb.float32, pb.float64])
def test_the_sign_of_negative_zero_and_of_nan_is_positive_zero(name, dtype):
    out = call(name, pb.tensor([-0.0, 0.0, math.nan, -2.0, math.inf], dtype=dtype))
    assert out.dtype is dtype
    assert out.tolist() == [0.0, 0.0, 0.0, -1.0, 1.0]
    assert [math.copysign(1, v) for v in out.tolist()] == [1, 1, 1, -1, 1]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_powers_of_two_are_exact(backend):
    for dtype, most in ((pb.float32, 126), (pb.float64, 1022)):
        exponents = [-float(most), -1.0, 0.0, 10.0, float(most)]
        assert pb.exp2(pb.tensor(exponents, dtype=dtype, backend=backend)).tolist() == [2.0**e for e in exponents]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("order", [2, 10, 11])
def test_polygamma_keeps_its_digits_halfway_between_poles(order, backend):
    points = [-0.5, -1.5, -7.5, -1.25, 2.5]
    found = pb.polygamma(order, pb.tensor(points, dtype=pb.float64, backend=backend)).tolist()
    with mpmath.workdps(40):
        exact = [float(mpmath.polygamma(order, point)) for point in points]
    assert found == pytest.approx(exact, rel=1e-14)
    assert pb.polygamma(170, pb.tensor([2.0], dtype=pb.float64, backend=backend)).isfinite().all()


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_lgamma_of_negative_numbers_at_the_ends_of_the_range(backend):
    points = [-2.3e-308, -1e-300, -1e-20, -1.7e308, -math.inf]
    found = pb.lgamma(pb.tensor(points, dtype=pb.float64, backend=backend)).tolist()
    assert found == pytest.approx([-math.log(2.3e-308), -math.log(1e-300), -math.log(1e-20), math.inf, math.inf])


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_negative_whole_powers_of_complex_numbers_stay_in_range(backend):
    with pb.use_backend(backend):
        for base, exponent in ((complex(math.inf, 0), -3), (1e20 + 1e20j, -3), (1e20 + 1e20j, -90)):
            assert abs((pb.tensor([base], requires_grad=True) ** exponent).item()) == 0
        small = pb.tensor([1e-13 + 1e-13j]) ** -3
        assert small.item() == pytest.approx((1e-13 + 1e-13j) ** -3, rel=1e-5)
        x = pb.tensor([2.0 + 0j, 1j])
        assert (x ** pb.tensor([-2.0 + 0j, -1.0 + 0j])).tolist() == [0.25, -1j]
        assert x.pow_(-1).tolist() == [0.5, -1j]
