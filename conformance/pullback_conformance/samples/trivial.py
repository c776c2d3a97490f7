"""Arguments with which an operation may have nothing to do, so that a kernel could give an operand back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback.extend import DType, Tensor
from pullback_conformance.moving import mapped
from pullback_conformance.samples.arguments import Arguments


def trivial_arguments(arguments: Arguments, dtype: DType) -> Iterator[Arguments]:
    """The arguments with other operands: ones, zeros behind the first, single elements, one tensor of several.

    Not all of them mean something to every operation.
    """
    data: list[int] = []

    def of_data(change: Callable[[Any, int], Any], of_positions: Callable[[Any], Any] = lambda x: x) -> Any:
        """The change of each operand in the dtype under test, of masks to all true, and of positions."""
        data.clear()

        def replace(tensor: Tensor) -> Tensor:
            array = tensor.array
            if tensor.dtype is dtype:
                data.append(len(data))
                made = np.array(change(array, data[-1]), array.dtype)
            elif tensor.dtype.category == 0:
                made = np.ones_like(change(array, 0))
            else:
                made = np.array(of_positions(array))
            return Tensor._wrap(made, tensor.backend)

        return mapped((arguments.args, arguments.kwargs), replace)

    def ones(x: Any, number: int) -> Any:
        return np.ones_like(x)

    changes: list[tuple[str, Callable[[Any, int], Any], Callable[[Any], Any]]] = [
        ("ones", ones, lambda i: i),
        ("ones and zeros", lambda x, n: np.full_like(x, n == 0), lambda i: i),
        ("single elements", lambda x, n: np.ones((1,) * x.ndim, x.dtype), lambda i: np.zeros((1,) * i.ndim, i.dtype)),
        ("no dimensions", lambda x, n: np.ones((), x.dtype), lambda i: np.zeros((), i.dtype)),
        ("vectors in order", lambda x, n: np.ones(3, x.dtype), lambda i: np.arange(3, dtype=i.dtype)),
    ]
    for label, change, of_positions in changes:
        args, kwargs = of_data(change, of_positions)
        yield arguments._replace(label=label, args=args, kwargs=kwargs, values_only=True)
    if any(isinstance(value, list | tuple) and len(value) > 1 and isinstance(value[0], Tensor) for value in arguments.args):
        alone = tuple(
            type(value)(value[:1]) if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor) else value
            for value in arguments.args
        )
        yield arguments._replace(label="one tensor", args=alone, values_only=True)
