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
            name,
            "value",
            32.0,
            "XLA computes exp(x + log(1/2)): at |x| < 64 its rounding is worth |x| / 2 ulp",
            backend="jax",
        )
        for name in ("cosh", "sinh")
    ),
)


#: What a declaration may say of an operation's accuracy.
_KINDS: Final = {
    "exact": Kind.EXACT,
    "rounded": Kind.EXACT,
    "elementwise": Kind.ELEMENTWISE,
    "sum": Kind.LINEAR,
    "general": Kind.GENERAL,
}


def kind_of(operation: Operation | Composite) -> Kind:
    """The kind of an operation, from its declaration."""
    if operation.accuracy.kind is not None:
        return _KINDS[operation.accuracy.kind]
    if isinstance(operation, Composite):
        return Kind.GENERAL
    if operation.view or operation.result is not None:
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
    if dtype.is_complex and operation.accuracy.kind == "rounded":
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
