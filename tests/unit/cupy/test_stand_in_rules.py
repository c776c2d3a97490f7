"""What CuPy refuses, or does otherwise than NumPy, the stand-in does as well."""

from __future__ import annotations

import threading
import warnings

import ml_dtypes
import numpy as np
import pytest


def test_it_says_that_it_is_no_gpu(xp):
    assert xp.__version__.endswith("stand-in (no GPU)")
    assert xp.cuda.runtime.getDeviceProperties(0)["name"] == b"stand-in (no GPU)"


# -- the host and the device


def test_numpy_arrays_are_no_operands(xp):
    x, host = xp.zeros(3), np.zeros(3)
    for call in (lambda: xp.add(x, host), lambda: xp.where(x > 0, x, host), lambda: x + host, lambda: host * x):
        with pytest.raises(TypeError, match=r"^Unsupported type <class 'numpy\.ndarray'>$"):
            call()


def test_arrays_become_numpys_by_name_only(xp, counted):
    x = xp.asarray(np.arange(3.0))
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x)
    before = counted("to host")
    assert x.get().tolist() == xp.asnumpy(x).tolist() == x.tolist() == [0.0, 1.0, 2.0]
    assert counted("to host") == before + 3


def test_numbers_are_operands(xp):
    x = xp.ones(2, np.float32)
    for number in (2, 2.0, np.float32(2), np.int8(2)):
        assert (x * number).tolist() == [2.0, 2.0]
    assert (x * np.float64(2)).dtype == np.float64  # it is as strong as an array
    with pytest.raises(OverflowError):
        xp.ones(2, np.int8) + 300


def test_numpys_functions_of_arrays_are_cupys(xp):
    x = xp.arange(3.0)
    assert isinstance(np.sqrt(x), xp.ndarray)
    assert isinstance(np.concatenate([x, x]), xp.ndarray)


def test_reductions_give_arrays_without_dimensions(xp):
    for result in (xp.sum(xp.ones(3)), xp.ones(3).max(), xp.argmax(xp.ones(3)), xp.all(xp.ones(3)), xp.ones(3)[0]):
        assert isinstance(result, xp.ndarray)
        assert result.shape == ()


def test_what_waits_for_the_device_is_counted(xp, counted):
    x = xp.arange(6.0)
    before = counted("synchronizations")
    y = (x * x + 1).reshape(2, 3).sum(0)
    y[1:] = 0
    x.take(xp.asarray([0, 1]))
    assert counted("synchronizations") == before
    for wait in (y[0].item, lambda: bool(y[0] > 0), lambda: float(y[0]), y.tolist, x.nonzero, lambda: repr(y)):
        before = counted("synchronizations")
        wait()
        assert counted("synchronizations") > before


def test_memory_is_not_zero(xp):
    with xp.cuda.Device(1):
        xp.get_default_memory_pool().free_all_blocks()
        assert np.isnan(xp.empty(3).get()).all()


# -- dtypes


@pytest.mark.parametrize("dtype", [object, "U3", "S3", np.longdouble, "M8[s]", ">f4"])
def test_unsupported_dtypes(xp, dtype):
    with pytest.raises(ValueError, match="Unsupported dtype"):
        xp.zeros(3, dtype)


def test_bfloat16_is_ml_dtypes(xp):
    x = xp.asarray([1.0, 2.5], dtype=ml_dtypes.bfloat16)
    assert (x + x).dtype == ml_dtypes.bfloat16
    assert (x + 2).dtype == ml_dtypes.bfloat16
    assert (x + 2.0).dtype == np.float32  # as NumPy's promotion has it
    assert xp.where(x > 0, x, x).dtype == np.float32  # CuPy has no where of bfloat16
    with pytest.raises(NotImplementedError, match="Sorting arrays with dtype 'bfloat16'"):
        xp.sort(x)


@pytest.mark.parametrize(
    "call",
    [
        lambda xp, x: xp.logical_and(x.astype(np.complex64), x.astype(np.complex64)),
        lambda xp, x: xp.subtract(x > 0, x > 0),
        lambda xp, x: xp.floor(x.astype(np.complex64)),
        lambda xp, x: xp.add(x, x, x.astype(np.int32)),
        lambda xp, x: xp.add(x, x, where=x > 0),
        lambda xp, x: x.astype(np.int32, casting="safe"),
        lambda xp, x: xp.einsum("i->i", x, order="C"),
    ],
)
def test_what_cupy_has_no_loop_or_no_keyword_for(xp, call):
    with pytest.raises(TypeError):
        call(xp, xp.ones(3, np.float32))


def test_functions_without_reductions_and_updates(xp):
    x = xp.ones(3)
    with pytest.raises(NotImplementedError, match=r"`cupy_multiply\.at` is not supported yet"):
        xp.multiply.at(x, xp.asarray([0]), xp.ones(1))
    with pytest.raises(NotImplementedError, match=r"`cupy_maximum\.reduce` is not supported yet"):
        xp.maximum.reduce(x)
    for dtype in (np.complex64, np.int8, bool):
        with pytest.raises(TypeError, match=r"cupy\.add\.at only supports int32"):
            xp.add.at(xp.ones(3, dtype), xp.asarray([0]), xp.ones(1, dtype))


def test_integers_divided_by_zero_are_zero(xp):
    x = xp.asarray([7, -7])
    assert (x // 0).tolist() == (x % 0).tolist() == [0, 0]
    assert (x.astype(np.float64) / 0).tolist() == [np.inf, -np.inf]


def test_results_lie_in_rows(xp):
    x = xp.ones((2, 3)).T
    assert (x + x).flags.c_contiguous
    assert x.astype(np.float32).flags.f_contiguous
    assert x.copy().flags.c_contiguous


# -- positions


def test_positions_wrap_around(xp):
    x = xp.arange(3)
    assert x[xp.asarray([1, 3, -4])].tolist() == x.take(xp.asarray([1, 3, -4])).tolist() == [1, 0, 2]
    x[xp.asarray([4])] = 10
    assert x.tolist() == [0, 10, 2]
    xp.add.at(x, xp.asarray([5, 5]), 1)
    assert x.tolist() == [0, 10, 4]
    x.put(xp.asarray([7]), 5)
    assert x.tolist() == [0, 5, 4]
    with pytest.raises(IndexError, match="out of bounds"):
        x[3]
    with pytest.raises(IndexError, match="non-empty take from an empty"):
        xp.zeros(0)[xp.asarray([0])]


def test_of_several_values_for_one_element_not_the_last_stays(xp):
    x = xp.zeros(2)
    x[xp.asarray([0, 0])] = xp.asarray([1.0, 2.0])
    assert x[0] == 1.0  # a GPU decides otherwise each time; nobody may count on NumPy's order


# -- devices


def test_arrays_are_made_on_the_current_device(xp):
    with xp.cuda.Device(1):
        x = xp.zeros(3)
        assert xp.cuda.runtime.getDevice() == 1
    assert x.device == xp.cuda.Device(1)
    assert xp.zeros(3).device.id == 0
    with pytest.raises(xp.cuda.runtime.CUDARuntimeError, match="invalid device ordinal"):
        xp.cuda.Device(9).use()


def test_each_thread_has_a_current_device(xp):
    found = []
    with xp.cuda.Device(1):
        thread = threading.Thread(target=lambda: found.append(xp.cuda.runtime.getDevice()))
        thread.start()
        thread.join()
    assert found == [0]


def test_operands_of_another_device(xp, monkeypatch):
    with xp.cuda.Device(1):
        x = xp.zeros(3)
    with pytest.warns(RuntimeWarning, match="Peer access has been activated"):
        assert (x + 1).device.id == 0
    monkeypatch.setenv("CUPY_STAND_IN_PEER_ACCESS", "0")
    with pytest.raises(ValueError, match="Peer access is unavailable"):
        x + 1
    assert xp.asarray(x).device.id == x.copy().device.id == 0  # a copy may cross


def test_no_device(xp, monkeypatch):
    monkeypatch.setenv("CUPY_STAND_IN_DEVICES", "0")
    assert not xp.cuda.is_available()
    with pytest.raises(xp.cuda.runtime.CUDARuntimeError, match="cudaErrorNoDevice"):
        xp.cuda.runtime.getDeviceCount()


def test_streams_are_of_a_thread_and_a_device(xp):
    stream = xp.cuda.Stream(non_blocking=True)
    assert xp.cuda.get_current_stream() == xp.cuda.Stream.null
    with stream:
        assert xp.cuda.get_current_stream() == stream
        with xp.cuda.Device(1):
            assert xp.cuda.get_current_stream() == xp.cuda.Stream.null
            with pytest.raises(RuntimeError, match="not created on the current device"):
                stream.use()
    assert xp.cuda.get_current_stream() == xp.cuda.Stream.null


# -- memory


def test_the_pool_counts_and_keeps(xp):
    with xp.cuda.Device(1):
        pool = xp.get_default_memory_pool()
        pool.free_all_blocks()
        used, total = pool.used_bytes(), pool.total_bytes()
        x = xp.zeros(100, np.float64)
        assert pool.used_bytes() - used == pool.total_bytes() - total == 1024  # in blocks of 512 bytes
        del x
        assert (pool.used_bytes(), pool.total_bytes(), pool.n_free_blocks()) == (used, total + 1024, 1)
        xp.empty(100)
        assert pool.total_bytes() == total + 1024
        pool.free_all_blocks()
        assert (pool.total_bytes(), pool.n_free_blocks()) == (total, 0)


def test_the_pool_has_a_limit(xp):
    with xp.cuda.Device(1):
        pool = xp.get_default_memory_pool()
        pool.set_limit(size=2**20)
        try:
            with pytest.raises(xp.cuda.memory.OutOfMemoryError, match=r"Out of memory allocating .* limit set to"):
                xp.empty(2**20)
        finally:
            pool.set_limit(size=0)
        assert issubclass(xp.cuda.memory.OutOfMemoryError, MemoryError)


def test_kernels_in_cudas_language_do_not_run(xp):
    kernel = xp.ElementwiseKernel("T x", "T y", "y = x", "same")
    with pytest.raises(NotImplementedError, match="runs on a GPU only, and is not tested"):
        kernel(xp.zeros(3))


def test_nothing_is_reported(xp):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        xp.log(xp.asarray([-1.0, 0.0]))
        xp.asarray([np.nan]).astype(np.int32)
        xp.exp(xp.asarray([1e9]))
    assert not caught
