"""How large an error may be: every bound of the suite, in ulp, in this one place.

Bounds follow from the kind of an operation, see :func:`kind_of`; exceptions are listed with their reason. None depends
on sizes (see :mod:`pullback_conformance.ulp` for the scale each kind is measured at). Values in half precision have
bounds of their own: a few of its ulp would be several per cent.
"""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from pullback import bfloat16, complex64, complex128, float16, float32, float64
from pullback.extend import Accuracy, Composite, DType, Operation, call_each


class Kind(Enum):
    """How the result of an operation comes about."""

    EXACT = "exact"  # moves, selects or compares elements, or rounds once, correctly
    ROUNDED_TWICE = "rounded twice"  # adds up terms that are rounded, each correctly
    ELEMENTWISE = "elementwise"  # approximates a function of each element
    LINEAR = "linear"  # adds up terms that are linear in the operands
    GENERAL = "general"  # combines elements in any other way


#: The kinds of which each element is measured at what rounding its operands could move it by.
BY_ELEMENT: Final = frozenset({Kind.ROUNDED_TWICE, Kind.ELEMENTWISE})


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
        The backend it is for. A plugin's tolerance has to name one; the suite's own may be for every backend.
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
    Kind.ROUNDED_TWICE: (1.0, 4.0, 8.0),
    Kind.ELEMENTWISE: (4.0, 16.0, 64.0),
    Kind.LINEAR: (4.0, 8.0, 16.0),
    Kind.GENERAL: (16.0, 64.0, 256.0),
}

#: The bound on values in float16 and bfloat16, whose results are computed in float32 and rounded once. Measured on
#: NumPy with several seeds and JAX with one: all but the exceptions below within 0.9 ulp, sums 0.55, others 1.6.
HALF_PRECISION_BOUNDS: Final = {
    Kind.EXACT: 0.5,
    Kind.ROUNDED_TWICE: 1.0,
    Kind.ELEMENTWISE: 1.0,
    Kind.LINEAR: 1.0,
    Kind.GENERAL: 3.0,
}
_HALF: Final = frozenset({float16, bfloat16})

#: What a formula may differ from finite differences by, relative to the scale: differences in extended precision are
#: good to about 1e-12, in double precision to about 1e-9.
DIFFERENCES: Final = 1e-8

_DERIVATIVES: Final = frozenset({"vjp", "jvp", "adjoint", "second"})

#: Each with a reason that is about the mathematics.
EXCEPTIONS: Final = (
    Tolerance("tanh", "derivatives", 64.0, "1 - tanh(x)^2, PyTorch's formula, cancels: the error is small against 1"),
    *(
        Tolerance(name, "second", 32.0, "2 a / b^3 takes four roundings, and cancels where a divisor is broadcast")
        for name in ("div", "true_divide")
    ),
    *(
        Tolerance(
            name,
            "value",
            1.5,
            "XLA multiplies with the reciprocal of a divisor that is broadcast",
            frozenset({float16, bfloat16, float32, float64}),
            backend="jax",
        )
        for name in ("div", "true_divide")
    ),
    *(
        Tolerance(
            name,
            "value",
            8.0,
            "XLA computes expm1(x) as tanh(x / 2) (exp(x) + 1), with the errors of both functions, and sinh(x) from it",
            frozenset({float32, float64}),
            backend="jax",
        )
        for name in ("expm1", "celu", "elu", "selu", "sinh")
    ),
    Tolerance(
        "tanh",
        "value",
        8.0,
        "XLA's own approximation in double precision is off by up to seven units just below 1",
        frozenset({float64}),
        backend="jax",
    ),
    Tolerance(
        "tanh",
        "value",
        32.0,
        "XLA rounds the doubled argument's cosine beside the poles, which are no numbers of any dtype",
        frozenset({complex64, complex128}),
        backend="jax",
    ),
    Tolerance(
        "cumsum",
        "value",
        10.0,
        "128 elements are added one after the other, as docs/accuracy.md promises: up to 6.6 units measured, over 30"
        " orders of 129 to 10,000 ascending numbers",
        frozenset({float32, float64, complex64, complex128}),
    ),
    Tolerance("polygamma", "value", 8.0, "a sum of powers of 1 / x, of which each is a product of rounded ones"),
    *(
        Tolerance(name, "value", 2.5, "XLA rounds each step of its formula to half precision", _HALF, backend="jax")
        for name in ("acos", "asin", "asinh", "atanh", "hypot", "logaddexp")
    ),
)


#: What a declaration may say of an operation's accuracy.
_KINDS: Final = {
    "exact": Kind.EXACT,
    "rounded": Kind.EXACT,
    "rounded twice": Kind.ROUNDED_TWICE,
    "elementwise": Kind.ELEMENTWISE,
    "sum": Kind.LINEAR,
    "general": Kind.GENERAL,
}


def accuracy_of(operation: Operation | Composite, sample: Any = None) -> Accuracy:
    """What the declaration says of a call: of attributes away from their defaults it may say something else.

    Parameters
    ----------
    sample : Sample or Arguments, optional
        The call's arguments; without it all attributes are their defaults.
    """
    if sample is None or not operation.accuracy.attributes or not isinstance(operation, Operation):
        return operation.accuracy
    given = dict(zip((*operation.operands, *operation.attributes), sample.args, strict=False)) | sample.kwargs
    for name, accuracy in operation.accuracy.attributes.items():
        if given.get(name, operation.defaults[name]) != operation.defaults[name]:
            return accuracy
    return operation.accuracy


def kind_of(operation: Operation | Composite, sample: Any = None) -> Kind:
    """The kind of an operation, from its declaration; of a call, where its arguments are given."""
    accuracy = accuracy_of(operation, sample)
    if accuracy.kind is not None:
        return _KINDS[accuracy.kind]
    if isinstance(operation, Composite):
        return Kind.GENERAL
    if operation.view or operation.result is not None:
        return Kind.EXACT
    if operation.broadcasts:
        return Kind.ELEMENTWISE
    return Kind.LINEAR if operation.linear else Kind.GENERAL


def rounds_its_operand(operation: Operation | Composite, dtype: DType) -> bool:
    """Whether an elementwise operation may lose what rounding its operands would.

    True where several operands can cancel each other; where the core computes the result from several kernels, each of
    which rounds what the next one gets (``logit`` is the logarithm of a rounded quotient, ``sinc`` the sine of a
    rounded product); and for kernels declared to have zeros of that kind, or to be composed where the dtype is complex.
    """
    if not isinstance(operation, Operation):
        return True
    is_hard = operation.accuracy.hard_zeros or (dtype.is_complex and operation.accuracy.composed)
    return len(operation.operands) > 1 or is_made_of_kernels(operation) or is_hard


def is_made_of_kernels(operation: Operation | Composite) -> bool:
    """Whether the core computes the result from several kernels, each of which rounds what the next one gets."""
    return not isinstance(operation, Operation) or operation.body is not None


def bound(
    operation: Operation | Composite, dtype: DType, check: str, backend: str, sample: Any = None
) -> tuple[float, str]:
    """The bound in ulp for a check of an operation, or of one call, and why it is what it is."""
    for exception in (*tolerances_of(backend), *EXCEPTIONS):
        if (
            fnmatchcase(operation.name, exception.operation)
            and (fnmatchcase(check, exception.check) or (exception.check == "derivatives" and check in _DERIVATIVES))
            and fnmatchcase(backend, exception.backend)
            and (not exception.dtypes or dtype in exception.dtypes)
        ):
            return exception.ulp, exception.reason
    kind = kind_of(operation, sample)
    if dtype.is_complex and accuracy_of(operation, sample).kind in ("rounded", "rounded twice"):
        kind = Kind.ELEMENTWISE  # IEEE 754 speaks of real numbers: a complex product takes several roundings
    if dtype in _HALF and check == "value":
        return HALF_PRECISION_BOUNDS[kind], f"the bound for {kind.value} operations in half precision"
    value, first, second = BOUNDS[kind]
    if dtype.is_complex and kind is not Kind.EXACT:
        value, first, second = 2 * value, 2 * first, 2 * second  # a complex function takes several real ones
    by_check = {"value": value, "special": value, "second": second}
    return by_check.get(check, first), f"the bound for {kind.value} operations"


def tolerances_of(backend: str) -> list[Tolerance]:
    """What plugins declare in the hook ``pullback_conformance`` for this backend, and for no other."""
    return [item for item in _from_plugins() if isinstance(item, Tolerance) and item.backend == backend]


def unusable_tolerances() -> list[str]:
    """What is to be said of plugins' tolerances that are left out."""
    said = []
    for item in _from_plugins():
        if not isinstance(item, Tolerance):
            said.append(f"left out: a plugin gives {item!r} to the suite, which is no Tolerance")
        elif not item.backend or set(item.backend) & set("*?["):
            said.append(
                f"left out: a plugin's tolerance of {item.ulp:g} ulp for {item.operation}, as it names no backend:"
                f" {item.reason}"
            )
    return said


def _from_plugins() -> list[Any]:
    global _given_by_plugins
    if _given_by_plugins is None:
        _given_by_plugins = [item for items in call_each("pullback_conformance") for item in items]
    return _given_by_plugins


_given_by_plugins: list[Any] | None = None
