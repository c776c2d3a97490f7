"""The context of a user's Function: what its forward leaves for its backward and its jvp."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from pullback.autograd.saved_by_function import TAKEN, unpacked
from pullback.tensor import Tensor

if TYPE_CHECKING:
    import weakref

    from pullback.autograd.function import Function
    from pullback.autograd.function_node import BackwardCFunction
    from pullback.autograd.saved_by_function import Kept


class FunctionCtx:
    """What a Function's forward leaves for its backward: saved tensors, and any attribute set on it.

    It has the same attributes as the node that the Function's results get as ``grad_fn``. The two are different objects
    nevertheless: attributes of the user's own, whatever their names, stay out of the way of the engine.
    """

    # What they are until something else is set. The names are PyTorch's.
    to_save: tuple[Tensor | None, ...] | None = None
    saved_for_forward: tuple[Tensor | None, ...] | None = None
    dirty_tensors: tuple[Tensor, ...] | None = None
    non_differentiable: tuple[Tensor, ...] | None = None
    materialize_grads = True
    needs_input_grad: tuple[bool, ...] = ()
    _materialize_non_diff_grads = True
    _kept: tuple[Kept, ...] | None = None
    _node: weakref.ref[BackwardCFunction] | None = None  # weak: the node has the context
    _forward_cls: type[Function] | None = None

    def __getattr__(self, name: str) -> Any:
        node = None if name not in _OF_THE_NODE or self._node is None else self._node()
        if node is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")
        return getattr(node, name)

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Save inputs or outputs for backward, where they are ``ctx.saved_tensors``.

        Only Tensors and None can be saved, which is checked when forward has ended: set other values as attributes of
        ``ctx``.
        """
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Save tensors for :meth:`Function.jvp`, where they are ``ctx.saved_tensors``.

        Raises
        ------
        AssertionError
            For anything but Tensors and None.
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise AssertionError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on"
                    " ctx."
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward has written in place; it must return them."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = tensors

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Deprecated: tensors that share memory are tracked in any case."""
        warnings.warn(
            "`mark_shared_storage` is deprecated. Tensors with shared storages are automatically tracked. Note that"
            " calls to `set_()` are not tracked",
            FutureWarning,
            stacklevel=2,
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True, the default) or None for outputs that received no gradient.

        Raises
        ------
        TypeError
            For what is no bool.
        """
        if not isinstance(value, bool):
            raise TypeError(
                "set_materialize_grads received an invalid combination of arguments - got"
                f" ({type(value).__name__}), but expected (bool)"
            )
        self.materialize_grads = value

    def name(self) -> str:
        """The name of the node: that of the Function, and ``Backward``."""
        return type(self).__name__

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary of the user's, kept with the node."""
        node = None if self._node is None else self._node()
        found: dict[Any, Any] = self.__dict__.setdefault("_metadata", {}) if node is None else node.metadata
        return found

    @property
    def saved_tensors(self) -> tuple[Tensor | Any, ...]:
        """In backward the tensors given to :meth:`save_for_backward`, in jvp those given to :meth:`save_for_forward`.

        Raises
        ------
        RuntimeError
            If they have been freed, or written in place since.
        """
        if self.saved_for_forward is not None:
            return self.saved_for_forward
        if self._node is None:
            return ()
        tensors = unpacked(self._kept, self._node())
        if self._forward_cls is not None and self._forward_cls.clear_saved_tensors_on_access:
            self._kept = TAKEN
        return tensors

    @property
    def saved_variables(self) -> tuple[Tensor | Any, ...]:
        """Deprecated name of :attr:`saved_tensors`."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors


#: What a context is asked for in place of its node.
_OF_THE_NODE = frozenset({"_raw_saved_tensors", "next_functions", "register_hook", "register_prehook", "requires_grad"})


def marked(context: FunctionCtx, attribute: str) -> tuple[Tensor, ...]:
    """What forward has marked as ``dirty_tensors`` or ``non_differentiable``."""
    marked: Any = getattr(context, attribute)
    if marked is None:
        return ()
    _require_tuple(marked, attribute)
    for number, tensor in enumerate(marked):
        if not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise RuntimeError(
                f"mark_dirty can only accept variables, but argument {number} is of type {kind}"
                if attribute == "dirty_tensors"
                else f"mark_non_differentiable only accepts variable arguments, but got {kind}"
            )
    return tuple(marked)


def to_save(context: FunctionCtx) -> tuple[Tensor | None, ...]:
    """What forward wants to be saved for backward."""
    tensors: Any = context.to_save
    if tensors is None:
        return ()
    _require_tuple(tensors, "to_save")
    for number, tensor in enumerate(tensors):
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"save_for_backward can only save variables, but argument {number} is of type {type(tensor).__name__}"
            )
    return tuple(tensors)


def _require_tuple(value: Any, attribute: str) -> None:
    if not isinstance(value, tuple):
        raise RuntimeError(
            f"autograd internal error: {attribute} attribute is expected to be a tuple but is {type(value).__name__}"
        )
