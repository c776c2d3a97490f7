"""Values that the core computes itself, wrong: the suite's own oracle runs the same code."""

from __future__ import annotations

from pullback_conformance.selftest.breaking import edited
from pullback_conformance.selftest.defect import Defect

KIND = "values the core computes"


def _defect(
    name: str, operations: str, function: str, old: str, new: str, program: str, tier: str = "smoke"
) -> Defect:  # fmt: skip
    return Defect(f"core_{name}", KIND, tier, "value", tuple(operations.split()), edited(function, old, new), program)


_NEGATIVE = "pb.tensor([-1.7, 0.4])"
DEFECTS = [
    _defect("gelu_of_half_the_tail", "gelu", "gelu", "x * -_ROOT_HALF", "x * -0.7071",
            f"pb.nn.functional.gelu({_NEGATIVE})"),
    _defect("gelu_tanh_has_another_constant", "gelu", "gelu", "_CUBIC + 1", "0.044 + 1",
            f"pb.nn.functional.gelu({_NEGATIVE}, approximate='tanh')"),
    _defect("selu_has_another_scale", "selu", "selu", "* _SELU_SCALE", "* 1.0507",
            f"pb.nn.functional.selu({_NEGATIVE})"),
    _defect("selu_has_another_alpha", "selu", "selu", "* _SELU_ALPHA", "* 1.6733",
            f"pb.nn.functional.selu({_NEGATIVE})"),
    _defect("rot90_turns_the_other_way", "rot90", "rot90", "second if k == 1 else first", "first if k == 1 else second",
            "pb.rot90(pb.arange(4.).reshape(2, 2))"),
    _defect("frac_of_negative_numbers", "frac", "frac", "backend.trunc(input)", "backend.floor(input)",
            f"pb.frac({_NEGATIVE})"),
    _defect("sinc_of_odd_half_turns", "sinc", "sinc", "backend.negative(turn)", "turn", "pb.sinc(pb.tensor([1.3]))"),
    _defect("sinc_at_zero_is_zero", "sinc", "sinc", "backend.where(at_zero, 1.0, quotient)",
            "backend.where(at_zero, 0.0, quotient)", "pb.sinc(pb.tensor([0.]))"),
    _defect("deg2rad_has_nine_digits", "deg2rad", "deg2rad", "math.pi / 180", "0.0174532925",
            "pb.deg2rad(pb.tensor([180.], "
            "dtype=pb.float64))"),
    _defect("rad2deg_has_nine_digits", "rad2deg", "rad2deg", "180 / math.pi", "57.2957795",
            "pb.rad2deg(pb.tensor([3.], "
            "dtype=pb.float64))"),
    _defect("round_of_decimals_truncates", "round", "round", "backend.round(backend.multiply(x, scale))",
            "backend.trunc(backend.multiply(x, scale))", "pb.round(pb.tensor([1.27]), decimals=1)"),
    _defect("softplus_ignores_beta", "softplus", "softplus", "/ beta", "/ 1.0",
            "pb.nn.functional.softplus(pb.ones(1), 2.)"),
    _defect("softplus_ignores_the_threshold", "softplus", "softplus", "> threshold", "> 1e9",
            "pb.nn.functional.softplus(pb.tensor([9.5]), 1., 5.)"),
    _defect("lerp_by_small_weights", "lerp", "pullback.ops.pointwise.binary:_interpolated",
            "backend.multiply(weight, distance)",
            "distance", "pb.lerp(pb.ones(1), pb.full((1,), 2.), 0.3)"),
    _defect("trace_of_integers_wraps", "trace", "trace", "dtype=backend.native_dtypes[int64]", "dtype=input.dtype",
            "pb.trace(pb.full((2, 2), 100, dtype=pb.int8))", "standard"),
    _defect("roll_of_everything_goes_back", "roll", "roll", "steps[0], axis=0", "-steps[0], axis=0",
            "pb.roll(pb.arange(3.), 1)"),
    _defect("hardtanh_ignores_its_lower_end", "hardtanh", "hardtanh", "constant(backend, min_val, dtype)",
            "constant(backend, -1.0, dtype)", "pb.nn.functional.hardtanh(pb.tensor([-3.]), -2., 2.)"),
]  # fmt: skip
