"""Reductions, extremes, running sums and products, norms, softmax."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.tensor.registry import registry

pytestmark = pytest.mark.usefixtures("backend")


def call(name, *args, **kwargs):
    return registry[name].call(*args, **kwargs)


@pytest.fixture
def x():
    return pb.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)


@pytest.mark.parametrize(
    ("dim", "keepdim", "shape"),
    [
        (None, False, ()),
        (None, True, (1, 1)),
        (0, False, (3,)),
        (-1, True, (2, 1)),
        ((0, 1), False, ()),
        ((), False, ()),
    ],
)
@pytest.mark.parametrize("name", ["sum", "mean", "amax", "var", "nansum", "std", "amin"])
def test_shape_of_the_result_and_of_the_gradient(x, name, dim, keepdim, shape):
    out = call(name, x, dim, keepdim=keepdim)
    assert tuple(out.shape) == shape
    (grad,) = pb.autograd.grad(out, x, pb.ones_like(out))
    assert grad.shape == x.shape


@pytest.mark.parametrize(
    ("name", "dtype", "expected"),
    [
        ("sum", "bool", "int64"),
        ("sum", "int8", "int64"),
        ("prod", "uint8", "int64"),
        ("cumsum", "int32", "int64"),
        ("sum", "float16", "float16"),
        ("max", "int8", "int8"),
        ("argmax", "float32", "int64"),
        ("all", "int64", "bool"),
        ("any", "uint8", "uint8"),
        ("count_nonzero", "float32", "int64"),
        ("logsumexp", "int64", "float32"),
    ],
)
def test_result_dtype(name, dtype, expected):
    x = pb.tensor([1, 0, 1], dtype=pb.meta.dtypes.by_name[dtype])
    out = call(name, x, *((0,) if name in ("cumsum", "logsumexp") else ()))
    assert out.dtype is pb.meta.dtypes.by_name[expected]


def test_mean_of_integers_needs_a_dtype():
    with pytest.raises(RuntimeError, match=r"could not infer output dtype.*Got: Long"):
        pb.tensor([1, 2]).mean()
    assert pb.tensor([1, 2]).mean(dtype=pb.float32).item() == 1.5
    with pytest.raises(RuntimeError, match="could not infer output dtype"):  # also once it has run with one
        pb.tensor([1, 2]).mean()


def test_half_precision_sums_do_not_stagnate():
    ones = pb.ones(4096, dtype=pb.float16)
    assert ones.sum().item() == 4096


def test_gradient_of_a_sum_in_another_dtype_has_the_dtype_of_the_input(x):
    out = x.sum(dtype=pb.float64)
    (grad,) = pb.autograd.grad(out, x)
    assert (out.dtype, grad.dtype) == (pb.float64, pb.float32)


def test_dims_out_of_range_and_repeated_are_errors(x):
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.sum(2)
    with pytest.raises(RuntimeError, match="appears multiple times"):
        x.sum((0, -2))


def test_ways_to_say_unbiased(x):
    biased = x.var(correction=0).item()
    assert biased == x.var(False).item() == x.var(unbiased=False).item() == pytest.approx(35 / 12)
    deviation, mean = call("std_mean", x, 0)
    assert deviation.tolist() == pytest.approx([math.sqrt(4.5)] * 3)
    assert mean.tolist() == [2.5, 3.5, 4.5]


def test_gradient_of_std_without_spread_is_zero():
    x = pb.ones(3, requires_grad=True)
    x.std().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_ties_share_or_the_first_takes_all():
    x = pb.tensor([2.0, 5.0, 5.0], requires_grad=True)
    assert pb.autograd.grad(x.max(), x)[0].tolist() == [0.0, 0.5, 0.5]
    assert pb.autograd.grad(x.amax(0), x)[0].tolist() == [0.0, 0.5, 0.5]
    values, indices = x.max(0)
    assert indices.item() == 1
    assert pb.autograd.grad(values, x)[0].tolist() == [0.0, 1.0, 0.0]


def test_max_of_two_tensors_is_maximum(x):
    assert x.max(pb.tensor(3.5)).tolist() == [[3.5, 3.5, 3.5], [4.0, 5.0, 6.0]]


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin"])
def test_no_extreme_among_nothing(name):
    with pytest.raises((RuntimeError, IndexError), match="Expected reduction dim to be specified"):
        call(name, pb.ones(0, 3))
    with pytest.raises(IndexError, match="Expected reduction dim 0 to have non-zero size"):
        call(name, pb.ones(0, 3), 0)


def test_indices_of_extremes(x):
    assert x.argmax().item() == 5
    assert x.argmin(1, True).tolist() == [[0], [0]]
    assert not x.argmax().requires_grad


def test_median_is_the_lower_middle_and_nan_where_there_is_one():
    x = pb.tensor([[4.0, 1.0, 3.0, 2.0], [4.0, math.nan, 3.0, 2.0]], requires_grad=True)
    values, indices = x.median(1)
    np.testing.assert_array_equal(values.detach().numpy(), [2.0, math.nan])
    assert indices.tolist() == [3, 1]
    assert math.isnan(x.median().item())
    assert pb.tensor([3.0, 1.0, 2.0, 4.0]).median().item() == 2.0


ZEROS = [[2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 0.0, 4.0]]


def products_of_others(row):
    return [math.prod(v for j, v in enumerate(row) if j != i) for i in range(len(row))]


def test_gradient_of_prod_with_zeros_to_second_order():
    x = pb.tensor(ZEROS, dtype=pb.float64, requires_grad=True)
    (first,) = pb.autograd.grad(x.prod(1).sum(), x, create_graph=True)
    assert first.tolist() == [products_of_others(row) for row in ZEROS]
    (second,) = pb.autograd.grad(first[2, 0], x)
    assert second[2].tolist() == [0.0, 4.0, 0.0]


def test_gradient_of_cumprod_with_zeros_to_second_order():
    x = pb.tensor([2.0, 0.0, 3.0, 0.0, 5.0], dtype=pb.float64, requires_grad=True)
    (first,) = pb.autograd.grad(x.cumprod(0).sum(), x, create_graph=True)
    assert first.tolist() == [1.0, 2 * (1 + 3), 0.0, 0.0, 0.0]
    (second,) = pb.autograd.grad(first[1], x)
    assert second.tolist() == [4.0, 0.0, 2.0, 2 * 3 * (1 + 5), 0.0]


def test_cumsum_of_a_single_number():
    assert pb.tensor(2.0).cumsum(0).shape == ()


@pytest.mark.parametrize(("p", "expected"), [("fro", 5.0), (1, 7.0), (math.inf, 4.0), (-math.inf, 0.0), (0, 2.0)])
def test_norm_by_order(p, expected):
    x = pb.tensor([3.0, 0.0, -4.0], requires_grad=True)
    out = x.norm(p)
    assert out.item() == expected
    (grad,) = pb.autograd.grad(out, x)
    assert not grad.isnan().any()


def test_gradient_of_the_norm_of_zero_is_zero_to_second_order():
    x = pb.zeros(2, requires_grad=True)
    (first,) = pb.autograd.grad(x.norm(), x, create_graph=True)
    assert first.tolist() == [0.0, 0.0]
    (second,) = pb.autograd.grad(first.sum(), x)
    assert not second.isnan().any()


def test_norm_takes_no_integers():
    with pytest.raises(RuntimeError, match=r"Expected a floating point or complex tensor as input\. Got Long"):
        pb.tensor([1]).norm()


def test_exponentials_do_not_overflow():
    x = pb.tensor([1000.0, 1000.0, -math.inf])
    assert x.logsumexp(0).item() == pytest.approx(1000 + math.log(2), rel=1e-6)
    assert x.softmax(0).tolist() == [0.5, 0.5, 0.0]
    assert x.log_softmax(0).tolist()[:2] == pytest.approx([-math.log(2)] * 2, rel=1e-4)
    nothing = pb.tensor([-math.inf, -math.inf], requires_grad=True)
    total = nothing.logsumexp(0)
    assert total.item() == -math.inf
    assert pb.autograd.grad(total, nothing)[0].tolist() == [0.0, 0.0]


def test_softmax_converts_first():
    assert call("softmax", pb.tensor([0, 0]), 0, dtype=pb.float64).tolist() == [0.5, 0.5]
    half = pb.tensor([0.0, 0.0], dtype=pb.float16, requires_grad=True)
    out = call("softmax", half, 0, dtype=pb.float32)
    assert out.dtype is pb.float32
    assert pb.autograd.grad(out[0], half)[0].dtype is pb.float16


@pytest.mark.parametrize("name", ["max", "min", "median"])
@pytest.mark.parametrize("dim", ["a", True, 1.5])
def test_dims_that_are_no_integers_are_refused_by_the_public_name(x, name, dim):
    kind = type(dim).__name__
    with pytest.raises(TypeError, match=rf"^{name}\(\): argument 'dim' \(position 2\) must be int, not {kind}$"):
        getattr(x, name)(dim)
    assert getattr(x, name)(np.int64(1)).values.shape == (2,)


@pytest.mark.parametrize("name", ["sum", "nansum", "prod", "cumsum", "cumprod"])
@pytest.mark.parametrize("layout", ["plain", "transposed"])
def test_a_result_of_integers_of_what_requires_gradients_is_refused(name, layout):
    x = pb.ones(2, 3, requires_grad=True)
    x = x.t() if layout == "transposed" else x
    arguments = (0,) if name.startswith("cum") else ()
    with pytest.raises(RuntimeError, match="Autograd not support dtype: Long"):
        getattr(x, name)(*arguments, dtype=pb.int64)
    with pb.no_grad():
        assert getattr(x, name)(*arguments, dtype=pb.int64).dtype is pb.int64
    assert getattr(x.detach(), name)(*arguments, dtype=pb.int64).dtype is pb.int64
    assert not x.to(pb.int64).requires_grad


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_spreads_of_numbers_whose_mean_has_no_square(backend):
    x = pb.tensor([1.0, 0.0, -9e307, 1.0], dtype=pb.float64, backend=backend)
    assert x.var().item() == math.inf
    assert x.std().item() == pytest.approx(4.5e307)
