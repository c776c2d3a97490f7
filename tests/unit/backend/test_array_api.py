"""The generic backend over namespaces other than the newest: an older standard, mutable arrays, odd devices."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.backend.array_api import ArrayAPIBackend
from pullback.errors import BackendError
from pullback.meta import dtypes as dt
from pullback.meta.devices import CPU, Device
from pullback_numpy.backend import NumPyBackend

SINCE_2024 = {"cumulative_prod", "take_along_axis", "reciprocal", "count_nonzero", "diff", "nextafter"}


@pytest.fixture(scope="module")
def older():
    """A namespace with what the 2023.12 standard has, whose binary functions take no Python scalars."""

    def binary(function):
        def call(x, y):
            assert hasattr(x, "dtype")
            assert hasattr(y, "dtype")
            return function(x, y)

        return call

    found = {n: getattr(array_api_strict, n) for n in array_api_strict.__all__ if n not in SINCE_2024}
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "less", "pow"):
        found[name] = binary(found[name])
    found["__array_api_version__"] = "2023.12"
    return ArrayAPIBackend("older", SimpleNamespace(**found))


def test_the_2023_standard(older):
    x = older.from_data([[1.0, 2.0, 4.0], [3.0, 5.0, 0.5]], dt.float64)
    np.testing.assert_array_equal(older.to_numpy(older.add(x, 1.0)), older.to_numpy(x) + 1)
    np.testing.assert_array_equal(older.to_numpy(older.pow(2.0, x)), 2 ** older.to_numpy(x))
    np.testing.assert_array_equal(older.to_numpy(older.clip(x, 1.0, 4.0)), older.to_numpy(x).clip(1, 4))
    np.testing.assert_array_equal(older.to_numpy(older.reciprocal(x)), 1 / older.to_numpy(x))
    np.testing.assert_array_equal(older.to_numpy(older.exp2(x)), 2 ** older.to_numpy(x))
    np.testing.assert_array_equal(
        older.to_numpy(older.cumulative_prod(x, axis=1)), np.cumprod(older.to_numpy(x), axis=1)
    )
    index = older.from_data([[2, 0], [1, 1]], dt.int64)
    np.testing.assert_array_equal(older.to_numpy(older.take_along_axis(x, index, 1)), [[4, 1], [5, 5]])
    flags = older.from_data([True, False], dt.bool_)
    np.testing.assert_array_equal(older.to_numpy(older.add(flags, True)), [True, True])


def test_mutable_arrays():
    backend = ArrayAPIBackend("mutable", array_api_strict, mutable=True)
    x = backend.from_data([[1.0, 2.0], [3.0, 4.0]], dt.float32)
    assert backend.writable(x)
    row = backend.getitem(x, 1)
    backend.assign(row, 7.0)
    np.testing.assert_array_equal(backend.to_numpy(x), [[1, 2], [7, 7]])
    assert backend.strides(backend.permute_dims(x, (1, 0))) == (1, 2)
    assert backend.data_pointer(row) == backend.data_pointer(x) + 8
    assert not np.shares_memory(backend.to_numpy(backend.flip(x, axis=0)), backend.to_numpy(x))


def test_devices_are_found_by_their_names():
    class Info:
        def default_device(self):
            return "cuda:1"

        def devices(self):
            return ["cuda:0", "cuda:1", "CpuDevice(id=0)", "gpu_2", "quantum"]

    names = {n: getattr(array_api_strict, n) for n in array_api_strict.__all__}
    backend = ArrayAPIBackend("gpus", SimpleNamespace(**names | {"__array_namespace_info__": Info}))
    assert backend.default_device == Device("cuda:1")
    assert backend.devices() == [Device("cuda:1"), Device("cuda:0"), CPU, Device("cuda:2")]
    assert backend.native_device(Device("cuda:2")) == "gpu_2"
    assert backend.native_device(Device("cuda")) == "cuda:1"
    assert backend.has_device(Device("cuda"))


@pytest.mark.parametrize("namespace", [None, "numpy", 3, {}, object()], ids=lambda n: type(n).__name__)
def test_what_is_no_namespace(namespace):
    kind = type(namespace).__name__
    with pytest.raises(
        TypeError, match=f"'namespace' must be an array library's namespace, .*, not {kind}, which has no"
    ):
        ArrayAPIBackend("none", namespace)


@pytest.mark.parametrize("result", [None, "text", object()], ids=["none", "text", "object"])
def test_a_kernel_that_gives_no_array(result):
    class Forgetful(ArrayAPIBackend):
        def exp(self, x):
            return result

    x = pb.ones(2, backend=Forgetful("forgetful", array_api_strict))
    message = f"'forgetful': a kernel's result has type {type(result).__name__}, of which its library makes no array"
    with pytest.raises(BackendError, match=message):
        x.exp()


def test_results_of_an_unknown_dtype_name_backend_kernel_and_dtype():
    class Wide(NumPyBackend):
        def exp(self, x):
            return np.exp(x.astype(np.longdouble))

    backend = Wide()
    x = pb.Tensor._wrap(np.ones(2, np.float32), backend)
    for _ in range(2):
        with pytest.raises(BackendError, match=r"exp\(\): the kernel 'exp' of backend 'numpy' gave an array of dtype"):
            x.exp()
    with pytest.raises(TypeError, match="'numpy' has arrays of dtype"):
        _ = pb.Tensor._wrap(np.ones(2, np.longdouble), backend).dtype


@pytest.mark.parametrize(
    ("kernel", "call", "said"),
    [
        ("mm", lambda x: x @ x, "mm.*gave an array of dtype float64 for torch.float32; expected float32"),
        ("multiply", lambda x: x * x, "mul.*gave an array of dtype float64 for torch.float32; expected float32"),
        ("less", lambda x: x < x, "lt.*gave an array of dtype float32 for torch.float32; expected bool"),
        ("add", lambda x: x + x, r"add.*gave an array of shape \[1, 2, 2\]; expected \[2, 2\]"),
    ],
)
def test_a_kernel_whose_result_is_not_what_was_promised(kernel, call, said):
    wrong = {
        "mm": lambda x, y: np.matmul(x, y).astype(np.float64),
        "multiply": lambda x, y: np.multiply(x, y).astype(np.float64),
        "less": lambda x, y: np.less(x, y).astype(np.float32),
        "add": lambda x, y: np.add(x, y)[None],
    }
    backend = NumPyBackend()
    backend.add_kernels({kernel: wrong[kernel]})
    backend.kernel_for = lambda name, dtype: backend.kernel(name)  # without those of its own for some dtypes
    x = pb.Tensor._wrap(np.ones((2, 2), np.float32), backend)
    for _ in range(2):
        with pytest.raises(BackendError, match=said):
            call(x)


def test_the_backend_says_where_arrays_are():
    # What the library says of its arrays need not be what it takes as an argument.
    class Elsewhere(ArrayAPIBackend):
        asked = 0

        def device_of(self, array):
            self.asked += 1
            return CPU

        def native_device(self, device):
            return None if device in (None, CPU) else super().native_device(device)

    backend = Elsewhere("elsewhere", array_api_strict)
    x = backend.from_data([1.0, 2.0], pb.float32)
    assert backend.to_device(x, CPU) is x
    assert backend.like(3, x).dtype == x.dtype
    assert backend.asked == 2


@pytest.mark.parametrize("function", [pb.sign, pb.sgn, pb.erf, pb.erfinv, pb.relu])
def test_a_library_may_give_scalars_of_its_own_for_results_without_dimensions(function: Any) -> None:
    plain = ArrayAPIBackend("plain", np)  # NumPy's own functions do
    for value in (-0.5, 0.0, 0.5):
        assert function(pb.tensor(value, backend=plain)).tolist() == pytest.approx(function(pb.tensor(value)).tolist())


class Placeless:
    """An array of a library of one device and without DLPack: it says neither where it is nor how to pass it on."""

    def __init__(self, elements: Any) -> None:
        self.elements = np.asarray(elements)

    @property
    def dtype(self) -> Any:
        return self.elements.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.elements.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.elements


@pytest.fixture
def without_dlpack() -> ArrayAPIBackend:
    def made(function: Any) -> Any:
        return lambda *args, device=None, **options: Placeless(function(*args, **options))

    names = ("bool", "int64", "float32", "float64")
    functions = ("asarray", "zeros", "reshape")
    return ArrayAPIBackend(
        "placeless",
        SimpleNamespace(
            **{name: getattr(np, name) for name in names}, **{name: made(getattr(np, name)) for name in functions}
        ),
    )


def test_arrays_of_a_library_with_one_device_need_not_say_where_they_are(without_dlpack: ArrayAPIBackend) -> None:
    array = without_dlpack.from_data([1.0], dt.float32)
    assert without_dlpack.device_of(array) == CPU
    assert without_dlpack.to_device(array, CPU) is array
    with pytest.raises(BackendError, match="has no device 'cuda:0'"):
        without_dlpack.to_device(array, Device("cuda", 0))


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_library_without_dlpack_exports_a_copy(without_dlpack: ArrayAPIBackend, version: Any) -> None:
    array = without_dlpack.from_data([1.0, 2.0], dt.float32)

    class Producer:
        def __dlpack__(self, **asked: Any) -> Any:
            return without_dlpack.to_dlpack(array, max_version=version)

        def __dlpack_device__(self) -> tuple[int, int]:
            return without_dlpack.dlpack_device(array)

    taken = np.from_dlpack(Producer())
    np.testing.assert_array_equal(taken, [1, 2])
    assert not np.shares_memory(taken, array.elements)
    with pytest.raises(BufferError, match="without a copy"):
        without_dlpack.to_dlpack(array, copy=False)


def test_a_library_without_dlpack_imports_a_copy(without_dlpack: ArrayAPIBackend) -> None:
    given = np.array([1.0, 2.0], np.float32)
    array = without_dlpack.from_dlpack(given)
    given[0] = 7
    np.testing.assert_array_equal(array.elements, [1, 2])
    assert array.dtype == np.float32
    with pytest.raises(BufferError, match="without a copy"):
        without_dlpack.from_dlpack(given, copy=False)
    with pytest.raises(TypeError, match="arrays of dtype int16 that pullback does not support"):
        without_dlpack.from_dlpack(np.zeros(1, np.int16))


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.zeros(1, "M8[s]"), np.array([None])], ids=["text", "date", "object"]
)
def test_numpy_arrays_that_no_tensor_holds_are_refused_where_there_is_no_dlpack(
    without_dlpack: ArrayAPIBackend, array: Any
) -> None:
    with pytest.raises(TypeError, match="that pullback does not support"):
        without_dlpack.from_numpy(array)


def test_a_boolean_key_asks_the_backend_where_it_is_true() -> None:
    class Counting(ArrayAPIBackend):
        asked = 0

        def nonzero(self, x: Any) -> Any:
            self.asked += 1
            return super().nonzero(x)

    backend = Counting("counting", array_api_strict)
    x = backend.from_data([1.0, 2.0, 3.0], dt.float32)
    kept = backend.getitem(x, backend.from_data([True, False, True], dt.bool_))
    np.testing.assert_array_equal(backend.to_numpy(kept), [1, 3])
    assert backend.asked == 1
