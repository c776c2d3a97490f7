"""Derivatives of what chooses and counts elements, of steps, and of nodes that need nothing they could have saved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb
from pullback.nn import functional

INFINITY, NAN = math.inf, math.nan


pytestmark = pytest.mark.usefixtures("backend")


def gradient(function: Callable[[Any], Any], data: Any, **options: Any) -> list[float]:
    x = pb.tensor(data, requires_grad=True, **options)
    function(x).backward()
    return x.grad.tolist()


MANY = 70000  # more than float16 can count


@pytest.mark.parametrize("dtype", [pb.float16, pb.bfloat16])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.max(),
        lambda x: x.amin(0),
        lambda x: x.median(),
        lambda x: x.norm(INFINITY),
        lambda x: x.mean(),
        lambda x: functional.l1_loss(x, pb.zeros_like(x)),
        lambda x: functional.huber_loss(x * 2, pb.zeros_like(x)) * 0.5,
        lambda x: functional.smooth_l1_loss(x * 2, pb.zeros_like(x)) * 0.5,
        lambda x: x.logsumexp(0),
    ],
    ids=["max", "amin", "median", "norm", "mean", "l1_loss", "huber_loss", "smooth_l1_loss", "logsumexp"],
)
def test_shares_of_more_elements_than_half_precision_counts(function: Callable[[Any], Any], dtype: Any) -> None:
    x = pb.ones(MANY, dtype=dtype, requires_grad=True)
    function(x).backward()
    assert x.grad[0].item() == pytest.approx(1 / MANY, rel=0.01)
    assert x.grad[-1].item() == x.grad[0].item()


def test_a_tangent_of_a_mean_over_many_ties_in_half_precision() -> None:
    x = pb.ones(MANY, dtype=pb.float16)
    for function in (pb.max, lambda t: t.amax(0), pb.median):
        assert pb.func.jvp(function, (x,), (pb.full_like(x, 2.0),))[1].item() == 2.0


@pytest.mark.parametrize("name", ["max", "min", "median", "amax", "amin"])
@pytest.mark.parametrize("weight", [INFINITY, -INFINITY])
def test_an_infinite_gradient_reaches_the_chosen_elements_alone(name: str, weight: float) -> None:
    data = [1.0, 3.0, 2.0]
    chosen = sorted(data)[{"max": 2, "amax": 2, "min": 0, "amin": 0, "median": 1}[name]]
    found = gradient(lambda x: getattr(x, name)() * weight, data)
    assert found == [weight if number == chosen else 0.0 for number in data]


@pytest.mark.parametrize("loss", [functional.huber_loss, functional.smooth_l1_loss, functional.mse_loss])
def test_the_gradient_of_a_loss_of_nan_is_nan(loss: Callable[..., Any]) -> None:
    found = gradient(lambda x: loss(x, pb.zeros(2), reduction="sum"), [NAN, 1.0])
    assert math.isnan(found[0])
    assert found[1] in (1.0, 2.0)


@pytest.mark.parametrize(
    ("function", "data", "expected"),
    [
        (lambda x: pb.where(x > 0, pb.atan2(x, x), 0.0).sum(), [0.0, 2.0], [0.0, 0.0]),
        (lambda x: pb.where(x > 0, pb.hypot(x, x), 0.0).sum(), [0.0, 2.0], [0.0, math.sqrt(2)]),
        (lambda x: pb.where(x > 0, pb.xlogy(pb.ones(2), x), 0.0).sum(), [-1.0, 2.0], [0.0, 0.5]),
        (lambda x: pb.where(x > 1, pb.acosh(x), 0.0).sum(), [-2.0, 2.0], [0.0, 1 / math.sqrt(3)]),
        (lambda x: pb.where(x > 0, x.reshape(2, 1).norm(dim=1), 0.0).sum(), [0.0, 2.0], [0.0, 1.0]),
        (lambda x: pb.where(pb.isfinite(x), functional.gelu(x), 0.0).sum(), [INFINITY, 9.0], [0.0, 1.0]),
        (lambda x: pb.where(pb.isfinite(x), functional.silu(x), 0.0).sum(), [-INFINITY, 0.0], [0.0, 0.5]),
        (lambda x: pb.sinc(x).sum(), [1e-25, 0.0], [0.0, 0.0]),
        (lambda x: x.var(0, correction=3).sum(), [1.0, 1.0], [0.0, 0.0]),
    ],
    ids=["atan2", "hypot", "xlogy", "acosh", "norm", "gelu", "silu", "sinc", "var"],
)
def test_derivatives_that_a_mask_can_remove(function: Any, data: list[float], expected: list[float]) -> None:
    assert gradient(function, data) == pytest.approx(expected, rel=1e-5, abs=1e-20)


def test_gelu_by_tanh_beyond_the_cubes_of_half_precision() -> None:
    found = gradient(lambda x: functional.gelu(x, approximate="tanh").sum(), [300.0, -300.0, 60000.0], dtype=pb.float16)
    assert found == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("rounding_mode", ["floor", "trunc"])
def test_rounded_quotients_have_a_gradient_of_zero(rounding_mode: str) -> None:
    x, y = (pb.tensor(data, requires_grad=True) for data in ([7.0, -7.0], [2.0, 0.0]))
    quotient = pb.div(x, y, rounding_mode=rounding_mode)
    assert quotient.grad_fn.name() == "DivBackward2"
    quotient.backward(pb.full((2,), INFINITY))
    assert x.grad.tolist() == y.grad.tolist() == [0.0, 0.0]
    written = (x * 1).div_(2, rounding_mode=rounding_mode)
    assert written.tolist() == [3.0, -4.0 if rounding_mode == "floor" else -3.0]
    assert pb.autograd.grad(written.sum(), x)[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, c: x % c,
        lambda x, c: x % 2,
        lambda x, c: pb.fmod(x, c),
        lambda x, c: pb.lerp(x, c, 0.5),
        lambda x, c: pb.addcmul(x, c, c),
        lambda x, c: pb.addcdiv(x, c, c),
        lambda x, c: pb.addmv(x, pb.ones(2, 2), c),
        lambda x, c: pb.div(x, c, rounding_mode="floor"),
        lambda x, c: pb.round(x, decimals=1),
    ],
)
def test_a_second_pass_may_go_through_nodes_that_saved_nothing(function: Callable[[Any, Any], Any]) -> None:
    x, c = pb.tensor([1.5, -2.0], requires_grad=True), pb.tensor([2.0, 3.0])
    result = function(x, c)
    result.backward(pb.ones(2))
    first = x.grad.tolist()
    result.backward(pb.ones(2))
    assert x.grad.tolist() == [2 * number for number in first]


def test_a_second_pass_is_refused_where_a_wanted_gradient_needs_what_was_saved() -> None:
    x, c = pb.tensor([1.5, -2.0], requires_grad=True), pb.tensor([2.0, 3.0], requires_grad=True)
    for result in (x % c, pb.addcmul(x, c, c), pb.lerp(c, c, x)):
        result.backward(pb.ones(2))
        with pytest.raises(RuntimeError, match="second time"):
            result.backward(pb.ones(2))


def test_a_negative_base_has_a_gradient_for_a_complex_exponent() -> None:
    exponent = pb.tensor(1 + 2j, dtype=pb.complex128, requires_grad=True)
    for base in (pb.tensor(-2.0, dtype=pb.float64), -2.0):
        (grad,) = pb.autograd.grad(pb.real(pb.pow(base, exponent)), exponent)
        power = (-2) ** (1 + 2j)
        assert grad.item() == pytest.approx((power * complex(math.log(2), math.pi)).conjugate(), rel=1e-12)


@pytest.mark.parametrize("dtype", [pb.float16, pb.float32, pb.float64, pb.complex128])
@pytest.mark.parametrize("shape", [(1,), (0,), ()])
@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
def test_undefined_deviations_have_gradients_of_the_dtype_of_the_tensor(name: str, shape: Any, dtype: Any) -> None:
    x = pb.ones(shape, dtype=dtype, requires_grad=True)
    out = getattr(pb, name)(x)
    (grad,) = pb.autograd.grad(out[0] if isinstance(out, tuple) else out, x)
    assert grad.dtype is dtype
    assert grad.shape == shape
    assert pb.view_as_real(grad)[..., 0].isnan().all() if dtype.is_complex else grad.isnan().all()


@pytest.mark.parametrize("name", ["scatter", "scatter_add"])
@pytest.mark.parametrize(
    ("index", "source", "expected"),
    [([1], 5.0, 3.0), ([], 5.0, 0.0), (1, [5.0, 6.0], [3.0, 0.0]), (1, 5.0, 3.0), ([1], [5.0, 6.0], [3.0, 0.0])],
)
def test_sources_of_fewer_or_more_dimensions_than_the_index_have_gradients(
    name: str, index: Any, source: Any, expected: Any
) -> None:
    x = pb.zeros(3)
    src = pb.tensor(source, requires_grad=True)
    out = getattr(x, name)(0, pb.tensor(index, dtype=pb.int64), src)
    (3 * out).sum().backward()
    assert src.grad.tolist() == expected


@pytest.mark.parametrize("dtype", [pb.bool, pb.uint8, pb.int8, pb.int64])
def test_the_angle_from_integers_and_truth_values_has_a_derivative_by_the_other_operand(dtype: Any) -> None:
    one, two = pb.ones(2, dtype=dtype), pb.tensor([1.0, 2.0])
    assert gradient(lambda x: pb.atan2(one, x).sum(), [1.0, 2.0]) == pytest.approx([-0.5, -0.2])
    assert gradient(lambda x: pb.atan2(x, one).sum(), [1.0, 2.0]) == pytest.approx([0.5, 0.2])
    tangent = pb.func.jvp(lambda x: pb.atan2(one, x), (two,), (pb.ones(2),))[1]
    assert tangent.tolist() == pytest.approx([-0.5, -0.2])


def test_the_angle_from_the_least_integer_has_a_derivative() -> None:
    least = pb.tensor([-128], dtype=pb.int8)  # whose size int8 does not have
    assert gradient(lambda x: pb.atan2(least, x).sum(), [128.0]) == pytest.approx([1 / 256])
