"""User-defined differentiable functions: :class:`Function`, and what PyTorch has beside it in this module."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from pullback.autograd.function_context import FunctionCtx, marked
from pullback.autograd.function_forward import arguments_by_position, finish
from pullback.autograd.function_node import BackwardCFunction
from pullback.autograd.function_tangents import propagate_tangents
from pullback.meta.dtypes import FLOATING
from pullback.tensor import LEAF, Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.levels import levels
from pullback.tensor.modes import FORWARD, MODE, NO_GRAD, mode
from pullback.tensor.node import Node, output_slot, start_node
from pullback.tensor.seams import NO_LEVEL, seams

__all__ = ["BackwardCFunction", "Function", "FunctionCtx", "FunctionMeta", "InplaceFunction", "once_differentiable"]


class FunctionMeta(type):
    """The class of Functions: each has a class of nodes, and one of contexts, of its own."""

    def __init__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any], **options: Any) -> None:
        super().__init__(name, bases, attributes, **options)
        cls._classes: tuple[type[BackwardCFunction], type[FunctionCtx]] | None = None  # made when first needed

    @property
    def _backward_cls(cls) -> type[BackwardCFunction]:
        return cls._own_classes()[0]

    def _own_classes(cls) -> tuple[type[BackwardCFunction], type[FunctionCtx]]:
        """The classes of the Function's nodes and contexts."""
        found = cls._classes
        if found is None:
            name = f"{cls.__name__}Backward"
            shared = {"_forward_cls": cls, "__module__": __name__}
            found = cls._classes = (
                type(name, (BackwardCFunction,), {"__slots__": (), **shared}),
                type(name, (FunctionCtx,), shared),
            )
        return found


class Function(metaclass=FunctionMeta):
    """A differentiable operation of the user's own.

    Subclass it with static methods ``forward(ctx, *args)`` and ``backward(ctx, *grad_outputs)``, or ``forward(*args)``,
    ``setup_context(ctx, inputs, output)`` and ``backward``; use it through ``apply``. Follows
    https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function.

    Examples
    --------
    >>> import pullback as pb
    >>> class Square(pb.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * grad
    >>> x = pb.tensor(3., requires_grad=True)
    >>> y = Square.apply(x)
    >>> y
    tensor(9., grad_fn=<SquareBackward>)
    >>> y.backward()
    >>> x.grad
    tensor(6.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should"
            " invoke them on the class itself. Instantiating an autograd function will raise an error in a future"
            " version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd"
            " function with static forward method. (Example:"
            " https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; no graph is recorded inside."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what backward needs, where ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gradients of the inputs, one for each argument of forward, from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with"
            " backward mode AD."
        )

    #: Another name of backward: a Function defines one of the two.
    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """Tangents of the outputs from those of the inputs."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    #: Whether ``ctx.saved_tensors`` keeps nothing once it has been asked for, so that backward can free them.
    clear_saved_tensors_on_access = False

    #: Whether backward gets the gradients as one list, ``backward(ctx, grads)``, which it can empty as it goes.
    boxed_grads_call = False

    #: Whether ``forward``, ``backward`` and ``jvp`` can run on the tensors inside :func:`pullback.vmap`.
    generate_vmap_rule = False

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """What :func:`pullback.vmap` of this Function does: outputs, and where the mapped dimension of each is.

        ``info`` has the ``batch_size`` and ``randomness``; ``in_dims`` says which dimension of each argument is mapped.
        """
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set"
            " generate_vmap_rule=True."
        )

    @classmethod
    def _backward_or_vjp(cls) -> Any:
        """The Function's backward, or its vjp: two names of the same method.

        Raises
        ------
        RuntimeError
            If it has both.
        """
        if cls.vjp is Function.vjp:
            return cls.backward
        if cls.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement"
                " one of them."
            )
        return cls.vjp

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments and record the Function in the graph.

        What forward returns is one result, or a tuple of them. Those that are Tensors get the Function as ``grad_fn``;
        others are returned as they are, and neither lists nor nested tuples are looked into.
        """
        if levels():
            found = seams.apply_at_level(cls, args, kwargs)
            if found is not NO_LEVEL:
                return found
        separate = cls.setup_context is not Function.setup_context
        if separate or kwargs:
            args = arguments_by_position(cls.forward, separate, args, kwargs)
        context = cls._own_classes()[1]()
        active = mode()
        context.needs_input_grad = tuple([isinstance(a, Tensor) and a.requires_grad for a in args])
        edges = [edge_of(a) if isinstance(a, Tensor) and not active & NO_GRAD else None for a in args]
        mode_before = mode()
        try:
            MODE.set((active | NO_GRAD) & ~FORWARD)
            output = cls.forward(*args) if separate else cls.forward(context, *args)
            if separate:
                cls.setup_context(context, args, output)
        finally:
            MODE.set(mode_before)
        several = isinstance(output, tuple)
        outputs = list(output) if several else [output]
        dirty = marked(context, "dirty_tensors")
        non_differentiable = marked(context, "non_differentiable")
        finished = finish(cls, context, args, edges, outputs, dirty, non_differentiable)
        if active & FORWARD:
            propagate_tangents(cls, context, args, outputs, finished, dirty, non_differentiable)
        context.saved_for_forward = None
        return tuple(finished) if several else finished[0]


class InplaceFunction(Function):
    """The former base class of Functions that write their argument in place; use :class:`Function`."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a Function's backward whose results must not be differentiated again: doing so is an error."""

    @functools.wraps(function)
    def backward(ctx: Any, *grads: Any) -> Any:
        recording = not mode() & NO_GRAD and any(isinstance(g, Tensor) and g.requires_grad for g in grads)
        mode_before = mode()
        try:
            MODE.set(mode() | NO_GRAD)
            results = function(ctx, *grads)
        finally:
            MODE.set(mode_before)
        return _refusing(results) if recording else results

    return backward


def _refusing(results: Any) -> Any:
    """The results as those of one node that refuses to be differentiated.

    As in PyTorch, the node has detached results as its operands.
    """
    several = isinstance(results, tuple)
    values = results if several else (results,)
    edges: list[Any] = []
    for value in values:
        leaf = None
        if isinstance(value, Tensor) and value.dtype.category >= FLOATING:
            leaf = Tensor._wrap(value.array, value.backend)
            leaf.edge = LEAF
        edges.append(leaf)
    node = start_node(Error(), tuple(edges))
    marked = []
    for number, value in enumerate(values):
        if edges[number] is not None:
            value = Tensor._wrap(value.array, value.backend)
            value.edge = node if len(values) == 1 else output_slot(node, number)
        marked.append(value)
    return tuple(marked) if several else marked[0]


class Error(Node):
    """Stands where the second derivative of a once-differentiable backward would go."""

    __slots__ = ()

    def name(self) -> str:
        return "torch::autograd::Error"

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
