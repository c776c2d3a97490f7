"""Reductions, running sums and products, norms and softmax, held against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.tensor.registry import registry

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

MATRIX = np.random.default_rng(0).normal(size=(3, 4))
CUBE = np.random.default_rng(1).normal(size=(2, 3, 4))
ZEROS = np.array([[0.0, 2.0, 3.0], [1.5, 0.0, 0.0], [1.0, -2.0, 0.5]])
TIES = np.array([[1.0, 3.0, 3.0], [3.0, -1.0, -1.0]])

OVER_DIMS = ["sum", "mean", "nansum", "amax", "amin", "var", "std"]
ALONG_DIM = ["cumsum", "cumprod", "softmax", "log_softmax", "logsumexp"]
CASES = [
    *((name, MATRIX, (), {}) for name in [*OVER_DIMS, "prod", "max", "min", "median", "norm"]),
    *((name, CUBE, (1,), {}) for name in [*OVER_DIMS, *ALONG_DIM, "prod", "max", "min", "median"]),
    *((name, CUBE, (-1,), {"keepdim": True}) for name in [*OVER_DIMS, "prod", "max", "min", "median", "logsumexp"]),
    *((name, CUBE, ((0, -1),), {}) for name in [*OVER_DIMS, "logsumexp"]),
    *((name, CUBE, ((),), {}) for name in ["sum", "mean", "amax"]),
    *((name, np.array(1.5), (0,), {}) for name in ["sum", "mean", "prod", "max", "amax", *ALONG_DIM]),
    *((name, np.array(1.5), (), {}) for name in ["sum", "mean", "prod", "max", "min", "amax", "median"]),
    *((name, ZEROS, (dim,), {}) for name in ["prod", "cumprod"] for dim in (0, 1, -1)),
    ("prod", ZEROS, (), {}),
    ("prod", np.array([2.0, 0.0, 3.0]), (), {}),
    *((name, TIES, (), {}) for name in ["max", "min", "amax", "amin"]),
    *((name, TIES, (1,), {}) for name in ["max", "min", "amax", "amin"]),
    ("var", MATRIX, (False,), {}),
    ("var", MATRIX, (0, False, True), {}),
    ("std", MATRIX, (1,), {"correction": 2}),
    ("var", MATRIX, (1,), {"unbiased": True}),
    ("sum", MATRIX, (), {"dtype": "float32"}),
    ("mean", MATRIX, (0,), {"dtype": "float32"}),
    ("prod", MATRIX, (0,), {"dtype": "float32"}),
    ("cumsum", MATRIX, (0,), {"dtype": "float32"}),
    ("cumprod", MATRIX, (0,), {"dtype": "float32"}),
    ("softmax", MATRIX, (0,), {"dtype": "float32"}),
    ("log_softmax", MATRIX, (0,), {"dtype": "float32"}),
    *(("norm", MATRIX, (p,), {}) for p in ["fro", 2, 1, 3, 1.5, 0.5, math.inf, -math.inf]),
    *(("norm", CUBE, (p, (0, 2)), {"keepdim": True}) for p in ["fro", 2, 1, 3, math.inf]),
    ("norm", TIES, (math.inf, 1), {}),
    ("norm", MATRIX.astype(np.float32), (2, 0), {"dtype": "float64"}),
]


def converted(library, settings):
    names = pb.meta.dtypes.by_name if library is pb else vars(torch)
    return {k: names[v] if k == "dtype" else v for k, v in settings.items()}


def as_numpy(tensor):
    """The elements of either library's tensor; PyTorch's lazy zeros and conjugates first become real memory."""
    tensor = tensor.detach()
    return (tensor if isinstance(tensor, pb.Tensor) else tensor.clone().resolve_conj()).numpy()


def function(library, name):
    return registry[name].call if library is pb else getattr(torch, name)


def outcome(library, name, data, arguments, settings):
    """Node name, and result, gradient and second derivative as NumPy arrays; indices where there are any."""
    x = library.tensor(data, requires_grad=True)
    y = function(library, name)(x, *arguments, **converted(library, settings))
    results = []
    if isinstance(y, tuple):
        results.append(y.indices.numpy())
        y = y.values
    weights = np.random.default_rng(5).normal(size=tuple(y.shape)).astype(as_numpy(y).dtype)
    (first,) = library.autograd.grad(y, x, library.tensor(weights), create_graph=True)
    results += [as_numpy(y), as_numpy(first)]
    second = None
    if first.requires_grad:
        direction = np.random.default_rng(6).normal(size=data.shape).astype(data.dtype)
        (second,) = library.autograd.grad(first, x, library.tensor(direction), allow_unused=True)
    results.append(np.zeros_like(data) if second is None else as_numpy(second))
    return y.grad_fn.name(), results


@pytest.mark.parametrize(
    ("name", "data", "arguments", "settings"),
    CASES,
    ids=lambda value: None if isinstance(value, np.ndarray) else str(value),
)
def test_values_gradients_and_node_agree(name, data, arguments, settings):
    node, got = outcome(pb, name, data, arguments, settings)
    expected_node, expected = outcome(torch, name, data, arguments, settings)
    assert node == expected_node
    tolerance = 1e-5 if "dtype" in settings else 1e-9
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


COMPLEX = MATRIX + 1j * np.random.default_rng(2).normal(size=(3, 4))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("sum", ()), ("mean", (0,)), ("prod", (1,)), ("var", (0,)), ("std", ()), ("cumsum", (0,)), ("cumprod", (1,)),
     ("norm", ()), ("norm", (1, 0)), ("norm", (3, 0)), ("norm", (math.inf, 0))],
)  # fmt: skip
def test_complex_values_and_gradients_agree(name, arguments):
    def run(library):
        x = library.tensor(COMPLEX, requires_grad=True)
        y = function(library, name)(x, *arguments)
        weights = np.random.default_rng(5).normal(size=tuple(y.shape)).astype(as_numpy(y).dtype)
        (first,) = library.autograd.grad(y, x, library.tensor(weights))
        return as_numpy(y), as_numpy(first)

    for mine, theirs in zip(run(pb), run(torch), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


DTYPES = ["bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "complex64"]
EVERYTHING = [
    "sum", "mean", "nansum", "prod", "var", "std", "max", "min", "amax", "amin", "argmax", "argmin", "all", "any",
    "norm", "cumsum", "cumprod", "logsumexp", "softmax", "log_softmax", "count_nonzero", "median",
]  # fmt: skip
NEEDS_DIM = {"cumsum", "cumprod", "logsumexp", "softmax", "log_softmax"}
#: PyTorch adds and multiplies complex exponentials here too.
NOT_COMPLEX = {"logsumexp"}


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [None, 0])
def test_result_dtype_or_error_agrees(name, dtype, dim):
    if name in NEEDS_DIM and dim is None:
        dim = -1
    if name in NOT_COMPLEX and dtype == "complex64":
        pytest.skip("real dtypes only")

    def run(library):
        names = pb.meta.dtypes.by_name if library is pb else vars(torch)
        x = library.tensor([[0, 1, 1], [2, 3, 3]], dtype=names[dtype])
        arguments = () if dim is None else (dim,)
        if name == "norm":
            arguments = (2, *arguments)
        y = function(library, name)(x, *arguments)
        return y.values if isinstance(y, tuple) else y

    try:
        expected = run(torch)
    except RuntimeError as error:
        wanted = str(error)
        with pytest.raises(RuntimeError) as caught:
            run(pb)
        if "not implemented for" not in wanted and not name.startswith("arg"):
            assert str(caught.value) == wanted or dtype == "complex64"
        return
    got = run(pb)
    assert repr(got.dtype) == repr(expected.dtype)
    wide = "complex128" if dtype == "complex64" else "float64"
    np.testing.assert_allclose(
        got.to(pb.meta.dtypes.by_name[wide]).numpy(),
        expected.to(getattr(torch, wide)).numpy(),
        rtol=1e-2 if dtype in ("float16", "bfloat16") else 1e-6,
    )


EMPTY = np.zeros((0, 3))


@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0:UserWarning")
@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("arguments", [(), (0,), (1,), (5,)])
def test_empty_tensors_and_wrong_dims_agree(name, arguments):
    if name in NEEDS_DIM and not arguments:
        arguments = (-1,)
    if name == "norm":
        arguments = (2, *arguments)

    def run(library):
        y = function(library, name)(library.tensor(EMPTY), *arguments)
        return y if isinstance(y, tuple) else (y,)

    try:
        expected = run(torch)
    except (RuntimeError, IndexError) as error:
        kind, wanted = type(error), str(error)
        with pytest.raises(kind) as caught:
            run(pb)
        assert str(caught.value) == wanted
        return
    for mine, theirs in zip(run(pb), expected, strict=True):
        assert repr(mine.dtype) == repr(theirs.dtype)
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_repeated_dim_is_the_same_error():
    with pytest.raises(RuntimeError) as expected:
        torch.ones(2, 2).sum((0, 0))
    with pytest.raises(RuntimeError) as got:
        pb.ones(2, 2).sum((0, 0))
    assert str(got.value) == str(expected.value)


SPECIAL = np.array([[1.0, np.nan, 2.0], [-np.inf, 1.0, np.inf], [-np.inf, -np.inf, -np.inf], [-0.0, 0.0, 5.0]])


@pytest.mark.parametrize("name", [n for n in EVERYTHING if n not in ("norm", "median")])
def test_special_values_agree(name):
    got = function(pb, name)(pb.tensor(SPECIAL), 1)
    expected = function(torch, name)(torch.tensor(SPECIAL), 1)
    for mine, theirs in zip(
        got if isinstance(got, tuple) else (got,), expected if isinstance(expected, tuple) else (expected,), strict=True
    ):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-12)


def test_median_of_nan_agrees():
    data = np.array([[3.0, 1.0, 2.0, 4.0], [3.0, np.nan, 2.0, 1.0]])
    got, expected = pb.tensor(data).median(1), torch.tensor(data).median(1)
    np.testing.assert_array_equal(got.values.numpy(), expected.values.numpy())
    np.testing.assert_array_equal(got.indices.numpy(), expected.indices.numpy())
    assert math.isnan(pb.tensor(data).median().item())


@pytest.mark.parametrize("name", ["std", "norm"])
def test_gradient_where_there_is_no_spread_agrees(name):
    data = np.zeros((2, 3))

    def run(library):
        x = library.tensor(data, requires_grad=True)
        y = function(library, name)(x, *((2,) if name == "norm" else ()), dim=1)
        return library.autograd.grad(y, x, library.ones(2, dtype=library.float64))[0].numpy()

    np.testing.assert_array_equal(run(pb), run(torch))


@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
def test_gradient_of_undefined_deviations_agrees(name, dtype):
    def run(library):
        x = library.ones(1, dtype=getattr(library, dtype), requires_grad=True)
        y = function(library, name)(x)
        return library.autograd.grad(y[0] if isinstance(y, tuple) else y, x)[0].numpy()

    np.testing.assert_array_equal(run(pb), run(torch), strict=True)


def test_zero_norm_counts_and_has_no_gradient():
    x = pb.tensor(ZEROS, requires_grad=True)
    got = function(pb, "norm")(x, 0, 1)
    np.testing.assert_array_equal(got.detach().numpy(), torch.norm(torch.tensor(ZEROS), 0, 1).numpy())
    (gradient,) = pb.autograd.grad(got, x, pb.ones_like(got))
    assert not gradient.numpy().any()


def test_norm_in_a_narrower_dtype_is_the_same_error():
    with pytest.raises(RuntimeError) as expected:
        torch.norm(torch.ones(2, dtype=torch.float64), dtype=torch.float32)
    with pytest.raises(RuntimeError) as got:
        function(pb, "norm")(pb.ones(2, dtype=pb.float64), dtype=pb.float32)
    assert str(got.value) == str(expected.value)


def test_extremes_of_two_tensors_agree():
    a, b = np.array([1.0, 5.0]), np.array([3.0, 2.0])
    for name in ("max", "min"):
        got = function(pb, name)(pb.tensor(a, requires_grad=True), pb.tensor(b))
        expected = function(torch, name)(torch.tensor(a, requires_grad=True), torch.tensor(b))
        np.testing.assert_array_equal(got.detach().numpy(), expected.detach().numpy())
        assert got.grad_fn.name() == expected.grad_fn.name()


@pytest.mark.parametrize("name", ["std_mean", "var_mean", "aminmax"])
def test_pairs_agree(name):
    settings = {"dim": 1, "keepdim": True}
    got = function(pb, name)(pb.tensor(MATRIX), **settings)
    expected = function(torch, name)(torch.tensor(MATRIX), **settings)
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy())


def test_named_results_print_alike():
    assert repr(pb.tensor([3.0, 1.0]).max(0)) == repr(torch.tensor([3.0, 1.0]).max(0))


def test_integers_with_dtype_are_converted_first():
    assert pb.tensor([1, 2]).mean(dtype=pb.float32).item() == torch.tensor([1, 2]).mean(dtype=torch.float32).item()
    got = pb.softmax(pb.tensor([1, 2]), 0, dtype=pb.float32)
    expected = torch.softmax(torch.tensor([1, 2]), 0, dtype=torch.float32)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-6)
    with pytest.raises(RuntimeError):
        pb.tensor([1, 2]).mean()
