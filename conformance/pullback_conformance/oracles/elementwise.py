"""One call of an elementwise operation as mpmath computes it: its values, gradients and tangents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pullback.extend import Operation, Tensor
from pullback_conformance.case import Call, Case
from pullback_conformance.moving import widened
from pullback_conformance.oracles import multiprecision
from pullback_conformance.oracles.expressions import Expression, expression_of

#: Operations that make complex numbers of real ones.
_MAKE_COMPLEX: Final = frozenset({"complex", "polar"})


class ByExpression:
    """An expression, and the arguments of one sample for it."""

    def __init__(
        self, case: Case, expression: Expression, operands: dict[str, Any], attributes: dict[str, Any]
    ) -> None:
        self.case = case
        self.expression = expression
        self.operands = operands
        self.attributes = attributes
        is_complex = case.dtype.is_complex or case.operation.name in _MAKE_COMPLEX
        self.dtype: Any = np.clongdouble if is_complex else np.longdouble

    @classmethod
    def of(cls, case: Case) -> ByExpression | None:
        """None where the operation has no expression, or the sample more elements than mpmath is asked for."""
        operation = case.operation
        if not isinstance(operation, Operation) or operation.sequence or case.dtype.category < 2:
            return None
        expression = expression_of(operation.name, operation.oracle, is_complex=case.dtype.is_complex)
        if expression is None:
            return None
        names = (*operation.operands, *operation.attributes)
        given = dict(zip(names, case.arguments.args, strict=False)) | case.arguments.kwargs
        operands = {n: given.pop(n) for n in operation.operands if n in given}
        if len(operands) < len(operation.operands) or any(o is None for o in operands.values()):
            return None
        if any(isinstance(a, Tensor) for a in given.values()):
            return None
        found = cls(case, expression, operands, given)
        shape = np.broadcast_shapes(*(np.shape(a) for a in found._arrays()))
        return found if np.prod(shape, dtype=np.int64) <= multiprecision.MOST_ELEMENTS else None

    def _arrays(self) -> list[Any]:
        return [widened(o.array) if isinstance(o, Tensor) else widened(np.asarray(o)) for o in self.operands.values()]

    def values(self) -> tuple[Any, Any]:
        """The result, and where mpmath has none."""
        return multiprecision.evaluate(self.expression, self._arrays(), self.attributes, self.dtype)

    def _partials(self, call: Call, rough: Any) -> list[tuple[Any, Any]]:
        """The derivative of each result with respect to the operand it comes from, for each differentiated one."""
        places = [n for n, o in enumerate(self.operands.values()) if isinstance(o, Tensor)]
        found = []
        for chosen in call.chosen:
            partial, is_unknown = multiprecision.derivative(
                self.expression, self._arrays(), self.attributes, places[chosen], self.dtype, rough
            )
            found.append((partial, is_unknown | np.isnan(partial)))
        return found

    def vjp(self, call: Call, cotangent: Any, rough: Any) -> list[tuple[Any, Any]]:
        """The gradient for each differentiated operand, and where mpmath has none."""
        pairs = []
        for (partial, is_unknown), tensor in zip(self._partials(call, rough), call.inputs, strict=True):
            terms = np.conj(partial) * cotangent
            terms = terms if tensor.dtype.is_complex else terms.real
            shape = tuple(tensor.array.shape)
            pairs.append((_summed_to(terms, shape), _summed_to(is_unknown.astype(np.int64), shape) > 0))
        return pairs

    def jvp(self, call: Call, tangents: Sequence[Any], rough: Any) -> tuple[Any, Any]:
        """The tangent of the result, and where mpmath has none."""
        total, is_unknown = np.zeros(rough.shape, self.dtype), np.zeros(rough.shape, bool)
        for (partial, unknown), tangent in zip(self._partials(call, rough), tangents, strict=True):
            total = total + partial * tangent
            is_unknown = is_unknown | unknown
        return total, is_unknown


def _summed_to(terms: Any, shape: tuple[int, ...]) -> Any:
    """Terms added up over the axes that broadcasting added or stretched."""
    added = terms.ndim - len(shape)
    terms = terms.sum(axis=tuple(range(added)))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and terms.shape[axis] != 1)
    return terms.sum(axis=stretched, keepdims=True).reshape(shape)
