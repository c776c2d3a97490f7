"""Dtype maps, conversions and memory."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from pullback.backend.base import Backend
from pullback.errors import BackendError
from pullback.meta import dtypes as dt
from pullback.meta.devices import Device


def test_dtype_maps_are_each_others_inverse(backend):
    assert {native: d for d, native in backend.native_dtypes.items()} == backend.dtypes
    for dtype, native in backend.native_dtypes.items():
        array = backend.zeros((2,), dtype=native)
        assert backend.dtypes[array.dtype] is dtype
    missing = set(dt.ALL) - set(backend.native_dtypes)
    assert missing == ({dt.float16, dt.bfloat16} if backend.name == "strict" else set())


def test_a_dtype_the_backend_lacks_is_named(backend):
    if backend.name == "strict":
        with pytest.raises(BackendError, match=r"backend 'strict' has no dtype torch.bfloat16; it has torch.bool"):
            backend.from_data([1.0], dt.bfloat16)
    if backend.name != "strict":
        with pytest.raises(TypeError, match=r"dtype <?f?l?o?a?t?128|longdouble|float128"):
            backend.from_numpy(np.zeros(2, np.longdouble))


@pytest.mark.parametrize("data", [1.5, True, [1, 2], [[1.0, 2.0], [3.0, 4.0]], [], np.arange(3.0)])
def test_from_data(backend, data):
    for dtype, native in backend.native_dtypes.items():
        array = backend.from_data(data, dtype, backend.default_device)
        assert array.dtype == native
        numpy_dtype = ml_dtypes.bfloat16 if dtype is dt.bfloat16 else dtype.name
        np.testing.assert_array_equal(backend.to_numpy(array), np.array(data).astype(numpy_dtype))


def test_from_data_copies(backend):
    data = np.zeros(3)
    array = backend.from_data(data, dt.float64)
    data[0] = 1
    np.testing.assert_array_equal(backend.to_numpy(array), 0)


def test_from_numpy_takes_any_layout(backend):
    x = np.arange(6.0).reshape(2, 3)
    read_only = x.copy()
    read_only.flags.writeable = False
    for array in (x, x.T, x[:, ::-1], read_only, x.astype(">f8"), np.asarray(5.0), x[:0]):
        np.testing.assert_array_equal(backend.to_numpy(backend.from_numpy(array)), array)


@pytest.mark.parametrize("source", ["bool", "int8", "uint8", "int64", "float16", "bfloat16", "float32", "complex64"])
def test_astype(backend, source):
    if dt.by_name[source] not in backend.native_dtypes:
        pytest.skip("the namespace has no such dtype")
    x = np.array([0, 1, 2, 3]).astype(ml_dtypes.bfloat16 if source == "bfloat16" else source)
    if source == "complex64":
        x = x + np.complex64(1j)
    for dtype, native in backend.native_dtypes.items():
        out = backend.astype(backend.from_numpy(x), dtype)
        assert out.dtype == native
        numpy_dtype = ml_dtypes.bfloat16 if dtype is dt.bfloat16 else dtype.name
        real = x if dtype.is_complex or dtype is dt.bool_ else x.real
        np.testing.assert_array_equal(backend.to_numpy(out), real.astype(numpy_dtype))


def test_astype_wraps_like_c(backend):
    x = backend.from_numpy(np.array([-1.0, 300.7, -1.9]))
    np.testing.assert_array_equal(backend.to_numpy(backend.astype(x, dt.int8)), [-1, 44, -1])
    x = backend.from_numpy(np.array([-1, 300]))
    np.testing.assert_array_equal(backend.to_numpy(backend.astype(x, dt.uint8)), [255, 44])


def test_astype_and_copy_give_new_arrays(backend):
    x = backend.from_numpy(np.arange(3.0))
    for other in (backend.copy(x), backend.astype(x, dt.float64)):
        np.testing.assert_array_equal(backend.to_numpy(other), [0, 1, 2])
        assert not np.shares_memory(backend.to_numpy(other), backend.to_numpy(x))


def test_results_become_arrays(backend):
    for value in (backend.sum(backend.from_numpy(np.ones(3))), 1.5, True):
        array = backend.as_array(value)
        assert backend.is_array(array)
        assert array.shape == ()
    assert type(backend.zeros((2,), dtype=backend.native_dtypes[dt.float32])) is backend.array_type
    assert not backend.is_array([1.0])
    assert not backend.is_array(1.0)


def test_memory_of_mutable_backends(backend):
    x = backend.from_numpy(np.arange(6.0).reshape(2, 3).copy())
    if not backend.mutable:
        assert backend.strides(x) is None
        assert backend.data_pointer(x) is None
        assert not backend.writable(x)
        with pytest.raises(BackendError, match="cannot be written in place"):
            backend.assign(x, 1.0)
        return
    assert backend.strides(x) == (3, 1)
    assert backend.strides(backend.permute_dims(x, (1, 0))) == (1, 3)
    row = backend.getitem(x, 1)
    assert backend.data_pointer(row) == backend.data_pointer(x) + 24
    assert backend.owns_memory(backend.copy(x))
    assert not backend.owns_memory(row)
    backend.assign(row, 7.0)
    np.testing.assert_array_equal(backend.to_numpy(x)[1], 7)


def test_numpy_shares_memory_and_keeps_one_dtype_object_per_dtype():
    from pullback.backend.selection import get_backend

    numpy = get_backend("numpy")
    x = np.zeros(3)
    assert numpy.from_numpy(x) is x
    assert numpy.to_numpy(x) is x
    other = np.zeros(3, "longlong")
    shared = numpy.from_numpy(other)
    assert shared.dtype is numpy.native_dtypes[dt.int64]
    assert np.shares_memory(shared, other)


def test_devices(backend):
    home = backend.default_device
    x = backend.zeros((2,), dtype=backend.native_dtypes[dt.float32], device=home)
    assert backend.device_of(x) == home
    assert home in backend.devices()
    assert backend.to_device(x, home) is x
    for create in (
        lambda: backend.zeros((2,), dtype=backend.native_dtypes[dt.float32], device=Device("cuda", 7)),
        lambda: backend.from_data([1.0], dt.float32, Device("cuda", 7)),
        lambda: backend.to_device(x, Device("cuda", 7)),
    ):
        with pytest.raises(BackendError, match=f"has no device 'cuda:7'; it has '{home}'"):
            create()


def test_warnings_of_nan_and_inf_stay_inside(backend):
    # Under warnings as errors a kernel may raise; under the guard none does.
    x = backend.from_numpy(np.array([-1.0, 0.0, np.inf]))
    with backend.guard():
        for kernel in ("sqrt", "log", "reciprocal", "sin", "rsqrt"):
            backend.to_numpy(backend.as_array(getattr(backend, kernel)(x)))
        backend.astype(x, dt.int64)
    backend.synchronize()
    assert backend.versions()[backend.name] if backend.name != "strict" else backend.versions() == {}


def test_a_kernel_that_is_missing(backend):
    assert backend.kernel("no_such_kernel") is None
    assert backend.kernel("name") is None
    assert backend.kernel("devices") is None
    assert not hasattr(backend, "no_such_kernel")
    assert callable(backend.kernel("add"))
    with pytest.raises(NotImplementedError, match=f"no_such_kernel: backend '{backend.name}' has no kernel"):
        backend.no_such_kernel()


def test_adding_kernels():
    class Sparse(Backend):
        name = "sparse"
        inplace_kernels = frozenset({"add", "gelu"})

    backend = Sparse()
    backend.add_kernels({"gelu": abs})
    assert backend.gelu(-2) == 2
    assert backend.inplace_kernels == {"add"}
    for kernels in ({"devices": abs}, {"gelu": 3}, {"_hidden": abs}):
        with pytest.raises(BackendError, match="cannot be a kernel"):
            backend.add_kernels(kernels)
    with pytest.raises(BackendError, match=r"backend 'sparse' does not define as_array\(\)"):
        backend.as_array(1)
