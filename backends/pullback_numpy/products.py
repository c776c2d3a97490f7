"""Matrix products whose error grows like the logarithm of the number of summands.

A BLAS adds the products of a long row and a long column up in a few running sums; with one row or column it may be a
single one. Here the shared axis is cut into parts, whose products are summed pairwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_numpy.summation import pairwise_sum

#: Up to this length the shared axis is left whole.
SHORT = 1024
PART = 512
#: The same for a product of rows that are contiguous and one vector: a BLAS has dozens of running sums there.
SHORT_DOT = 16384
DOT_PART = 4096
#: With more rows and columns than this a BLAS cuts the shared axis itself, into parts of a few hundred.
NARROW = 16
WIDE_PART = 65536

# Any: positional for speed. The method: the function asks for overrides first.
dot: Any = np.ndarray.dot
matmul: Any = np.matmul


def matrix_product(x: Any, y: Any) -> Any:
    """The product of two matrices in a dtype that BLAS has; ``np.matmul`` takes twice the time for small ones."""
    if 1 < len(y) <= SHORT:
        return dot(x, y)
    if len(y) == 1 and (y.size == 1 or x.size == 1):
        return matmul(x, y)  # by a number, to the method, which multiplies nothing by zero, not even NaN
    return long_product(x, y, dot)


def long_product(x: Any, y: Any, multiply: Any) -> Any:
    """``multiply(x, y)``, a product of vectors, matrices or batches of them, in parts of the shared axis."""
    if x.ndim == 1 and y.ndim == 1:
        return _dot(x, y)
    left = x if x.ndim > 1 else x[None, :]
    right = y if y.ndim > 1 else y[:, None]
    size = right.shape[-2]
    part = _part(left, right)
    if size < 2 * part or left.shape[-1] != size or not left.size or not right.size:
        return multiply(x, y)
    count = size // part
    whole = count * part
    rows = left[..., :whole].reshape((*left.shape[:-1], count, part))
    columns = right[..., :whole, :].reshape((*right.shape[:-2], count, part, right.shape[-1]))
    parts = matmul(np.moveaxis(rows, -2, -3), columns)
    out = pairwise_sum(parts, parts.ndim - 3, parts.dtype, False)
    if whole < size:
        out += matmul(left[..., whole:], right[..., whole:, :])
    if x.ndim == 1:
        out = out[..., 0, :]
    return out[..., 0] if y.ndim == 1 else out


def _part(left: Any, right: Any) -> int:
    """How long the parts of the shared axis may be."""
    rows, columns = left.shape[-2], right.shape[-1]
    if rows > NARROW and columns > NARROW:
        return WIDE_PART
    contiguous = (columns == 1 and left.strides[-1] == left.itemsize) or (
        rows == 1 and right.strides[-2] == right.itemsize
    )
    return SHORT_DOT // 2 if contiguous else PART


def _dot(x: Any, y: Any) -> Any:
    size = len(x)
    if size < SHORT_DOT or len(y) != size:
        return matmul(x, y)
    count = size // DOT_PART
    whole = count * DOT_PART
    parts = matmul(x[:whole].reshape((count, 1, DOT_PART)), y[:whole].reshape((count, DOT_PART, 1)))
    total = pairwise_sum(parts, None, parts.dtype, False)
    return total + matmul(x[whole:], y[whole:]) if whole < size else total
