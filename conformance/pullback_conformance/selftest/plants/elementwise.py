"""Values of elementwise kernels: wrong in a part of the line, at zeros and signs, at NaN and ties, in a quadrant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from pullback_conformance.selftest.breaking import kernel, wrong_where
from pullback_conformance.selftest.defect import Defect

#: The kernel of an operation, where it is called otherwise.
KERNELS = {
    "mul": "multiply", "sub": "subtract", "neg": "negative", "div": "divide", "true_divide": "divide",
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
    "amax": "max", "amin": "min", "conj_physical": "conj", "bitwise_not": "bitwise_invert",
}  # fmt: skip

#: Operations whose declaration has another name than the function users call.
DECLARED = {"div": "true_divide"}

NAN = float("nan")
INF = float("inf")


class Family(NamedTuple):
    """One mistake that kernels of many operations can have."""

    name: str
    kind: str
    where: Callable[..., Any]
    becomes: Callable[..., Any]
    arguments: str  # of the program
    operations: str
    tier: str = "smoke"
    check: str = "value"


def _slightly_off(result: Any, *operands: Any) -> Any:
    return result * 1.001


def _the_operand(result: Any, x: Any) -> Any:
    return x


def _without_sign(result: Any, *operands: Any) -> Any:
    return np.abs(result)


def _zero(result: Any, *operands: Any) -> Any:
    return np.zeros_like(result)


def _not_a_number(result: Any, *operands: Any) -> Any:
    return np.full_like(result, NAN)


def _conjugate(result: Any, *operands: Any) -> Any:
    return np.conj(result)


def _other_truth(result: Any, *operands: Any) -> Any:
    return ~np.asarray(result, bool)


def _real(x: Any) -> Any:
    return np.zeros(x.shape, bool) if np.iscomplexobj(x) else np.ones(x.shape, bool)


def _floating(x: Any) -> Any:
    return x.dtype.kind not in "biuc"


def _left_upper(x: Any) -> Any:
    return np.iscomplexobj(x) & (x.real < 0) & (x.imag > 0)


def _left_lower(x: Any) -> Any:
    return np.iscomplexobj(x) & (x.real < 0) & (x.imag < 0)


def _on_the_lower_cut(x: Any) -> Any:
    return np.iscomplexobj(x) & (x.real < 0) & (x.imag == 0) & np.signbit(x.imag)


def _negative_zero(x: Any) -> Any:
    return _real(x) & (x == 0) & np.signbit(x) if _floating(x) else np.zeros(x.shape, bool)


def _subnormal(result_of: Callable[..., Any]) -> Callable[..., Any]:
    def where(*operands: Any) -> Any:
        if not all(o.dtype in (np.float32, np.float64) for o in operands):
            return False
        result = result_of(*operands)
        return (np.abs(result) < np.finfo(operands[0].dtype).tiny) & (result != 0)

    return where


FAMILIES = [
    Family("wrong_beyond_5", "ranges", lambda x: _real(x) & (x.real > 5), _slightly_off, "[1., 7.]",
           "sin cos tan exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal lgamma digamma atan asinh acosh sinh "
           "cosh"),
    Family("wrong_below_minus_2", "ranges", lambda x: _real(x) & (x.real < -2), _slightly_off, "[-3., 1.]",
           "sin cos exp tanh erf erfc sinh cosh asinh atan expm1 sigmoid"),
    Family("linear_near_zero", "ranges", lambda x: _real(x) & (np.abs(x) < 0.005), _the_operand, "[0.004]",
           "sin tan tanh expm1 log1p asinh atan sinh asin atanh"),
    Family("wrong_in_a_thousandth", "ranges", lambda x: _real(x) & (x.real > 1.25) & (x.real < 1.254), _slightly_off,
           "[1.252]", "exp log sin cos tanh sqrt erf lgamma", "standard"),
    Family("wrong_beyond_1000", "ranges", lambda x: _real(x) & (np.abs(x) > 1000), _slightly_off, "[4000.]",
           "sin cos tan atan log sqrt log1p asinh", "standard"),
    Family("zero_in_the_tail", "ranges", lambda x: _real(x) & (np.abs(x) > 4), _zero, "[-5., 5.]", "erfc sigmoid exp"),
    Family("without_the_sign", "signs", lambda x: _real(x) & (x.real < 0), _without_sign, "[-2.5, 2.5]",
           "floor ceil trunc round sign reciprocal tanh sinh expm1"),
    Family("loses_negative_zero", "zeros", _negative_zero, _without_sign, "[-0.]",
           "sqrt floor ceil trunc round sin tanh asinh sinh atan expm1 log1p", check="special"),
    Family("nan_at_infinity", "nan and infinity", lambda x: _real(x) & np.isposinf(x.real), _not_a_number,
           "[float('inf')]", "exp tanh atan sigmoid erf log sqrt floor expm1 log1p", check="special"),
    Family("zero_for_nan", "nan and infinity", lambda x: _real(x) & np.isnan(x), _zero, "[float('nan')]",
           "exp sin tanh abs cos floor sqrt erf log reciprocal", check="special"),
    Family("wrong_quadrant", "complex", _left_upper, _conjugate, "[-1. + 0.5j]",
           "log sqrt asin acos atan acosh asinh atanh exp sin tanh tan log1p", "standard"),
    Family("wrong_quadrant_below", "complex", _left_lower, _conjugate, "[-1. - 0.5j]",
           "log sqrt exp sinh reciprocal cos", "standard"),
    Family("other_side_of_the_cut", "complex", _on_the_lower_cut, _conjugate,
           "[complex(-2.0, -0.0)]", "log sqrt acosh angle", "standard", "special"),
]  # fmt: skip


def _unary() -> Iterator[Defect]:
    for family in FAMILIES:
        for operation in family.operations.split():
            name = KERNELS.get(operation, operation)
            becomes = family.becomes
            if family.name == "other_side_of_the_cut" and operation == "angle":
                becomes = _negated
            yield Defect(
                f"{operation}_{family.name}", family.kind, family.tier, family.check, (operation,),
                wrong_where(name, family.where, becomes), f"pb.{operation}(pb.tensor({family.arguments}))",
            )  # fmt: skip


def _negated(result: Any, *operands: Any) -> Any:
    return -result


def _one(
    operation: str,
    what: str,
    kind: str,
    where: Callable[..., Any],
    becomes: Callable[..., Any],
    arguments: str,
    check: str = "value",
    tier: str = "smoke",
) -> Defect:
    """A kernel that is wrong where ``where(*operands)`` is true; arguments of the program are tensors' values."""
    given = ", ".join(f"pb.tensor({part})" for part in arguments.split("; "))
    return Defect(
        f"{operation}_{what}", kind, tier, check, (DECLARED.get(operation, operation),),
        wrong_where(KERNELS.get(operation, operation), where, becomes), f"pb.{operation}({given})",
    )  # fmt: skip


def _naive_hypot(true: Any, x: Any, y: Any, **options: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.sqrt(np.asarray(x * x + y * y))


def _naive_logaddexp(true: Any, x: Any, y: Any, **options: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.log(np.exp(x) + np.exp(y))


def _two_floats(x: Any, y: Any) -> bool:
    return x.dtype.kind not in "biuc" and y.dtype.kind not in "biuc"


_SINGLES = [
    # signs
    _one("floor", "truncates", "signs", lambda x: _floating(x) & (x < 0), lambda r, x: np.trunc(x), "[-1.5]"),
    _one("ceil", "rounds_away", "signs", lambda x: _floating(x) & (x < 0), lambda r, x: np.floor(x), "[-1.5]"),
    _one("trunc", "floors", "signs", lambda x: _floating(x) & (x < 0), lambda r, x: np.floor(x), "[-1.5]"),
    _one("remainder", "has_the_dividends_sign", "signs", _two_floats, lambda r, x, y: np.fmod(x, y), "[-3.5]; [2.]"),
    _one("floor_divide", "truncates", "signs", _two_floats, lambda r, x, y: np.trunc(x / y), "[-3.5]; [2.]"),
    _one("atan2", "wrong_second_quadrant", "signs", lambda y, x: (x < 0) & (y > 0), lambda r, y, x: np.arctan(y / x),
         "[1.]; [-1.]"),
    _one("atan2", "wrong_third_quadrant", "signs", lambda y, x: (x < 0) & (y < 0), lambda r, y, x: np.arctan(y / x),
         "[-1.]; [-1.]"),
    _one("copysign", "keeps_negative_signs", "signs", lambda x, y: (x < 0) & (y > 0), lambda r, x, y: x, "[-1.]; [2.]"),
    _one("pow", "negative_base_of_odd_power", "signs", lambda x, y: _two_floats(x, y) and ((x < 0) & (y % 2 == 1)),
         _without_sign, "[-2.]; [3.]"),
    _one("angle", "zero_for_negative", "signs", lambda x: _floating(x) & (x < 0), _zero, "[-1.]"),
    _one("hypot", "negative_for_negative", "signs", lambda x, y: (x < 0) & (y < 0), _negated, "[-1.]; [-2.]"),
    _one("signbit", "of_zero", "zeros", _negative_zero, _other_truth, "[-0.]", "special"),
    # zeros
    _one("neg", "loses_zeros_sign", "zeros", lambda x: _floating(x) & (x == 0), _without_sign, "[0.]", "special"),
    _one("mul", "loses_zeros_sign", "zeros", lambda x, y: _two_floats(x, y) and (x * y == 0), _without_sign,
         "[-1.]; [0.]", "special"),
    _one("add", "loses_zeros_sign", "zeros", lambda x, y: _two_floats(x, y) and (x + y == 0), _without_sign,
         "[-0.]; [-0.]", "special"),
    _one("atan2", "loses_zeros_sign", "zeros", lambda y, x: (y == 0) & np.signbit(y), _without_sign, "[-0.]; [-1.]",
         "special"),
    _one("copysign", "ignores_zeros_sign", "zeros", lambda x, y: y == 0, _without_sign, "[1.]; [-0.]", "special"),
    _one("reciprocal", "of_negative_zero", "zeros", _negative_zero, _without_sign, "[-0.]", "special"),
    _one("div", "by_negative_zero", "zeros", lambda x, y: _two_floats(x, y) and ((y == 0) & np.signbit(y)),
         _without_sign, "[1.]; [-0.]", "special"),
    _one("log", "of_zero_is_finite", "zeros", lambda x: _floating(x) & (x == 0),
         lambda r, x: np.full_like(r, -103.27893), "[0.]", "special"),
    _one("pow", "zero_to_zero", "zeros", lambda x, y: _two_floats(x, y) and ((x == 0) & (y == 0)), _zero, "[0.]; [0.]",
         "special"),
    _one("sign", "of_zero_is_one", "zeros", lambda x: _real(x) & (x == 0), lambda r, x: np.ones_like(r), "[0., 1.]",
         "special"),
    _one("abs", "of_negative_zero", "zeros", _negative_zero, lambda r, x: x, "[-0.]", "special"),
    _one("remainder", "loses_zeros_sign", "zeros", lambda x, y: _two_floats(x, y) and (np.fmod(x, y) == 0),
         lambda r, x, y: np.copysign(r, -y), "[2.]; [1.]", "special"),
    _one("eq", "tells_zeros_apart", "zeros", lambda x, y: _two_floats(x, y) and (np.signbit(x) != np.signbit(y)),
         lambda r, x, y: np.zeros_like(r), "[0.]; [-0.]", "special"),
    _one("digamma", "at_zero", "zeros", lambda x: x == 0, _not_a_number, "[0.]", "special"),
    # NaN and infinities
    _one("maximum", "ignores_nan", "nan and infinity", _two_floats, lambda r, x, y: np.fmax(x, y),
         "[float('nan')]; [1.]", "special"),
    _one("minimum", "ignores_nan", "nan and infinity", _two_floats, lambda r, x, y: np.fmin(x, y),
         "[1.]; [float('nan')]", "special"),
    _one("eq", "of_nan_is_true", "nan and infinity", lambda x, y: _two_floats(x, y) and (np.isnan(x) & np.isnan(y)),
         _other_truth, "[float('nan')]; [float('nan')]", "special"),
    _one("ne", "of_nan_is_false", "nan and infinity", lambda x, y: _two_floats(x, y) and (np.isnan(x) & np.isnan(y)),
         _other_truth, "[float('nan')]; [float('nan')]", "special"),
    _one("lt", "of_nan_is_true", "nan and infinity", lambda x, y: _two_floats(x, y) and np.isnan(y), _other_truth,
         "[1.]; [float('nan')]", "special"),
    _one("ge", "of_nan_is_true", "nan and infinity", lambda x, y: _two_floats(x, y) and np.isnan(x), _other_truth,
         "[float('nan')]; [1.]", "special"),
    _one("isfinite", "of_infinity", "nan and infinity", lambda x: _floating(x) & np.isinf(x), _other_truth,
         "[float('inf')]", "special"),
    _one("isinf", "only_positive", "nan and infinity", lambda x: _floating(x) & np.isneginf(x), _other_truth,
         "[float('-inf')]", "special"),
    _one("isnan", "of_infinity", "nan and infinity", lambda x: _floating(x) & np.isinf(x), _other_truth,
         "[float('inf')]", "special"),
    _one("hypot", "nan_before_infinity", "nan and infinity", lambda x, y: np.isnan(x) | np.isnan(y), _not_a_number,
         "[float('inf')]; [float('nan')]", "special"),
    _one("pow", "one_to_nan", "nan and infinity", lambda x, y: _two_floats(x, y) and ((x == 1) & np.isnan(y)),
         _not_a_number, "[1.]; [float('nan')]", "special"),
    _one("pow", "nan_to_zero", "nan and infinity", lambda x, y: _two_floats(x, y) and (np.isnan(x) & (y == 0)),
         _not_a_number, "[float('nan')]; [0.]", "special"),
    _one("mul", "infinity_times_zero", "nan and infinity",
         lambda x, y: _two_floats(x, y) and (np.isinf(x) & (y == 0)), _zero, "[float('inf')]; [0.]", "special"),
    _one("sub", "of_infinities", "nan and infinity", lambda x, y: _two_floats(x, y) and (np.isinf(x) & np.isinf(y)),
         _zero, "[float('inf')]; [float('inf')]", "special"),
    _one("div", "of_zeros", "nan and infinity", lambda x, y: _two_floats(x, y) and ((x == 0) & (y == 0)), _zero,
         "[0.]; [0.]", "special"),
    _one("log", "of_negative_numbers", "nan and infinity", lambda x: _floating(x) & (x < 0),
         lambda r, x: np.log(np.abs(x)), "[-2.]"),
    _one("sqrt", "of_negative_numbers", "nan and infinity", lambda x: _floating(x) & (x < 0), _zero, "[-2.]"),
    _one("acosh", "below_one", "nan and infinity", lambda x: _floating(x) & (x < 1), _zero, "[0.5]"),
    _one("asin", "beyond_one", "nan and infinity", lambda x: _floating(x) & (np.abs(x) > 1), _zero, "[1.5]"),
    _one("remainder", "by_infinity", "nan and infinity", lambda x, y: _two_floats(x, y) and np.isinf(y), _not_a_number,
         "[1.]; [float('inf')]", "special"),
    _one("atan2", "of_infinities", "nan and infinity", lambda y, x: np.isinf(x) & np.isinf(y), _not_a_number,
         "[float('inf')]; [float('inf')]", "special"),
    _one("logaddexp", "of_infinities", "nan and infinity", lambda x, y: np.isneginf(x) & np.isneginf(y), _not_a_number,
         "[float('-inf')]; [float('-inf')]", "special"),
    # subnormal numbers, and results between that overflow
    *(
        _one(o, "flushes_subnormals", "subnormal numbers and overflow", _subnormal(f), _zero, a, tier="standard")
        for o, f, a in (
            ("mul", np.multiply, "[1e-20]; [1e-20]"), ("add", np.add, "[1e-40]; [2e-40]"),
            ("div", np.divide, "[1e-30]; [1e10]"), ("sub", np.subtract, "[3e-40]; [1e-40]"),
            ("neg", np.negative, "[1e-40]"), ("exp", np.exp, "[-90.]"), ("abs", np.abs, "[-1e-40]"),
        )
    ),
    Defect("hypot_overflows_between", "subnormal numbers and overflow", "smoke", "value", ("hypot",),
           kernel("hypot", _naive_hypot), "pb.hypot(pb.tensor([1e30]), pb.tensor([1e30]))"),
    Defect("hypot_underflows_between", "subnormal numbers and overflow", "smoke", "value", ("hypot",),
           wrong_where("hypot", lambda x, y: (np.abs(x) < 1e-20) & (np.abs(y) < 1e-20), _zero),
           "pb.hypot(pb.tensor([1e-25]), pb.tensor([1e-25]))"),
    Defect("logaddexp_overflows_between", "subnormal numbers and overflow", "smoke", "value", ("logaddexp",),
           kernel("logaddexp", _naive_logaddexp), "pb.logaddexp(pb.tensor([100.]), pb.tensor([99.]))"),
    _one("sigmoid", "overflows_between", "subnormal numbers and overflow", lambda x: _floating(x) & (x < -80),
         _zero, "[-85.]"),
    _one("expm1", "cancels", "subnormal numbers and overflow", lambda x: _floating(x), lambda r, x: np.exp(x) - 1,
         "[1e-4]"),
    _one("log1p", "cancels", "subnormal numbers and overflow", lambda x: _floating(x), lambda r, x: np.log(1 + x),
         "[1e-4]"),
    _one("abs", "overflows_between", "complex", lambda z: np.iscomplexobj(z) & (np.abs(z.real) > 1e20),
         lambda r, z: np.full_like(r, INF), "[complex(1e25, 1e25)]", tier="standard"),
    # ties
    _one("round", "halves_away_from_zero", "ties", _floating, lambda r, x: np.trunc(x + np.copysign(0.5, x)),
         "[0.5, 2.5]"),
    _one("round", "halves_down", "ties", lambda x: _floating(x) & (x - np.floor(x) == 0.5), lambda r, x: np.floor(x),
         "[1.5]"),
    _one("eq", "has_a_tolerance", "ties", lambda x, y: _two_floats(x, y) and (np.abs(x - y) < 1e-6),
         lambda r, x, y: np.ones_like(r), "[1.]; [1.0000001]"),
    _one("le", "false_at_a_tie", "ties", lambda x, y: x == y, _other_truth, "[1.]; [1.]"),
    _one("ge", "false_at_a_tie", "ties", lambda x, y: x == y, _other_truth, "[1.]; [1.]"),
    _one("lt", "true_at_a_tie", "ties", lambda x, y: x == y, _other_truth, "[1.]; [1.]"),
    _one("gt", "true_at_a_tie", "ties", lambda x, y: x == y, _other_truth, "[1.]; [1.]"),
    _one("floor_divide", "at_exact_quotients", "ties", lambda x, y: _two_floats(x, y) and (np.fmod(x, y) == 0),
         lambda r, x, y: r - 1, "[4.]; [2.]"),
    # complex numbers
    _one("mul", "of_two_negative_imaginary_parts", "complex",
         lambda x, y: np.iscomplexobj(x) and (np.imag(x) < 0) & (np.imag(y) < 0), _conjugate, "[-1.-2j]; [-3.-1j]",
         tier="standard"),
    _one("div", "by_small_imaginary_parts", "complex",
         lambda x, y: np.iscomplexobj(y) and np.abs(np.imag(y)) < 0.1 * np.abs(np.real(y)), _conjugate,
         "[1.+2j]; [3.+0.1j]", tier="standard"),
    _one("pow", "in_the_left_half", "complex", lambda x, y: np.iscomplexobj(x) and (np.real(x) < 0), _conjugate,
         "[-1.+2j]; [0.5+1j]", tier="standard"),
    _one("conj_physical", "keeps_negative_parts", "complex", lambda z: np.iscomplexobj(z) & (z.imag < 0),
         _conjugate, "[1.-2j]", tier="standard"),
    _one("angle", "in_the_lower_left", "complex", _left_lower, lambda r, z: r + 2 * np.pi, "[-1.-1j]",
         tier="standard"),
    _one("abs", "is_the_larger_part", "complex", lambda z: np.iscomplexobj(z) & (np.abs(z.real) > 10 * np.abs(z.imag)),
         lambda r, z: np.abs(z.real), "[11.+1j]", tier="standard"),
    _one("eq", "compares_real_parts", "complex", lambda x, y: np.iscomplexobj(x) & (np.real(x) == np.real(y)),
         lambda r, x, y: np.ones_like(r), "[1.+2j]; [1.-2j]", tier="standard"),
    _one("tan", "far_from_the_axis", "complex", lambda z: np.iscomplexobj(z) & (np.abs(z.imag) > 20), _not_a_number,
         "[1.+30j]", tier="standard"),
    _one("tanh", "far_from_the_axis", "complex", lambda z: np.iscomplexobj(z) & (np.abs(z.real) > 20), _not_a_number,
         "[30.+1j]", tier="standard"),
]  # fmt: skip

DEFECTS = [*_unary(), *_SINGLES]
