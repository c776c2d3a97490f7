"""Numbers from Poisson distributions: by inversion for small rates, by Hörmann's transformed rejection for others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullback.backend.transfers import elements_read
from pullback.meta import dtypes
from pullback.ops.random.streams import uniform_array

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray
    from pullback.random import Generator

#: From this rate on rejection is used.
_LARGE = 10.0
#: What a smaller rate practically never exceeds: with a probability below 1e-25.
_MOST = 56


def poisson_array(backend: Backend, rates: NativeArray, generator: Generator | None) -> NativeArray:
    """Numbers of these rates, float64."""
    large = backend.greater_equal(rates, _LARGE)
    small = _by_inversion(backend, backend.where(large, 0.0, rates), generator)
    if not bool(elements_read("drawing", backend, backend.any(large)).item()):
        return small
    finite = backend.logical_and(large, backend.isfinite(rates))
    others = backend.where(large, math.inf, small)
    return backend.where(finite, _by_rejection(backend, rates, finite, generator), others)


def _uniform(backend: Backend, like: NativeArray, generator: Generator | None) -> NativeArray:
    return uniform_array(backend, tuple(like.shape), dtypes.float64, backend.device_of(like), generator)


def _by_inversion(backend: Backend, rates: NativeArray, generator: Generator | None) -> NativeArray:
    """How many of the distribution function's values lie below a uniform number."""
    drawn = _uniform(backend, rates, generator)
    probability = cumulated = backend.exp(backend.negative(rates))
    count = backend.multiply(rates, 0.0)
    for step in range(1, _MOST):
        count = backend.add(count, backend.astype(backend.less_equal(cumulated, drawn), dtypes.float64))
        probability = backend.multiply(probability, backend.multiply(rates, 1.0 / step))
        cumulated = backend.add(cumulated, probability)
    return backend.where(backend.greater(rates, 0.0), count, 0.0)


def _by_rejection(
    backend: Backend, rates: NativeArray, wanted: NativeArray, generator: Generator | None
) -> NativeArray:
    """Wolfgang Hörmann, The transformed rejection method for generating Poisson random variables (1993): PTRS."""
    add, multiply, divide, where = backend.add, backend.multiply, backend.divide, backend.where
    rates = where(wanted, rates, _LARGE)
    b = add(multiply(backend.sqrt(rates), 2.53), 0.931)
    a = add(multiply(b, 0.02483), -0.059)
    logarithm, inverse_alpha = backend.log(rates), add(divide(1.1328, add(b, -3.4)), 1.1239)
    squeeze = add(divide(-3.6224, add(b, -2.0)), 0.9277)
    result = multiply(rates, 0.0)
    missing = wanted
    while bool(elements_read("drawing", backend, backend.any(missing)).item()):
        u, v = add(_uniform(backend, rates, generator), -0.5), _uniform(backend, rates, generator)
        distance = add(backend.negative(backend.abs(u)), 0.5)
        distance = where(backend.greater(distance, 0.0), distance, 2.0**-54)
        v = where(backend.greater(v, 0.0), v, 2.0**-54)
        k = backend.floor(add(add(multiply(add(divide(multiply(a, 2.0), distance), b), u), rates), 0.43))
        inside = backend.greater_equal(k, 0.0)
        k = where(inside, k, 0.0)
        proposed = divide(multiply(v, inverse_alpha), add(divide(a, multiply(distance, distance)), b))
        density = add(
            add(multiply(k, logarithm), backend.negative(rates)), backend.negative(_log_factorial(backend, k))
        )
        accepted = backend.less_equal(backend.log(proposed), density)
        quick = backend.logical_and(backend.greater_equal(distance, 0.07), backend.less_equal(v, squeeze))
        accepted = backend.logical_and(inside, backend.logical_or(quick, accepted))
        result = where(backend.logical_and(missing, accepted), k, result)
        missing = backend.logical_and(missing, backend.logical_not(accepted))
    return result


def _log_factorial(backend: Backend, k: NativeArray) -> NativeArray:
    """The logarithm of the factorial, by Stirling's series at an argument increased by seven."""
    add, multiply, divide = backend.add, backend.multiply, backend.divide
    x = add(k, 1.0)
    product = x
    for step in range(1, 7):
        product = multiply(product, add(x, float(step)))
    x = add(x, 7.0)
    inverse = divide(1.0, x)
    square = multiply(inverse, inverse)
    series = add(multiply(square, 1.0 / 1260), -1.0 / 360)
    series = multiply(add(multiply(series, square), 1.0 / 12), inverse)
    main = add(multiply(add(x, -0.5), backend.log(x)), backend.negative(x))
    return add(add(add(main, 0.5 * math.log(2 * math.pi)), series), backend.negative(backend.log(product)))
