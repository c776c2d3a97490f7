"""Whose memory a gradient is: what a leaf may steal, as PyTorch's ``AccumulateGrad`` says, and what it must clone.

Whether anybody else holds it is told by CPython's reference counts, as PyTorch tells it by those of C++. They depend on
the frames a gradient has come through, so what counts as one reference too many is measured once, below, on functions
that call each other as the engine, :func:`~pullback.autograd.gradient_accumulation.deliver_to_leaf` and
:func:`own_gradient` do.
"""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any

from pullback.autograd.grad_mode import gradients_keep_layout
from pullback.meta.formats import contiguous_format, copy_with_order, dense_order, strides_in_order
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of, keep_layout
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_wrap = Tensor._wrap


def own_gradient(grad: Tensor, like: Tensor) -> Tensor:
    """The gradient as a leaf's own: its array where nobody else can see that memory, else a copy.

    Its elements lie in memory in the order of those of ``like``, where these are dense, else in row-major order.

    An array that only ``grad`` refers to belongs to this pass: whatever a user may hold is another Tensor, so another
    reference to the array (see :func:`unshared_wrap`), and a NumPy view refers to the array whose memory it shows. The
    gradient itself may still be on its way to another node, which must not see what becomes of the leaf's: then there
    is one reference too many to it.
    """
    if grad.edge is not None:
        return _recorded_copy(grad, like)
    backend = grad.backend
    array = grad.array
    if not backend.mutable:
        own = _wrap(array, backend)
        if like.alias is not None and like is not grad:
            keep_layout(own, like)
        return own
    if (
        getrefcount(array) <= _OWN_REFERENCES
        and getrefcount(grad) <= _DELIVERED_REFERENCES
        and backend.owns_memory(array)
        and (
            backend.same_strides(array, like.array)
            or _lies_as(backend, array, like.array)
            or not gradients_keep_layout()
        )
    ):
        return _wrap(array, backend)
    return _wrap(copy_with_order(backend, array, _dense_order(backend, like.array)), backend)


def _recorded_copy(grad: Tensor, like: Tensor) -> Tensor:
    """A copy of a gradient that can be differentiated, as if written into new memory laid out as that of ``like``."""
    geometry = geometry_of(like)
    shape, strides = geometry.shape, geometry.strides
    if not geometry.is_contiguous and strides_in_order(shape, dense_order(shape, strides)) != strides:
        own: Tensor = grad.clone(memory_format=contiguous_format)  # its elements don't lie densely
        return own
    backend = grad.backend
    own = registry["copy"].call(_wrap(like.array, like.backend), grad)
    if backend.mutable:
        own.array = copy_with_order(backend, own.array, _dense_order(backend, like.array))
    elif like.alias is not None:
        keep_layout(own, like)
    return own


def _lies_as(backend: Backend, array: Any, like: Any) -> bool:
    """Whether the elements lie in memory as those of ``like``; strides of dimensions of size 1 don't matter."""
    order = _dense_order(backend, like)
    if order is None:
        return backend.is_contiguous(array)
    return backend.is_contiguous(backend.permute_dims(array, order))


def _dense_order(backend: Backend, array: Any) -> tuple[int, ...] | None:
    """The order of the dimensions of a dense array in memory; None for row-major and for one that is not dense."""
    if backend.is_contiguous(array):
        return None
    strides = backend.strides(array)
    order = None if strides is None else dense_order(array.shape, strides)
    return order if order and backend.is_contiguous(backend.permute_dims(array, order)) else None


def retained_gradient(grad: Tensor) -> Tensor:
    """What a tensor within the graph retains of its gradient: a copy, in row-major order."""
    if grad.edge is not None:
        recorded: Tensor = grad.clone(memory_format=contiguous_format)
        return recorded
    backend = grad.backend
    return _wrap(copy_with_order(backend, grad.array, None) if backend.mutable else grad.array, backend)


def unshared_wrap(grad: Any) -> Any:
    """A gradient that user code has seen, as another Tensor over the same array, so that sharing shows in its count."""
    if grad is None or grad.edge is not None or grad._tangent is not None:
        return grad
    return _wrap(grad.array, grad.backend)


def arrives_alone(grad: Tensor) -> bool:
    """Whether nothing but its delivery to a leaf, which asks, holds this gradient."""
    return getrefcount(grad) <= _DELIVERED_REFERENCES


def _own_references() -> int:
    """How many references :func:`own_gradient` counts for an array that only its gradient holds."""

    class Holder:
        array: Any

    holder = Holder()
    holder.array = object()
    array = holder.array
    return getrefcount(array)


def _delivered_references() -> int:
    """How many references :func:`own_gradient` counts for a gradient that nothing but its delivery holds."""

    def own(grad: object) -> int:
        return getrefcount(grad)

    def deliver(leaf: object, grad: object) -> int:
        return own(grad)

    grads = (object(),)
    for target, given in zip((None,), grads, strict=True):
        count = deliver(target, given)
    return count


_OWN_REFERENCES = _own_references()
_DELIVERED_REFERENCES = _delivered_references()
