"""NumPy's functions on Tensors are NumPy's in values and shapes, and keep the graph."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.interop.numpy_functions import DTYPE_READERS, FUNCTIONS, READERS
from pullback.interop.numpy_ufuncs import operation_of

BACKENDS = ("numpy", "jax")

ARRAYS: dict[str, np.ndarray] = {
    "x": np.array([[0.3, -1.2, 2.5], [1.7, 0.9, -0.4]]),
    "y": np.array([[1.5, 0.8, -2.2], [0.6, -1.1, 1.9]]),
    "v": np.array([0.7, -0.2, 1.3]),
    "w": np.array([1.1, 0.4, 2.3]),
    "b": np.linspace(-1.0, 1.0, 24).reshape(2, 3, 4) ** 3 + 0.1,
    "s": np.array(1.4),
    "q": np.array([[2.0, 0.5], [0.3, 1.0]]),
    "u": np.array([[[0.5], [1.5]]]),
    "nans": np.array([[0.3, np.nan, 2.5], [1.7, 0.9, -0.4]]),
    "i": np.array([3, 1, 2, 0]),
    "m": np.array([[True, False, True], [False, True, True]]),
    "c": np.array([1 + 2j, 3 - 1j, 0.5j]),
}

#: Expressions whose value is differentiable in the arrays x, y, v, w, b, s, q and u.
DIFFERENTIABLE = """
np.sum(x)
np.sum(x, 0)
np.sum(b, axis=(0, 2))
np.sum(x, axis=-1, keepdims=True)
np.sum(x, initial=2.5, where=m)
np.prod(x)
np.prod(b[0, :, :2], axis=(0, 1))
np.prod(x, axis=1, keepdims=True, where=m, initial=3)
np.max(x)
np.max(x, axis=0)
np.amax(b, axis=(1, 2), keepdims=True)
np.max(x, axis=0, initial=1.0)
np.max(x, axis=1, initial=-9.0, where=m)
np.min(x)
np.amin(x, axis=1)
np.ptp(x, axis=1)
np.mean(x)
np.mean(b, axis=(0, 1))
np.mean(x, axis=0, where=m)
np.var(x)
np.var(x, axis=0, ddof=1)
np.var(x, axis=(0, 1), keepdims=True)
np.var(x, correction=1)
np.std(x)
np.std(b, axis=2)
np.average(x)
np.average(x, axis=0)
np.average(x, axis=1, weights=w)
np.average(x, weights=np.array([[1, 2, 3], [4, 5, 6]]))
np.average(x, axis=1, weights=w, returned=True)
np.nansum(x, axis=0)
np.nanprod(x, axis=0)
np.nanmean(x, axis=0)
np.cumsum(x)
np.cumsum(x, axis=1)
np.cumprod(x, axis=0)
np.cumprod(x)
np.cumulative_sum(v)
np.cumulative_sum(x, axis=1, include_initial=True)
np.cumulative_prod(x, axis=-1, include_initial=True)
np.median(x)
np.median(x, axis=0)
np.median(b, axis=(0, 2), keepdims=True)
np.sort(x)
np.sort(x, axis=0)
np.sort(x, axis=None)
np.diff(x)
np.diff(v, n=2)
np.diff(x, axis=0)
np.reshape(x, (3, 2))
np.reshape(x, -1)
np.reshape(x, 6)
np.ravel(x)
np.transpose(x)
np.transpose(b)
np.transpose(b, (1, 0, 2))
np.matrix_transpose(b)
np.linalg.matrix_transpose(x)
np.swapaxes(b, 0, 2)
np.moveaxis(b, 0, -1)
np.moveaxis(b, (0, 1), (2, 0))
np.squeeze(u)
np.squeeze(u, axis=0)
np.squeeze(u, axis=(0, -1))
np.expand_dims(x, 0)
np.expand_dims(x, (0, -1))
np.broadcast_to(v, (2, 3))
np.broadcast_to(s, 4)
np.broadcast_arrays(x, v)
np.atleast_1d(s)
np.atleast_2d(v)
np.atleast_3d(x)
np.atleast_1d(s, v)
np.concatenate([x, y])
np.concatenate((x, y), axis=1)
np.concatenate([x, v], axis=None)
np.concatenate([x, np.zeros((1, 3))])
np.stack([v, w])
np.stack([v, w], axis=-1)
np.vstack([v, x])
np.hstack([x, y])
np.hstack([v, w])
np.dstack([x, y])
np.column_stack([v, w])
np.append(x, v)
np.append(x, [[1.0, 2.0, 3.0]], axis=0)
np.split(v, 3)
np.split(x, [1], axis=1)
np.split(x, np.array([1, 2]), axis=1)
np.array_split(v, 2)
np.vsplit(x, 2)
np.hsplit(x, 3)
np.hsplit(v, [1])
np.dsplit(b, 2)
np.unstack(x, axis=1)
np.flip(x)
np.flip(x, 0)
np.flip(x, (0, 1))
np.fliplr(x)
np.flipud(x)
np.rot90(x)
np.rot90(b, 2, (1, 2))
np.roll(x, 1)
np.roll(x, 1, axis=1)
np.roll(x, (1, 2), axis=(0, 1))
np.roll(x, 2, axis=(0, 1))
np.tile(v, 2)
np.tile(v, (2, 1))
np.tile(x, [1, 2])
np.repeat(x, 2)
np.repeat(x, 2, axis=0)
np.repeat(v, [1, 0, 2])
np.repeat(x, np.array([2, 1]), axis=0)
np.pad(v, 1)
np.pad(x, ((1, 0), (0, 2)), constant_values=3)
np.pad(x, (1, 2), mode="constant")
np.where(m, x, y)
np.where(m, x, 0)
np.where(m, 0.5, x)
np.where(np.array([True, False, True]), v, w)
np.take(x, [0, 2])
np.take(x, [[0, -1]], axis=1)
np.take(x, 1, axis=0)
np.take(x, i)
np.take_along_axis(x, np.array([[0], [-1]]), axis=1)
np.take_along_axis(x, np.array([5, 0]), axis=None)
np.diag(v)
np.diag(x, 1)
np.diagflat(x, 1)
np.diagonal(x)
np.diagonal(b, 1, 1, 2)
np.tril(x)
np.tril(v)
np.triu(x, k=1)
np.triu(v)
np.meshgrid(v, w)
np.meshgrid(v, np.arange(2.0), indexing="ij")
np.copy(x)
np.astype(x, np.float64)
np.dot(v, w)
np.dot(x, v)
np.dot(q, x)
np.dot(b, np.ones((2, 4, 2)))
np.dot(s, x)
np.dot(2, x)
np.dot([1.0, 2.0], x)
np.inner(v, w)
np.inner(x, y)
np.inner(s, v)
np.outer(v, w)
np.outer(x, [1.0, 2.0])
np.linalg.outer(v, w)
np.vdot(x, y)
np.kron(v, x)
np.kron(q, x)
np.tensordot(x, y, axes=([0, 1], [0, 1]))
np.tensordot(x, b, axes=(1, 1))
np.tensordot(x, y)
np.linalg.tensordot(v, w, axes=1)
np.linalg.matmul(q, x)
np.linalg.vecdot(x, y)
np.linalg.vecdot(x, y, axis=0)
np.einsum("ij,kj->ik", x, y)
np.einsum("ij,j", x, np.arange(3))
np.einsum("ii", q)
np.trace(x)
np.trace(b, 1, 0, 2)
np.linalg.trace(b)
np.linalg.diagonal(b, offset=1)
np.linalg.norm(x)
np.linalg.norm(x, axis=0)
np.linalg.norm(v, 3)
np.linalg.norm(v, 1)
np.linalg.norm(x, np.inf)
np.linalg.norm(x, -1)
np.linalg.norm(b, 1, axis=(2, 0), keepdims=True)
np.linalg.norm(x, "fro")
np.linalg.vector_norm(x)
np.linalg.vector_norm(x, axis=1, ord=np.inf, keepdims=True)
np.clip(x, -1, 1)
np.clip(x, None, 0.5)
np.clip(x, min=-0.5)
np.clip(v, [0.0, 0.1, 0.2], w)
np.clip(x, -1, np.array([0.5, 1.0, 2.0]))
np.nan_to_num(x)
np.real(x)
np.sinc(x)
np.sinc(np.where(m, x, 0))
np.add.reduce(x)
np.add.reduce(x, axis=None)
np.multiply.reduce(x, axis=1, keepdims=True)
np.maximum.reduce(x)
np.minimum.reduce(x, axis=1)
np.add.accumulate(x, axis=1)
np.multiply.accumulate(x)
np.multiply.outer(v, x)
np.subtract.outer([1.0, 2.0], v)
np.sin(x)
np.add(x, v)
np.multiply(x, np.arange(3.0))
np.arange(3.0) - x
np.float64(2) * x
np.float64(2) ** x
np.arange(1.0, 4.0) ** v
np.arange(3.0) / x
np.ones((2, 2)) @ x
np.matmul(q, x)
np.vecdot(x, y)
np.vecdot(x, y, axis=0)
np.matvec(x, v)
np.vecmat(v, np.ones((3, 2)))
np.modf(x)
divmod(x, np.array([2.0, 0.7, 3.0]))
""".strip().splitlines()

#: Expressions without gradients.
OTHERS = """
np.sum(i)
np.sum(x, dtype=np.float32)
np.mean(i, dtype="f8")
np.all(m)
np.all(m, axis=1)
np.all(x, axis=(0, 1), keepdims=True)
np.any(m, axis=0)
np.any(x > 2, where=m)
np.argmax(x)
np.argmax(x, axis=1)
np.argmin(x, axis=0, keepdims=True)
np.count_nonzero(m)
np.count_nonzero(m, axis=0, keepdims=True)
np.nansum(nans)
np.nanprod(nans, axis=0)
np.nanmean(nans, axis=1)
np.median(nans, axis=0)
np.argsort(x)
np.argsort(x, axis=None)
np.diff(m)
np.where(m)
np.nonzero(x > 0)
np.argwhere(m)
np.flatnonzero(x)
np.shape(x)
np.ndim(b)
np.size(x)
np.size(x, 1)
np.zeros_like(x)
np.zeros_like(x, dtype=int)
np.ones_like(x, shape=(2, 2))
np.full_like(x, 2.5)
np.full_like(x, [1.0, 2.0, 3.0])
np.shape(np.empty_like(x, dtype=np.int8))
np.reshape(i, (2, 2), copy=True)
np.round(x)
np.round(x, 1)
np.around(x, decimals=1)
np.fix(x)
np.imag(c)
np.imag(x)
np.real(c)
np.angle(c)
np.angle(c, deg=True)
np.conj(c)
np.iscomplexobj(c)
np.iscomplexobj(x)
np.isrealobj(x)
np.iscomplex(c)
np.isreal(c)
np.isreal(x)
np.isposinf(x / 0)
np.isneginf(x / 0)
np.nan_to_num(nans, nan=7.0)
np.isclose(x, x + 1e-9)
np.isclose(x, y, rtol=10, atol=1)
np.isclose(nans, nans, equal_nan=True)
np.allclose(x, x + 1e-9)
np.allclose(x, y)
np.array_equal(x, x)
np.array_equal(x, v)
np.array_equal(nans, nans)
np.array_equal(nans, nans, equal_nan=True)
np.array_equiv(v, np.broadcast_to(v, (2, 3)))
np.array_equiv(x, [1.0, 2.0])
np.linalg.norm(c)
np.linalg.norm(v, 0)
np.logical_and.reduce(m)
np.logical_or.reduce(m, axis=1)
np.equal(x, x)
np.arange(3.0) < x
np.arange(3.0) == v
np.array_str(x)
np.array_repr(v)
np.array2string(v)
np.shares_memory(v, w)
np.may_share_memory(v, w)
np.result_type(x, np.float32)
np.result_type(i)
np.common_type(x)
np.min_scalar_type(x)
""".strip().splitlines()
if np.lib.NumpyVersion(np.__version__) >= "2.4.0":
    OTHERS.append("np.size(b, (0, 2))")  # it takes several axes since then


def environment(tensors: bool, requires_grad: bool = False) -> dict[str, Any]:
    """The names that expressions use, as arrays or as tensors."""
    if not tensors:
        return {"np": np, **ARRAYS}
    made = {name: pb.tensor(array) for name, array in ARRAYS.items()}
    for name in "xyvwbsqu" if requires_grad else "":
        made[name].requires_grad_()
    return {"np": np, **made}


def parts_of(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple | list) else [value]


def assert_same(found: Any, expected: Any, expression: str) -> None:
    found, expected = parts_of(found), parts_of(expected)
    assert len(found) == len(expected)
    for own, numpys in zip(found, expected, strict=True):
        if not isinstance(numpys, np.ndarray | np.generic) or isinstance(numpys, bool | np.bool_ | int):
            own = own.item() if isinstance(own, pb.Tensor) else own
            assert own == numpys, expression
            continue
        assert isinstance(own, pb.Tensor), f"{expression} gives a {type(own)}"
        assert tuple(own.shape) == numpys.shape, expression
        np.testing.assert_allclose(own.detach().numpy(), numpys, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("expression", DIFFERENTIABLE + OTHERS)
def test_the_values_are_those_of_numpy(expression: str) -> None:
    with np.errstate(all="ignore"):
        assert_same(eval(expression, environment(True)), eval(expression, environment(False)), expression)


@pytest.mark.parametrize("expression", DIFFERENTIABLE)
def test_gradients_flow_through_the_call(expression: str) -> None:
    names = [name for name in "xyvwbsqu" if re.search(rf"\b{name}\b", expression)]
    tensors = [pb.tensor(ARRAYS[name], requires_grad=True) for name in names]

    def call(*given: pb.Tensor) -> Any:
        env = environment(True) | dict(zip(names, given, strict=True))
        return tuple(parts_of(eval(expression, env)))

    assert pb.autograd.gradcheck(call, tensors)


@pytest.mark.parametrize("expression", ["np.sum(x, axis=(0, 1))", "np.concatenate([x, np.zeros((1, 3))])",
                                        "np.arange(3.0) * x", "x * np.arange(3.0)", "np.float64(2) * x",
                                        "np.where(m, x, np.zeros(3))", "np.linalg.norm(x, axis=1)",
                                        "np.ones((2, 2)) @ x"])  # fmt: skip
def test_the_result_is_on_the_backend_of_the_tensor(expression: str) -> None:
    with pb.use_backend("jax"):
        names = environment(True, requires_grad=True)
    result = eval(expression, names)
    assert result.backend.name == "jax"
    assert result.requires_grad
    np.testing.assert_allclose(result.detach().numpy(), eval(expression, environment(False)))


def test_every_counterpart_is_compared_with_numpy() -> None:
    text = "\n".join(DIFFERENTIABLE + OTHERS)
    compared = {f"numpy.{name}" for name in re.findall(r"np\.((?:linalg\.)?\w+)\(", text)}
    assert set(FUNCTIONS) - compared == {"numpy.copyto"}  # which gives nothing: see test_numpy_protocol.py


def test_counterparts_are_named_as_functions_of_numpy() -> None:
    for name in FUNCTIONS:
        *module, function = name.removeprefix("numpy.").split(".")
        assert callable(getattr(getattr(np, module[0]) if module else np, function)), name


def test_readers_are_functions_of_numpy() -> None:
    for name in READERS | DTYPE_READERS:
        assert hasattr(getattr(np, name), "_implementation"), name


# -- ufuncs -----------------------------------------------------------------------------------------------------------

UFUNCS = sorted({value.__name__ for value in vars(np).values() if isinstance(value, np.ufunc)})
MAPPED = [name for name in UFUNCS if operation_of(getattr(np, name)) is not None]
INTEGERS = ("bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift", "gcd", "lcm")
MATRICES = {
    "matmul": (ARRAYS["q"], ARRAYS["x"]),
    "matvec": (ARRAYS["x"], ARRAYS["v"]),
    "vecmat": (ARRAYS["v"], ARRAYS["x"].T.copy()),
}


def operands_of(name: str) -> tuple[np.ndarray, ...]:
    if name in MATRICES:
        return MATRICES[name]
    if name in INTEGERS:
        operands = (np.array([6, 3, 12, 0]), np.array([2, 1, 3, 1]))
    elif name == "ldexp":
        operands = (np.array([0.5, -1.5]), np.array([3, -2]))
    elif name == "arccosh":
        operands = (np.array([1.0, 1.5, 7.0]),)
    elif name in ("arcsin", "arccos", "arctanh"):
        operands = (np.array([-0.5, 0.0, 0.25]),)
    elif (name.startswith("log") and not name.startswith(("logical", "logadd"))) or name in ("sqrt", "power"):
        operands = (np.array([0.5, 1.0, 7.0]), np.array([2.0, -1.5, 0.5]))
    elif name in ("fmax", "fmin"):
        operands = (np.array([0.5, np.nan, np.nan, 1.0]), np.array([1.5, 2.0, np.nan, np.nan]))
    else:
        operands = (np.array([-2.5, -0.4, 0.7, 3.0]), np.array([1.5, 2.5, -0.7, 3.0]))
    return operands[: getattr(np, name).nin]


@pytest.mark.parametrize("name", MAPPED)
def test_a_ufunc_is_the_operation_that_numpy_means(name: str) -> None:
    ufunc, arrays = getattr(np, name), operands_of(name)
    with np.errstate(invalid="ignore"):
        expected = ufunc(*arrays)
    assert_same(ufunc(*map(pb.tensor, arrays)), expected, name)
    if len(arrays) == 2:
        assert_same(ufunc(arrays[0], pb.tensor(arrays[1])), expected, name)


def test_most_ufuncs_are_mapped() -> None:
    assert set(UFUNCS) - set(MAPPED) == {"bitwise_count", "cbrt", "frexp", "isnat", "spacing"}


@pytest.mark.parametrize("name", sorted(set(UFUNCS) - set(MAPPED)))
def test_a_ufunc_without_counterpart_says_what_to_do(name: str) -> None:
    ufunc = getattr(np, name)
    with pytest.raises(TypeError, match=rf"numpy\.{name}\(\) has no counterpart .*tensor\.numpy\(\)"):
        ufunc(*[pb.ones(2)] * ufunc.nin)
