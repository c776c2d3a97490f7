"""Bad input that a kernel accepts where it must raise, or that it spoils something by before it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.extend import dtypes
from pullback_conformance.selftest.breaking import kernel
from pullback_conformance.selftest.defect import CONTRACT, Defect

KIND = "errors that must be raised"


def _defect(
    name: str, operations: str, kernel_name: str, broken: Callable[..., Any], program: str, check: str = "errors",
    tier: str = "smoke",
) -> Defect:  # fmt: skip
    return Defect(name, KIND, tier, check, tuple(operations.split()) or CONTRACT, kernel(kernel_name, broken), program)


def _instead(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that gives something where the right one raises."""

    def broken(true: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return true(*arguments, **options)
        except Exception:
            return otherwise(*arguments, **options)

    return broken


def _raising(error: type[Exception], where: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that raises where it must not."""

    def broken(true: Any, *arguments: Any, **options: Any) -> Any:
        if where(*arguments):
            raise error("not supported")
        return true(*arguments, **options)

    return broken


def _wrapped(true: Any, x: Any, indices: Any, *rest: Any, **options: Any) -> Any:
    axis = rest[0] if rest else options.get("axis", -1)
    return true(x, np.asarray(indices) % max(np.shape(x)[axis], 1) if np.ndim(x) else indices, *rest, **options)


DEFECTS = [
    _defect("division_of_integers_by_zero", "floor_divide remainder", "has_zero", lambda true, x: False,
            "pb.floor_divide(pb.tensor([1]), pb.tensor([0]))"),
    _defect("take_out_of_range_wraps", "index_select take", "take", _wrapped,
            "pb.index_select(pb.arange(2.), 0, pb.tensor([2]))"),
    _defect("gather_out_of_range_wraps", "gather take_along_dim", "take_along_axis", _wrapped,
            "pb.gather(pb.arange(3.), 0, pb.tensor([3]))"),
    _defect("index_put_out_of_range_is_ignored", "index_put", "index_put", _instead(lambda x, *rest: x.copy()),
            "pb.zeros(2).index_put((pb.tensor([2]),), pb.ones(1))"),
    _defect("scatter_out_of_range_is_ignored", "scatter", "scatter", _instead(lambda x, *rest: x.copy()),
            "pb.scatter(pb.zeros(2), 0, pb.tensor([5]), pb.ones(1))"),
    _defect("unknown_dtypes_become_float64", "", "native_dtype", _instead(
        lambda dtype: np.dtype("d")), "backend.native_dtype('float3')", "contract"),
    _defect("unknown_natives_are_float64", "", "dtype_of", _instead(
        lambda native: dtypes.by_name["float64"]), "backend.dtype_of(np.dtype('S3'))", "contract"),
    _defect("from_numpy_takes_strings", "", "from_numpy", _instead(
        lambda x: np.zeros(x.shape)), "backend.from_numpy(np.array(['a']))", "contract"),
    _defect("astype_of_complex_raises", "to_dtype to", "astype", _raising(TypeError, lambda x,
            dtype: x.dtype.kind == "c"
            and not dtype.is_complex), "pb.ones(1, dtype=pb.complex64).to(pb.float32)", "value", "standard"),
    _defect("exp_raises_for_nothing", "exp", "exp", _raising(ValueError, lambda x: not np.size(x)),
            "pb.exp(pb.zeros(0))", "value", "standard"),
    _defect("sum_raises_for_0d", "sum", "sum", _raising(ValueError, lambda x, *rest: not np.ndim(x)),
            "pb.sum(pb.tensor(1.))", "value"),
    _defect("sort_raises_for_truths", "sort argsort", "argsort", _raising(TypeError, lambda x: x.dtype == bool),
            "pb.sort(pb.tensor([True, False]))[0]", "value"),
    _defect("tan_refuses_complex_numbers", "tan", "tan", _raising(TypeError, np.iscomplexobj),
            "pb.tan(pb.tensor([1j]))", "value", "standard"),
]  # fmt: skip
