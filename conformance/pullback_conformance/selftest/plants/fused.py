"""Fused kernels, and kernels that derivatives and composed operations call rather than users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import kernel, wrong_where
from pullback_conformance.selftest.defect import Defect

KIND = "fused kernels and kernels of derivatives"


def _defect(
    name: str, operations: str, kernel_name: str, broken: Callable[..., Any], program: str, check: str = "value",
    tier: str = "smoke",
) -> Defect:  # fmt: skip
    return Defect(name, KIND, tier, check, tuple(operations.split()), kernel(kernel_name, broken), program)


def _where(
    name: str, operations: str, kernel_name: str, where: Callable[..., Any], becomes: Callable[..., Any], program: str,
    check: str = "value", tier: str = "smoke",
) -> Defect:  # fmt: skip
    plant = wrong_where(kernel_name, where, becomes)
    return Defect(name, KIND, tier, check, tuple(operations.split()), plant, program)


def _gradient(call: str, values: str) -> str:
    """A program for the gradient of a call of ``x``."""
    return f"(x := pb.tensor({values}, requires_grad=True), pb.autograd.grad(({call}).sum(), x))[1]"


DEFECTS = [
    _defect("zero_where_inverts", "threshold threshold_backward hardtanh", "zero_where", lambda true, c, x: true(
        np.logical_not(c), x), _gradient("pb.nn.functional.hardtanh(x)", "[0.5, 2.]"), "vjp"),
    _defect("zero_where_keeps_nan", "threshold_backward hardtanh_backward", "zero_where", lambda true, c, x: np.asarray(
        x * ~np.asarray(c)), "backend.zero_where(np.array([True]), np.array([np.nan], 'f'))", "value", "standard"),
    _where("sigmoid_of_large_numbers", "sigmoid silu", "sigmoid", lambda x: x > 3, lambda r, x: r * 0.99,
           "pb.sigmoid(pb.tensor([4.]))"),
    _where("rsqrt_of_one_iteration", "rsqrt", "rsqrt", lambda x: x > 0, lambda r, x: r * (1 + 1e-4),
           "pb.rsqrt(pb.tensor([2.]))"),
    _where("logaddexp_of_equal_numbers", "logaddexp", "logaddexp", lambda x, y: x == y, lambda r, x, y: x,
           "pb.logaddexp(pb.ones(1), pb.ones(1))"),
    _where("erfc_cancels", "erfc gelu", "erfc", lambda x: x > 2, lambda r, x: np.maximum(r, 1e-5),
           "pb.erfc(pb.tensor([4.]))"),
    _where("erfinv_near_one", "erfinv", "erfinv", lambda x: np.abs(x) > 0.99, lambda r, x: r * 0.99,
           "pb.erfinv(pb.tensor([0.995]))"),
    _where("lgamma_of_negative_numbers", "lgamma", "lgamma", lambda x: x < 0, lambda r, x: -r,
           "pb.lgamma(pb.tensor([-1.5]))"),
    _where("digamma_of_negative_numbers", "digamma lgamma", "digamma", lambda x: x < 0, lambda r, x: -r,
           "pb.digamma(pb.tensor([-1.5]))"),
    _where("digamma_of_small_numbers", "digamma lgamma", "digamma", lambda x: (x > 0) & (x < 0.1), lambda r, x: r + 0.1,
           "pb.digamma(pb.tensor([0.05]))"),
    _defect("polygamma_ignores_its_order", "polygamma digamma", "polygamma", lambda true, x, n: true(x, min(n, 1)),
            "pb.polygamma(2, pb.tensor([1.5]))"),
    _defect("mvlgamma_of_one_dimension", "mvlgamma", "mvlgamma", lambda true, x, p: true(x, 1),
            "pb.mvlgamma(pb.tensor([3.]), 2)"),
    _defect("norm_overflows_between", "vector_norm", "root_of_squares", lambda true, x, *a, **o: np.asarray(np.sqrt(
        (np.abs(x) * np.abs(x)).sum())) if (not a and not o) or a == (None, False) else true(x, *a, **o),
            "pb.norm(pb.full((100,), 1e30))", tier="standard"),
    _defect("root_of_mean_square_forgets_eps", "root_mean_square native_layer_norm", "root_of_mean_square",
            lambda true, x, axis, added: true(
        x, axis, 0.0), "pb.nn.functional.layer_norm(pb.tensor([[1e-3, 2e-3]]), (2,), eps=1e-2)"),
    _defect("mean_square_is_a_sum", "mse_loss", "mean_square", lambda true, x: true(x) * x.dtype.type(x.size),
            "pb.nn.functional.mse_loss(pb.ones(3), pb.zeros(3))"),
    _defect("mean_square_of_many", "mse_loss", "mean_square", lambda true, x: true(x) * x.dtype.type(
        1.01 if x.size > 100 else 1), "pb.nn.functional.mse_loss(pb.ones(200), pb.zeros(200))", tier="standard"),
    _defect("std_without_its_root", "std", "std", lambda true, x, *a, **o: np.asarray(true(x, *a, **o)) ** 2,
            "pb.std(pb.tensor([1., 4.]))"),
    _defect("var_of_constants", "var", "var", lambda true, x, *a, **o: np.asarray(true(x, *a, **o)) + x.dtype.type(
        1e-3 if np.ptp(x) == 0 and x.size else 0), "pb.var(pb.ones(3))", tier="standard"),
    _defect("trunc_divide_floors", "trunc_divide", "trunc_divide", lambda true, x, y, **o: np.asarray(np.floor_divide(
        x, y)), "pb.div(pb.tensor([-7.]), pb.tensor([2.]), rounding_mode='trunc')"),
    _defect("trunc_divide_of_negative_integers", "trunc_divide", "trunc_divide", lambda true, x, y, **o: np.asarray(
        np.floor_divide(x, y)) if getattr(x, "dtype", np.dtype("f")).kind == "i" else true(x, y, **o),
            "pb.div(pb.tensor([-7]), pb.tensor([2]), rounding_mode='trunc')"),
    _defect("isin_of_one_value", "is_among", "isin", lambda true, x, values: true(x, values[:1]),
            "pb.isin(pb.arange(3), pb.tensor([0, 2]))"),
    _defect("einsum_of_repeated_indices", "einsum", "diagonal", lambda true, x: np.ascontiguousarray(x[..., 0, :]),
            "pb.einsum('ii->i', pb.arange(4.).reshape(2, 2))"),
    _defect("piecewise_at_its_bounds", "erf erfc lgamma digamma expm1", "piecewise", lambda true, x, m,
            pieces: np.where(
        np.isin(m, [bound for bound, _ in pieces]), 0, true(x, m, pieces)).astype(np.asarray(x).dtype),
            "backend.piecewise(np.ones(1), np.ones(1), [(1.0, lambda x: x), (float('inf'), lambda x: x * 2)])",
            tier="standard"),
    _where("sign_of_derivatives_of_abs", "abs", "sign", lambda x: np.ones(x.shape, bool), lambda r, x: np.abs(r),
           _gradient("pb.abs(x)", "[-2.]"), "vjp"),
    _where("cos_as_the_derivative_of_sin", "cos sin", "cos", lambda x: x < -1, lambda r, x: -r,
           _gradient("pb.sin(x)", "[-2.]"), "vjp"),
    _defect("broadcast_of_gradients", "sum expand mean", "broadcast_to", lambda true, x, shape: true(x, shape) if
            len(shape) < 3 else np.broadcast_to(np.asarray(x) * np.asarray(1.5 if np.asarray(
            x).dtype.kind == "f" else 1,
            np.asarray(x).dtype), shape), _gradient("pb.sum(x)", "[[[1., 2.]]]"), "vjp"),
    _defect("index_put_of_gradients_of_index", "index index_select", "index_put_into", lambda true, x, key, values,
            accumulate=False: true(x, key, values, False), _gradient("x[pb.tensor([0, 0])]", "[1., 2.]"), "vjp"),
    _defect("scatter_of_gradients_of_gather", "gather", "scatter_into", lambda true, x, axis, i, v, reduce=None: true(
        x, axis, i, v, None), _gradient("pb.gather(x, 0, pb.tensor([0, 0]))", "[1., 2.]"), "vjp"),
    _defect("flip_of_gradients_of_cumsum", "cumsum", "flip", lambda true, x, axis=None: np.array(x),
            _gradient("pb.cumsum(x, 0) * pb.tensor([1., 2.])", "[1., 2.]"), "vjp"),
    _defect("permuted_gradients_of_matmul", "mm matmul", "mm", lambda true, x, y, **o: true(
        x if x.flags.c_contiguous or x.shape[0] != x.shape[1] else x.T, y, **o),
            "(x := pb.arange(4.).reshape(2, 2).requires_grad_(True), "
            "pb.autograd.grad(pb.mm(pb.arange(4.).reshape(2, 2), x"
            ").sum(), x))[1]", "vjp"),
    _defect("take_along_axis_of_gradients_of_sort", "sort topk median_along_dim", "take_along_axis",
            lambda true, x, i, axis=-1: np.flip(true(x, i, axis), axis).copy() if x.ndim == 2 else true(x, i, axis),
            "pb.sort(pb.tensor([[2., 1., 3.]]))[0]"),
    _defect("zeros_are_ones", "select_backward slice_backward gather", "zeros", lambda true, shape, **o: true(
        shape, **o) + np.ones((), o["dtype"]), _gradient("x[0]", "[1., 2.]"), "vjp"),
    _defect("positions_begin_at_one", "one_hot arange", "positions", lambda true, count, dtype, device: true(
        count, dtype, device) + np.ones((), dtype), "backend.positions(3, np.dtype(int), None)"),
    _defect("concat_of_gradients_of_split", "split chunk", "concat", lambda true, xs, axis=0: true(
        list(xs)[::-1], axis=axis), "pb.cat([pb.zeros(1), pb.ones(1)])"),
]  # fmt: skip
