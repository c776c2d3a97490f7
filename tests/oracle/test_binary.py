"""Functions of two and three tensors, held against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.tensor.registry import registry

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

OPERANDS = {"addcmul": 3, "addcdiv": 3}
NAMES = ["maximum", "minimum", "atan2", "hypot", "logaddexp", "copysign", "xlogy", "addcmul", "addcdiv"]


def function(library, name):
    return registry[name].call if library is pb else getattr(torch, name)


def tensors(library, arrays):
    return [library.tensor(a, requires_grad=True) if isinstance(a, np.ndarray) else a for a in arrays]


def outcome(library, name, arrays, **settings):
    """Node name, result, gradients and gradients of the sum of those, as NumPy arrays."""
    operands = tensors(library, arrays)
    leaves = [o for o in operands if not isinstance(o, int | float) and o is not None]
    y = function(library, name)(*operands, **settings)
    weights = np.random.default_rng(9).normal(size=tuple(y.shape))
    first = library.autograd.grad(y, leaves, library.tensor(weights), create_graph=True)
    total = sum((g * g).sum() for g in first)
    second = [None] * len(leaves)
    if total.requires_grad:
        second = library.autograd.grad(total, leaves, allow_unused=True)
    arrays = [y.detach().numpy(), *(g.detach().numpy() for g in first)]
    arrays += [np.zeros(tuple(o.shape)) if g is None else g.numpy() for g, o in zip(second, leaves, strict=True)]
    return y.grad_fn.name(), arrays


def same(name, arrays, **settings):
    node, got = outcome(pb, name, arrays, **settings)
    expected_node, expected = outcome(torch, name, arrays, **settings)
    assert node == expected_node
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def positive(*shapes, seed=0):
    random = np.random.default_rng(seed)
    return [random.uniform(0.3, 2, s) for s in shapes]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shapes", [((3, 4),) * 3, ((3, 1), (4,), (3, 4)), ((), (2,), ())])
def test_values_gradients_and_node_agree(name, shapes):
    same(name, positive(*shapes[: OPERANDS.get(name, 2)]))


@pytest.mark.parametrize("name", ["addcmul", "addcdiv"])
def test_value_of_weighted_sums_agrees(name):
    same(name, positive((3,), (3,), (3,)), value=-1.5)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_share_the_gradient_alike(name):
    same(name, [np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])])


@pytest.mark.parametrize("weight", [0.25, 0.75, np.array([0.2, 0.5, 0.9])])
def test_lerp_agrees(weight):
    same("lerp", [*positive((2, 3), (3,)), weight])


@pytest.mark.parametrize(("input", "other"), [(0, 1), (1, 0)], ids=["number first", "number second"])
def test_xlogy_and_copysign_of_numbers_agree(input, other):
    (array,) = positive((3,))
    same("xlogy", [array if input == 0 else 2.0, array if other == 0 else 2.0])
    if input == 0:
        same("copysign", [array, -1.0])


def test_xlogy_where_it_vanishes_agrees():
    data = [np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.0, -1.0, np.nan, 0.0])]
    mine, theirs = tensors(pb, data), tensors(torch, data)
    got, expected = registry["xlogy"].call(*mine), torch.xlogy(*theirs)
    np.testing.assert_array_equal(got.detach().numpy(), expected.detach().numpy())
    (first,) = pb.autograd.grad(got, [mine[0]], pb.ones(4, dtype=pb.float64))
    (wanted,) = torch.autograd.grad(expected, [theirs[0]], torch.ones(4, dtype=torch.float64))
    np.testing.assert_array_equal(first.numpy(), wanted.numpy())


BOUNDS = [(-0.5, 0.5), (None, 0.5), (0.5, None), (0.5, -0.5), (0, 1)]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_clamp_to_numbers_agrees(bounds):
    data = np.array([-1.0, -0.5, 0.0, 0.25, 0.5, 2.0])
    same("clamp", [data, *bounds])


@pytest.mark.parametrize("bounds", BOUNDS)
def test_clamp_to_tensors_agrees(bounds):
    data = np.array([-1.0, -0.5, 0.0, 0.25, 0.5, 2.0])
    same("clamp", [data, *(None if b is None else np.full(6, float(b)) for b in bounds)])


def test_clamp_to_broadcast_tensors_agrees():
    same("clamp", [np.random.default_rng(0).normal(size=(3, 4)), np.array([[-0.5], [0.1], [0.3]]), np.full(4, 0.2)])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "float32"])
@pytest.mark.parametrize("bounds", [(0, 1), (0.5, None), (None, 2)])
def test_dtype_of_clamp_agrees(dtype, bounds):
    mine = pb.tensor([0, 1, 1], dtype=pb.meta.dtypes.by_name[dtype]).clamp(*bounds)
    theirs = torch.tensor([0, 1, 1], dtype=getattr(torch, dtype)).clamp(*bounds)
    assert repr(mine.dtype) == repr(theirs.dtype)
    np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


@pytest.mark.parametrize("name", ["maximum", "minimum", "atan2", "copysign", "xlogy", "hypot", "logaddexp"])
@pytest.mark.parametrize(
    "dtypes", [("int64", "int64"), ("int64", "float32"), ("float32", "float64"), ("bool", "uint8")]
)
def test_result_dtype_or_error_agrees(name, dtypes):
    def run(library):
        names = pb.meta.dtypes.by_name if library is pb else vars(torch)
        return function(library, name)(*(library.tensor([0, 1, 1], dtype=names[d]) for d in dtypes))

    try:
        expected = run(torch)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            run(pb)
        return
    assert repr(run(pb).dtype) == repr(expected.dtype)


ERRORS = [
    ("maximum", ([1 + 2j], [1j])),
    ("clamp", ([1.0],)),
    ("clamp", ([1 + 2j], 0)),
    ("clamp", ([1.0], -1, 1j)),
    ("clamp", ([1], -1, 1j)),
    ("clamp_min", ([1.0], 1j)),
    ("addcdiv", ([1], [1], [1])),
    ("allclose", ([1.0], [1])),
    ("isclose", ([1.0], [1.0], -1)),
]


@pytest.mark.parametrize(("name", "arguments"), ERRORS)
def test_errors_agree(name, arguments):
    def run(library):
        return function(library, name)(*(library.tensor(a) if isinstance(a, list) else a for a in arguments))

    with pytest.raises(Exception) as expected:  # noqa: PT011  which one is PyTorch's to say
        run(torch)
    with pytest.raises(expected.type) as got:
        run(pb)
    assert str(got.value) == str(expected.value)


def test_lerp_of_two_dtypes_agrees():
    with pytest.raises(RuntimeError) as expected:
        torch.lerp(torch.ones(1), torch.ones(1, dtype=torch.float64), 0.5)
    with pytest.raises(RuntimeError) as got:
        pb.lerp(pb.ones(1), pb.ones(1, dtype=pb.float64), 0.5)
    assert str(got.value) == str(expected.value)


VALUES = [1.0, 1.000001, np.nan, np.inf, -np.inf, 0.0, 1e-9]


@pytest.mark.parametrize("equal_nan", [False, True])
def test_closeness_agrees(equal_nan):
    mine, theirs = pb.tensor(VALUES), torch.tensor(VALUES)
    got = pb.isclose(mine[:, None], mine, equal_nan=equal_nan)
    np.testing.assert_array_equal(got.numpy(), torch.isclose(theirs[:, None], theirs, equal_nan=equal_nan).numpy())
    assert pb.allclose(mine, mine, equal_nan=equal_nan) is torch.allclose(theirs, theirs, equal_nan=equal_nan)
    assert pb.equal(mine, mine) is torch.equal(theirs, theirs)


@pytest.mark.parametrize("exponent", [2, 0.5, np.array([1.0, 2.0])])
def test_float_power_agrees(exponent):
    data = np.array([2.0, 3.0], dtype=np.float32)
    got = pb.float_power(pb.tensor(data), pb.tensor(exponent) if isinstance(exponent, np.ndarray) else exponent)
    theirs = torch.float_power(
        torch.tensor(data), torch.tensor(exponent) if isinstance(exponent, np.ndarray) else exponent
    )
    assert repr(got.dtype) == repr(theirs.dtype)
    np.testing.assert_allclose(got.numpy(), theirs.numpy())


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64"])
def test_gradient_of_the_angle_from_integers_agrees(dtype):
    def run(library):
        x = library.tensor([0.5, -2.0], requires_grad=True)
        library.atan2(x, library.tensor([1, 1], dtype=getattr(library, dtype))).sum().backward()
        return x.grad.numpy()

    np.testing.assert_allclose(run(pb), run(torch), rtol=1e-6)
