"""The arithmetic of strides: contiguous ones, and those of the same elements seen in another shape."""

from __future__ import annotations

from collections.abc import Sequence


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a row-major array of that shape.

    Examples
    --------
    >>> contiguous_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether elements with these strides lie in row-major order without gaps; strides of size-1 dims don't matter."""
    if 0 in shape:
        return True
    return all(
        size == 1 or stride == expected
        for size, stride, expected in zip(shape, strides, contiguous_strides(shape), strict=True)
    )


def view_strides(shape: Sequence[int], strides: Sequence[int], new_shape: Sequence[int]) -> tuple[int, ...] | None:
    """The strides of a view with ``new_shape`` of elements with these strides; None where only a copy has that shape.

    Neighbouring dimensions that step evenly through memory form a block; a new dimension must lie within one.

    Examples
    --------
    >>> view_strides((2, 3), (3, 1), (6,))
    (1,)
    >>> view_strides((3, 2), (1, 3), (6,)) is None
    True
    """
    if 0 in shape:
        return tuple(strides) if tuple(shape) == tuple(new_shape) else contiguous_strides(new_shape)
    if not shape:
        return (1,) * len(new_shape)
    result = [0] * len(new_shape)
    new = len(new_shape) - 1
    step = strides[-1]
    count = left = 1
    for dim in range(len(shape) - 1, -1, -1):
        count *= shape[dim]
        # The block ends where the next dimension to the left does not continue it.
        if dim and (shape[dim - 1] == 1 or strides[dim - 1] == count * step):
            continue
        while new >= 0 and (left < count or new_shape[new] == 1):
            result[new] = left * step
            left *= new_shape[new]
            new -= 1
        if left != count:
            return None
        if dim:
            step = strides[dim - 1]
            count = left = 1
    return tuple(result) if new == -1 else None
