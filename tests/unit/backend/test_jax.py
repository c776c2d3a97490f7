"""What is JAX's own: 64-bit dtypes, tracers, precision."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback import dtypes as dt
from pullback.backend.selection import get_backend
from pullback.devices import CPU
from pullback.errors import BackendError
from pullback_jax.backend import GPU_LIMITATIONS


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


def test_limitations_are_declared_for_a_gpu_only(backend):
    has_gpu = any(device.type == "cuda" for device in backend.devices())
    assert backend.limitations == (GPU_LIMITATIONS if has_gpu else ())
    assert all(limitation.case for limitation in GPU_LIMITATIONS)


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
