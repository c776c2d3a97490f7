"""Activations that may be told to write into their input; in :mod:`pullback.nn.functional`."""

from __future__ import annotations

from pullback.tensor import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element, or 0 where it is negative.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.relu(pb.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return input.relu_() if inplace else rectified(input)


from pullback.ops.activation import relu as rectified  # noqa: E402
