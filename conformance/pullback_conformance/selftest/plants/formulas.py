"""Derivative formulas with one mistake each: broken in the declaration, on a clean backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pullback as pb
from pullback_conformance.selftest.breaking import formula
from pullback_conformance.selftest.defect import Defect

KIND = "derivative formulas"


def _defect(
    name: str, operation: str, operand: str, broken: Callable[..., Any], call: str, values: str, *, of: str = "",
    tier: str = "smoke", check: str = "vjp", also: str = "",
) -> Defect:  # fmt: skip
    """A formula of one operand; the program differentiates ``call`` at ``x``, or at each of two values ``x`` and "
    "``y``."""
    given = values.split("; ")
    names = "xyz"[: len(given)]
    made = ", ".join(f"{n} := pb.tensor({v}, requires_grad=True)" for n, v in zip(names, given, strict=True))
    program = (
        f"({made}, pb.autograd.grad(({call}).sum(), [{', '.join(names)}], allow_unused=True))[{len(given)}]"
        if of != "jvp"
        else f"pb.func.jvp(lambda x: {call}, (pb.tensor({values}),), (pb.tensor({values}),))[1]"
    )
    operations = (operation, *also.split())
    return Defect(
        f"gradient_{name}", KIND, tier, check, operations, formula(operation, operand, broken, of=of), program
    )


def _where(condition: Callable[[Any], Any], otherwise: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """``otherwise(true, saved)`` where ``condition(saved)``."""

    def broken(true: Callable[[], Any], saved: Any) -> Any:
        right = true()
        return pb.where(condition(saved), otherwise(right, saved), right)

    return broken


def _scaled(factor: float) -> Callable[..., Any]:
    return lambda true, saved: true() * factor


def _direction(saved: Any) -> Any:
    return saved.grad if hasattr(saved, "grad") else saved.tangent


def _ones(right: Any, saved: Any) -> Any:
    return pb.ones_like(right)


def _given(true: Any, saved: Any) -> Any:
    return _direction(saved)


def _zero(right: Any, saved: Any) -> Any:
    return pb.zeros_like(right)


DEFECTS = [
    _defect("relu_is_the_identity", "relu", "input", _given, "pb.relu(x)", "[-1.]"),
    _defect("relu_at_zero_is_one", "relu", "input", _where(lambda s: s.out == 0 if hasattr(s, "out") else s.input == 0,
            lambda r, s: _direction(s)), "pb.relu(x)", "[0.]", tier="standard"),
    _defect("square_is_twice_the_modulus", "square", "input", lambda true, s: 2 * s.input.abs(), "pb.square(x)",
            "[-1.]"),
    _defect("pow_of_negative_base", "pow", "input", lambda true, s: true().abs(), "x ** 2", "[-1.]"),
    _defect("pow_at_zero_is_nan", "pow", "input", _where(lambda s: s.input == 0, lambda r, s: r * float("nan")),
            "x ** 2", "[0.]", tier="standard"),
    _defect("pow_exponent_of_zero", "pow", "exponent", _where(lambda s: (s.input == 0) & (s.exponent >= 0),
            lambda r, s: r + float("nan")), "x ** y", "[0.]; [2.]", tier="standard"),
    _defect("remainder_of_negative_numbers", "remainder", "other", _where(lambda s: s.input < 0, lambda r, s: r + 1),
            "pb.remainder(x, y)", "[-3.5]; [2.]"),
    _defect("fmod_of_negative_numbers", "fmod", "other", _where(lambda s: s.input < 0, lambda r, s: r - 1),
            "pb.fmod(x, y)", "[-3.5]; [2.]"),
    _defect("copysign_of_negative_numbers", "copysign", "input", _where(lambda s: s.input < 0, lambda r, s: -r),
            "pb.copysign(x, y)", "[-3.5]; [2.]"),
    _defect("prod_by_division", "prod", "input", lambda true, s: _direction(s) * pb.prod(s.input) / s.input if s.dim is
            None and s.input.ndim < 2 else true(), "pb.prod(x)", "[0., 2.]", of="vjp", tier="standard"),
    _defect("cumprod_by_division", "cumprod", "input", lambda true, s: pb.where(s.input == 0, float("nan"), true()),
            "pb.cumprod(x, 0)", "[0., 2.]", of="vjp", tier="standard"),
    _defect("abs_at_zero_is_one", "abs", "input", _where(lambda s: s.input == 0, lambda r, s: _direction(s)),
            "pb.abs(x)",
            "[0.]", tier="standard"),
    _defect("abs_is_positive", "abs", "input", lambda true, s: true().abs() if not s.input.is_complex() else true(),
            "pb.abs(x)", "[-2.]"),
    _defect("sinc_at_zero_is_nan", "sinc", "input", _where(lambda s: s.input == 0, lambda r, s: r + float("nan")),
            "pb.sinc(x)", "[0.]", tier="standard"),
    _defect("sqrt_at_zero_is_zero", "sqrt", "input", lambda true, s: pb.where(s.out == 0, pb.zeros_like(true()), true(
            )),
            "pb.sqrt(x)", "[0.]", of="vjp", tier="standard"),
    _defect("amax_gives_ties_the_whole", "amax", "input", lambda true, s: _direction(s) * (
            s.input == s.out) if s.out.ndim
            == 0 else true(), "pb.amax(x)", "[1., 1.]", of="vjp", tier="standard"),
    _defect("amin_gives_ties_the_whole", "amin", "input", lambda true, s: _direction(s) * (
            s.input == s.out) if s.out.ndim
            == 0 else true(), "pb.amin(x)", "[1., 1.]", of="vjp", tier="standard"),
    _defect("maximum_gives_ties_the_whole", "maximum", "input", _where(lambda s: s.input == s.other,
            lambda r, s: _direction(s)), "pb.maximum(x, y)", "[1.]; [1.]", tier="standard"),
    _defect("minimum_gives_ties_nothing", "minimum", "input", _where(lambda s: s.input == s.other, _zero),
            "pb.minimum(x, y)", "[1.]; [1.]", tier="standard"),
    _defect("infinity_norm_at_ties", "vector_norm", "input", lambda true, s: true() * 2 if s.ord == float("inf") else
            true(), "pb.norm(x, float('inf'))", "[1., 1.]"),
    _defect("norm_at_zero_is_nan", "vector_norm", "input", lambda true, s: pb.where(s.input == 0, float("nan"), true()),
            "pb.norm(x)", "[0., 0.]", of="vjp", tier="standard"),
    _defect("nan_to_num_of_nan_is_one", "nan_to_num", "input", _where(lambda s: pb.isnan(s.input),
            lambda r, s: _direction(s)), "pb.nan_to_num(x)", "[float('nan')]", tier="standard", check="vjp"),
    _defect("where_multiplies_by_the_condition", "where", "input", lambda true, s: _direction(s) * s.condition,
            "pb.where(x < 0, x, 1.) * float('inf')", "[1.]", tier="standard"),
    _defect("logsumexp_of_minus_infinity", "logsumexp", "input", lambda true, s: pb.where(pb.isinf(s.input), float(
            "nan"),
            true()), "pb.logsumexp(x, 0)", "[float('-inf'), 1.]", of="vjp", tier="standard"),
    _defect("gelu_beyond_two", "gelu", "input", _where(lambda s: s.input > 2.1, _ones), "pb.nn.functional.gelu(x)",
            "[2.5]"),
    _defect("smooth_l1_ignores_beta", "smooth_l1_loss", "input", lambda true, s: true() * (
            1 if s.beta == 1 else s.beta),
            "pb.nn.functional.smooth_l1_loss(x, x.detach() - 0.1, beta=0.5)", "[1.]"),
    _defect("huber_ignores_delta", "huber_loss", "input", lambda true, s: true() / s.delta,
            "pb.nn.functional.huber_loss(x, x.detach() - 5, delta=2.)", "[1.]"),
    _defect("softplus_ignores_beta", "softplus", "input", lambda true, s: true() if s.beta == 1 else _direction(s)
            * pb.sigmoid(s.input), "pb.nn.functional.softplus(x, 2.)", "[1.]"),
    _defect("softplus_ignores_the_threshold", "softplus", "input", _where(lambda s: s.input * s.beta > s.threshold,
            _zero),
            "pb.nn.functional.softplus(x)", "[25.]"),
    _defect("elu_ignores_alpha", "elu", "input", lambda true, s: true() / s.alpha, "pb.nn.functional.elu(x, 0.5)",
            "[-1.]"),
    _defect("leaky_relu_of_negative_numbers", "leaky_relu", "input", _where(lambda s: s.input < 0, _zero),
            "pb.nn.functional.leaky_relu(x)", "[-1.]"),
    _defect("hardtanh_at_its_ends", "hardtanh", "input", _where(lambda s: s.input == s.max_val,
            lambda r, s: _direction(s)), "pb.nn.functional.hardtanh(x)", "[1.]", tier="standard"),
    _defect("threshold_at_its_value", "threshold", "input", _where(lambda s: s.input == s.threshold,
            lambda r, s: _direction(s)), "pb.nn.functional.threshold(x, 1., 0.)", "[1.]", tier="standard"),
    _defect("clamp_at_its_ends_is_zero", "clamp_to_numbers", "input", _where(lambda s: s.input == s.max, _zero),
            "pb.clamp(x, -1., 1.)", "[1.]", tier="standard"),
    _defect("erf_has_nine_digits", "erf", "input", _scaled(1 + 3e-10), "pb.erf(x)", "[0.5], dtype=pb.float64",
            tier="standard"),
    _defect("exp2_has_nine_digits", "exp2", "input", lambda true, s: s.out * 0.693147181, "pb.exp2(x)",
            "[0.5], dtype=pb.float64",
            tier="standard"),
    _defect("log10_has_nine_digits", "log10", "input", _scaled(1 + 3e-10), "pb.log10(x)", "[0.5], dtype=pb.float64",
            tier="standard"),
    _defect("tanh_has_the_wrong_sign", "tanh", "input", _scaled(-1), "pb.tanh(x)", "[0.5]"),
    _defect("log_is_wrong_in_forward_mode", "log", "input", _scaled(2), "pb.log(x)", "[0.5]", of="jvp", check="jvp"),
    _defect("sqrt_is_wrong_in_forward_mode", "sqrt", "input", _scaled(-1), "pb.sqrt(x)", "[0.5]", of="jvp",
            check="jvp"),
    _defect("div_loses_a_power", "true_divide", "other", lambda true, s: true() * s.other, "pb.div(x, y)",
            "[1.]; [2.]"),
    _defect("atan2_exchanges_its_operands", "atan2", "other", lambda true, s: true() * -1, "pb.atan2(x, y)",
            "[1.]; [2.]"),
    _defect("atan2_of_negative_numbers", "atan2", "input", _where(lambda s: s.other < 0, lambda r, s: -r),
            "pb.atan2(x, y)", "[1.]; [-2.]"),
    _defect("hypot_at_zero_is_one", "hypot", "input", _where(lambda s: s.out == 0, _ones), "pb.hypot(x, y)",
            "[0.]; [0.]",
            tier="standard"),
    _defect("xlogy_at_zero", "xlogy", "input", _where(lambda s: s.input == 0, lambda r, s: r + float("nan")),
            "pb.xlogy(x, y)", "[0.]; [2.]", tier="standard"),
    _defect("logaddexp_of_far_numbers", "logaddexp", "input", _where(lambda s: s.input - s.other > 20, _zero),
            "pb.logaddexp(x, y)", "[30.]; [1.]", tier="standard"),
    _defect("lerp_has_the_wrong_weight", "lerp", "end", lambda true, s: _direction(s) * (1 - s.weight),
            "pb.lerp(x, y, 0.25)", "[1.]; [2.]"),
    _defect("mean_divides_by_everything", "mean", "input", lambda true, s: true() / 2 if s.dim not in (None, ()) and
            hasattr(s, "grad") else true(), "pb.mean(x, 1)", "[[1., 2.]]", of="vjp"),
    _defect("sum_of_several_axes", "sum", "input", lambda true, s: true() * 2 if isinstance(s.dim, list | tuple) and
            len(s.dim) > 1 else true(), "pb.sum(x, (0, 1))", "[[1., 2.]]", of="vjp"),
    _defect("var_ignores_corrections", "var", "input", lambda true, s: true() * 0.5 if s.correction not in (None,
            1) else
            true(), "pb.var(x, correction=0)", "[1., 2., 4.]"),
    _defect("std_of_constants_is_nan", "std", "input", lambda true, s: pb.where(s.out == 0, float("nan"), true()),
            "pb.std(x)", "[1., 1.]",
            of="vjp", tier="standard"),
    _defect("softmax_without_its_sum", "softmax", "input", lambda true, s: _direction(s) * s.out, "pb.softmax(x, 0)",
            "[1., 2.]"),
    _defect("log_softmax_without_its_sum", "log_softmax", "input", lambda true, s: _direction(s) - s.out.exp(),
            "pb.log_softmax(x, 0) * pb.tensor([1., 3.])", "[1., 2.]"),
    _defect("matmul_of_the_second", "mm", "mat2", lambda true, s: true() * 2, "pb.mm(x, y)", "[[1.]]; [[2.]]",
            also="matmul"),
    _defect("addmm_ignores_beta", "addmm", "input", lambda true, s: true() / s.beta if s.beta else true(),
            "pb.addmm(x, y, y.detach(), beta=3.)", "[[1.]]; [[2.]]"),
    _defect("addmm_ignores_alpha", "addmm", "mat1", lambda true, s: true() / s.alpha if s.alpha else true(),
            "pb.addmm(x.detach(), y, x.detach(), alpha=3.)", "[[1.]]; [[2.]]"),
    _defect("addcmul_ignores_its_value", "addcmul", "tensor1", lambda true, s: true() / s.value if s.value else true(),
            "pb.addcmul(x, y, x.detach(), value=3.)", "[1.]; [2.]"),
    _defect("addcdiv_has_the_wrong_sign", "addcdiv", "tensor2", lambda true, s: -true(),
            "pb.addcdiv(x.detach(), x.detach(), y)",
            "[1.]; [2.]"),
    _defect("index_counts_repeats_once", "index", "input", lambda true, s: pb.clamp(true(), -1.0, 1.0),
            "x[pb.tensor([0, 0])]", "[1., 2.]", of="vjp"),
    _defect("gather_counts_repeats_once", "gather", "input", lambda true, s: pb.clamp(true(), -1.0, 1.0),
            "pb.gather(x, 0, pb.tensor([0, 0]))", "[1., 2.]", of="vjp"),
    _defect("cumsum_runs_forwards", "cumsum", "input", lambda true, s: pb.cumsum(_direction(s), s.dim),
            "pb.cumsum(x, 0)",
            "[1., 2.]", of="vjp"),
    _defect("expand_loses_a_sum", "expand", "input", lambda true, s: true() / 2 if s.grad.ndim > len(
            s.input_shape) and 1 in
            s.input_shape else true(), "x.expand(2, 2)", "[1.]", of="vjp"),
    _defect("roll_goes_on_forwards", "roll", "input", lambda true, s: pb.roll(_direction(s), s.shifts, s.dims),
            "pb.roll(x, 1, 0) * pb.tensor([1., 2., 3.])", "[1., 2., 4.]", of="vjp"),
    _defect("permute_of_three_axes", "permute", "input", lambda true, s: s.grad.permute(s.dims) if s.grad.permute(
        s.dims).shape == true().shape else true(), "x.permute(1, 2, 0) * pb.arange(8.).reshape(2, 2, 2)",
            "[[[1., 2.], [3., 4.]], [[1., 2.], [3., 4.]]]", of="vjp", tier="standard"),
    _defect("median_of_ties", "median_of_all", "input", lambda true, s: _direction(s) * (s.input == s.out),
            "pb.median(x)",
            "[1., 1., 2.]", of="vjp", tier="standard"),
    _defect("bce_ignores_its_weight", "binary_cross_entropy", "input", lambda true, s: true() if s.weight is None else
            true() / s.weight, "pb.nn.functional.binary_cross_entropy(x, x.detach() * 0.5, pb.tensor([3.]))", "[0.5]"),
    _defect("mse_of_a_sum", "mse_loss", "input", lambda true, s: true() * 2,
            "pb.nn.functional.mse_loss(x, x.detach() - 1)",
            "[1., 2.]"),
    _defect("layer_norm_ignores_its_mean", "native_layer_norm", "input", lambda true, s: true() * 1.1,
            "pb.nn.functional.layer_norm(x, (3,)) * pb.tensor([1., 3., 2.])", "[1., 3., 7.]"),
    _defect("reciprocal_second_order", "reciprocal", "input", lambda true, s: (-(s.out * s.out)).detach(),
            "(g := pb.autograd.grad(pb.reciprocal(x).sum(), x, create_graph=True)[0], g if g.requires_grad else x * "
            "0)[1]",
            "[2.]", check="second"),
    _defect("sin_second_order", "sin", "input", lambda true, s: true().detach(),
            "(g := pb.autograd.grad(pb.sin(x).sum(), x, create_graph=True)[0], g if g.requires_grad else x * 0)[1]",
            "[2.]", check="second"),
    _defect("complex_mul_without_conjugate", "mul", "input", lambda true, s: s.other.conj() if hasattr(s.other, "conj")
            else s.other, "(x * y).real", "[1.+2j]; [2.+1j]", tier="standard"),
    _defect("complex_sgn_is_zero", "sgn", "input", lambda true, s: pb.zeros_like(true()) if s.input.is_complex() else
            true(), "pb.sgn(x).real", "[1.+2j]", tier="standard"),
    _defect("complex_log_is_not_conjugated", "log", "input", lambda true, s: true().conj() if s.input.is_complex() else
            true(), "pb.log(x).real", "[1.+2j]", of="vjp", tier="standard"),
    _defect("trace_counts_twice", "trace", "input", lambda true, s: true() * 2, "pb.trace(x)", "[[1.]]", of="vjp"),
]  # fmt: skip
