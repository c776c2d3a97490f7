"""What is JAX's own: 64-bit dtypes, tracers, precision."""

from __future__ import annotations

import cmath
import pickle
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.errors import BackendError
from pullback.meta import dtypes as dt
from pullback.meta.devices import CPU
from pullback_jax.backend import CPU_LIMITATIONS, GPU_LIMITATIONS


@pytest.fixture
def backend():
    return get_backend("jax")


@pytest.fixture
def narrow(backend):
    backend.from_data([1], dt.int64)  # after the first use, which switches them on
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", True)


def test_64_bit_dtypes_stay(backend):
    for dtype in (dt.float64, dt.int64, dt.uint64, dt.complex128):
        assert backend.from_data([1], dtype).dtype == dtype.name


@pytest.mark.parametrize("dtype", [dt.float64, dt.int64, dt.uint64, dt.complex128])
def test_truncation_is_refused(backend, narrow, dtype):
    native = backend.native_dtypes[dtype]
    x = jnp.ones(2, "float32")
    for make in (
        lambda: backend.from_data([1], dtype),
        lambda: backend.from_numpy(np.ones(2, native)),
        lambda: backend.astype(x, dtype),
        lambda: backend.zeros((2,), dtype=native),
        lambda: backend.ones((2,), dtype=native),
        lambda: backend.full((2,), 1, dtype=native),
        lambda: backend.empty((2,), dtype=native),
        lambda: backend.eye(2, dtype=native),
        lambda: backend.arange(0, 3, 1, dtype=native),
        lambda: backend.linspace(0, 3, 4, dtype=native),
        lambda: backend.sum(x, dtype=native),
        lambda: backend.cumulative_sum(x, axis=0, dtype=native),
    ):
        with pytest.raises(BackendError, match="backend 'jax' cannot hold torch"):
            make()
    assert backend.from_data([1], dt.float32).dtype == "float32"


def test_kernels_work_on_tracers(backend):
    def program(x):
        assert backend.is_array(x)
        assert backend.device_of(x) == CPU
        assert backend.dtypes[x.dtype] is dt.float32
        y = backend.getitem(backend.add(backend.sigmoid(x), 1.0), (slice(None), 0))
        y = backend.index_put(y, jnp.array([0, 0]), jnp.ones(2, "float32"), accumulate=True)
        y = backend.scatter(y, 0, jnp.array([1]), backend.as_array(x[0, :1]))
        return backend.sum(backend.matmul(backend.astype(x, dt.float32), backend.reshape(y, (3, 1))))

    x = jnp.arange(9, dtype="float32").reshape(3, 3)
    np.testing.assert_allclose(jax.jit(program)(x), program(x), rtol=1e-6)
    assert jax.grad(program)(x).shape == (3, 3)

    def indexed(x, i):
        return (
            backend.take(x, i, axis=0),
            backend.getitem(x, (i, 0)),
            backend.take_along_axis(x, i[:, None] + jnp.zeros((1, 3), int), 0),
        )

    for traced, concrete in zip(jax.jit(indexed)(x, jnp.array([2, 0])), indexed(x, jnp.array([2, 0])), strict=True):
        np.testing.assert_array_equal(traced, concrete)


def test_data_may_hold_tracers(backend):
    out = jax.jit(lambda a: backend.from_data([a, 2.0], dt.float32))(1.0)
    np.testing.assert_array_equal(out, [1.0, 2.0])


def test_from_numpy_does_not_follow_later_writes(backend):
    x = np.zeros(1000)
    array = backend.from_numpy(x)
    x[0] = 1
    assert float(array[0]) == 0


def test_matmul_precision(backend):
    jaxpr = str(jax.make_jaxpr(backend.matmul)(jnp.ones((2, 2), "f"), jnp.ones((2, 2), "f")))
    assert "HIGHEST" in jaxpr
    backend.set_float32_matmul_precision("medium")
    try:
        jaxpr = str(jax.make_jaxpr(lambda a: backend.einsum("ij,jk", a, a))(jnp.ones((2, 2), "f")))
    finally:
        backend.set_float32_matmul_precision("highest")
    assert "HIGHEST" not in jaxpr
    with pytest.raises(ValueError, match="precision must be one of highest, high, medium"):
        backend.set_float32_matmul_precision("best")


def test_atanh_in_double_precision(backend):
    x = np.linspace(-1, 1, 201)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(backend.atanh(backend.from_numpy(x)), np.arctanh(x), rtol=1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_log1p_in_double_precision(backend):
    tiny = -5.553e-17  # 1 + tiny is rounded to twice as far from 1
    x = np.concatenate([np.linspace(-0.999, 3, 997), [tiny, 1e-300, 1e300, 0.0, -0.0, -1.0, -2.0]])
    for log1p in (backend.log1p, jax.jit(lambda x: backend.log1p(x))):
        result = np.asarray(log1p(backend.from_numpy(x)))
        np.testing.assert_allclose(result, np.log1p(x), rtol=1e-15)
        np.testing.assert_array_equal(np.signbit(result[x == 0]), [False, True])
    special = backend.log1p(backend.from_numpy(np.array([np.inf, np.nan])))
    np.testing.assert_array_equal(special, [np.inf, np.nan])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_sign_of_zeros_is_positive(backend, dtype):
    result = np.asarray(backend.sign(backend.from_numpy(np.array([-0.0, 0.0, -3.0, 2.0], dtype))))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, [0, 0, -1, 1])
    assert not np.signbit(result.real[:2]).any()
    assert not np.signbit(result.imag[:2]).any()


def test_sign_keeps_integers(backend):
    result = backend.sign(jnp.array([-3, 0, 4]))
    assert result.dtype == "int64"
    np.testing.assert_array_equal(result, [-1, 0, 1])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floor_divide_keeps_signs_of_zeros(backend, dtype):
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5], dtype)
    expected = np.floor_divide(values[:, None], values)
    x = backend.from_numpy(values)
    result = np.asarray(backend.floor_divide(x[:, None], x))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result[known]), np.signbit(expected[known]))
    assert backend.floor_divide(x, 2).dtype == backend.floor_divide(2, x).dtype == dtype


def test_floor_divide_of_integers(backend):
    np.testing.assert_array_equal(backend.floor_divide(jnp.array([7, -7]), 2), [3, -4])


def test_several_truths_for_one_element(backend):
    x, indices = jnp.array([True, False, True, False]), jnp.array([0, 1, 1, 2])
    values = jnp.array([True, False, True, False])
    either, both = [True, True, True, False], [True, False, False, False]
    np.testing.assert_array_equal(backend.index_put(x, (indices,), values, accumulate=True), either)
    np.testing.assert_array_equal(backend.scatter(x, 0, indices, values, "add"), either)
    np.testing.assert_array_equal(backend.scatter(x, 0, indices, values, "multiply"), both)
    many = jnp.zeros(256, int)  # as many as make an 8-bit sum zero
    np.testing.assert_array_equal(backend.scatter(x, 0, many, jnp.ones(256, bool), "add"), [True, False, True, False])
    np.testing.assert_array_equal(backend.scatter(~x, 0, many, jnp.ones(256, bool), "add"), [True, True, False, True])


def test_limitations_are_declared_for_the_devices_there_are(backend):
    kinds = {device.type for device in backend.devices()}
    expected = (CPU_LIMITATIONS if "cpu" in kinds else ()) + (GPU_LIMITATIONS if "cuda" in kinds else ())
    assert backend.limitations == expected
    assert all(limitation.case for limitation in CPU_LIMITATIONS + GPU_LIMITATIONS)


def test_native_derivatives_of_composed_kernels(backend):
    x = jnp.array([-0.5, 0.0, 0.3])
    np.testing.assert_allclose(jax.vmap(jax.grad(backend.log1p))(x), 1 / (1 + x), rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(jax.grad(jax.grad(backend.log1p)))(x), -1 / (1 + x) ** 2, rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(jax.grad(backend.atanh))(x), 1 / (1 - x**2), rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(jax.grad(backend.erfc))(x), -2 / np.sqrt(np.pi) * np.exp(-(x**2)), rtol=1e-14)


def test_a_backend_pickles_by_name(backend):
    assert pickle.loads(pickle.dumps(backend)) is backend


def test_synchronize_waits_for_what_is_being_computed(backend):
    x = backend.ones((600, 600), dtype=backend.native_dtypes[dt.float32])
    results = []
    for _ in range(6):
        x = backend.matmul(x, x)
        results.append(x)
    backend.synchronize()
    assert [result.is_ready() for result in results] == [True] * 6


def test_compiled_programs_are_forgotten_on_demand(backend):
    x = backend.ones((3,), dtype=backend.native_dtypes[dt.float32])
    backend.sign(x)
    assert backend._sign._cache_size() > 0
    backend.clear_caches()
    assert backend._sign._cache_size() == 0
    assert backend.to_numpy(backend.sign(x)).tolist() == [1.0, 1.0, 1.0]


def test_xla_itself_takes_subnormal_numbers_for_zero():
    # What the limitation declares; when this fails, it can go.
    tiny = jnp.asarray(np.array([1e-40], np.float32))
    assert jax.jit(lambda x: x / 1e-5)(tiny) == 0
    assert jax.jit(jnp.log)(tiny) == -np.inf
    assert jax.jit(lambda x: x == 0)(tiny)
    assert "subnormal numbers" in [limitation.case for limitation in CPU_LIMITATIONS]


def test_what_the_limitation_of_subnormal_numbers_declares():
    tiny = pb.tensor([1e-38, 1e-38], backend="jax")
    assert (tiny * 1).tolist() == [0.0, 0.0]  # the result is subnormal
    assert pb.tensor([1e-38], dtype=pb.float64, backend="jax").float().item() == 0.0
    assert tiny.logit().tolist() == [-np.inf] * 2  # a result inside of it is
    assert (tiny + tiny).tolist() == [0.0, 0.0]  # though 2e-38 is normal
    assert tiny.sum().item() == 0.0
    assert (tiny @ pb.tensor([1e38, 1e38], backend="jax")).item() == 0.0
    assert pb.remainder(pb.tensor([1.0], backend="jax"), tiny[:1]).isnan().item()
    assert (tiny.to(pb.complex64) * 1e38).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_subnormal_numbers_compare_and_sort_as_numbers(name):
    dtype = getattr(pb, name)
    tiny = {"float16": 6e-8, "bfloat16": 9.2e-41, "float32": 1.4e-45, "float64": 5e-324}[name]
    values = [0.0, -0.0, tiny, -tiny, 1.0, -1.0, np.nan, np.inf, -np.inf, 2 * tiny, -3 * tiny]
    x, y = (pb.tensor(values, dtype=dtype, backend=b) for b in ("numpy", "jax"))
    for pair in ("eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum", "logical_and", "logical_or", "logical_xor"):
        of_pairs = getattr(pb, pair)
        np.testing.assert_array_equal(
            of_pairs(y[:, None], y).to("numpy").double().numpy(), of_pairs(x[:, None], x).double().numpy()
        )
    for single in ("bool", "sign", "logical_not", "nonzero", "count_nonzero", "argmax", "argmin", "argsort"):
        np.testing.assert_array_equal(
            getattr(y, single)().to("numpy").double().numpy(), getattr(x, single)().double().numpy()
        )
    for part in (slice(None), slice(0, 4), slice(0, 6), slice(1, 4)):
        for reduction in ("max", "min", "argmax", "argmin", "any", "all"):
            assert repr(getattr(y[part], reduction)().item()) == repr(getattr(x[part], reduction)().item())
    for descending in (False, True):
        found, expected = y.sort(descending=descending, stable=True), x.sort(descending=descending, stable=True)
        assert found.indices.tolist() == expected.indices.tolist()
        assert list(map(repr, found.values.tolist())) == list(map(repr, expected.values.tolist()))
    assert pb.isin(y, y[2:4]).tolist() == pb.isin(x, x[2:4]).tolist()


def test_complex_subnormal_numbers_are_not_zero():
    z = pb.tensor([1e-40j, 1e-40, 0j, -0.0 + 0j], backend="jax")
    assert (z == 0).tolist() == [False, False, True, True]
    assert z.bool().tolist() == [True, True, False, False]
    assert (z != z).tolist() == [False] * 4


@pytest.mark.parametrize("name", ["sqrt", "log", "asin", "acos", "atan", "asinh", "acosh", "atanh"])
def test_each_side_of_a_branch_cut(name):
    points = [complex(*p) for size in (0.5, 2.0) for s in (-size, size) for z in (0.0, -0.0) for p in ((s, z), (z, s))]
    found = getattr(pb, name)(pb.tensor(points, dtype=pb.complex128, backend="jax")).tolist()
    np.testing.assert_allclose(found, [getattr(cmath, name)(point) for point in points], rtol=1e-12, atol=1e-15)


def test_extremes_can_be_differentiated_by_jax(backend):
    x = jnp.array([[1.0, 5.0, 5.0], [2.0, 1.0, 0.0]])
    assert jax.grad(backend.max)(x).tolist() == [[0, 0.5, 0.5], [0, 0, 0]]
    assert jax.grad(lambda x: backend.sum(backend.min(x, 1)))(x).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert jax.grad(lambda x: backend.sum(backend.maximum(x, 3.0)))(x).tolist() == [[0, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [pb.complex64, pb.complex128])
def test_whole_powers_of_complex_numbers_are_products(dtype):
    make = partial(pb.tensor, dtype=dtype, backend="jax")
    values = [1 + 2j, 3 - 4j, -1j, 0j, complex(float("inf"), 0)]
    x = make(values)
    assert (x**1).tolist() == values
    assert (x**0).tolist() == [1] * 5
    assert (x[:3] ** 3).tolist() == [value * value * value for value in values[:3]]
    exponents = make([-2, 5, 0.5])
    pb.testing.assert_close(x[:3] ** exponents, make([(1 + 2j) ** -2, (3 - 4j) ** 5, (-1j) ** 0.5]))
    leaf = x[:2].clone().requires_grad_()
    (leaf**2).sum().backward(make(1 + 0j))
    assert leaf.grad.tolist() == [2 - 4j, 6 + 8j]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64])
def test_integer_powers_wrap_around_for_every_exponent(backend, dtype):
    bits, limits = 8 * np.dtype(dtype).itemsize, np.iinfo(dtype)
    bases = np.array([0, 1, 2, 3, 5, limits.max, limits.min], dtype)
    exponents = np.array([0, 1, 2, 7, 8, 63, 64, 65, 100, 127], dtype)
    found = backend.to_numpy(backend.pow(jnp.asarray(bases)[:, None], jnp.asarray(exponents)))
    exact = [[pow(int(b), int(e), 1 << bits) for e in exponents] for b in bases]
    assert (found.astype(object) % (1 << bits)).tolist() == exact
    if limits.min < 0:
        negative = backend.pow(jnp.array([1, -1, -1, 2, 0], dtype), jnp.array([-3, -3, -2, -1, -1], dtype))
        assert negative.tolist() == [1, -1, 1, 0, 0]


@pytest.mark.parametrize(
    ("dtype", "base", "exponent"), [("float32", 1.0001, 10000), ("float16", 300.0, -2), ("float16", 1.01, 500)]
)
def test_powers_by_integers_are_precise(dtype, base, exponent):
    x = pb.tensor([base], dtype=getattr(pb, dtype), backend="jax")
    exact = x.double().item() ** exponent
    for _ in range(3):
        assert (x**exponent).item() == pytest.approx(exact, rel=4 * pb.finfo(x.dtype).eps)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8"])
def test_common_divisors_of_the_least_integer_are_found(dtype):
    least = pb.iinfo(getattr(pb, dtype)).min
    pairs = [(least, 6), (6, least), (least, 0), (least, least), (least, -1), (-12, 18)]
    results = []
    for name in ("numpy", "jax"):
        with pb.use_backend(name):
            x, y = (pb.tensor(column, dtype=getattr(pb, dtype)) for column in zip(*pairs, strict=True))
            results.append((pb.gcd(x, y).tolist(), pb.gcd(x, y[:1]).tolist()))
    assert results[0] == results[1]
