"""Means, variances and norms whose intermediate results neither overflow nor underflow where the result does not.

Each is computed plainly first. Where sums of squares left the range in which they are accurate, they are computed once
more from scaled elements: ``backend.mended`` decides when. All of them take arrays whose sums need no wider dtype.
"""

from __future__ import annotations

from math import ceil, inf, log2, prod, sqrt
from typing import TYPE_CHECKING

from pullback.backend.base import NativeArray
from pullback.meta.limits import finfo

if TYPE_CHECKING:
    from pullback.backend.array_api.axes import Axis
    from pullback.backend.array_api.namespace import NamespaceBackend


def mean(backend: NamespaceBackend, x: NativeArray, axis: Axis, keepdims: bool, count: int) -> NativeArray:
    """The mean of ``count`` elements, finite where they are: their sum may not be."""
    plain = backend.sum(x, axis, None, keepdims) / count
    if count < 2:
        return plain
    scale = 0.5 ** ceil(log2(count))

    def mend() -> NativeArray:
        return backend.sum(x * scale, axis, None, keepdims) / (count * scale)

    return backend.mended(plain, backend.isfinite(plain), mend)


def root_of_squares(backend: NamespaceBackend, size: NativeArray, axis: Axis, keepdims: bool) -> NativeArray:
    """The square root of the sum of squares of magnitudes."""
    total = backend.sum(backend.square(size), axis, None, keepdims)
    if 0 in size.shape:
        return backend.sqrt(total)

    def mend() -> NativeArray:
        largest, scale, back = _scaled(backend, backend.max(size, axis, True))
        squares = backend.square(size * scale / largest)
        root = backend.sqrt(backend.sum(squares, axis, None, True)) * largest * back
        return _shaped(backend, root, total)

    return backend.mended(backend.sqrt(total), _accurate(backend, total), mend)


def root_of_mean_square(backend: NamespaceBackend, x: NativeArray, axis: Axis, added: float, count: int) -> NativeArray:
    """The square root of the mean square of ``count`` real elements plus a number; the dimensions stay."""
    total = backend.sum(backend.square(x), axis, None, True) / count + added
    plain = backend.sqrt(total)
    if added < 0 or not count:
        return plain

    def mend() -> NativeArray:
        root = backend.root_of_squares(backend.abs(x), axis, True) / sqrt(count)
        return backend.hypot(root, backend.like(sqrt(added), root))

    return backend.mended(plain, _accurate(backend, total), mend)


def mean_square(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """The mean square of real elements, finite where it is in range: their squares may not be."""
    plain = backend.mean(backend.square(x))
    if 0 in x.shape:
        return plain

    def mend() -> NativeArray:
        return _shaped(backend, backend.square(backend.root_of_mean_square(x, None, 0.0)), plain)

    return backend.mended(plain, backend.isfinite(plain), mend)


def root_of_powers(backend: NamespaceBackend, size: NativeArray, ord: float, axis: Axis, keepdims: bool) -> NativeArray:
    """The sum of magnitudes to the power ``ord``, to the power ``1 / ord``."""
    total = backend.sum(backend.pow(size, ord), axis, None, keepdims)
    plain = backend.pow(total, 1 / ord)
    if 0 in size.shape:
        return plain

    def mend() -> NativeArray:
        # The element that counts most: the largest, but for negative orders the smallest.
        greatest, scale, back = _scaled(backend, (backend.max if ord > 0 else backend.min)(size, axis, True))
        powers = backend.pow(size * scale / greatest, ord)
        root = backend.pow(backend.sum(powers, axis, None, True), 1 / ord) * greatest * back
        return _shaped(backend, root, total)

    return backend.mended(plain, _accurate(backend, total), mend)


def variance(
    backend: NamespaceBackend, x: NativeArray, axis: Axis, freedom: float, keepdims: bool, root: bool, count: int
) -> NativeArray:
    """The squared distances of ``count`` elements from their mean, summed and divided by ``freedom``; or its root.

    It is zero where all elements are equal, which a rounded mean alone does not see to.
    """
    centre = backend.sum(x, axis, None, True) / count
    plain = backend.sum(_squares(backend, x - centre), axis, None, keepdims) / freedom
    if count < 2 or freedom <= 0 or 0 in x.shape:
        return backend.sqrt(plain) if root else plain
    limits = finfo(backend.dtypes[plain.dtype])
    # As far as this the rounding of the mean may count.
    steady = plain * (2.0**-16 / limits.eps**2) > _shaped(backend, _squares(backend, centre), plain)
    accurate = _accurate(backend, plain) if root else plain < inf

    def mend() -> NativeArray:
        return _scaled_variance(backend, x, axis, freedom, root, plain)

    result = backend.sqrt(plain) if root else plain
    return backend.mended(result, backend.logical_and(steady, accurate), mend)


def _scaled_variance(
    backend: NamespaceBackend, x: NativeArray, axis: Axis, freedom: float, root: bool, plain: NativeArray
) -> NativeArray:
    limits = finfo(backend.dtypes[plain.dtype])
    largest, scale, back = _scaled(backend, backend.max(_magnitude(backend, x), axis, True))
    x = x * _fitting(backend, scale, x)
    count = prod(x.shape) // prod(largest.shape)
    axes = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = {a % len(x.shape) for a in axes}
    first = x[tuple(slice(0, 1) if a in reduced else slice(None) for a in range(len(x.shape)))]
    centre = backend.sum(x, axis, None, True) / count
    near = backend.abs(centre - first) <= backend.abs(first) * (256 * limits.eps)
    deviation = x - backend.where(near, first, centre)
    deviation = deviation - backend.sum(deviation, axis, None, True) / count
    spread = _divisor(backend, backend.max(_magnitude(backend, deviation), axis, True))
    squares = _squares(backend, deviation / _fitting(backend, spread, deviation))
    part = backend.sum(squares, axis, None, True) / freedom
    out = backend.sqrt(part) * spread * back if root else part * spread * spread * back * back
    return _shaped(backend, out, plain)


def _squares(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    if backend.dtypes[x.dtype].is_complex:
        return backend.square(backend.real(x)) + backend.square(backend.imag(x))
    return backend.square(x)


def _magnitude(backend: NamespaceBackend, x: NativeArray) -> NativeArray:
    """The absolute value; of a complex number, that of its greater part."""
    if backend.dtypes[x.dtype].is_complex:
        return backend.maximum(backend.abs(backend.real(x)), backend.abs(backend.imag(x)))
    return backend.abs(x)


def _fitting(backend: NamespaceBackend, factor: NativeArray, x: NativeArray) -> NativeArray:
    return backend.convert(factor, x.dtype)


def _scaled(backend: NamespaceBackend, size: NativeArray) -> tuple[NativeArray, NativeArray, NativeArray]:
    """Sizes to divide by, of medium range; the powers of two that bring them there, and those that lead back.

    By a power of two scaling is exact: any other factor would round away what elements differ in. Dividing by a size
    near the ends of the range is not safe: a library may multiply by the reciprocal, which is subnormal there.
    """
    quarter = round(-log2(finfo(backend.dtypes[size.dtype]).tiny)) // 2
    factor = 2.0 ** (quarter + 10)
    one, up, down = (backend.like(value, size) for value in (1.0, factor, 1 / factor))
    small, large = size < 2.0**-quarter, size > 2.0**quarter
    scale = backend.where(small, up, backend.where(large, down, one))
    back = backend.where(small, down, backend.where(large, up, one))
    return _divisor(backend, size * scale), scale, back


def _divisor(backend: NamespaceBackend, size: NativeArray) -> NativeArray:
    """A size to divide by; one where it is zero, infinite or NaN."""
    usable = backend.logical_and(size > 0, size < inf)
    return backend.where(usable, size, backend.like(1.0, size))


def _accurate(backend: NamespaceBackend, total: NativeArray) -> NativeArray:
    """Where a sum of squares has lost nothing to underflow, and is finite."""
    limits = finfo(backend.dtypes[total.dtype])
    return backend.logical_and(total > limits.tiny / limits.eps, total < inf)


def _shaped(backend: NamespaceBackend, kept: NativeArray, like: NativeArray) -> NativeArray:
    """A reduction with its dimensions kept, in the shape of the same one that may have dropped them."""
    shape = getattr(like, "shape", ())
    return kept if kept.shape == shape else backend.reshape(kept, shape)
