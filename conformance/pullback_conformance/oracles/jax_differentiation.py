"""Derivatives as JAX finds them by itself: none of the core's formulas takes part.

The operation's kernels of the JAX backend are traced by JAX, in double precision, and ``jax.vjp`` and ``jax.jvp``
differentiate what they compute by JAX's own rules.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from pullback.extend import Tensor, get_backend
from pullback_conformance.case import Call, Case, is_inexact
from pullback_conformance.errors_as_text import first_line
from pullback_conformance.moving import moved
from pullback_conformance.oracles.extended import in_double_precision

#: What findings call it.
SOURCE: Final = "JAX's own differentiation"


def is_installed() -> bool:
    """Whether JAX is there."""
    return find_spec("jax") is not None


class NotDifferentiated(Exception):
    """JAX cannot trace the operation, or has no rule for what it does."""


class ByJax:
    """One sample, differentiated by JAX.

    Raises
    ------
    NotDifferentiated
        With JAX's reason.
    """

    def __init__(self, case: Case) -> None:
        backend = get_backend("jax")
        self._call = Call(
            case.operation,
            backend,
            case.arguments,
            lambda tensor: moved(in_double_precision(tensor), backend),
            lambda index: moved(index, backend),
        )
        self._backend = backend
        self._inputs = [tensor.array for tensor in self._call.inputs]

    def _values(self, *arrays: Any) -> list[Any]:
        replaced = {i: Tensor._wrap(a, self._backend) for i, a in zip(self._call.chosen, arrays, strict=True)}
        return [o.array for o in self._call.run(replaced) if is_inexact(o)]

    def vjp(self, cotangents: list[Any]) -> list[Any]:
        """The gradient of each differentiated operand, as PyTorch defines that of a complex one."""
        import jax

        try:
            outputs, pull = jax.vjp(self._values, *self._inputs)
            given = [jax.numpy.asarray(np.conj(v), output.dtype) for v, output in zip(cotangents, outputs, strict=True)]
            return [np.conj(np.asarray(g)) for g in pull(given)]
        except Exception as error:
            raise NotDifferentiated(first_line(error)) from error

    def jvp(self, tangents: list[Any]) -> list[Any]:
        """The tangent of each inexact result."""
        import jax

        try:
            given = [jax.numpy.asarray(t, a.dtype) for t, a in zip(tangents, self._inputs, strict=True)]
            _, pushed = jax.jvp(self._values, tuple(self._inputs), tuple(given))
            return [np.asarray(t) for t in pushed]
        except Exception as error:
            raise NotDifferentiated(first_line(error)) from error
