"""``debug_unwrap``: looking at tensors inside of a transformed function."""

from __future__ import annotations

from pullback.tensor import Tensor
from pullback.tensor.levels import plain


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """What a tensor inside ``vmap`` wraps: the tensor of all examples, to look at while debugging.

    Parameters
    ----------
    recurse : bool
        Unwrap the levels of all transforms, instead of the innermost alone.

    Examples
    --------
    >>> import pullback as pb
    >>> def f(x):
    ...     print(pb.func.debug_unwrap(x))
    ...     return x.sum()
    >>> pb.vmap(f)(pb.ones(2, 3))
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    tensor([3., 3.])
    """
    if recurse:
        return plain(tensor)
    wrapped: Tensor = tensor.array.value if tensor.backend.level else tensor
    return wrapped
