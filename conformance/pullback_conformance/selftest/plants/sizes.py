"""Sizes around the boundaries of blocks, how sums are added up, digits, and streams of random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import altered, kernel, wrong_where
from pullback_conformance.selftest.defect import Defect
from pullback_conformance.selftest.plants.elementwise import KERNELS

SIZES, SUMS, PRECISION, RANDOM = "sizes", "accumulation", "precision", "random streams"


def _elementwise_beyond(operation: str, count: int, tier: str = "standard") -> Defect:
    """The last element is wrong of an array of more than so many."""

    def broken(true: Any, *operands: Any, **options: Any) -> Any:
        result = np.asarray(true(*operands, **options))
        if result.size <= count:
            return result
        return altered(result, np.arange(result.size).reshape(result.shape) == result.size - 1, 0)

    arguments = ", ".join([f"pb.ones({count + 1})"] * (1 if operation in _UNARY else 2))
    return Defect(f"{operation}_wrong_beyond_{count}", SIZES, tier, "value", (operation,),
                  kernel(KERNELS.get(operation, operation), broken), f"pb.{operation}({arguments})")  # fmt: skip


_UNARY = {"exp", "cos", "sqrt", "clone"}


def _reducing_beyond(operation: str, name: str, count: int, tier: str = "standard") -> Defect:
    """Elements from that number on are left out of a reduction of everything, or of the last axis."""

    def broken(true: Any, x: Any, *rest: Any, **options: Any) -> Any:
        if x.ndim and x.shape[-1] > count:
            axis = rest[0] if rest else options.get("axis")
            if axis in (None, -1, x.ndim - 1) or (isinstance(axis, tuple) and x.ndim - 1 in axis):
                x = x[..., :count]
        return true(x, *rest, **options)

    values = f"pb.arange(1, {count + 2}, dtype=pb.float32)"
    return Defect(f"{operation}_stops_at_{count}", SIZES, tier, "value", (operation,), kernel(name, broken),
                  f"pb.{operation}({values})")  # fmt: skip


def _matmul_beyond(count: int, tier: str = "standard") -> Defect:
    def broken(true: Any, x: Any, y: Any, **options: Any) -> Any:
        if x.shape[-1] > count:
            x, y = x[..., :count], (y[:count] if y.ndim == 1 else y[..., :count, :])
        return true(x, y, **options)

    return Defect(
        f"matmul_stops_at_{count}",
        SIZES,
        tier,
        "value",
        ("matmul", "mm", "mv", "bmm"),
        kernel("matmul", broken),
        f"pb.bmm(pb.ones(1, 1, {count + 1}), pb.ones(1, {count + 1}, 1))",
    )


def _last_wrong(name: str, count: int) -> Any:
    """A kernel along an axis whose last element is a copy of the first beyond some size."""

    def broken(true: Any, x: Any, *rest: Any, **options: Any) -> Any:
        result = np.array(true(x, *rest, **options))
        if result.ndim and result.shape[-1] > count:
            result[..., -1] = result[..., 0]
        return result

    return kernel(name, broken)


def _all_true_beyond(true: Any, x: Any, *rest: Any, **options: Any) -> Any:
    return true(x[..., :255] if x.ndim and x.shape[-1] > 255 else x, *rest, **options)


_SIZE_DEFECTS = [
    *(_elementwise_beyond(o, n) for o, n in (
        ("exp", 64), ("exp", 255), ("cos", 1024), ("sqrt", 127), ("add", 128), ("add", 1024), ("mul", 63),
        ("mul", 50_000), ("true_divide", 256), ("maximum", 1023))),
    *(_reducing_beyond(o, k, n) for o, k, n in (
        ("sum", "sum", 8), ("sum", "sum", 128), ("sum", "sum", 1024), ("sum", "sum", 65_000), ("mean", "mean", 129),
        ("amax", "max", 127), ("amax", "max", 1024), ("argmax", "argmax", 255), ("prod", "prod", 9),
        ("var", "var", 64))),
    *(_matmul_beyond(n) for n in (7, 64, 128, 256)),
    Defect("any_stops_at_255", SIZES, "standard", "value", ("any",), kernel("any", _all_true_beyond),
           "pb.any(pb.arange(256) == 255)"),
    Defect("cumsum_wrong_beyond_64", SIZES, "standard", "value", ("cumsum",), _last_wrong("cumulative_sum", 64),
           "pb.cumsum(pb.ones(65), 0)"),
    Defect("sort_wrong_beyond_63", SIZES, "standard", "value", ("sort", "argsort"), _last_wrong("argsort", 63),
           "pb.sort(pb.arange(64.))[0]"),
    Defect("median_wrong_beyond_63", SIZES, "standard", "value", ("median_of_all",),
           kernel("sort", lambda true, x, **o: true(x[:63] if x.ndim == 1 else x, **o)[[*range(63)] * (
               x.size // 63 + 1)][
               : x.size] if x.ndim == 1 and x.size > 63 else true(x, **o)), "pb.median(pb.arange(129.))"),
    Defect("flip_wrong_beyond_128", SIZES, "standard", "value", ("flip",), _last_wrong("flip", 128),
           "pb.flip(pb.arange(129.), [0])"),
    Defect("roll_wrong_beyond_256", SIZES, "standard", "value", ("roll",), _last_wrong("roll", 256),
           "pb.roll(pb.arange(257.), 1, 0)"),
    Defect("cat_wrong_beyond_128", SIZES, "standard", "value", ("cat",), _last_wrong("concat", 128),
           "pb.cat([pb.arange(100.), pb.arange(100.)])"),
    Defect("take_wrong_beyond_64", SIZES, "standard", "value", ("index_select",), _last_wrong("take", 64),
           "pb.index_select(pb.arange(70.), 0, pb.arange(70))"),
    Defect("where_wrong_beyond_64", SIZES, "standard", "value", ("where",),
           kernel("where", lambda true, c, x, y: altered(true(c, x, y), np.arange(np.size(c)).reshape(np.shape(
               c)) == 64,
                                                         0) if np.size(c) > 64 else true(c, x, y)),
           "pb.where(pb.ones(65) > 0, pb.ones(65), pb.zeros(65))"),
    Defect("tril_wrong_beyond_32_rows", SIZES, "standard", "value", ("tril",),
           kernel("tril", lambda true, x, **o: altered(true(x, **o), np.arange(x.shape[-2])[:, None] >= 32, x)),
           "pb.tril(pb.ones(34, 34))"),
]  # fmt: skip


def _in_half(true: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    if x.dtype != np.float16 or (dtype is not None and dtype != np.float16):
        return true(x, axis, dtype, keepdims)
    return np.asarray(np.add.accumulate(x.reshape(-1))[-1] if axis is None and x.size else
                      np.add.reduce(x.astype(np.float16), axis, np.float16, None, keepdims)).reshape(
        np.shape(true(x, axis, dtype, keepdims)))  # fmt: skip


def _one_after_the_other(true: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    result = true(x, axis, dtype, keepdims)
    if x.dtype != np.float32 or axis is not None or dtype not in (None, x.dtype) or x.size < 9:
        return result
    return np.add.accumulate(x.reshape(-1))[-1].reshape(result.shape)


def _difference_of_squares(true: Any, x: Any, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    result = np.asarray(true(x, axis, correction, keepdims))
    if x.dtype != np.float32:
        return result
    n = x.size // max(result.size, 1)
    with np.errstate(all="ignore"):
        mean = np.mean(x, axis, keepdims=keepdims)
        variance = np.mean(x * x, axis, keepdims=keepdims) - mean * mean
        return np.asarray(variance * np.float32(n / (n - correction) if n != correction else np.nan)).astype(x.dtype)


def _narrower(name: str, wide: Any, narrow: Any) -> Any:
    inside = [False]  # the right kernel may call itself in a wider dtype

    def broken(true: Any, *operands: Any, **options: Any) -> Any:
        if getattr(operands[0], "dtype", None) != wide or options.get("dtype") is not None or inside[0]:
            return true(*operands, **options)
        narrowed = [o.astype(narrow) if getattr(o, "dtype", None) == wide else o for o in operands]
        inside[0] = True
        try:
            return np.asarray(true(*narrowed, **options)).astype(wide)
        finally:
            inside[0] = False

    return kernel(name, broken)


def _of_eight_bits(result: Any, *operands: Any) -> Any:
    """Results of half precision cut to bfloat16's digits."""
    return (result.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def _is_half(*operands: Any) -> Any:
    return operands[0].dtype == np.float16


def _reduced_sum_of_products(true: Any, x: Any, y: Any, **options: Any) -> Any:
    if x.dtype != np.float16 or x.ndim < 2 or y.ndim < 2:
        return true(x, y, **options)
    return np.add.accumulate(x[..., :, :, None] * y[..., None, :, :], -2, np.float16)[..., -1, :]


_LONG = "pb.full((4096,), 0.1"
_SUM_DEFECTS = [
    Defect("sum_of_half_in_half", SUMS, "standard", "value", ("sum",), kernel("sum", _in_half),
           f"pb.sum({_LONG}, dtype=pb.float16))"),
    Defect("sum_one_after_the_other", SUMS, "standard", "value", ("sum",), kernel("sum", _one_after_the_other),
           f"pb.sum({_LONG}))"),
    Defect("var_as_a_difference_of_squares", SUMS, "standard", "value", ("var",), kernel("var", _difference_of_squares),
           "pb.var(pb.tensor([1000., 1001., 1002.]))"),
    Defect("matmul_of_half_in_half", SUMS, "standard", "value", ("mm", "matmul"),
           kernel("matmul", _reduced_sum_of_products),
           "pb.bmm(pb.full((1, 1, 2000), 0.1, dtype=pb.float16), pb.full((1, 2000, 1), 0.1, dtype=pb.float16))"),
    Defect("sum_of_double_in_single", SUMS, "smoke", "value", ("sum",), _narrower("sum", np.float64, np.float32),
           "pb.sum(pb.tensor([0.1, 0.2], dtype=pb.float64))"),
    Defect("prod_of_double_in_single", SUMS, "smoke", "value", ("prod",), _narrower("prod", np.float64, np.float32),
           "pb.prod(pb.tensor([0.1, 0.2], dtype=pb.float64))"),
    Defect("cumsum_of_double_in_single", SUMS, "smoke", "value", ("cumsum",),
           _narrower("cumulative_sum", np.float64, np.float32), "pb.cumsum(pb.tensor([.1], dtype=pb.float64), 0)"),
    Defect("matmul_of_double_in_single", SUMS, "smoke", "value", ("matmul", "bmm"),
           _narrower("matmul", np.float64, np.float32),
           "pb.bmm(pb.full((1, 1, 2), .1, dtype=pb.float64), pb.full((1, 2, 1), .1, dtype=pb.float64))"),
    Defect("matmul_in_half_precision", SUMS, "smoke", "value", ("matmul", "bmm"),
           _narrower("matmul", np.float32, np.float16), "pb.bmm(pb.full((1, 1, 2), .1), pb.full((1, 2, 1), .1))"),
    Defect("norm_one_after_the_other", SUMS, "standard", "value", ("vector_norm",),
           kernel("root_of_squares", lambda true, x, *a, **o: np.sqrt(np.add.accumulate((x * x).reshape(-1))[-1])
                  if x.size > 8 and x.dtype == np.float32 and not a and not o else true(x, *a, **o)),
           "backend.root_of_squares(np.full(4096, 0.1, 'f'))"),
    Defect("mean_divides_before_it_adds", SUMS, "standard", "value", ("mean",),
           kernel("mean", lambda true, x, axis=None, keepdims=False: np.asarray(np.add.accumulate(
               x.reshape(-1) / np.float32(x.size))[-1]) if axis is None and x.dtype == np.float32 and x.size
                  and not keepdims else true(x, axis, keepdims)), f"pb.mean({_LONG}))"),
]  # fmt: skip

_PRECISION_DEFECTS = [
    *(Defect(f"{o}_of_half_has_eight_bits", PRECISION, "standard", "value", (o,),
             wrong_where(KERNELS.get(o, o), _is_half, _of_eight_bits), f"pb.{o}({a})")
      for o, a in (
          ("exp", "pb.tensor([1.3], dtype=pb.float16)"), ("sin", "pb.tensor([1.3], dtype=pb.float16)"),
          ("mul", "pb.tensor([1.3], dtype=pb.float16), pb.tensor([1.7], dtype=pb.float16)"))),
    *(Defect(f"{o}_of_double_in_single", PRECISION, "smoke", "value", (o,),
             _narrower(KERNELS.get(o, o), np.float64, np.float32), f"pb.{o}(pb.tensor([0.3], dtype=pb.float64))")
      for o in ("exp", "log", "tanh", "erf", "lgamma", "sqrt")),
    *(Defect(f"{o}_is_{n}_ulp_off", PRECISION, "smoke", "value", (o,),
             wrong_where(o, lambda x: x.dtype == np.float32, lambda r, x, n=n: r + n * np.spacing(r)),
             f"pb.{o}(pb.tensor([1.3]))") for o, n in (("exp", 8), ("sin", 20), ("sqrt", 1), ("log", 100))),
    Defect("div_through_the_reciprocal", PRECISION, "smoke", "value", ("true_divide",),
           kernel("divide", lambda true, x, y, **o: (1 / np.asarray(y)) * x if getattr(x, "dtype", None) == np.float32
                  else true(x, y, **o)), "pb.div(pb.arange(1., 50.), 49.)"),
    Defect("exp2_through_exp", PRECISION, "standard", "value", ("exp2",),
           kernel("exp2", lambda true, x, **o: np.exp(x * np.asarray(0.6931471805599453, x.dtype))),
           "pb.exp2(pb.tensor([100.]))"),
]  # fmt: skip


def _beyond_words(name: str, count: int, change: Any) -> Any:
    def broken(true: Any, *operands: Any, **options: Any) -> Any:
        result = np.asarray(true(*operands, **options))
        if result.dtype not in (np.uint64, np.int64) or result.size <= count:
            return result
        return altered(result, np.arange(result.size).reshape(result.shape) >= count, change(result))

    return kernel(name, broken)


_DRAWS = ("rand", "randn", "uniform", "bernoulli", "exponential", "randint", "randperm", "normal_fill")
_RANDOM_DEFECTS = [
    Defect("words_repeat_after_64", RANDOM, "standard", "contract", _DRAWS,
           _beyond_words("bitwise_xor", 64, lambda r: np.resize(r.reshape(-1)[:64], r.shape)),
           "pb.rand(300, generator=pb.Generator().manual_seed(1))"),
    Defect("words_shifted_by_a_block", RANDOM, "standard", "contract", _DRAWS,
           kernel("positions", lambda true, count, dtype, device: true(count, dtype, device) + (count > 20)),
           "pb.rand(300, generator=pb.Generator().manual_seed(1))"),
    Defect("a_bit_is_lost_beyond_256_words", RANDOM, "standard", "contract", _DRAWS,
           _beyond_words("bitwise_right_shift", 256, lambda r: r & ~np.ones((), r.dtype)),
           "pb.rand(600, generator=pb.Generator().manual_seed(1))"),
    Defect("shifts_keep_the_sign", RANDOM, "standard", "contract", _DRAWS,
           kernel("bitwise_right_shift", lambda true, x, y, **o: true(np.asarray(x).view(np.int64), np.asarray(
               y).astype(
               np.int64)).view(np.uint64) if np.asarray(x).dtype == np.uint64 else true(x, y, **o)),
           "backend.bitwise_right_shift(np.array([2**63], np.uint64), np.array([1], np.uint64))"),
    Defect("products_of_words_are_rounded", RANDOM, "standard", "contract", _DRAWS,
           kernel("multiply", lambda true, x, y, **o: (np.asarray(x).astype(np.longdouble) * y).astype(
               np.float64).astype(
               np.uint64) if np.asarray(x).dtype == np.uint64 else true(x, y, **o)),
           "pb.rand(300, generator=pb.Generator().manual_seed(1))"),
]  # fmt: skip

DEFECTS = [*_SIZE_DEFECTS, *_SUM_DEFECTS, *_PRECISION_DEFECTS, *_RANDOM_DEFECTS]
