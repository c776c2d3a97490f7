"""Functions of one tensor, held against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.ops.pointwise.unary as ours
from pullback.tensor.registry import registry

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

WHERE_DEFINED = {
    "log": (0.1, 4), "log2": (0.1, 4), "log10": (0.1, 4), "log1p": (-0.5, 3), "sqrt": (0.1, 4), "rsqrt": (0.1, 4),
    "reciprocal": (0.5, 3), "asin": (-0.9, 0.9), "acos": (-0.9, 0.9), "acosh": (1.1, 4), "atanh": (-0.9, 0.9),
    "tan": (-1.2, 1.2),
}  # fmt: skip
SMOOTH = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square", "reciprocal", "abs", "sgn",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "erf",
    "erfc", "angle", "frac", "sign", "floor", "ceil", "trunc", "round", "nan_to_num", "neg",
]  # fmt: skip
REAL_ONLY = {"erf", "erfc", "frac", "sign", "floor", "ceil", "trunc", "round", "nan_to_num"}
PREDICATES = ["isnan", "isinf", "isfinite", "signbit"]
DTYPES = ["bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64"]


def function(name):
    return registry[name].call


def numbers(name, seed=0):
    low, high = WHERE_DEFINED.get(name, (-2, 2))
    return np.random.default_rng(seed).uniform(low, high, (3, 4))


def complex_numbers(name):
    return numbers(name) + 1j * np.random.default_rng(1).uniform(-0.8, 0.8, (3, 4))


def as_numpy(tensor):
    """The elements of either library's tensor; PyTorch's lazy zeros and conjugates first become real memory."""
    tensor = tensor.detach()
    return (tensor if isinstance(tensor, pb.Tensor) else tensor.clone().resolve_conj()).numpy()


def gradients(library, compute, x, tangent, second):
    """The result, its gradient, and the gradient of that, as NumPy arrays."""
    y = compute(x)
    result = [as_numpy(y)]
    (first,) = library.autograd.grad(y, x, tangent, create_graph=True)
    result.append(as_numpy(first))
    if first.requires_grad:
        result.append(library.autograd.grad(first, x, second, allow_unused=True)[0])
        result[-1] = None if result[-1] is None else as_numpy(result[-1])
    else:
        result.append(None)
    return y, result


def agree(ours, theirs, tolerance=1e-10):
    for mine, expected in zip(ours, theirs, strict=True):
        if expected is None or mine is None:  # no graph means zero
            given = mine if expected is None else expected
            assert given is None or not np.any(given)
        else:
            np.testing.assert_allclose(mine, expected, rtol=tolerance, atol=tolerance)
            assert mine.dtype == expected.dtype


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_values_gradients_and_node_agree(name, kind):
    if kind == "complex" and name in REAL_ONLY:
        with pytest.raises(NotImplementedError):
            function(name)(pb.tensor([1 + 2j]))
        return
    data = numbers(name) if kind == "real" else complex_numbers(name)
    x, theirs_x = pb.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    result_dtype = as_numpy(getattr(torch, name)(theirs_x)).dtype
    tangent = np.random.default_rng(2).normal(size=(3, 4)).astype(result_dtype)
    second = np.random.default_rng(3).normal(size=(3, 4)).astype(data.dtype)
    y, got = gradients(pb, function(name), x, pb.tensor(tangent), pb.tensor(second))
    expected_y, expected = gradients(torch, getattr(torch, name), theirs_x, torch.tensor(tangent), torch.tensor(second))
    agree(got, expected)
    assert y.grad_fn.name() == expected_y.grad_fn.name()


@pytest.mark.parametrize("name", [*SMOOTH, *PREDICATES])
@pytest.mark.parametrize("dtype", DTYPES)
def test_result_dtype_or_error_agrees(name, dtype):
    if name == "nan_to_num" and dtype == "complex64":
        pytest.skip("complex NaNs have two parts, and PyTorch cannot differentiate their replacement")
    data = [0, 1, 1]
    theirs = torch.tensor(data, dtype=getattr(torch, dtype))
    mine = pb.tensor(data, dtype=pb.meta.dtypes.by_name[dtype])
    try:
        expected = getattr(torch, name)(theirs)
    except (RuntimeError, NotImplementedError) as error:
        with pytest.raises((RuntimeError, NotImplementedError)) as caught:
            function(name)(mine)
        if '" not implemented for' in str(error):
            kind = str(error).partition("not implemented for")[2]
            assert kind in str(caught.value)
        return
    got = function(name)(mine)
    assert repr(got.dtype) == repr(expected.dtype)
    if dtype not in ("float16", "bfloat16"):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-6, atol=1e-7)
    else:
        np.testing.assert_allclose(got.double().numpy(), expected.double().numpy(), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", [*SMOOTH, *PREDICATES])
def test_special_values_agree(name):
    data = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
    got = function(name)(pb.tensor(data)).numpy()
    np.testing.assert_allclose(got, getattr(torch, name)(torch.tensor(data)).numpy())


@pytest.mark.parametrize("decimals", [0, 2, -1])
def test_round_to_decimals_agrees(decimals):
    data = np.array([123.456, -0.125, 0.375, 15.0, 25.0])
    got = pb.round(pb.tensor(data, requires_grad=True), decimals=decimals)
    expected = torch.round(torch.tensor(data, requires_grad=True), decimals=decimals)
    np.testing.assert_array_equal(got.detach().numpy(), expected.detach().numpy())
    if decimals:
        assert got.grad_fn.name() == expected.grad_fn.name()


@pytest.mark.parametrize("arguments", [(), (1.0,), (1.0, 2.0), (1.0, 2.0, 3.0)])
def test_nan_to_num_agrees(arguments):
    data = np.array([1.0, np.nan, np.inf, -np.inf], dtype=np.float32)
    got, expected = ours.nan_to_num(pb.tensor(data), *arguments), torch.nan_to_num(torch.tensor(data), *arguments)
    np.testing.assert_array_equal(got.numpy(), expected.numpy())


@pytest.mark.parametrize("name", ["real", "imag", "conj"])
def test_parts_of_complex_tensors_agree(name):
    data = complex_numbers(name)
    x, theirs_x = pb.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    theirs = getattr(torch, name)(theirs_x)
    tangent = np.random.default_rng(2).normal(size=(3, 4)).astype(as_numpy(theirs).dtype)
    y = function(name)(x)
    np.testing.assert_allclose(as_numpy(y), as_numpy(theirs))
    (got,) = pb.autograd.grad(y, x, pb.tensor(tangent))
    (expected,) = torch.autograd.grad(theirs, theirs_x, torch.tensor(tangent))
    np.testing.assert_allclose(as_numpy(got), as_numpy(expected))


@pytest.mark.parametrize(("name", "data"), [("positive", [True]), ("neg", [True]), ("imag", [1.0])])
def test_error_texts_agree(name, data):
    with pytest.raises(RuntimeError) as expected:
        getattr(torch, name)(torch.tensor(data))
    with pytest.raises(RuntimeError) as got:
        function(name)(pb.tensor(data))
    assert str(got.value) == str(expected.value)


def test_gradient_of_abs_and_sgn_at_zero_agrees():
    for name in ("abs", "sgn", "angle"):
        x = pb.tensor([0j], requires_grad=True)
        theirs = torch.tensor([0j], requires_grad=True)
        y, expected = function(name)(x), getattr(torch, name)(theirs)
        (got,) = pb.autograd.grad(y, x, pb.ones_like(y))
        (wanted,) = torch.autograd.grad(expected, theirs, torch.ones_like(expected))
        np.testing.assert_array_equal(as_numpy(got), as_numpy(wanted))
