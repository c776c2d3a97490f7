"""The CuPy backend over the stand-in: what it adds to CuPy, and where CuPy's own functions would be wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.extend import BackendError, Device
from pullback.extend import dtypes as dt


def array(backend, values, dtype=dt.float32, device=None):
    return backend.from_data(values, dtype, device)


def test_it_says_that_it_ran_on_no_gpu(backend):
    versions = backend.versions()
    assert versions["cupy"].endswith("stand-in (no GPU)")
    assert versions["GPU"] == "stand-in (no GPU)"


def test_without_a_device_it_is_not_available(stand_in, monkeypatch):
    monkeypatch.setenv("CUPY_STAND_IN_DEVICES", "0")
    assert stand_in.backend.CuPyBackend.unavailable_reason() == "no CUDA device"


def test_a_small_network_is_trained(backend):
    with pb.use_backend("cupy"):
        pb.manual_seed(0)
        x = pb.randn(16, 3)
        y = x.sum(1, keepdim=True)
        model = pb.nn.Sequential(pb.nn.Linear(3, 8), pb.nn.Tanh(), pb.nn.Linear(8, 1))
        optimizer = pb.optim.Adam(model.parameters(), lr=0.05)
        losses = []
        for _ in range(30):
            optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert next(model.parameters()).device == Device("cuda", 0)


# -- kernels that CuPy has otherwise


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16, dt.float32, dt.float64])
def test_remainders_are_exact(backend, dtype):
    x = [5.0, -5.0, 5.0, -5.0, 7.0, -0.0, 3.0, math.inf, 1.0]
    y = [math.inf, math.inf, -math.inf, -3.0, 0.0, 2.0, 1.5, 2.0, -4.0]
    got = backend.to_numpy(backend.remainder(array(backend, x, dtype), array(backend, y, dtype)))
    want = np.array([5.0, math.inf, -math.inf, -2.0, math.nan, 0.0, 0.0, math.nan, -3.0])
    np.testing.assert_array_equal(got.astype(np.float64), want)


def test_a_remainder_of_a_large_quotient_has_digits(backend):
    x, y = 1e20, 3.0
    got = backend.to_numpy(backend.remainder(array(backend, [x], dt.float64), array(backend, [y], dt.float64)))
    assert got[0] == math.fmod(x, y)


def test_floored_quotients_do_not_round_up(backend):
    one, tenth = array(backend, [1.0, -1.0, 1.0, 0.0], dt.float64), array(backend, [0.1, 0.1, 0.0, -2.0], dt.float64)
    got = backend.to_numpy(backend.floor_divide(one, tenth))
    np.testing.assert_array_equal(got, [9.0, -10.0, math.inf, -0.0])
    assert np.signbit(got[3])


@pytest.mark.parametrize("name", ["log1p", "expm1"])
@pytest.mark.parametrize("dtype", [dt.complex64, dt.complex128])
def test_small_complex_numbers_keep_their_digits(backend, name, dtype):
    x = [1e-12 + 2e-12j, -3e-9 + 1e-9j, 0.25 - 0.5j, 2 + 3j, -1e-30 - 1e-3j]
    got = backend.to_numpy(getattr(backend, name)(array(backend, x, dtype)))
    # To second order: at sizes where the third one counts, the plain formula has its digits.
    square = {"log1p": -0.5, "expm1": 0.5}[name]
    plain = {"log1p": lambda z: np.log(1 + z), "expm1": lambda z: np.exp(z) - 1}[name]
    want = np.array([z + square * z * z if abs(z) < 1e-2 else plain(np.complex128(z)) for z in x])
    np.testing.assert_allclose(got, want, rtol=1e-5 if dtype is dt.complex64 else 1e-6)


def test_complex_numbers_are_true_or_false(backend):
    x, y = array(backend, [0, 1j, 1, 0], dt.complex64), array(backend, [0, 0, 2j, -0.0], dt.complex64)
    assert backend.logical_and(x, y).tolist() == [False, False, True, False]
    assert backend.logical_or(x, y).tolist() == [False, True, True, False]
    assert backend.logical_xor(x, y).tolist() == [False, True, False, False]
    assert backend.logical_not(x).tolist() == [True, False, False, True]


def test_bfloat16_stays_bfloat16(backend):
    bfloat16 = backend.native_dtype(dt.bfloat16)
    x = array(backend, [[1.0, -2.0], [3.0, 4.0]], dt.bfloat16)
    for result in (
        backend.where(x > 0, x, x),
        backend.where(x > 0, x, 0.5),
        backend.where(x > 0, backend.number(1, dt.bfloat16), x),
        backend.tril(x),
        backend.triu(x, k=1),
        backend.sort(x),
        backend.sum(x, 0),
        backend.matmul(x, x),
        backend.multiply(x, backend.number(0.5, dt.bfloat16)),
    ):
        assert result.dtype == bfloat16
    assert backend.where(x > 0, x, 0.5).tolist() == [[1.0, 0.5], [3.0, 4.0]]
    assert backend.tril(x).tolist() == [[1.0, 0.0], [3.0, 4.0]]


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16, dt.float32, dt.int8, dt.int64, dt.bool_, dt.complex64])
def test_values_add_up_at_positions_in_every_dtype(backend, dtype):
    x = array(backend, [0, 0, 0], dtype)
    positions = array(backend, [2, 0, 2], dt.int64)
    put = backend.index_put(x, (positions,), array(backend, [1, 1, 1], dtype), True)
    scattered = backend.scatter(x, 0, positions, array(backend, [1, 1, 1], dtype), "add")
    want = [1, 0, 1] if dtype is dt.bool_ else [1, 0, 2]
    assert put.tolist() == scattered.tolist() == want


@pytest.mark.parametrize(("reduce", "want"), [("multiply", [6, 1, 10]), ("max", [3, 1, 5]), ("min", [1, 1, 1])])
def test_values_combine_at_positions(backend, reduce, want):
    x, positions = array(backend, [1, 1, 2], dt.int16), array(backend, [0, 0, 2], dt.int64)
    x = x if reduce != "min" else array(backend, [2, 1, 2], dt.int16)
    values = array(backend, [2, 3, 5] if reduce != "min" else [1, 3, 1], dt.int16)
    assert backend.scatter(x, 0, positions, values, reduce).tolist() == want


def test_reductions_of_no_dimensions(backend):
    assert backend.sum(array(backend, 3.0), 0).tolist() == 3.0


# -- memory


def test_views_with_any_strides_do_not_own_their_memory(backend):
    x = array(backend, [[1.0, 2.0], [3.0, 4.0]])
    for view in (backend.as_strided(x, (2,), (1,), 1), backend.unfold(x, 1, 1, 1), backend.diagonal(x), x.T):
        assert not backend.owns_memory(view)
        assert backend.data_pointer(view) - backend.data_pointer(x) in (0, 4)
    assert backend.owns_memory(x)


def test_numbers_are_not_copied_to_the_device(backend, counted):
    with pb.use_backend("cupy"):
        x = pb.tensor([1.0, 2.0])
        before = counted("to device")
        y = x * 2.5 + 1 - 0.25
        assert counted("to device") == before
        assert y.tolist() == [3.25, 5.75]


def test_training_does_not_wait_for_the_device(backend, counted):
    with pb.use_backend("cupy"):
        pb.manual_seed(0)
        x, target = pb.randn(8, 4), pb.randn(8, 3)
        model = pb.nn.Sequential(pb.nn.Linear(4, 3), pb.nn.GELU(), pb.nn.LayerNorm(3))
        optimizer = pb.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        before = counted("synchronizations")
        for _ in range(2):
            optimizer.zero_grad()
            loss = pb.nn.functional.mse_loss(pb.softmax(model(x), 1), target)
            loss.backward()
            optimizer.step()
        assert counted("synchronizations") == before


def test_memory_is_counted_and_given_back(backend):
    device = Device("cuda", 1)
    backend.empty_cache()
    allocated, reserved = backend.memory_allocated(device), backend.memory_reserved(device)
    x = backend.zeros((1000,), dtype=backend.native_dtype(dt.float64), device=device)
    assert backend.memory_allocated(device) - allocated == backend.memory_reserved(device) - reserved == 8192
    assert backend.memory_allocated() == backend.memory_allocated(Device("cuda", 0))
    free, total = backend.mem_get_info(device)
    assert total - free == backend.memory_reserved(device)
    del x
    assert backend.memory_reserved(device) == reserved + 8192
    assert backend.free_blocks(device) == 1
    backend.empty_cache()
    assert backend.memory_reserved(device) == reserved


def test_memory_has_a_limit(backend):
    device = Device("cuda", 1)
    backend.set_memory_limit(2**20, device)
    try:
        with pytest.raises(MemoryError, match="Out of memory allocating"):
            backend.zeros((2**20,), dtype=backend.native_dtype(dt.float32), device=device)
    finally:
        backend.set_memory_limit(0, device)


def test_pinned_memory_is_numpys(backend, xp):
    host = backend.empty_pinned((2, 3), dt.bfloat16)
    host[...] = 1.5
    on_device = backend.from_numpy(host)
    assert on_device.tolist() == [[1.5] * 3] * 2
    assert xp.asnumpy(on_device * 2, out=host) is host
    assert host.tolist() == [[3.0] * 3] * 2


# -- exchange


def test_arrays_of_the_host_come_as_copies(backend):
    host = np.arange(3.0)
    got = backend.from_dlpack(host)
    assert got.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(BufferError, match="as a copy only"):
        backend.from_dlpack(host, copy=False)


def test_arrays_of_the_device_are_shared_or_copied(backend):
    x = array(backend, [1.0, 2.0, 3.0])
    shared, copied = backend.from_dlpack(x), backend.from_dlpack(x, copy=True)
    x[0] = 9
    assert shared.tolist() == [9.0, 2.0, 3.0]
    assert copied.tolist() == [1.0, 2.0, 3.0]
    assert backend.dlpack_device(x) == (2, 0)


# -- positions and zeros that are only looked at where that is asked for


def test_positions_out_of_range_wrap_around(backend, counted):
    x, positions = array(backend, [1.0, 2.0, 3.0]), array(backend, [4], dt.int64)
    before = counted("synchronizations")
    assert not backend.any_negative(positions)
    assert not backend.has_zero(positions)
    found = backend.getitem(x, (positions,))
    assert counted("synchronizations") == before
    assert found.tolist() == [2.0]


@pytest.mark.parametrize(
    ("value", "checks"), [("true", True), ("1", True), ("false", False), ("0", False), ("", False)]
)
def test_the_environment_says_whether_positions_are_checked(make, value, checks):
    assert make(PULLBACK_CUPY_CHECKS=value).checks_positions is checks


@pytest.mark.parametrize(
    "call",
    [
        lambda backend, x, i: backend.getitem(x, (slice(None), i)),
        lambda backend, x, i: backend.getitem(x, (..., i)),
        lambda backend, x, i: backend.take(x, i, axis=1),
        lambda backend, x, i: backend.take_along_axis(x, backend.reshape(i, (1, 1)), 1),
        lambda backend, x, i: backend.index_put(x, (slice(None), i), x[:, :1]),
        lambda backend, x, i: backend.scatter(x, 1, backend.reshape(i, (1, 1)), x[:1, :1]),
    ],
)
@pytest.mark.parametrize("position", [3, -4])
def test_positions_are_checked_where_that_is_asked_for(make, call, position):
    backend = make(PULLBACK_CUPY_CHECKS="1")
    x, positions = array(backend, [[1.0, 2.0, 3.0]]), array(backend, [position], dt.int64)
    with pytest.raises(IndexError, match=rf"^index {position} is out of bounds for dimension 1 with size 3$"):
        call(backend, x, positions)
    backend.checks_positions = False
    call(backend, x, positions)


def test_limitations_go_with_what_is_checked(make):
    backend = make()
    assert any(limitation.operation == "gather" for limitation in backend.limitations)
    backend.checks_positions = True
    assert not any(limitation.operation == "gather" for limitation in backend.limitations)
    assert backend.any_negative(array(backend, [3, -1], dt.int64))
    assert backend.has_zero(array(backend, [3, 0], dt.int64))
    with pb.use_backend("cupy"), pytest.raises(RuntimeError, match="ZeroDivisionError"):
        pb.tensor([1, 2]) // pb.tensor([0, 1])


# -- devices


@pytest.fixture
def without_peer_access(monkeypatch):
    """A machine on which a kernel with an operand of another device is an error, not a warning."""
    monkeypatch.setenv("CUPY_STAND_IN_PEER_ACCESS", "0")


def test_devices(backend):
    assert backend.devices() == [Device("cuda", 0), Device("cuda", 1)]
    with pytest.raises(BackendError, match=r"backend 'cupy' has no device 'cuda:7'; it has 'cuda:0', 'cuda:1'"):
        backend.zeros((1,), dtype=backend.native_dtype(dt.float32), device=Device("cuda", 7))


@pytest.mark.usefixtures("without_peer_access")
def test_operations_run_where_their_operands_are(backend, xp):
    with pb.use_backend("cupy"):
        x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], device="cuda:1", requires_grad=True)
        y = pb.softmax(x @ x.T * 2 + 1, dim=1)
        z = pb.where(y > 0.5, y, -y).cumsum(0).sort().values[:, 0].std() + pb.logsumexp(x, 1).sum()
        z.backward()
        assert y.device == z.device == x.grad.device == Device("cuda", 1)
        x.data[0, 1:] = 5
        x.data.index_add_(0, pb.tensor([0], device="cuda:1"), pb.ones(1, 2, device="cuda:1"))
        assert x.tolist() == [[2.0, 6.0], [3.0, 4.0]]
    assert xp.cuda.runtime.getDevice() == 0


@pytest.mark.usefixtures("without_peer_access")
def test_a_number_of_another_device_comes_along(backend):
    with pb.use_backend("cupy"):
        x = pb.tensor([1.0, 2.0], device="cuda:1")
        scale = pb.tensor(3.0, device="cuda:0")
        assert (x * scale).tolist() == [3.0, 6.0]
        assert (x * scale).device == (scale * x).device == Device("cuda", 1)


@pytest.mark.usefixtures("without_peer_access")
def test_operands_on_two_devices_are_an_error(backend):
    with pb.use_backend("cupy"):
        x, y = pb.ones(2, device="cuda:0"), pb.ones(2, device="cuda:1")
        for call in (lambda: x + y, lambda: pb.where(x > 0, x, y), lambda: pb.cat([x, y]), lambda: x.add_(y)):
            with pytest.raises(RuntimeError, match="found at least two devices, cuda:0 and cuda:1"):
                call()


@pytest.mark.usefixtures("without_peer_access")
def test_tensors_move_between_devices(backend):
    with pb.use_backend("cupy"):
        x = pb.arange(6.0).reshape(2, 3).T[::2]  # with gaps, which CuPy itself does not move
        there = x.to("cuda:1")
        assert there.device == Device("cuda", 1)
        assert there.tolist() == x.tolist()
        assert there.to("cuda:0").tolist() == there.to("numpy").tolist() == x.tolist()
        x.copy_(there * 2)
        assert x.tolist() == (there * 2).tolist()
        assert x.to(x.device) is x


def test_with_one_device_nothing_is_put_around_kernels(make, xp):
    backend = make(CUPY_STAND_IN_DEVICES="1")
    assert backend.add is xp.add
    assert backend.silent(xp.exp) is xp.exp
    assert backend.devices() == [Device("cuda", 0)]


def test_kernels_run_on_the_current_stream(backend, xp, counted):
    stream = xp.cuda.Stream(non_blocking=True)
    before = counted(f"kernels on stream {stream.ptr}"), counted("synchronizations")
    with pb.use_backend("cupy"), stream:
        x = pb.ones(3, requires_grad=True)
        (x * x).sum().backward()
    assert counted(f"kernels on stream {stream.ptr}") > before[0]
    assert counted("synchronizations") == before[1]
    with stream:
        backend.synchronize()
    assert counted("synchronizations") == before[1] + 1


# -- precision


def test_products_of_float32_may_use_tf32(backend, xp):
    assert backend.float32_matmul_precision == "highest"
    for precision, kind in (("high", 7), ("medium", 7), ("highest", 1)):
        backend.set_float32_matmul_precision(precision)
        assert backend.float32_matmul_precision == precision
        assert xp._core.get_compute_type(np.float32) == kind
        assert xp._core.get_compute_type(np.float64) == 1


def test_the_environment_may_ask_for_tf32(make):
    assert make(CUPY_TF32="1").float32_matmul_precision == "high"


def test_the_numpy_backend_is_still_there(backend):
    assert get_backend("numpy").name == "numpy"
    assert get_backend("cupy") is backend
