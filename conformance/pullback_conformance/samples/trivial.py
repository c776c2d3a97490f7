"""Arguments with which an operation may have nothing to do, so that a kernel could give an operand back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np

from pullback.extend import DType, Positions, Tensor
from pullback_conformance.moving import mapped
from pullback_conformance.samples.arguments import Arguments


def trivial_arguments(arguments: Arguments, dtype: DType) -> Iterator[Arguments]:
    """The arguments with other operands: ones, zeros behind the first, single elements, one tensor of several.

    Not all of them mean something to every operation.
    """

    def changed(change: Callable[[Any, int], Any], of_positions: Callable[[Any], Any]) -> Any:
        """Other operands in the dtype under test, masks that are all true, and other positions."""
        numbers = count()

        def replace(tensor: Tensor) -> Tensor:
            array = tensor.array
            if tensor.dtype is dtype:
                made = np.array(change(array, next(numbers)), array.dtype)
            elif tensor.dtype.category == 0:
                made = np.ones_like(change(array, 0))
            else:
                made = np.array(of_positions(array))
            return Tensor._wrap(made, tensor.backend)

        return mapped((arguments.args, arguments.kwargs), replace)

    changes: list[tuple[str, Callable[[Any, int], Any], Callable[[Any], Any]]] = [
        ("ones", lambda x, n: np.ones_like(x), lambda i: i),
        ("ones and zeros", lambda x, n: np.full_like(x, n == 0), lambda i: i),
        ("single elements", lambda x, n: np.ones((1,) * x.ndim, x.dtype), lambda i: np.zeros((1,) * i.ndim, i.dtype)),
        ("no dimensions", lambda x, n: np.ones((), x.dtype), lambda i: np.zeros((), i.dtype)),
        ("vectors in order", lambda x, n: np.ones(3, x.dtype), lambda i: np.arange(3, dtype=i.dtype)),
    ]
    for label, change, of_positions in changes:
        args, kwargs = changed(change, of_positions)
        if _has_too_many_positions(args):
            continue
        yield arguments._replace(label=label, args=args, kwargs=kwargs, values_only=True)
    if any(_is_several(value) for value in arguments.args):
        alone = tuple(type(value)(value[:1]) if _is_several(value) else value for value in arguments.args)
        yield arguments._replace(label="one tensor", args=alone, values_only=True)


def _has_too_many_positions(args: tuple[Any, ...]) -> bool:
    """Whether a key has parts for more dimensions than there are, which no kernel need take."""
    return any(isinstance(value, Positions) and len(value.parts) > args[0].ndim for value in args[1:])


def _is_several(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 1 and all(isinstance(v, Tensor) for v in value)
