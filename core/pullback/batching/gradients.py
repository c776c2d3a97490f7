"""``grad(is_grads_batched=True)``: many passes through one graph, at once."""

from __future__ import annotations

from typing import Any

from pullback.autograd.differentiate import grad
from pullback.batching.levels import Level
from pullback.batching.rules import repeated_front
from pullback.tensor import Tensor


def grad_of_each(
    outputs: list[Any],
    inputs: list[Any],
    gradients: list[Tensor | None],
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool | None,
) -> tuple[Tensor | None, ...]:
    """The gradients of the inputs for each of several gradients of the outputs, along a first dimension.

    Raises
    ------
    RuntimeError
        If the gradients' other dimensions are not those of the outputs.
    ValueError
        If a gradient has no first dimension, or they have different numbers.
    """
    size: int | None = None
    for number, (output, gradient) in enumerate(zip(outputs, gradients, strict=True)):
        if gradient is None and output.requires_grad and output.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        ndim = 0 if gradient is None else gradient.ndim
        if gradient is None or not ndim:
            raise ValueError(
                "vmap(vjp, in_dims=0, ...)(<inputs>): Got in_dim=0 for some input, but that input is a Tensor of"
                " dimensionality 0 so expected in_dim to satisfy 0 <= in_dim < 0."
            )
        if tuple(gradient.shape[1:]) != tuple(output.shape):
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch"
                " dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding"
                f" output, but a mismatch was detected: grad_output[{number}] has a shape of {gradient.shape[2:]} and"
                f" output[{number}] has a shape of {output.shape}. If you only want some tensors in `grad_output` to be"
                " considered batched, consider using vmap."
            )
        if size is not None and gradient.shape[0] != size:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes"
                f" {[g.shape[0] for g in gradients if g is not None]} for the mapped dimension"
            )
        size = gradient.shape[0]
    with Level(size) as level:
        each = [level.wrap(g, 0) for g in gradients if g is not None]
        found = grad(outputs, inputs, each, retain_graph, create_graph, allow_unused=allow_unused)
        return tuple(None if f is None else _unwrapped(level, f) for f in found)


def _unwrapped(level: Level, gradient: Tensor) -> Tensor:
    lifted = level.lift(gradient)
    assert level.batch_size is not None
    made: Tensor = repeated_front(lifted.array.value, lifted.array.batch_dim, level.batch_size)
    return made
