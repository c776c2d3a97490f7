"""Dropout, in :mod:`pullback.nn.functional`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback import ops
from pullback.dispatch.declaration import in_namespace
from pullback.ops.shared.zeros import zeros_of
from pullback.tensor import Tensor
from pullback.tensor.levels import drawing_backend, levels

if TYPE_CHECKING:
    from pullback.random import Generator


@in_namespace("pullback.nn.functional")
def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """While training, zero each element with probability ``p`` and divide the others by ``1 - p``.

    Parameters
    ----------
    p : float
    training : bool
        Where it is False, the input comes back as it is.
    inplace : bool
        Write into the input.
    generator : Generator, optional
        What to draw from; the default generator if None.

    Raises
    ------
    ValueError
        If ``p`` is not in [0, 1].

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.dropout(pb.ones(2), training=False)
    tensor([1., 1.])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 0 or not training or not input.numel():
        return input
    backend = input.backend
    if levels():
        backend = drawing_backend(backend)
    if p == 1:
        noise = zeros_of(input, ())
    else:
        kept = ops.happens_array(backend, tuple(input.array.shape), 1 - p, input.device, generator)
        noise = Tensor._wrap(backend.multiply(backend.astype(kept, input.dtype), 1 / (1 - p)), backend)
    return input.mul_(noise) if inplace else ops.mul(input, noise)
