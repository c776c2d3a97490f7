"""Other shapes for the tensors of a call: sizes that were equal stay equal, and broadcast operands broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final

from pullback_conformance.generated.choices import Choices

Shape = tuple[int, ...]

#: Sizes of dimensions, the simplest first.
SIZES: Final = (1, 2, 3, 4, 5, 0, 7, 9)
#: The most elements of a tensor, beside long ones.
MOST_ELEMENTS: Final = 120
#: Sizes beyond which kernels divide their work into blocks, of tensors of one dimension.
_LONG: Final = (17, 33, 65, 130)


def any_shape(choices: Choices, most_dimensions: int = 4) -> Shape:
    """A shape of few elements, or a long one."""
    is_long, ndim = choices.seldom(), choices.below(most_dimensions + 1)
    sizes = [choices.one_of(SIZES) for _ in range(most_dimensions)]
    if is_long:
        return (_LONG[SIZES.index(sizes[0]) % len(_LONG)],)
    return limited(tuple(sizes[:ndim]))


def limited(shape: Shape) -> Shape:
    """The shape with leading sizes of one where it would have too many elements."""
    changed = list(shape)
    for axis in range(len(changed)):
        if prod(changed) <= MOST_ELEMENTS:
            break
        changed[axis] = min(changed[axis], 1)
    return tuple(changed)


def broadcast_together(choices: Choices, count: int) -> list[Shape]:
    """Shapes that broadcast with each other: in all, dimensions may be missing at the front, or of size one."""
    whole = any_shape(choices)
    shapes = []
    for _ in range(count):
        shape = whole
        if choices.seldom():
            shape = shape[choices.below(len(shape) + 1) :]
        if choices.seldom():
            shape = tuple(1 if choices.whether() else size for size in shape)
        shapes.append(shape)
    return shapes


class Renaming:
    """Other sizes in the place of those of a sample, the same one wherever there was the same one."""

    def __init__(self, choices: Choices, shapes: Sequence[Shape]) -> None:
        sizes = sorted({size for shape in shapes for size in shape})
        self._new = {size: size for size in sizes}
        for size in sizes:
            # What is broadcast mostly stays so.
            if size != 1 or choices.seldom():
                self._new[size] = choices.one_of(SIZES)
        self._front: Shape = (choices.one_of(SIZES),) if choices.seldom() else ()

    def of_shape(self, shape: Shape) -> Shape:
        """The shape with other sizes, and maybe with one more dimension at the front."""
        return (*self._front, *map(self.of_size, shape))

    def of_size(self, size: Any) -> Any:
        """The size in the place of another one; those of no tensor stay."""
        return self._new.get(size, size)
