"""What elementwise operations compute, written with mpmath and Python's arithmetic, from the operations' definitions.

None of this comes out of the core: an operation, an attribute or a constant that is wrong there is not wrong here. Each
expression takes the operands as numbers of mpmath, in the order of the declaration, and the attributes by their names.
Operations whose declaration names a function of mpmath, ``oracle="sin"``, need no expression.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

try:
    import mpmath as mp  # type: ignore[import-untyped]
except ModuleNotFoundError:  # an extra of the suite; operations have the other oracles without it
    mp = None

Expression = Callable[..., Any]


class Unknown(Exception):
    """An expression has no value for these operands."""


def _trunc(x: Any) -> Any:
    return mp.floor(x) if x >= 0 else mp.ceil(x)


def _quotient(x: Any, y: Any) -> Any:
    """``x / y``, unless its whole part has more digits than mpmath computes with."""
    quotient = x / y
    if abs(quotient) > 1e18:
        raise Unknown
    return quotient


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _celu(x: Any, alpha: Any = 1.0) -> Any:
    return x if x > 0 else alpha * mp.expm1(x / mp.mpf(alpha))


def _elu(x: Any, alpha: Any = 1.0) -> Any:
    return x if x > 0 else alpha * mp.expm1(x)


def _selu(x: Any) -> Any:
    scale, alpha = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")
    return scale * (x if x > 0 else alpha * mp.expm1(x))


def _gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        # x / 2 * (1 + tanh(u)) without the sum, which cancels for negative u.
        return x / (1 + mp.exp(-2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)))
    return x * mp.erfc(-x / mp.sqrt(2)) / 2


def _softplus(x: Any, beta: Any = 1.0, threshold: Any = 20.0) -> Any:
    return x if x * beta > threshold else mp.log1p(mp.exp(beta * x)) / beta


def _lgamma(x: Any) -> Any:
    return mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))


def _mvlgamma(x: Any, p: int) -> Any:
    return mp.mpf(p * (p - 1)) / 4 * mp.log(mp.pi) + sum(_lgamma(x - mp.mpf(i) / 2) for i in range(p))


def _logit(x: Any, eps: Any = None) -> Any:
    if eps is not None:
        x = min(max(x, mp.mpf(eps)), 1 - mp.mpf(eps))
    return mp.log(x / (1 - x))


def _logaddexp(x: Any, y: Any) -> Any:
    # The logarithm of a sum about 1 would have few digits.
    return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))


def _xlogy(x: Any, y: Any) -> Any:
    return mp.mpf(0) if x == 0 else x * mp.log(y)


def _atan2(y: Any, x: Any) -> Any:
    if x == 0 or y == 0:  # the signs of zeros matter, and mpmath's zeros have none
        raise Unknown
    return mp.atan2(y, x)


def _copysign(x: Any, y: Any) -> Any:
    if y == 0:
        raise Unknown
    return abs(x) * mp.sign(y)


def _clamp(x: Any, minimum: Any = None, maximum: Any = None) -> Any:
    x = x if minimum is None or x > minimum else +mp.mpf(minimum)
    return x if maximum is None or x < maximum else +mp.mpf(maximum)


def _angle(x: Any) -> Any:
    return mp.pi + 0 * x if x < 0 else 0 * x


#: Of real operands, and of complex ones where the function is holomorphic.
EXPRESSIONS: Final[dict[str, Expression]] = {
    # One operand.
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "rsqrt": lambda x: 1 / mp.sqrt(x),
    "exp2": lambda x: mp.power(2, x),
    "log2": lambda x: mp.log(x) / mp.log(2),
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "sinc": lambda x: mp.sinc(mp.pi * x),
    "deg2rad": lambda x: x * mp.pi / 180,
    "rad2deg": lambda x: x * 180 / mp.pi,
    # Several operands.
    "add": lambda x, y, alpha=1: x + alpha * y,
    "sub": lambda x, y, alpha=1: x - alpha * y,
    "rsub": lambda x, y, alpha=1: y - alpha * x,
    "mul": lambda x, y: x * y,
    "true_divide": lambda x, y: x / y,
    "pow": lambda x, y: mp.power(x, y),
    "lerp": lambda x, end, weight: x + weight * (end - x),
    "addcmul": lambda x, y, z, value=1: x + value * y * z,
    "addcdiv": lambda x, y, z, value=1: x + value * y / z,
    "where": lambda condition, x, y: x if condition else y,
}

#: Of real operands only: what has an order, and what is not holomorphic.
REAL_EXPRESSIONS: Final[dict[str, Expression]] = {
    "abs": abs,
    "sign": lambda x: mp.sign(x),
    "sgn": lambda x: mp.sign(x),
    "angle": _angle,
    "conj_physical": lambda x: +x,
    "nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: +x,
    "floor": lambda x: mp.floor(x),
    "ceil": lambda x: mp.ceil(x),
    "trunc": _trunc,
    "frac": lambda x: x - _trunc(x),
    "relu": lambda x: x if x > 0 else 0 * x,
    "threshold": lambda x, threshold, value: x if x > threshold else mp.mpf(value),
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: _clamp(x, min_val, max_val),
    "leaky_relu": lambda x, negative_slope=0.01: x if x > 0 else x * negative_slope,
    "celu": _celu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "softplus": _softplus,
    "logsigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "logit": _logit,
    "lgamma": _lgamma,
    "polygamma": lambda x, n: mp.psi(n, x),
    "mvlgamma": _mvlgamma,
    "remainder": lambda x, y: x - y * mp.floor(_quotient(x, y)),
    "fmod": lambda x, y: x - y * _trunc(_quotient(x, y)),
    "floored_quotient": lambda x, y: mp.floor(_quotient(x, y)),
    "trunc_divide": lambda x, y: _trunc(_quotient(x, y)),
    "maximum": lambda x, y: max(x, y),
    "minimum": lambda x, y: min(x, y),
    "copysign": _copysign,
    "atan2": _atan2,
    "logaddexp": _logaddexp,
    "xlogy": _xlogy,
    "ldexp": lambda x, y: x * mp.power(2, y),
    "polar": lambda r, phi: r * mp.expj(phi),
    "complex": lambda a, b: mp.mpc(a, b),
    "clamp_to_numbers": lambda x, min=None, max=None: _clamp(x, min, max),
    "hardtanh_backward": lambda g, x, min_val, max_val: g if min_val < x < max_val else 0 * g,
    "leaky_relu_backward": lambda g, x, negative_slope: g if x > 0 else g * negative_slope,
    "threshold_backward": lambda g, x, threshold=0: g if x > threshold else 0 * g,
}


def expression_of(name: str, declared: str | None, *, is_complex: bool) -> Expression | None:
    """The expression of an operation, or mpmath's function of the declared name; None where there is neither.

    Raises
    ------
    AttributeError
        If mpmath has no function of the declared name: the declaration is wrong.
    """
    if mp is None:
        return None
    found = EXPRESSIONS.get(name) or (None if is_complex else REAL_EXPRESSIONS.get(name))
    if found is not None or declared is None or (is_complex and name in REAL_EXPRESSIONS):
        return found
    function: Expression = getattr(mp, declared.removeprefix("mpmath."))
    return function
