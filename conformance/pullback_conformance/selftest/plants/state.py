"""Kernels that remember: caches by too little, buffers used again, counters, scratch memory that threads share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import kernel
from pullback_conformance.selftest.defect import Defect, Plant

KIND = "caches, threads and nondeterminism"


def _defect(
    name: str, operation: str, kernel_name: str, make: Callable[[], Callable[..., Any]], program: str, check: str,
    tier: str = "smoke",
) -> Defect:  # fmt: skip
    def plant(backend: Any) -> None:
        kernel(kernel_name, make())(backend)

    kept: Plant = plant
    return Defect(name, KIND, tier, check, tuple(operation.split()), kept, program)


def _cached_by(key: Callable[..., Any]) -> Callable[[], Callable[..., Any]]:
    """A kernel that computes once for each key."""

    def make() -> Callable[..., Any]:
        cache: dict[Any, Any] = {}

        def broken(true: Any, *arguments: Any, **options: Any) -> Any:
            wanted = key(*arguments, **options)
            if wanted not in cache:
                cache[wanted] = np.array(true(*arguments, **options))
            return cache[wanted].copy()

        return broken

    return make


def _shape_and_dtype(x: Any, *rest: Any, **options: Any) -> Any:
    return np.shape(x), str(getattr(x, "dtype", type(x)))


def _buffered(*, only: int = 0) -> Callable[[], Callable[..., Any]]:
    """A kernel that gives results of one shape in one and the same memory, if they are large enough."""

    def make() -> Callable[..., Any]:
        buffers: dict[Any, Any] = {}

        def broken(true: Any, *arguments: Any, **options: Any) -> Any:
            result = np.asarray(true(*arguments, **options))
            if result.size < only:
                return result
            buffer = buffers.setdefault((result.shape, str(result.dtype)), np.array(result))
            buffer[...] = result
            return buffer

        return broken

    return make


def _every(period: int, change: Callable[[Any], Any]) -> Callable[[], Callable[..., Any]]:
    """A kernel of which every so many-th call is wrong."""

    def make() -> Callable[..., Any]:
        calls = [0]

        def broken(true: Any, *arguments: Any, **options: Any) -> Any:
            result = np.asarray(true(*arguments, **options))
            calls[0] += 1
            return result if calls[0] % period or result.dtype.kind != "f" else np.asarray(change(result))

        return broken

    return make


def _after(count: int, change: Callable[[Any], Any]) -> Callable[[], Callable[..., Any]]:
    def make() -> Callable[..., Any]:
        calls = [0]

        def broken(true: Any, *arguments: Any, **options: Any) -> Any:
            result = np.asarray(true(*arguments, **options))
            calls[0] += 1
            return result if calls[0] <= count or result.dtype.kind != "f" else np.asarray(change(result))

        return broken

    return make


def _ulp_more(result: Any) -> Any:
    return (result + np.spacing(result)).astype(result.dtype)


def _shared_scratch() -> Callable[..., Any]:
    """Two threads at a time spoil each other's result."""
    inside = [0]

    def broken(true: Any, *arguments: Any, **options: Any) -> Any:
        inside[0] += 1
        try:
            if threading.active_count() > 1:
                time.sleep(0.0005)
            result = np.asarray(true(*arguments, **options))
            return result * 2 if inside[0] > 1 and result.dtype.kind == "f" else result
        finally:
            inside[0] -= 1

    return broken


def _last_operand_kept() -> Callable[..., Any]:
    """The result is that of the call before where the operand is the same object, whatever is written in it."""
    last: list[Any] = [None, None]

    def broken(true: Any, x: Any, *rest: Any, **options: Any) -> Any:
        if last[0] is not x or rest or options:
            last[:] = [x, np.array(true(x, *rest, **options))]
        return last[1].copy()

    return broken


def _in_a_thread(call: str) -> str:
    return (
        "(pool := __import__('concurrent.futures').futures.ThreadPoolExecutor(8), "
        f"x := pb.ones(2), any(pool.map(lambda _: float({call}[0]) > 1.6, range(64))))[2]"
    )


DEFECTS = [
    _defect("exp_cached_by_shape", "exp", "exp", _cached_by(_shape_and_dtype),
            "(pb.exp(pb.ones(2)), pb.exp(pb.zeros(2)))",
            "state"),
    _defect("sum_cached_by_shape", "sum", "sum", _cached_by(lambda x, *a, **o: (np.shape(x), str(x.dtype), str(a),
            str(o))), "(pb.sum(pb.ones(2)), pb.sum(pb.zeros(2)))[1]", "state"),
    _defect("matmul_cached_by_its_first_operand", "matmul bmm", "matmul", _cached_by(lambda x, y: (
        x.tobytes(), x.shape, y.shape, str(x.dtype))), "(x := pb.ones(1, 2, 2), pb.bmm(x, x), pb.bmm(x, x * 2))[2]",
            "state"),
    _defect("roll_cached_without_its_shift", "roll", "roll", _cached_by(lambda x, shift, axis=None: (
        x.tobytes(), x.shape, str(x.dtype), str(axis))), "(x := pb.arange(3.), pb.roll(x, 1, 0), pb.roll(x, 2, 0))[2]",
            "state"),
    _defect("sum_cached_without_its_axis", "sum", "sum", _cached_by(lambda x, axis=None, dtype=None, keepdims=False: (
        x.tobytes(), x.shape, str(x.dtype), np.shape(axis), keepdims, str(dtype))),
            "(x := pb.arange(4.).reshape(2, 2), pb.sum(x, 0), pb.sum(x, 1))[2]", "state"),
    _defect("tril_cached_without_its_diagonal", "tril", "tril", _cached_by(lambda x, k=0: (x.tobytes(), x.shape, str(
        x.dtype))), "(x := pb.ones(2, 2), pb.tril(x), pb.tril(x, 1))[2]", "state"),
    _defect("arange_cached_by_its_length", "arange", "arange", _cached_by(lambda start, stop=None, step=1, **o: (
        str(o), -(-(stop - start) // step) if stop is not None else start)), "(pb.arange(0, 3), pb.arange(3, 6))[1]",
            "state"),
    _defect("exp_cached_by_the_object", "exp", "exp", lambda: _last_operand_kept(),
            "(x := pb.ones(2), pb.exp(x), x.zero_(), pb.exp(x))[3]", "state"),
    _defect("add_into_one_buffer", "add", "add", _buffered(), "(x := pb.add(pb.ones(2), pb.ones(2)), "
            "pb.add(pb.zeros(2), pb.zeros(2)))[0]", "state"),
    _defect("sin_into_one_buffer", "sin", "sin", _buffered(), "(x := pb.sin(pb.ones(2)), pb.sin(pb.zeros(2)))[0]",
            "state"),
    _defect("sum_into_one_buffer", "sum", "sum", _buffered(), "(x := pb.sum(pb.ones(2)), pb.sum(pb.zeros(2)))[0]",
            "state"),
    _defect("matmul_into_one_buffer", "mm", "mm", _buffered(), "(x := pb.mm(pb.ones(2, 2), pb.ones(2, 2)), "
            "pb.mm(pb.zeros(2, 2), pb.zeros(2, 2)))[0]", "state"),
    _defect("large_products_into_one_buffer", "mul", "multiply", _buffered(only=1000),
            "(x := pb.mul(pb.ones(1000), 2.), pb.mul(pb.ones(1000), 3.))[0]", "repeated", "standard"),
    _defect("sum_wavers", "sum", "sum", _every(2, _ulp_more), "(pb.sum(pb.ones(2)), pb.sum(pb.ones(2)))",
            "deterministic"),
    _defect("matmul_wavers", "mm matmul", "mm", _every(2, _ulp_more), "(x := pb.ones(2, 2), pb.mm(x, x), pb.mm(x, x))",
            "deterministic"),
    _defect("cumsum_wavers_now_and_then", "cumsum", "cumulative_sum", _every(3, _ulp_more),
            "[pb.cumsum(pb.ones(2), 0) for _ in range(3)]", "deterministic"),
    _defect("exp_is_wrong_each_hundredth_time", "exp", "exp", _every(100, np.zeros_like),
            "repeat(100, lambda: pb.exp(pb.ones(2)))", "repeated", "standard"),
    _defect("log_is_wrong_after_five_hundred_calls", "log", "log", _after(500, np.zeros_like),
            "repeat(501, lambda: pb.log(pb.full((2,), 2.)))", "repeated", "standard"),
    _defect("scratch_memory_shared_by_threads", "sqrt", "sqrt", _shared_scratch, _in_a_thread("pb.sqrt(x * 1.0)"),
            "threads", "standard"),
    _defect("scratch_memory_of_sums_shared_by_threads", "mean", "mean", _shared_scratch,
            _in_a_thread("pb.mean(x * 1.0)[None]"), "threads", "standard"),
]  # fmt: skip
