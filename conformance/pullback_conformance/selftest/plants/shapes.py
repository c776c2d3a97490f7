"""Axes, attributes, operands without elements, broadcasting, tensors without dimensions, ties and NaN on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import kernel
from pullback_conformance.selftest.defect import Defect

AXES, EMPTY, BROADCASTING = "axes and attributes", "empty operands", "broadcasting and 0-d"
EXTREMES, INDICES = "extremes and order", "indices"
M = "pb.arange(6.).reshape(2, 3)"
CUBE = "pb.arange(24.).reshape(2, 3, 4)"


def _defect(
    kind: str,
    name: str,
    operations: str,
    kernel_name: str,
    broken: Callable[..., Any],
    program: str,
    tier: str = "smoke",
    check: str = "value",
) -> Defect:
    return Defect(name, kind, tier, check, tuple(operations.split()), kernel(kernel_name, broken), program)


def _axis_of(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return arguments[0] if arguments else options.get("axis")


def _with_axis(change: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A reduction whose axis goes through ``change(axis, x)``."""

    def broken(true: Any, x: Any, *arguments: Any, **options: Any) -> Any:
        axis = change(_axis_of(arguments, options), x)
        if arguments:
            return true(x, axis, *arguments[1:], **options)
        return true(x, **{**options, "axis": axis})

    return broken


def _middle_is_last(axis: Any, x: Any) -> Any:
    return x.ndim - 1 if axis in (1, (1,)) and x.ndim == 3 and x.shape[1] == x.shape[2] else axis


def _first_of_several(axis: Any, x: Any) -> Any:
    if isinstance(axis, tuple) and len(axis) == 2 and x.ndim > 2:
        return axis[0], axis[0] + 1 if axis[0] + 1 < x.ndim else axis[1]
    return axis


def _keeping(true: Any, x: Any, *arguments: Any, **options: Any) -> Any:
    """Leaves the reduced axes out, whatever is asked; a reduction over everything excepted."""
    result = np.asarray(true(x, *arguments, **options))
    axis = _axis_of(arguments, options)
    if result.ndim == x.ndim and x.ndim and axis is not None:
        return result.reshape([n for n in result.shape if n != 1] or [1])
    return result


def _empty(value: Any) -> Callable[..., Any]:
    """A reduction that gives some value where nothing is reduced."""

    def broken(true: Any, x: Any, *arguments: Any, **options: Any) -> Any:
        result = np.asarray(true(x, *arguments, **options))
        return np.full_like(result, value) if x.size == 0 and result.size else result

    return broken


def _without(*names: str) -> Callable[..., Any]:
    """A kernel that ignores some of its options."""
    return lambda true, *a, **o: true(*a, **{k: v for k, v in o.items() if k not in names})


def _at_least_1d(true: Any, *arguments: Any, **options: Any) -> Any:
    result = np.asarray(true(*arguments, **options))
    return result if result.ndim else result.reshape(1)


def _fresh_second(true: Any, x: Any, y: Any, **options: Any) -> Any:
    """Broadcasting of a column against a row repeats the row's first element."""
    if np.ndim(x) == 2 and np.ndim(y) in (1, 2) and np.shape(x)[1] == 1 and np.shape(y)[-1] > 1:
        y = np.broadcast_to(np.asarray(y)[..., :1], np.shape(y))
    return true(x, y, **options)


def _no_correction(true: Any, x: Any, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    return true(x, axis, min(correction, 1.0), keepdims)


def _last_maximum(true: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None or x.ndim == 0 or x.size == 0:
        flat = x.reshape(-1)
        return true(x, axis, keepdims) if not x.size or x.ndim == 0 else (
            flat.size - 1 - true(flat[::-1], None)
        ).reshape(true(x, axis, keepdims).shape)  # fmt: skip
    return x.shape[axis] - 1 - true(np.flip(x, axis), axis, keepdims)


def _nan_last(function: Callable[..., Any]) -> Callable[..., Any]:
    def broken(true: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        result = true(x, axis, keepdims)
        if x.dtype.kind != "f" or not np.isnan(x).any():
            return result
        return np.asarray(function(x, axis=axis, keepdims=keepdims)).astype(result.dtype)

    return broken


def _unstable(true: Any, x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    if not x.ndim or not x.shape[axis]:
        return true(x, axis=axis, descending=descending, stable=stable)
    return x.shape[axis] - 1 - np.asarray(true(np.flip(x, axis), axis=axis, descending=descending, stable=stable))


def _nan_first(true: Any, x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    return true(np.where(np.isnan(x), -np.inf, x).astype(x.dtype) if x.dtype.kind == "f" else x, axis=axis,
                descending=descending, stable=stable)  # fmt: skip


def _clipping(position: int) -> Callable[..., Any]:
    def broken(true: Any, x: Any, indices: Any, *rest: Any, **options: Any) -> Any:
        axis = options.get("axis")
        count = x.size if axis is None else x.shape[axis]
        return true(x, np.clip(indices, 0, max(count - 1, 0)), *rest, **options)

    del position
    return broken


def _without_repeats(true: Any, x: Any, key: Any, values: Any, accumulate: bool = False) -> Any:
    if not accumulate:
        return true(x, key, values, accumulate)
    return true(x, key, np.asarray(x)[key] + values, False)


def _scattered_once(true: Any, x: Any, axis: int, indices: Any, values: Any, reduce: str | None = None) -> Any:
    """Of repeated positions the last alone is added."""
    if reduce != "add" or not x.ndim:
        return true(x, axis, indices, values, reduce)
    gathered = np.take_along_axis(np.asarray(x), indices, axis)
    values = np.asarray(values)
    if values.ndim:
        values = values[tuple(slice(0, n) for n in indices.shape)]
    return true(x, axis, indices, gathered + values)


def _scatter_max_is_last(true: Any, x: Any, axis: int, indices: Any, values: Any, reduce: str | None = None) -> Any:
    return true(x, axis, indices, values, None if reduce == "max" else reduce)


DEFECTS = [
    # axes
    _defect(AXES, "sum_of_the_middle_axis", "sum", "sum", _with_axis(_middle_is_last),
            "pb.sum(pb.arange(27.).reshape(3, 3, 3), 1)", "standard"),
    _defect(AXES, "sum_of_axes_apart", "sum", "sum", _with_axis(_first_of_several), f"pb.sum({CUBE}, (0, 2))",
            "standard"),
    _defect(AXES, "max_of_axes_apart", "amax", "max", _with_axis(_first_of_several), f"pb.amax({CUBE}, (0, 2))",
            "standard"),
    _defect(AXES, "prod_of_the_first_axis", "prod", "prod", _with_axis(lambda axis,
            x: x.ndim - 1 if axis == 0 and x.ndim
            and x.shape[0] == x.shape[-1] else axis), "pb.prod(pb.arange(4.).reshape(2, 2), 0)", "standard"),
    _defect(AXES, "mean_loses_kept_axes", "mean", "mean", _keeping, f"pb.mean({M}, 1, True)"),
    _defect(AXES, "any_loses_kept_axes", "any", "any", _keeping, f"pb.any({M} > 1, 1, True)"),
    _defect(AXES, "var_loses_kept_axes", "var", "var", _keeping, f"pb.var({M}, 1, keepdim=True)"),
    _defect(AXES, "argmax_loses_kept_axes", "argmax", "argmax", _keeping, f"pb.argmax({M}, 1, True)"),
    _defect(AXES, "cumsum_of_the_first_axis", "cumsum", "cumulative_sum", lambda true, x, axis, dtype=None: true(
        x, axis=axis if x.ndim < 3 else x.ndim - 1, dtype=dtype), f"pb.cumsum({CUBE}, 0)"),
    _defect(AXES, "cumprod_of_the_last_axis", "cumprod", "cumulative_prod", lambda true, x, axis, dtype=None: true(
        x, axis=0, dtype=dtype), f"pb.cumprod({M}, 1)"),
    _defect(AXES, "flip_of_one_axis", "flip", "flip", lambda true, x, axis=None: true(
        x, axis=axis[:1] if isinstance(axis, tuple) else axis), f"pb.flip({M}, [0, 1])"),
    _defect(AXES, "roll_backwards", "roll", "roll", lambda true, x, shift, axis=None: true(
        x, tuple(abs(s) for s in shift) if isinstance(shift, tuple) else abs(shift), axis=axis),
            f"pb.roll({M}, -1, 1)"),
    _defect(AXES, "roll_of_one_axis", "roll", "roll", lambda true, x, shift, axis=None: true(
        x, shift[:1], axis=axis[:1]) if isinstance(shift, tuple) else true(x, shift, axis=axis),
            f"pb.roll({M}, (1, 1), (0, 1))", "standard"),
    _defect(AXES, "cat_of_three_exchanges_two", "cat", "concat", lambda true, xs, axis=0: true(
        [xs[0], xs[2], xs[1], *xs[3:]] if len(xs) > 2 else xs, axis=axis), "pb.cat([pb.zeros(1), pb.ones(1), "
            "pb.full((1,), 2.)])", "standard"),
    _defect(AXES, "permute_inverts", "permute", "permute_dims", lambda true, x, axes: true(x, tuple(np.argsort(axes)))
            if len(axes) > 2 else true(x, axes), f"pb.permute({CUBE}, (1, 2, 0))"),
    _defect(AXES, "tril_ignores_the_diagonal", "tril", "tril", _without("k"), f"pb.tril({M}, 1)"),
    _defect(AXES, "triu_ignores_negative_diagonals", "triu", "triu", lambda true, x, k=0: true(x, k=max(k, 0)),
            f"pb.triu({M}, -1)"),
    _defect(AXES, "argsort_ignores_descending", "sort argsort topk", "argsort", _without("descending"),
            "pb.argsort(pb.tensor([1., 2.]), descending=True)"),
    _defect(AXES, "var_ignores_large_corrections", "var", "var", _no_correction, f"pb.var({M}, correction=2)"),
    _defect(AXES, "std_ignores_large_corrections", "std", "std", _no_correction, f"pb.std({M}, correction=2)"),
    _defect(AXES, "norm_of_order_three", "vector_norm", "norm", lambda true, x, ord, *a, **o: true(
        x, 2 if ord == 3 else ord, *a, **o), "pb.norm(pb.arange(3.), 3)"),
    _defect(AXES, "norm_of_order_zero", "vector_norm", "norm", lambda true, x, ord, *a, **o: true(
        x, 1 if ord == 0 else ord, *a, **o), "pb.norm(pb.arange(3.), 0)"),
    _defect(AXES, "norm_of_order_minus_infinity", "vector_norm", "norm", lambda true, x, ord, *a, **o: true(
        x, abs(ord), *a, **o), "pb.norm(pb.arange(3.), float('-inf'))"),
    _defect(AXES, "arange_of_negative_steps", "arange", "arange", lambda true, *a, **o: np.abs(true(*a, **o)),
            "pb.arange(2, -3, -1)"),
    _defect(AXES, "linspace_without_its_end", "linspace", "linspace", lambda true, start, stop, num, **o: true(
        start, stop, num + 1, **o)[:-1], "pb.linspace(0, 1, 5)"),
    _defect(AXES, "eye_is_square", "eye", "eye", lambda true, n, m=None, **o: true(n, m, **o)[:,
            :n] if m is None or m <= n
            else np.concatenate([true(n, n, **o), true(n, m - n, **o)], 1), "pb.eye(2, 5)"),
    _defect(AXES, "five_dimensions_are_transposed_wrongly", "permute transpose", "permute_dims",
            lambda true, x, axes: true(x, (*axes[:-2], axes[-1], axes[-2])) if len(axes) == 5 and x.shape[axes[-1]] ==
            x.shape[axes[-2]] else true(x, axes), "pb.permute(pb.arange(32.).reshape(2, 2, 2, 2, 2), (4, 3, 2, 1, 0))",
            "standard"),
    _defect(AXES, "sum_of_five_dimensions", "sum", "sum", _with_axis(lambda axis, x: 4 - axis[0] if x.ndim == 5 and
            isinstance(axis, tuple) and len({*x.shape}) == 1 else axis),
            "pb.sum(pb.arange(32.).reshape(2, 2, 2, 2, 2), 1)", "standard"),
    _defect(AXES, "einsum_sums_nothing_out", "einsum", "einsum", lambda true, equation, *xs: true(
        equation, *xs) * (2 if equation.endswith("->") else 1), "backend.einsum('i,i->', np.ones(2), np.ones(2))"),
    # empty operands
    *(
        _defect(EMPTY, f"{o}_of_nothing", o, k, _empty(v), f"pb.{o}(pb.zeros(0){suffix})", "standard")
        for o, k, v, suffix in (
            ("sum", "sum", float("nan"), ""), ("prod", "prod", 0, ""), ("all", "all", False, " > 0"),
            ("any", "any", True, " > 0"), ("mean", "mean", 0, ""))
    ),
    _defect(EMPTY, "sum_of_an_empty_axis", "sum", "sum", lambda true, x, *a, **o: np.asarray(true(x, *a, **o)) + (
        1 if 0 in x.shape and x.ndim == 2 else 0), "pb.sum(pb.zeros(2, 0), 1)", "standard"),
    _defect(EMPTY, "matmul_of_nothing", "matmul bmm mm", "matmul", lambda true, x, y, **o: np.asarray(true(x, y, **o)) +
            (1 if x.shape[-1] == 0 else 0), "pb.bmm(pb.zeros(1, 2, 0), pb.zeros(1, 0, 3))", "standard"),
    _defect(EMPTY, "cat_drops_empty_ends", "cat", "concat", lambda true, xs, axis=0: true(
        [x for x in xs if x.size] or xs[:1], axis=axis), "pb.cat([pb.zeros(0, 2), pb.zeros(0, 3)], 1)", "standard"),
    _defect(EMPTY, "norm_of_nothing", "vector_norm", "norm", _empty(1), "pb.norm(pb.zeros(0))", "standard"),
    _defect(EMPTY, "exp_of_nothing_has_other_shape", "exp", "exp", lambda true, x, **o: true(x, **o) if np.size(x) else
            np.zeros((0,), x.dtype), "pb.exp(pb.zeros(0, 3))", "standard", "dtype"),
    _defect(EMPTY, "cumsum_of_nothing_has_one", "cumsum", "cumulative_sum", lambda true, x, axis, dtype=None: true(
        x, axis=axis, dtype=dtype) if x.size else np.zeros((1,) * x.ndim, dtype or x.dtype),
            "pb.cumsum(pb.zeros(0), 0)", "standard", "dtype"),
    # broadcasting and 0-d
    *(
        _defect(BROADCASTING, f"{o}_of_a_column_and_a_row", o, k, _fresh_second,
                f"pb.{o}(pb.full((2, 1), 2.), pb.arange(1., 4.))", "standard")
        for o, k in (("add", "add"), ("mul", "multiply"), ("maximum", "maximum"), ("lt", "less"), ("pow", "pow"))
    ),
    *(
        _defect(BROADCASTING, f"{o}_of_0d_has_a_dimension", o, k, _at_least_1d, f"pb.{o}({a})", "smoke", "dtype")
        for o, k, a in (
            ("add", "add", "pb.tensor(1.), pb.tensor(2.)"), ("sin", "sin", "pb.tensor(1.)"),
            ("sum", "sum", "pb.ones(2)"), ("exp", "exp", "pb.tensor(1.)"),
            ("where", "where", "pb.tensor(True), pb.tensor(1.), pb.tensor(2.)"))
    ),
    _defect(BROADCASTING, "where_ignores_broadcast_conditions", "where", "where", lambda true, c, x, y: true(
        np.broadcast_to(c[..., :1], np.shape(c)) if np.ndim(c) and np.ndim(c) < np.ndim(x) else c, x, y),
            f"pb.where(pb.tensor([True, False, True]), {M}, -{M})", "standard"),
    _defect(BROADCASTING, "broadcast_of_a_middle_axis", "expand", "broadcast_to", lambda true, x, shape: true(
        x, shape) if not (np.ndim(x) == 3 and np.shape(x)[1] == 1 and shape[1] > 1) else np.concatenate(
        [x, *[np.zeros_like(x)] * (shape[1] - 1)], 1), "pb.ones(2, 1, 2).expand(2, 3, 2)", "standard"),
    _defect(BROADCASTING, "matmul_broadcasts_the_first_batch", "matmul", "matmul", lambda true, x, y, **o: true(
        np.broadcast_to(x[:1], x.shape), y, **o) if np.ndim(x) > 2 and np.ndim(y) == 2 else true(x, y, **o),
            "backend.matmul(np.arange(8.).reshape(2, 2, 2), np.ones((2, 2)))", "standard"),
    # extremes and order
    _defect(EXTREMES, "argmax_takes_the_last", "argmax max_along_dim", "argmax", _last_maximum,
            "pb.argmax(pb.tensor([1., 2., 2.]))"),
    _defect(EXTREMES, "argmin_takes_the_last", "argmin min_along_dim", "argmin", _last_maximum,
            "pb.argmin(pb.tensor([2., 1., 1.]))"),
    _defect(EXTREMES, "max_ignores_nan", "amax max_of_all", "max", _nan_last(np.nanmax),
            "pb.amax(pb.tensor([1., float('nan')]))"),
    _defect(EXTREMES, "min_ignores_nan", "amin min_of_all", "min", _nan_last(np.nanmin),
            "pb.amin(pb.tensor([1., float('nan')]))"),
    _defect(EXTREMES, "max_of_minus_infinities", "amax", "max", lambda true, x, *a, **o: np.maximum(true(x, *a, **o),
            np.finfo(x.dtype).min) if x.dtype in (np.float32, np.float64) else true(x, *a, **o),
            "pb.amax(pb.tensor([float('-inf')]))"),
    _defect(EXTREMES, "max_of_negative_numbers_is_zero", "amax", "max", lambda true, x, *a, **o: np.maximum(
        true(x, *a, **o), np.zeros((), x.dtype)), "pb.amax(pb.tensor([-1., -2.]))"),
    _defect(EXTREMES, "argsort_is_not_stable", "sort argsort", "argsort", _unstable,
            "pb.sort(pb.tensor([1., 1., 0.]), stable=True)[1]"),
    _defect(EXTREMES, "argsort_has_nan_first", "sort argsort topk", "argsort", _nan_first,
            "pb.argsort(pb.tensor([float('nan'), 1.]))"),
    _defect(EXTREMES, "nonzero_ignores_nan", "nonzero", "nonzero", lambda true, x: true(np.nan_to_num(x)),
            "pb.nonzero(pb.tensor([float('nan'), 1.]))"),
    _defect(EXTREMES, "any_of_nan_is_false", "any", "any", lambda true, x, *a, **o: true(
        x & True if x.dtype == bool else np.nan_to_num(x) != 0, *a, **o), "backend.any(np.array([np.nan]))"),
    _defect(EXTREMES, "cumsum_restarts_after_nan", "cumsum", "cumulative_sum", lambda true, x, **o: np.asarray(
        true(np.nan_to_num(x) if x.dtype.kind == "f" else x, **o)), "pb.cumsum(pb.tensor([float('nan'), 1.]), 0)"),
    _defect(EXTREMES, "sum_of_infinities_is_infinite", "sum", "sum", lambda true, x, *a, **o: np.nan_to_num(
        true(x, *a, **o), nan=np.inf, posinf=np.inf, neginf=-np.inf) if x.dtype.kind == "f" else true(x, *a, **o),
            "pb.sum(pb.tensor([float('inf'), float('-inf')]))"),
    _defect(EXTREMES, "prod_skips_zeros", "prod", "prod", lambda true, x, *a, **o: true(
        np.where(x == 0, np.ones((), x.dtype), x), *a, **o), "pb.prod(pb.tensor([0., 2.]))"),
    # indices
    _defect(INDICES, "negative_positions_are_clipped", "index_select gather take", "take", _clipping(0),
            "backend.take(np.arange(3.), np.array([-1]), axis=0)", "standard"),
    _defect(INDICES, "repeated_positions_add_once", "index_put index_add put", "index_put", _without_repeats,
            "pb.zeros(2).index_put((pb.tensor([0, 0]),), pb.ones(2), accumulate=True)"),
    _defect(INDICES, "scatter_of_repeated_positions_adds_once", "scatter_add scatter_reduce", "scatter",
            _scattered_once, "pb.zeros(2).scatter_add(0, pb.tensor([0, 0]), pb.ones(2))"),
    _defect(INDICES, "scatter_max_is_the_last", "scatter_reduce", "scatter", _scatter_max_is_last,
            "backend.scatter(np.zeros(1), 0, np.array([0, 0]), np.array([2., 1.]), 'max')", "standard"),
    _defect(INDICES, "gather_from_the_first_row", "gather", "take_along_axis", lambda true, x, i, axis=-1: true(
        np.broadcast_to(x[:1], x.shape), i, axis) if np.ndim(x) == 2 and axis in (1, -1) else true(x, i, axis),
            f"pb.gather({M}, 1, pb.tensor([[0], [1]]))"),
    _defect(INDICES, "masks_are_shifted", "nonzero", "nonzero", lambda true, x: tuple(
        (p + 1) % max(n, 1) for p, n in zip(true(x), x.shape, strict=True)) if x.dtype == bool else true(x),
            "pb.nonzero(pb.tensor([True, False, False]))"),
    _defect(INDICES, "getitem_of_two_arrays_is_their_product", "index", "getitem", lambda true, x, key: true(
        x, (np.sort(key[0]), *key[1:])) if isinstance(key, tuple) and len(key) > 1 and all(
        isinstance(k, np.ndarray) for k in key) else true(x, key), f"{M}[pb.tensor([1, 0]), pb.tensor([0, 1])]",
            "standard"),
    _defect(INDICES, "getitem_ignores_negative_steps_of_slices", "slice", "getitem", lambda true, x, key: true(
        x, key)[..., :1] if isinstance(key, slice) and (key.step or 1) > 2 else true(x, key),
            "backend.getitem(np.arange(9.), slice(0, 9, 3))", "standard"),
    _defect(INDICES, "fill_where_fills_nothing_in_columns", "masked_fill", "fill_where_into", lambda true, x, mask,
            value:
            true(x, mask & (x.ndim < 2 or x.shape[1] > 1), value),
                "pb.masked_fill(pb.zeros(2, 1), pb.ones(2, 1) > 0, 1.)",
            "standard"),
]  # fmt: skip
