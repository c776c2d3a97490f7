"""How far two backends' results may be apart: what the conformance suite allows each of them, together.

A result is compared in units in the last place (ulp) of its dtype. The suite's bound says how far from the exact result
one backend may be, so two that keep to it are at most the sum of both apart. Without the suite the bounds are those of
:data:`DEFAULTS`, which are the suite's own for each kind of operation.
"""

from __future__ import annotations

from typing import Any, Final

from pullback.extend import DType, Operation

suite: Any
try:
    from pullback_conformance import tolerances as suite
except ImportError:  # a distribution may leave it out
    suite = None

#: Ulp for each kind of operation, where the suite is not there.
DEFAULTS: Final = {"exact": 0.5, "elementwise": 4.0, "linear": 4.0, "general": 16.0}


def kind_of(operation: Operation) -> str:
    """How an operation's result comes about: ``exact``, ``elementwise``, ``linear`` or ``general``.

    Examples
    --------
    >>> from pullback.extend import registry
    >>> kind_of(registry["exp"]), kind_of(registry["sum"])
    ('elementwise', 'linear')
    """
    if suite is not None:
        return str(suite.kind_of(operation).value)
    declared = operation.accuracy.kind
    if declared is not None:
        return {"rounded": "exact", "sum": "linear"}.get(declared, declared)
    if operation.view or operation.result is not None:
        return "exact"
    if operation.broadcasts:
        return "elementwise"
    return "linear" if operation.linear else "general"


def allowed(operation: Operation, dtype: DType, backends: tuple[str, str]) -> float:
    """How many ulp two backends' results of an operation may be apart.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.extend import registry
    >>> allowed(registry["exp"], pb.float32, ("numpy", "jax"))
    8.0
    """
    if suite is not None:
        return float(sum(suite.bound(operation, dtype, "value", name)[0] for name in backends))
    kind = kind_of(operation)
    if dtype.is_complex and operation.accuracy.kind == "rounded":
        kind = "elementwise"
    return 2 * DEFAULTS[kind] * (2 if dtype.is_complex and kind != "exact" else 1)
