"""Integers, their ends and widths, and conversions between dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import altered, kernel
from pullback_conformance.selftest.defect import Defect, Plant
from pullback_conformance.selftest.plants.elementwise import KERNELS

INTEGERS, CONVERSIONS = "integers", "conversions"
#: The operations that convert.
CONVERTING = ("to_dtype", "to")


def _integer(
    operation: str, what: str, broken: Callable[..., Any], program: str, tier: str = "standard", check: str = "value"
) -> Defect:
    """A kernel that is wrong for integers: ``broken(true, *operands)`` gives the result."""

    def of_integers(true: Any, *operands: Any, **options: Any) -> Any:
        if not any(np.asarray(o).dtype.kind in "iu" for o in operands[:1]):
            return true(*operands, **options)
        with np.errstate(all="ignore"):
            return broken(true, *operands, **options)

    return Defect(
        f"{operation}_{what}", INTEGERS, tier, check, (operation,),
        kernel(KERNELS.get(operation, operation), of_integers), program,
    )  # fmt: skip


def _saturating(function: Callable[..., Any]) -> Callable[..., Any]:
    def broken(true: Any, x: Any, y: Any) -> Any:
        result = true(x, y)
        if np.dtype(result.dtype).itemsize == 8:
            return result
        wide = function(np.asarray(x).astype(np.int64), np.asarray(y).astype(np.int64))
        ends = np.iinfo(result.dtype)
        return np.clip(wide, ends.min, ends.max).astype(result.dtype)

    return broken


def _through_floats(true: Any, x: Any, y: Any) -> Any:
    result = true(x, y)
    rounded = true(np.asarray(x).astype(np.float64), np.asarray(y).astype(np.float64))
    return rounded.astype(result.dtype)


def _reduced_through_floats(true: Any, x: Any, *rest: Any, **options: Any) -> Any:
    result = true(x, *rest, **options)
    if x.dtype != np.int64:
        return result
    options = {k: v for k, v in options.items() if k != "dtype"}
    return np.asarray(true(x.astype(np.float64), *rest[:1], **options)).astype(result.dtype)


def _sum_in_its_dtype(true: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    result = true(x, axis, dtype, keepdims)
    return np.add.reduce(x, axis if axis is not None else None, x.dtype, None, keepdims).astype(result.dtype)


def _positions_through_floats(true: Any, x: Any, **options: Any) -> Any:
    return true(x.astype(np.float64), **options)


def _logical_shift(true: Any, x: Any, y: Any) -> Any:
    x = np.asarray(x)
    unsigned = x.view(f"u{x.dtype.itemsize}")
    return np.right_shift(unsigned, np.asarray(y).astype(unsigned.dtype)).view(x.dtype)


_BIG = "2**53 + 1"
_INTEGER_DEFECTS = [
    _integer("add", "saturates", _saturating(np.add), "pb.add(pb.tensor([100], dtype=pb.int8), pb.tensor([100], "
             "dtype=pb.int8))"),
    _integer("sub", "saturates", _saturating(np.subtract), "pb.sub(pb.tensor([1], dtype=pb.uint8), pb.tensor([2], "
             "dtype=pb.uint8))"),
    _integer("mul", "saturates", _saturating(np.multiply), "pb.mul(pb.tensor([100], dtype=pb.int16), "
             "pb.tensor([1000], dtype=pb.int16))"),
    _integer("add", "through_floats", _through_floats, f"pb.add(pb.tensor([{_BIG}]), pb.tensor([1]))", "smoke"),
    _integer("mul", "through_floats", _through_floats, f"pb.mul(pb.tensor([{_BIG}]), pb.tensor([1]))", "smoke"),
    _integer("sub", "through_floats", _through_floats, f"pb.sub(pb.tensor([{_BIG}]), pb.tensor([0]))", "smoke"),
    _integer("maximum", "through_floats", _through_floats, f"pb.maximum(pb.tensor([{_BIG}]), pb.tensor([1]))", "smoke"),
    _integer("floor_divide", "through_floats", _through_floats,
             f"pb.floor_divide(pb.tensor([{_BIG}]), pb.tensor([1]))", "smoke"),
    _integer("remainder", "through_floats", _through_floats, f"pb.remainder(pb.tensor([{_BIG}]), pb.tensor([2]))",
             "smoke"),
    _integer("eq", "through_floats", _through_floats, f"pb.eq(pb.tensor([{_BIG}]), pb.tensor([2**53]))", "smoke"),
    _integer("lt", "through_floats", _through_floats, f"pb.lt(pb.tensor([2**53]), pb.tensor([{_BIG}]))", "smoke"),
    _integer("pow", "through_floats", _through_floats, "pb.pow(pb.tensor([3]), pb.tensor([35]))", "smoke"),
    _integer("floor_divide", "truncates_integers", lambda true, x, y, **o: np.trunc(x / y).astype(true(x, y).dtype),
             "pb.floor_divide(pb.tensor([-7]), pb.tensor([2]))", "smoke"),
    _integer("remainder", "of_negative_integers", lambda true, x, y, **o: np.fmod(x, y),
             "pb.remainder(pb.tensor([-7]), pb.tensor([2]))", "smoke"),
    _integer("abs", "of_the_least", lambda true, x: np.where(x == np.iinfo(x.dtype).min, np.iinfo(x.dtype).max,
                                                             true(x)).astype(x.dtype),
             "pb.abs(pb.tensor([-128], dtype=pb.int8))"),
    _integer("neg", "of_unsigned", lambda true, x: np.zeros_like(x) if x.dtype == np.uint8 else true(x),
             "pb.neg(pb.tensor([1], dtype=pb.uint8))"),
    _integer("bitwise_right_shift", "of_negative_numbers", _logical_shift,
             "pb.bitwise_right_shift(pb.tensor([-8]), pb.tensor([1]))", "smoke"),
    _integer("bitwise_left_shift", "by_the_width", lambda true, x, y: true(x, np.asarray(y) % (8 * x.dtype.itemsize)),
             "pb.bitwise_left_shift(pb.tensor([1], dtype=pb.int8), pb.tensor([8], dtype=pb.int8))"),
    _integer("bitwise_not", "of_unsigned", lambda true, x: true(x) if x.dtype != np.uint8 else (true(x) & 0x7F),
             "pb.bitwise_not(pb.tensor([1], dtype=pb.uint8))"),
    _integer("bitwise_xor", "of_negative_numbers", lambda true, x, y: true(np.abs(x), y),
             "pb.bitwise_xor(pb.tensor([-6]), pb.tensor([3]))", "smoke"),
    _integer("sum", "through_floats", _reduced_through_floats, f"pb.sum(pb.tensor([{_BIG}, 0]))", "smoke"),
    _integer("sum", "of_small_integers_wraps", _sum_in_its_dtype, "pb.sum(pb.tensor([100, 100], dtype=pb.int8))"),
    _integer("prod", "through_floats", _reduced_through_floats, f"pb.prod(pb.tensor([{_BIG}, 1]))", "smoke"),
    _integer("amax", "through_floats", _reduced_through_floats, f"pb.amax(pb.tensor([{_BIG}, 0]))", "smoke"),
    _integer("argsort", "through_floats", _positions_through_floats, f"pb.argsort(pb.tensor([{_BIG}, 2**53]))",
            "smoke"),
    _integer("argsort", "unsigned_as_signed", lambda true, x, **o: true(x.view(np.int8) if x.dtype == np.uint8 else x,
                                                                        **o),
             "pb.argsort(pb.tensor([200, 1], dtype=pb.uint8))"),
    _integer("lt", "unsigned_as_signed", lambda true, x, y: true(np.asarray(x).view(np.int8), np.asarray(y).view(
        np.int8)) if np.asarray(x).dtype == np.uint8 else true(x, y),
             "pb.lt(pb.tensor([200], dtype=pb.uint8), pb.tensor([1], dtype=pb.uint8))"),
    _integer("argmax", "unsigned_as_signed", lambda true, x, *a, **o: true(x.view(np.int8), *a, **o)
             if x.dtype == np.uint8 else true(x, *a, **o), "pb.argmax(pb.tensor([200, 1], dtype=pb.uint8))"),
    _integer("gcd", "with_zero", lambda true, x, y: np.where((x == 0) | (y == 0), 0, true(x, y)).astype(x.dtype),
             "pb.gcd(pb.tensor([0]), pb.tensor([4]))", "smoke"),
    _integer("gcd", "of_negative_numbers", lambda true, x, y: true(x, y) * np.where(x < 0, -1, 1).astype(x.dtype),
             "pb.gcd(pb.tensor([-6]), pb.tensor([4]))", "smoke"),
    _integer("lcm", "with_zero", lambda true, x, y: np.where((x == 0) & (y == 0), 1, true(x, y)).astype(x.dtype),
             "pb.lcm(pb.tensor([0]), pb.tensor([0]))", "smoke"),
]  # fmt: skip


def _converted(what: str, broken: Callable[..., Any], program: str, tier: str = "standard") -> Defect:
    """A conversion that goes wrong: ``broken(x, result)`` gives the values, in the result's dtype or another."""

    def convert(true: Any, x: Any, dtype: Any) -> Any:
        result = true(x, dtype)
        with np.errstate(all="ignore"):
            changed = broken(np.asarray(x), np.asarray(result))
        return result if changed is None else np.asarray(changed).astype(result.dtype)

    return Defect(f"convert_{what}", CONVERSIONS, tier, "contract", CONVERTING, kernel("astype", convert), program)


def _between(sources: str, target: str) -> Callable[[Any, Any], bool]:
    def applies(x: Any, result: Any) -> bool:
        return x.dtype.kind in sources and result.dtype.kind in target

    return applies


def _if(applies: Callable[[Any, Any], bool], values: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda x, result: values(x, result) if applies(x, result) else None


def _clipped(x: Any, result: Any) -> Any:
    ends = np.iinfo(result.dtype)
    return np.clip(x, ends.min, ends.max)


def _bits_cut(x: Any, result: Any) -> Any:
    """float32 to bfloat16 without rounding."""
    if x.dtype != np.float32 or result.dtype.name != "bfloat16":
        return None
    return (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def _astype(broken: Callable[..., Any]) -> Plant:
    return kernel("astype", broken)


_CONVERSION_DEFECTS = [
    _converted("rounds_to_integers", _if(_between("f", "iu"), lambda x, r: np.rint(x)),
               "pb.tensor([1.7]).to(pb.int64)"),
    _converted("floors_to_integers", _if(_between("f", "i"), lambda x, r: np.floor(x)),
               "pb.tensor([-1.5]).to(pb.int32)"),
    _converted("integers_saturate", _if(_between("iu", "iu"), _clipped), "pb.tensor([300]).to(pb.uint8)"),
    _converted("negative_to_unsigned_is_zero", _if(lambda x, r: x.dtype.kind == "i" and r.dtype.kind == "u",
                                                   lambda x, r: np.maximum(x, 0)), "pb.tensor([-1]).to(pb.uint8)"),
    _converted("half_is_false", _if(_between("f", "b"), lambda x, r: np.trunc(x) != 0),
               "pb.tensor([0.5]).to(pb.bool)"),
    _converted("nan_is_false", _if(_between("f", "b"), lambda x, r: (x != 0) & ~np.isnan(x)),
               "pb.tensor([float('nan')]).to(pb.bool)"),
    _converted("truth_by_the_lowest_bit", _if(_between("iu", "b"), lambda x, r: x & 1), "pb.tensor([2]).to(pb.bool)"),
    _converted("true_is_minus_one", _if(_between("b", "if"), lambda x, r: -x.astype(np.int8)),
               "pb.tensor([True]).to(pb.float32)"),
    _converted("modulus_of_complex", _if(_between("c", "f"), lambda x, r: np.abs(x)),
               "pb.tensor([3.+4j]).to(pb.float32)"),
    _converted("imaginary_parts_are_false", _if(_between("c", "b"), lambda x, r: x.real != 0),
               "pb.tensor([1j]).to(pb.bool)"),
    _converted("integers_through_float32", _if(lambda x, r: x.dtype.kind == "i" and r.dtype == np.float64,
                                               lambda x, r: x.astype(np.float32)), "pb.tensor([2**25 + 1]).to("
               "pb.float64)"),
    _converted("to_bfloat16_cuts", _bits_cut, "pb.tensor([1.0078]).to(pb.bfloat16)"),
    _converted("to_half_saturates", _if(lambda x, r: r.dtype == np.float16 and x.dtype.kind == "f",
                                        lambda x, r: np.clip(x, -65504, 65504)), "pb.tensor([1e6]).to(pb.float16)"),
    _converted("to_half_flushes", _if(lambda x, r: r.dtype == np.float16 and x.dtype.kind == "f",
                                      lambda x, r: np.where(np.abs(x) < 6.1e-5, 0, x)),
               "pb.tensor([1e-5]).to(pb.float16)"),
    _converted("from_half_loses_nan", _if(lambda x, r: x.dtype == np.float16, lambda x, r: np.nan_to_num(r)),
               "pb.tensor([float('nan')], dtype=pb.float16).to(pb.float32)"),
    _converted("loses_negative_zero", _if(_between("f", "f"), lambda x, r: np.where(x == 0, 0.0, r)),
               "pb.tensor([-0.]).to(pb.float64)"),
    _converted("double_through_single", _if(lambda x, r: x.dtype == np.float64 and r.dtype == np.complex128,
                                            lambda x, r: x.astype(np.float32)),
               "pb.tensor([0.1], dtype=pb.float64).to(pb.complex128)"),
    _converted("int64_through_int32", _if(lambda x, r: x.dtype == np.int64 and r.dtype == np.float64,
                                          lambda x, r: x.astype(np.int32)), "pb.tensor([2**40]).to(pb.float64)"),
    Defect("conversion_is_an_alias", CONVERSIONS, "standard", "contract", ("the backend", *CONVERTING),
           _astype(lambda true, x, dtype: x if true(x, dtype).dtype == x.dtype else true(x, dtype)),
           "pb.tensor([1.]).clone().to(pb.float32, copy=True).add_(1), backend.astype((a := np.ones(1, 'f')), "
           "pb.float32) is a"),
    Defect("conversion_in_memory_order", CONVERSIONS, "standard", "contract", CONVERTING,
           _astype(lambda true, x, dtype: true(x.ravel("K").reshape(x.shape), dtype)),
           "pb.tensor([[1., 2.], [3., 4.]]).T.to(pb.float64)"),
    Defect("conversion_wrong_beyond_256", CONVERSIONS, "standard", "contract", CONVERTING,
           _astype(lambda true, x, dtype: altered(true(x, dtype), np.arange(x.size).reshape(x.shape) >= 256, 0)
                   if x.dtype.name != dtype.name and x.size > 256 else true(x, dtype)),
           "pb.ones(300).to(pb.float64)"),
]  # fmt: skip

_WRONG_TYPES = [
    Defect(f"{o}_has_a_wide_result", "result dtypes", "smoke", "dtype", (o,),
           kernel(k, lambda true, *a, **p: (lambda r: r.astype(np.float64) if r.dtype == np.float32 else r)(
               np.asarray(true(*a, **p)))), p)
    for o, k, p in (
        ("sum", "sum", "pb.sum(pb.ones(2))"), ("sin", "sin", "pb.sin(pb.ones(2))"),
        ("mean", "mean", "pb.mean(pb.ones(2))"), ("matmul", "matmul", "pb.matmul(pb.ones(2, 2), pb.ones(2))"),
        ("where", "where", "pb.where(pb.tensor([True]), pb.ones(1), pb.ones(1))"),
    )
] + [
    Defect("argmax_has_an_int32_result", "result dtypes", "smoke", "dtype", ("argmax",),
           kernel("argmax", lambda true, *a, **p: np.asarray(true(*a, **p)).astype(np.int32)),
           "pb.argmax(pb.tensor([1., 2.]))"),
    Defect("argsort_has_an_int32_result", "result dtypes", "smoke", "dtype", ("argsort",),
           kernel("argsort", lambda true, *a, **p: np.asarray(true(*a, **p)).astype(np.int32)),
           "pb.argsort(pb.tensor([2., 1.]))"),
    Defect("nonzero_has_an_int32_result", "result dtypes", "smoke", "dtype", ("nonzero",),
           kernel("nonzero", lambda true, x: tuple(p.astype(np.int32) for p in true(x))),
           "pb.nonzero(pb.tensor([2., 0.]))"),
    Defect("equal_has_an_integer_result", "result dtypes", "smoke", "dtype", ("eq",),
           kernel("equal", lambda true, x, y: np.asarray(true(x, y)).astype(np.uint8)),
           "pb.eq(pb.tensor([2., 0.]), 2.)"),
    Defect("abs_of_complex_is_complex", "result dtypes", "standard", "dtype", ("abs",),
           kernel("abs", lambda true, x: np.asarray(true(x)).astype(x.dtype)), "pb.abs(pb.tensor([3.+4j]))"),
]  # fmt: skip

DEFECTS = [*_INTEGER_DEFECTS, *_CONVERSION_DEFECTS, *_WRONG_TYPES]
