"""Writing an operation's result into its first operand: ``add_``, ``+=``, ``x[...] = y``, ``copy_``.

The operation runs as usual on a stand-in for the tensor as it was; then its result is written into the tensor's memory
and its node becomes the tensor's history. Every check comes before the first change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.autograd.grad_mode import FORWARD, NO_GRAD, mode
from pullback.dtypes import can_cast

if TYPE_CHECKING:
    from pullback.op import Operation
    from pullback.tensor import Tensor


def apply_inplace(operation: Operation, tensor: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Run ``operation`` on the tensor and write the result into it.

    Raises
    ------
    RuntimeError
        For a leaf that requires gradients, memory that overlaps itself, a result of another shape, or one whose dtype
        cannot be cast to the tensor's; the tensor is unchanged then.
    """
    from pullback.tensor import Tensor
    from pullback.views import edge_of, rebase, write

    active = mode()
    recording = not active & NO_GRAD
    check_writable(tensor, recording and any(isinstance(a, Tensor) and a.edge is not None for a in args))
    before = Tensor._wrap(tensor.array, tensor.backend)
    if recording:
        before.edge = _history_of(tensor)
    if active & FORWARD and tensor._tangent is not None:
        before._tangent = tensor._tangent
    out = operation.call(before, *args, **kwargs)
    if tuple(out.array.shape) != tuple(tensor.array.shape):
        raise RuntimeError(
            f"output with shape {list(tensor.shape)} doesn't match the broadcast shape {list(out.shape)}"
        )
    own = edge_of(out) if recording else None
    if own is not None and tensor.backend.mutable and _saves(own, before):
        before.array = tensor.backend.copy(before.array)  # the node needs the elements as they were
    if out.dtype is not tensor.dtype:
        if not can_cast(out.dtype, tensor.dtype):
            names = (d.tensor_type_name.removesuffix("Tensor") for d in (out.dtype, tensor.dtype))
            raise RuntimeError("result type {} can't be cast to the desired output type {}".format(*names))
        out = out.to(tensor.dtype)
    write(tensor, out.array)
    if recording:
        node = edge_of(out)
        if node is not None or tensor.edge is not None or _base_has_history(tensor):
            rebase(tensor, node)
    if active & FORWARD and (out._tangent is not None or tensor._tangent is not None):
        from pullback.autograd.forward_ad import write_tangent

        write_tangent(tensor, out._tangent)
    return tensor


def _history_of(tensor: Tensor) -> Any:
    """The edge of a tensor about to be written, as what it is now: its stand-in is no leaf of the user's."""
    from pullback.tensor import LEAF
    from pullback.views import edge_of

    return None if tensor.edge is LEAF else edge_of(tensor)


def _saves(node: Any, tensor: Tensor) -> bool:
    return node.saved is not None and any(value is tensor for value in node.saved)


def _base_has_history(tensor: Tensor) -> bool:
    alias = tensor.alias
    return alias is not None and alias.base is not None and alias.base.edge is not None


def check_writable(tensor: Tensor, operand_requires_grad: bool = False) -> None:
    """Refuse the writes that PyTorch refuses."""
    from pullback.tensor import LEAF, Tensor
    from pullback.views import forbidden_write

    if not isinstance(tensor, Tensor):
        raise TypeError(f"only a Tensor can be written in place, not {type(tensor).__name__}")
    alias = tensor.alias
    if not mode() & NO_GRAD and (tensor.edge is not None or operand_requires_grad or _base_has_history(tensor)):
        if alias is not None and alias.base is not None:
            if alias.multiple or alias.without_grad:
                raise forbidden_write(tensor, "is being")
            if alias.base.edge is LEAF or tensor.edge is LEAF:
                raise RuntimeError(
                    "a view of a leaf Variable that requires grad is being used in an in-place operation."
                )
        if tensor.edge is LEAF:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if overlaps_itself(tensor):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location."
            " Please clone() the tensor before performing the operation."
        )
    if tensor.backend.mutable and not tensor.backend.writable(tensor.array):
        raise RuntimeError(
            "the tensor's memory is read-only (it came from an array that cannot be written); clone() it first"
        )


def overlaps_itself(tensor: Tensor) -> bool:
    """Whether two elements of the tensor are one piece of memory: it was expanded and not copied since."""
    backend = tensor.backend
    if backend.mutable:
        if backend.is_contiguous(tensor.array):
            return False
    elif tensor.alias is None or not tensor.alias.path:
        return False
    return any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.array.shape, strict=True))
