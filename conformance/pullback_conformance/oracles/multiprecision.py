"""mpmath: values and first derivatives of elementwise operations, to any precision."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from pullback_conformance.oracles.expressions import Expression, Unknown, mp

#: Decimal digits mpmath computes with; results are rounded to ``long double``.
DIGITS: Final = 40

#: The most elements that are computed so: mpmath takes from ten microseconds to a millisecond for each.
MOST_ELEMENTS: Final = 4096

#: mpmath's precision is one for the process, and numeric derivatives change it as they go.
_one_at_a_time = threading.Lock()

_Values = tuple[Any, Any]


def evaluate(expression: Expression, operands: Sequence[Any], attributes: Mapping[str, Any], dtype: Any) -> _Values:
    """An expression at each element of the operands, broadcast, and where it has no value.

    Parameters
    ----------
    operands : sequence of numpy.ndarray
        In ``long double``, or integers or truth values.
    dtype : numpy.dtype
        Of the results: ``long double`` or its complex counterpart.

    Returns
    -------
    values, is_unknown : numpy.ndarray
        Unknown is the value for operands that are not finite, at poles, and where the sign of a zero matters.
    """
    return _at_each(operands, dtype, lambda numbers, index: expression(*numbers, **attributes))


def derivative(
    expression: Expression, operands: Sequence[Any], attributes: Mapping[str, Any], number: int, dtype: Any, rough: Any
) -> _Values:
    """The derivative with respect to one operand, at each element, as :func:`evaluate` gives values.

    Parameters
    ----------
    rough : numpy.ndarray
        Where there may be a kink or a jump: there the derivatives to both sides have to agree.
    """

    def differentiated(numbers: list[Any], index: tuple[int, ...]) -> Any:
        def along(x: Any) -> Any:
            return expression(*numbers[:number], x, *numbers[number + 1 :], **attributes)

        if not rough[index]:
            return mp.diff(along, numbers[number])
        left, right = (mp.diff(along, numbers[number], direction=side) for side in (-1, 1))
        if not abs(left - right) <= mp.mpf(10) ** -20 * (1 + abs(left)):
            raise Unknown
        return right

    return _at_each(operands, dtype, differentiated)


def _at_each(operands: Sequence[Any], dtype: Any, function: Callable[[list[Any], tuple[int, ...]], Any]) -> _Values:
    arrays = np.broadcast_arrays(*operands)
    shape = arrays[0].shape
    out, is_unknown = np.zeros(shape, dtype), np.zeros(shape, bool)
    is_complex = out.dtype.kind == "c"
    with _one_at_a_time, mp.workdps(DIGITS):
        for index in np.ndindex(*shape):
            try:
                numbers = [_number(a[index]) for a in arrays]
                with mp.workdps(DIGITS + _more_digits(numbers)):
                    result = function(numbers, index)
            except (ArithmeticError, ValueError, Unknown, mp.libmp.NoConvergence):
                is_unknown[index] = True
                result = mp.nan
            if is_complex:
                result = mp.mpc(result)
                out[index] = _rounded(result.real) + 1j * _rounded(result.imag)
            else:
                out[index] = _rounded(result)
    return out, is_unknown


def _more_digits(numbers: list[Any]) -> int:
    """How many more digits complex functions need where parts are small beside 1, which mpmath adds and subtracts."""
    parts = [abs(p) for n in numbers if isinstance(n, mp.mpc) for p in (n.real, n.imag) if p]
    smallest = min(parts, default=1)
    return 0 if smallest > 1e-4 else -2 * int(mp.log10(smallest))


def _number(value: Any) -> Any:
    kind = value.dtype.kind
    if kind == "b":
        return bool(value)
    if kind in "iu":
        return mp.mpf(int(value))
    if not np.isfinite(value):
        raise Unknown
    if kind == "c":
        if not (value.real and value.imag):  # on a branch cut the sign of a zero matters
            raise Unknown
        return mp.mpc(float(value.real), float(value.imag))
    return mp.mpf(float(value))


def _rounded(value: Any) -> Any:
    if isinstance(value, mp.mpc):  # a real function left its domain
        return np.longdouble("nan")
    high = float(value)
    if not np.isfinite(high):
        return np.longdouble(high)
    return np.longdouble(high) + np.longdouble(float(value - high))
