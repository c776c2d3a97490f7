"""A tensor's part in the autograd graph: whether it requires gradients, its node, its hooks, and the way out of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

from pullback import autograd
from pullback.tensor import LEAF, STALE, Tensor, methods_of_tensor
from pullback.tensor.history import regenerate
from pullback.tensor.hook_handles import RemovableHandle
from pullback.tensor.levels import refuse_requires_grad, transforming
from pullback.tensor.memory import alias_of, base_requires_grad, has_node, retain_at, version_of
from pullback.tensor.modes import FORWARD, INFERENCE, mode
from pullback.tensor.node import Node, OutputSlot, hooks_of, place_of
from pullback.tensor.tensor import Methods
from pullback.tensor.views import attach_detached


@methods_of_tensor
class GraphMethods(Methods):
    """What a tensor knows of the graph."""

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for this tensor."""
        return self.edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if has_node(self):
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables."
                if value
                else "you can only change requires_grad flags of leaf variables. If you want to use a computed variable"
                " in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and self.dtype.category < 2:
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self.requires_grad_(value)

    @requires_grad.deleter
    def requires_grad(self) -> None:
        raise RuntimeError("requires_grad must be a bool")

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Start or stop computing gradients for a leaf, and return it.

        Raises
        ------
        RuntimeError
            For a dtype that is neither floating nor complex, or for a tensor that is not a leaf.
        """
        if not isinstance(requires_grad, bool):
            raise TypeError(
                "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not"
                f" {type(requires_grad).__name__}"
            )
        if requires_grad and self.dtype.category < 2:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if transforming():
            refuse_requires_grad("requires_grad_()")
        if requires_grad and self.alias is not None and self.is_inference() and not mode() & INFERENCE:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if self.edge is None or self.edge is LEAF:
            base = self._base
            self.edge = LEAF if requires_grad else None if base is None or base.edge is None else STALE
            if self.alias is not None:
                base_requires_grad(self)
            return self
        if not has_node(self):
            assert self.alias is not None
            self.alias.asked = requires_grad
            if requires_grad and self.alias.seen == version_of(self):
                self.edge = LEAF
        elif not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a"
                " subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor is at the beginning of the graph: made by the user, or requiring no gradients."""
        edge = self.edge
        if edge is None or edge is LEAF or getattr(edge, "begins", False):
            return True
        return edge is STALE and self._node() is None

    @property
    def grad_fn(self) -> Node | Any:
        """The graph node that produced this tensor; None for a leaf."""
        edge: Any = self._node()
        if isinstance(edge, OutputSlot):
            return edge.node
        return None if edge is None or edge.begins else edge

    def _node(self) -> Node | None:
        """The edge of a tensor that is not a leaf: a node or one output of it."""
        if self.edge is None or self.edge is LEAF:
            return None
        if self.edge is STALE and regenerate(self) is None:
            return None
        edge = self.edge
        assert isinstance(edge, Node)
        return edge

    @property
    def output_nr(self) -> int:
        """Which of its node's outputs this tensor is."""
        edge = self._node()
        return edge.number if isinstance(edge, OutputSlot) else 0

    @property
    def grad(self) -> Tensor | Any:
        """The gradient accumulated by ``backward()``; None before the first."""
        if self._grad is None and not self.is_leaf and not self._retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't"
                " be populated during autograd.backward(). If you indeed want the .grad field to be populated for a"
                " non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by"
                " mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531"
                " for more information.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.dtype is not self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype.name}' to a tensor with grad_dtype"
                    f" '{self.dtype.name}'. The gradient must match the tensor's dtype."
                )
            if value.backend is not self.backend:
                raise RuntimeError(
                    f"attempting to assign a gradient on backend {value.backend.name!r} to a tensor on backend"
                    f" {self.backend.name!r}. Please ensure that the gradient and the tensor are on the same backend"
                )
            if value.array.shape != self.array.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size"
                    f" '{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def retains_grad(self) -> bool:
        """Whether ``backward()`` will fill in ``grad`` although the tensor is not a leaf."""
        return self._retains_grad

    def retain_grad(self) -> None:
        """Have ``backward()`` fill in ``grad`` of a tensor that is not a leaf.

        Raises
        ------
        RuntimeError
            If the tensor does not require gradients.
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if transforming():
            refuse_requires_grad("retain_grad()")
        if self._retains_grad or not has_node(self):
            return
        node = self._node()
        assert node is not None
        self._retains_grad = True
        retain_at(self, node)

    @property
    def _backward_hooks(self) -> dict[int, Callable[..., Any]] | None:
        """The hooks that :meth:`register_hook` has added."""
        edge = self._node()
        if edge is None:
            return self._tensor_hooks
        node, number = place_of(edge)
        return None if node.hooks is None else node.hooks.tensor.get(number)

    @_backward_hooks.setter
    def _backward_hooks(self, hooks: dict[int, Callable[..., Any]] | None) -> None:
        edge = self._node()
        if edge is None:
            self._tensor_hooks = hooks
            return
        node, number = place_of(edge)
        if hooks is not None:
            hooks_of(node).tensor[number] = hooks
        elif node.hooks is not None:
            node.hooks.tensor.pop(number, None)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(grad)`` whenever the gradient of this tensor is computed; its result, if any, replaces it.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook away.

        Raises
        ------
        RuntimeError
            If the tensor does not require gradients.

        Examples
        --------
        >>> import pullback as pb
        >>> x = pb.tensor([1., 2.], requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        edge = self._node()
        if edge is not None:
            node, number = place_of(edge)
            return RemovableHandle(hooks_of(node).tensor.setdefault(number, {}), hook)
        if self._tensor_hooks is None:
            self._tensor_hooks = {}
        return RemovableHandle(self._tensor_hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook(tensor)`` after a gradient has been accumulated into this leaf.

        Raises
        ------
        RuntimeError
            If the tensor is not a leaf that requires gradients.
        """
        if self.edge is not LEAF:
            if self.edge is None:
                raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_accumulate_hooks is None:
            self._post_accumulate_hooks = {}
        return RemovableHandle(self._post_accumulate_hooks, hook)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Accumulate the gradient of this tensor into the leaves it was computed from.

        Parameters
        ----------
        gradient : Tensor, optional
            The gradient with respect to this tensor, of its shape; ones for a tensor of a single element.
        retain_graph : bool, optional
            Keep what the graph saved, to run through it again; by default as ``create_graph``.
        create_graph : bool
            Record the backward pass too, for higher derivatives.
        inputs : Tensor or sequence of Tensor, optional
            Accumulate into these only.

        Raises
        ------
        RuntimeError
            If there is no graph, it has been freed, or the gradient is missing or of another shape.

        Examples
        --------
        >>> import pullback as pb
        >>> x = pb.tensor(3., requires_grad=True)
        >>> (x ** 2).backward()
        >>> x.grad
        tensor(6.)
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """A tensor that shares this one's memory, outside the graph."""
        out = Tensor._wrap(self.backend.detached(self.array), self.backend)
        attach_detached(out, self, shares_version=True)
        return out

    def detach_(self) -> Self:
        """Take this tensor out of the graph, in place.

        Raises
        ------
        RuntimeError
            For a view: use ``detach()``.
        """
        if self._is_view():
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for"
                " training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence"
                " detach_() cannot be called on these gradients. To fix this error, please refer to the"
                " Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
            )
        if self.edge is not None and self.edge is not LEAF:
            alias_of(self)  # nodes look whether a tensor that they have saved has one: it tells them of the change
            self._tensor_hooks = self._backward_hooks
        self.edge = None
        if mode() & FORWARD:
            self._tangent = None
        self.array = self.backend.detached(self.array)
        if self.alias is not None:
            base_requires_grad(self)
        return self
