"""What crosses the border of a backend: NumPy's arrays, DLPack, devices, warnings."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import Any

import numpy as np

from pullback.extend import Device
from pullback_conformance.selftest.breaking import attributes, kernel, together
from pullback_conformance.selftest.defect import CONTRACT, Defect, Plant

KIND, WARNINGS = "sharing, DLPack and devices", "warnings"


def _defect(
    name: str, kernel_name: str, broken: Any, program: str, *, tier: str = "smoke",
    operations: tuple[str, ...] = (),
) -> Defect:  # fmt: skip
    plant = broken if kernel_name == "" else kernel(kernel_name, broken)
    return Defect(name, KIND, tier, "contract", (*CONTRACT, *operations), plant, program)


def _noisy(name: str, category: type[Warning] = RuntimeWarning) -> Plant:
    def broken(true: Any, *arguments: Any, **options: Any) -> Any:
        warnings.warn(f"from the depths of {name}", category, stacklevel=2)
        return true(*arguments, **options)

    return kernel(name, broken)


def _loud(backend: Any) -> None:
    """Nothing is done about the library's warnings of overflow and NaN."""
    backend.guard = nullcontext
    backend.silent = lambda found: found


def _always_copied(true: Any, producer: Any, copy: Any = None) -> Any:
    return np.array(true(producer, copy=copy))


_BF16 = "dtype=pb.bfloat16"
DEFECTS = [
    _defect("from_numpy_copies", "from_numpy", lambda true, x: np.array(true(x)),
            "(a := np.ones(2, 'f'), np.shares_memory(backend.from_numpy(a), a))"),
    _defect("from_numpy_makes_doubles", "from_numpy", lambda true, x: true(x.astype(np.float64) if x.dtype == np.float32
            else x), "backend.from_numpy(np.ones(2, 'f'))"),
    _defect("from_numpy_reads_other_byte_orders_as_its_own", "from_numpy", lambda true, x: true(
        x if x.dtype.isnative else x.view(x.dtype.newbyteorder("="))), "backend.from_numpy(np.ones(2, '>f4'))"),
    _defect("from_numpy_of_read_only_memory_is_writable", "from_numpy", lambda true, x: true(
            x) if x.flags.writeable else
            np.lib.stride_tricks.as_strided(np.frombuffer(bytes(x.tobytes()), x.dtype), x.shape).copy(),
            "(a := np.ones(2, 'f'), a.setflags(write=False), backend.writable(backend.from_numpy(a)))"),
    _defect("from_numpy_loses_zero_dimensions", "from_numpy", lambda true, x: true(np.atleast_1d(x)),
            "backend.from_numpy(np.array(1.))"),
    _defect("to_numpy_copies", "to_numpy", lambda true, x: np.array(true(x)),
            "(x := pb.ones(2), x.numpy().fill(0))[0]"),
    _defect("to_numpy_is_row_major", "to_numpy", lambda true, x: np.ascontiguousarray(true(x)),
            "backend.to_numpy(np.ones((2, 3)).T).strides"),
    _defect("to_numpy_is_read_only", "to_numpy", lambda true, x: np.broadcast_to(true(x), x.shape),
            "pb.ones(2).numpy().flags.writeable"),
    _defect("to_numpy_widens_bfloat16", "to_numpy", lambda true, x: true(x).astype(np.float32) if x.dtype.name ==
            "bfloat16" else true(x), f"str(backend.to_numpy(pb.ones(2, {_BF16}).array).dtype)", tier="standard"),
    _defect("from_dlpack_copies", "from_dlpack", _always_copied,
            "(a := np.ones(2, 'f'), pb.from_dlpack(a).zero_())[0]"),
    _defect("from_dlpack_shares_where_it_must_copy", "from_dlpack", lambda true, producer, copy=None: true(
        producer, copy=None), "(a := np.ones(2, 'f'), np.shares_memory(backend.from_dlpack(a, copy=True), a))"),
    _defect("from_dlpack_forgets_steps", "from_dlpack", lambda true, producer, copy=None: (lambda a: a if not a.ndim or
            a.flags.c_contiguous else np.lib.stride_tricks.as_strided(a, a.shape, np.empty(a.shape, a.dtype).strides))(
        true(producer, copy=copy)), "pb.from_dlpack(np.arange(8.)[::2])"),
    _defect("to_dlpack_forgets_bfloat16", "to_dlpack", lambda true, x, **o: x.view(np.uint16).__dlpack__(**{
        k: v for k, v in o.items() if v is not None}) if x.dtype.name == "bfloat16" else true(x, **o),
            f"pb.from_dlpack(pb.ones(2, {_BF16}))", tier="standard"),
    _defect("to_dlpack_copies", "to_dlpack", lambda true, x, **o: true(np.array(x), **o),
            "(x := pb.ones(2), np.from_dlpack(x).base is None, np.shares_memory(np.from_dlpack(x), "
            "backend.to_numpy(x.array)))[1:]"),
    _defect("dlpack_device_is_cuda", "dlpack_device", lambda true, x: (2, 0), "pb.ones(2).__dlpack_device__()"),
    _defect("device_of_is_another", "device_of", lambda true, x: Device("cuda", 0), "pb.ones(2).device",
            operations=("add",)),
    _defect("devices_are_none", "devices", lambda true: [], "backend.devices()"),
    _defect("has_every_device", "has_device", lambda true, device: True, "backend.has_device(pb.device('cuda'))"),
    _defect("to_device_copies", "to_device", lambda true, x, device: true(x, device).copy(),
            "backend.to_device(a := np.ones(2), backend.default_device) is a"),
    _defect("takes_other_devices", "", attributes(_check=lambda device: None),
            "backend.zeros((1,), dtype=np.dtype('f'), "
            "device=pb.device('cuda'))"),
    _defect("from_data_of_truths_is_floating", "from_data", lambda true, data, dtype, device=None: true(
        data, dtype, device).astype("f") if dtype.name == "bool" else true(data, dtype, device),
            "pb.tensor([True])", operations=("full",)),
    _defect("from_data_shares_memory", "from_data", lambda true, data, dtype, device=None: data if isinstance(
        data, np.ndarray) and data.dtype == true(data, dtype, device).dtype else true(data, dtype, device),
            "(a := np.ones(2, 'f'), np.shares_memory(backend.from_data(a, pb.float32), a))"),
    Defect("division_warns", WARNINGS, "smoke", "warnings", ("true_divide",), _noisy("divide"),
           "pb.div(pb.ones(1), 1.)"),
    Defect("log_warns_of_deprecation", WARNINGS, "smoke", "warnings", ("log",), _noisy("log", FutureWarning),
           "pb.log(pb.ones(1))"),
    Defect("overflow_warns", WARNINGS, "smoke", "warnings", ("exp", "softmax", "mul"), together(_loud, kernel(
        "exp", lambda true, x, **o: true(x, **o))), "pb.exp(pb.tensor([1000.]))"),
    Defect("invalid_operations_warn", WARNINGS, "smoke", "warnings", ("sqrt", "log"), together(_loud, kernel(
        "sqrt", lambda true, x, **o: true(x, **o))), "pb.sqrt(pb.tensor([-1.]))"),
    Defect("conversions_warn", WARNINGS, "standard", "warnings", ("to_dtype", "to"), _noisy("astype"),
           "pb.ones(1).to(pb.int32)"),
]  # fmt: skip
