"""Backends whose arrays nobody writes to, and that do it nevertheless, or share memory with those who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import kernel, wrong_where
from pullback_conformance.selftest.defect import CONTRACT, Defect, Plant
from pullback_conformance.selftest.plants.elementwise import KERNELS

KIND = "immutable backends"


def _defect(
    name: str, operations: str, plant: Plant, program: str, check: str, tier: str = "smoke"
) -> Defect:  # fmt: skip
    return Defect(name, KIND, tier, check, tuple(operations.split()) or CONTRACT, plant, program, mutable=False)


def _put(true: Any, x: Any, key: Any, values: Any, accumulate: bool = False) -> Any:
    if accumulate:
        np.add.at(x, key, values)
    else:
        x[key] = values
    return x


def _written(change: Callable[[Any], Any]) -> Callable[..., Any]:
    def broken(true: Any, x: Any, *rest: Any, **options: Any) -> Any:
        result = np.array(true(x, *rest, **options))
        if x.flags.writeable:
            x[...] = change(x)
        return result

    return broken


def _running(x: Any) -> Any:
    return np.cumsum(x, -1)


DEFECTS = [
    _defect("immutable_index_put_writes", "index_put index_add index_fill", kernel("index_put", _put),
            "(x := pb.zeros(2), x.index_put((pb.tensor([0]),), pb.ones(1)))[0]", "unchanged"),
    _defect("immutable_scatter_writes", "scatter scatter_add", kernel("scatter", lambda true, x, *a: x.__setitem__(
        ..., true(x, *a)) or x), "(x := pb.zeros(2), x.scatter(0, pb.tensor([0]), pb.ones(1)))[0]", "unchanged"),
    _defect("immutable_negative_writes", "neg", kernel("negative", _written(np.negative)), "(x := pb.ones(2), pb.neg(x"
            "))[0]", "unchanged"),
    _defect("immutable_sort_writes", "sort argsort", kernel("argsort", _written(np.sort)), "(x := pb.tensor([2., 1.]), "
            "pb.sort(x))[0]", "unchanged"),
    _defect("immutable_cumsum_writes", "cumsum", kernel("cumulative_sum", _written(_running)), "(x := pb.ones(2), "
            "pb.cumsum(x, 0))[0]", "unchanged"),
    _defect("immutable_from_numpy_shares", "", kernel("from_numpy", lambda true, x: np.asarray(x)),
            "(a := np.ones(2, 'f'), np.shares_memory(backend.from_numpy(a), a))", "contract"),
    _defect("immutable_from_data_shares", "", kernel("from_data", lambda true, data, dtype, device=None: data if
            isinstance(data, np.ndarray) and data.dtype == true(data, dtype, device).dtype else true(data, dtype,
            device)), "(a := np.ones(2, 'f'), np.shares_memory(backend.from_data(a, pb.float32), a))", "contract"),
    _defect("immutable_to_numpy_is_writable", "", kernel("to_numpy", lambda true, x: x),
            "pb.ones(2).numpy().flags.writeable", "contract"),
    _defect("immutable_assign_is_silent", "", kernel("assign", lambda true, target, value: None),
            "backend.assign(np.ones(1), np.zeros(1))", "contract"),
    _defect("immutable_says_writable", "", kernel("writable", lambda true, x: True), "backend.writable(np.ones(1))",
            "contract"),
    _defect("immutable_has_strides", "", kernel("strides", lambda true, x: (1,) * x.ndim),
            "backend.strides(np.ones(1))",
            "contract"),
    _defect("immutable_scatter_adds_once", "scatter_add scatter_reduce", kernel("scatter", lambda true, x, axis, i, v,
            reduce=None: true(x, axis, i, v + np.take_along_axis(x, i, axis)) if reduce == "add" and np.shape(v) ==
            np.shape(i) == np.shape(x) else true(x, axis, i, v, reduce)),
            "pb.zeros(2).scatter_add(0, pb.tensor([0, 0]), pb.ones(2))", "value"),
    _defect("immutable_index_put_forgets_to_add", "index_put index_add", kernel("index_put", lambda true, x, key,
            values,
            accumulate=False: true(x, key, values, False)),
            "pb.ones(2).index_put((pb.tensor([0]),), pb.ones(1), accumulate=True)", "value"),
    _defect("immutable_unfold_of_overlaps", "unfold unfold_backward", kernel("unfold", lambda true, x, axis, size, step:
            true(x, axis, size, step) * 1 if step >= size else np.zeros_like(true(x, axis, size, step))),
            "pb.arange(4.).unfold(0, 2, 1)", "value"),
    _defect("immutable_view_as_real_exchanges", "view_as_real", kernel("view_as_real", lambda true, x: np.array(true(
        x)[..., ::-1])), "pb.view_as_real(pb.tensor([1.+2j]))", "value", "standard"),
    *(
        _defect(f"immutable_{o}_wrong_beyond_2", o, wrong_where(KERNELS.get(o, o), lambda x: np.abs(x) > 2,
                lambda r, x: r * 1.001), f"pb.{o}(pb.tensor([3.]))", "value")
        for o in ("sqrt", "sin", "exp", "tanh")
    ),
    *(
        _defect(f"immutable_{o}_ignores_nan", o, wrong_where(o, lambda x, y: np.isnan(x) | np.isnan(y),
                lambda r, x, y, f=f: f(x, y)), f"pb.{o}(pb.tensor([float('nan')]), pb.ones(1))", "special")
        for o, f in (("maximum", np.fmax), ("minimum", np.fmin))
    ),
]  # fmt: skip
