"""Kernels by name: which are elementwise, and which of those need care."""

from __future__ import annotations

from typing import Final

#: Elementwise kernels: bound to the namespace's function of that name, or to ``composed_<name>``.
UNARY: Final = (
    "negative", "positive", "abs", "sign", "exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sqrt",
    "square", "reciprocal", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
    "acosh", "atanh", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "signbit", "logical_not",
    "bitwise_invert", "conj",
)  # fmt: skip
BINARY: Final = (
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "pow", "atan2", "copysign",
    "hypot", "logaddexp", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor",
    "bitwise_left_shift", "bitwise_right_shift", "maximum", "minimum",
)  # fmt: skip

#: Kernels to whose first operand, in half precision, PyTorch applies a number as it is, and rounds the result alone.
WIDE_NUMBERS: Final = frozenset(("multiply", "divide", "floor_divide", "trunc_divide"))

#: Kernels that divide: by zero, integers cannot be.
DIVISIONS: Final = frozenset(("floor_divide", "remainder", "trunc_divide"))

#: Kernels that PyTorch defines for bool and the standard does not: computed on 0 and 1. True where the result
#: is bool.
BOOL_AS_INTEGER: Final = {
    "add": True, "multiply": True, "maximum": True, "minimum": True, "abs": True,
    "less": False, "less_equal": False, "greater": False, "greater_equal": False,
    "isnan": False, "isinf": False, "isfinite": False, "signbit": False,
}  # fmt: skip

#: Kernels for which a library may return its operand, where there is nothing to do.
MAY_RETURN_OPERAND: Final = frozenset(("abs", "ceil", "conj", "floor", "positive", "trunc"))
