"""How large an error may be: every bound of the suite, in ulp, in this one place.

Bounds follow from the kind of an operation, see :func:`kind_of`; exceptions are listed with their reason. None depends
on sizes (see :mod:`pullback_conformance.ulp` for the scale each kind is measured at). A bound for half precision is the
same number of half precision's much larger ulp.
"""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from pullback.extend import Composite, DType, Operation


class Kind(Enum):
    """How the result of an operation comes about."""

    EXACT = "exact"  # moves, selects or compares elements, or rounds once, correctly
    ELEMENTWISE = "elementwise"  # approximates a function of each element
    LINEAR = "linear"  # adds up terms that are linear in the operands
    GENERAL = "general"  # combines elements in any other way


class Tolerance(NamedTuple):
    """A bound that differs from the one its kind gives.

    Attributes
    ----------
    operation : str
        A name or a pattern with ``*``.
    check : str
        A check's name or a pattern; ``derivatives`` for all that differentiate.
    ulp : float
    reason : str
        Why: what the exact computation loses, not that something failed.
    dtypes : frozenset of DType
        Empty for all.
    backend : str
        A name or a pattern.
    """

    operation: str
    check: str
    ulp: float
    reason: str
    dtypes: frozenset[DType] = frozenset()
    backend: str = "*"


#: Elementwise operations that IEEE 754 requires to be correctly rounded, or whose results are exact.
CORRECTLY_ROUNDED: Final = frozenset({
    "add", "sub", "rsub", "mul", "true_divide", "div", "neg", "positive", "abs", "sign", "sgn", "sqrt", "square",
    "reciprocal", "floor", "ceil", "trunc", "fix", "round", "maximum", "minimum", "fmax", "fmin", "clamp", "clamp_min",
    "clamp_max", "relu", "copysign", "where", "conj_physical", "real", "imag", "floor_divide", "trunc_divide",
    "heaviside", "nan_to_num", "masked_fill", "hardtanh", "relu6", "threshold", "frac", "clone", "to",
    "detach", "nextafter", "signbit",
})  # fmt: skip

#: Families whose operations move or select elements.
_MOVING_FAMILIES: Final = frozenset({
    "comparison", "conversion", "filled", "joining", "reading_and_writing", "reshaping", "sorting",
})  # fmt: skip

#: Operations of those families that add values up where several go to one place.
_ACCUMULATING: Final = frozenset({
    "index_put", "index_add", "scatter", "scatter_add", "scatter_reduce", "index_reduce", "put", "trapezoid",
})  # fmt: skip

#: Operations that may give a zero of either sign: IEEE 754 leaves open which of two zeros is the larger, and libraries
#: differ on the sign of a remainder of zero (C's has the dividend's, Python's the divisor's).
ANY_ZERO: Final = frozenset({
    "maximum", "minimum", "fmax", "fmin", "clamp", "clamp_min", "clamp_max", "relu", "relu6", "hardtanh", "threshold",
    "leaky_relu", "remainder",
})  # fmt: skip

#: The bound for each kind: on values, on first derivatives, on second derivatives.
#: Derivatives of what moves elements add up where an element was used twice; formulas of the others round at each step.
BOUNDS: Final = {
    Kind.EXACT: (0.5, 4.0, 8.0),
    Kind.ELEMENTWISE: (4.0, 16.0, 64.0),
    Kind.LINEAR: (4.0, 8.0, 16.0),
    Kind.GENERAL: (16.0, 64.0, 256.0),
}

#: What a formula may differ from finite differences by, relative to the scale: differences in extended precision are
#: good to about 1e-12, in double precision to about 1e-9.
DIFFERENCES: Final = 1e-8

_DERIVATIVES: Final = frozenset({"vjp", "jvp", "adjoint", "second"})

#: Each with a reason that is about the mathematics.
EXCEPTIONS: Final = (
    Tolerance(
        "gelu",
        "value",
        16.0,
        "1 + tanh(u) and 1 + erf(u) cancel for negative u: the error is small against the operand",
    ),
    Tolerance("tanh", "derivatives", 64.0, "1 - tanh(x)^2, PyTorch's formula, cancels: the error is small against 1"),
    *(
        Tolerance(
            name, "value", 1.5, "XLA multiplies with the reciprocal of a divisor that is broadcast", backend="jax"
        )
        for name in ("div", "true_divide")
    ),
    *(
        Tolerance(
            name, "value", 16.0, "XLA computes exp(x + log(1/2)): the sum's rounding is worth |x| ulp", backend="jax"
        )
        for name in ("cosh", "sinh")
    ),
)


def kind_of(operation: Operation | Composite) -> Kind:
    """The kind of an operation, from its declaration."""
    if operation.name in CORRECTLY_ROUNDED:
        return Kind.EXACT
    family = operation.module.rpartition(".")[2]
    if operation.name in _ACCUMULATING:
        return Kind.LINEAR
    if family == "drawing":
        return Kind.ELEMENTWISE
    if isinstance(operation, Composite):
        return Kind.EXACT if family in _MOVING_FAMILIES else Kind.GENERAL
    if operation.view or operation.result is not None or family in _MOVING_FAMILIES:
        return Kind.EXACT
    if operation.broadcasts:
        return Kind.ELEMENTWISE
    return Kind.LINEAR if operation.linear else Kind.GENERAL


def bound(operation: Operation | Composite, dtype: DType, check: str, backend: str) -> tuple[float, str]:
    """The bound in ulp for a check of an operation, and why it is what it is."""
    for exception in (*_from_plugins(), *EXCEPTIONS):
        if (
            fnmatchcase(operation.name, exception.operation)
            and (fnmatchcase(check, exception.check) or (exception.check == "derivatives" and check in _DERIVATIVES))
            and fnmatchcase(backend, exception.backend)
            and (not exception.dtypes or dtype in exception.dtypes)
        ):
            return exception.ulp, exception.reason
    kind = kind_of(operation)
    if dtype.is_complex and operation.name in CORRECTLY_ROUNDED:
        kind = Kind.ELEMENTWISE  # IEEE 754 speaks of real numbers: a complex product takes several roundings
    value, first, second = BOUNDS[kind]
    if dtype.is_complex and kind is not Kind.EXACT:
        value, first, second = 2 * value, 2 * first, 2 * second  # a complex function takes several real ones
    by_check = {"value": value, "special": value, "second": second}
    return by_check.get(check, first), f"the bound for {kind.value} operations"


def _from_plugins() -> list[Tolerance]:
    """What plugins declare in the hook ``pullback_conformance``."""
    global _plugin_tolerances
    if _plugin_tolerances is None:
        from pullback.extend import call_each

        given = [item for items in call_each("pullback_conformance") for item in items]
        _plugin_tolerances = [item for item in given if isinstance(item, Tolerance)]
    return _plugin_tolerances


_plugin_tolerances: list[Tolerance] | None = None
