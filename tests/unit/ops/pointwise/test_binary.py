"""Functions of two and three tensors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.tensor.registry import registry

pytestmark = pytest.mark.usefixtures("backend")


def call(name, *args, **kwargs):
    return registry[name].call(*args, **kwargs)


def test_maximum_shares_the_gradient_of_ties():
    a = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = pb.tensor([2.0, 2.0, 2.0], requires_grad=True)
    call("maximum", a, b).sum().backward()
    assert a.grad.tolist() == [0.0, 0.5, 1.0]
    assert b.grad.tolist() == [1.0, 0.5, 0.0]


def test_maximum_propagates_nan():
    assert math.isnan(call("maximum", pb.tensor(math.nan), pb.tensor(1.0)).item())


def test_clamp_takes_numbers_or_tensors_and_a_0d_tensor_for_a_number():
    x = pb.tensor([-2.0, 0.5, 2.0])
    assert x.clamp(0, 1).tolist() == [0.0, 0.5, 1.0]
    assert x.clip(min=0).tolist() == [0.0, 0.5, 2.0]
    assert x.clamp(max=pb.tensor(0.0)).tolist() == [-2.0, 0.0, 0.0]
    assert x.clamp_max(0).tolist() == [-2.0, 0.0, 0.0]
    assert x.clamp(0, pb.tensor(1.0)).tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(TypeError, match="invalid combination"):
        x.clamp(0, pb.ones(3))
    with pytest.raises(RuntimeError, match="At least one"):
        x.clamp()


def test_bounds_of_integers_that_the_dtype_lacks():
    x = pb.tensor([3, 0, 255], dtype=pb.uint8)
    assert x.clamp(-1, 1).tolist() == [1, 1, 1]  # -1 wraps around, and the upper bound wins
    assert x.clamp(-1).tolist() == [255, 255, 255]
    assert x.clamp(-1).dtype is pb.uint8
    with pytest.raises(RuntimeError, match="value cannot be converted to type uint8_t without overflow"):
        x.clamp(max=300)
    with pytest.raises(RuntimeError, match="value cannot be converted to type int8_t without overflow"):
        x.to(pb.int8).clamp(-200, 0)


def test_bounds_get_the_gradient_of_what_they_replace():
    x = pb.tensor([-2.0, 0.5, 2.0], requires_grad=True)
    low, high = pb.tensor(0.0, requires_grad=True), pb.tensor(1.0, requires_grad=True)
    x.clamp(low, high).sum().backward()
    assert (x.grad.tolist(), low.grad.item(), high.grad.item()) == ([0.0, 1.0, 0.0], 1.0, 1.0)


def test_clamp_in_place():
    x = pb.tensor([-2.0, 0.5])
    assert x.clamp_(0, 1) is x
    assert x.tolist() == [0.0, 0.5]
    integers = pb.tensor([1, 2])
    with pytest.raises(RuntimeError, match="can't be cast"):
        integers.clamp_(0.5)
    assert integers.tolist() == [1, 2]


def test_clamp_of_integers_to_floats_is_a_float():
    assert pb.tensor([0, 3]).clamp(min=0.5).dtype is pb.float32


def test_stable_where_the_naive_formula_overflows():
    large = pb.tensor([1000.0])
    assert call("logaddexp", large, large).item() == pytest.approx(1000 + math.log(2), rel=1e-6)
    huge = pb.tensor([3e30])
    assert call("hypot", huge, huge).item() == pytest.approx(3e30 * math.sqrt(2), rel=1e-6)


def test_xlogy_is_zero_where_the_first_is():
    zero = pb.tensor([0.0, 0.0], requires_grad=True)
    out = call("xlogy", zero, pb.tensor([0.0, 2.0]))
    assert out.tolist() == [0.0, 0.0]
    out.sum().backward()
    np.testing.assert_allclose(zero.grad.numpy(), [0.0, math.log(2)], rtol=1e-6)


def test_lerp_meets_both_ends():
    start, end = pb.tensor([0.1, 1e8]), pb.tensor([0.7, -1e8])
    assert call("lerp", start, end, 1.0).tolist() == end.tolist()
    assert call("lerp", start, end, 0.0).tolist() == start.tolist()
    with pytest.raises(RuntimeError, match="expected dtype float for `end` but got dtype double"):
        call("lerp", start, end.double(), 0.5)


def test_weighted_products_scale_by_value():
    x = pb.tensor([1.0])
    assert call("addcmul", x, x * 2, x * 3, value=0.5).tolist() == [4.0]
    assert call("addcdiv", x, x * 3, x * 2, value=2).tolist() == [4.0]
    with pytest.raises(RuntimeError, match="Integer division with addcdiv"):
        call("addcdiv", *[pb.tensor([1])] * 3)


def test_closeness_returns_python_bools():
    x = pb.tensor([1.0, math.nan])
    assert call("allclose", x, x) is False
    assert call("allclose", x, x, equal_nan=True) is True
    assert call("equal", pb.tensor([1.0]), pb.tensor([1.0])) is True
    assert call("equal", pb.tensor([1.0]), pb.tensor([[1.0]])) is False
    assert call("isclose", pb.tensor([math.inf]), pb.tensor([math.inf])).tolist() == [True]
    assert call("isclose", pb.tensor([math.inf]), pb.tensor([1.0])).tolist() == [False]


def test_bounds_that_are_no_real_numbers_are_refused_by_the_name_of_clamp():
    x = pb.ones(2)
    for call in (lambda: x.clamp(-1, 1j), lambda: x.clamp(max=1j), lambda: x.clone().clamp_(-1, 1j)):
        with pytest.raises(RuntimeError, match="value cannot be converted to type double without overflow"):
            call()
    with pytest.raises(NotImplementedError, match="clamp is not supported for complex types"):
        x.clamp_min(1j)
    with pytest.raises(TypeError, match=r"^clamp\(\): argument 'max' must be Tensor or Number, not list$"):
        x.clamp(0, [1])
    assert (x + 1).clamp(-1, 1.5 + 0j).tolist() == [1.5, 1.5]
