"""User-defined differentiable functions: :class:`Function` and the context its methods share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pullback.autograd.engine import reduce_gradient, unshared_wrap
from pullback.autograd.grad_mode import FORWARD, MODE, NO_GRAD, mode
from pullback.autograd.node import Node, OutputGradients, freed_error, modified_error, output_slot, start_node
from pullback.tensor import LEAF, Tensor
from pullback.views import edge_of, rebase, version_of

if TYPE_CHECKING:
    from pullback.autograd.node import Edge


class FunctionCtx:
    """What a Function's forward leaves for its backward: saved tensors, and any attribute set on it."""

    def __init__(self) -> None:
        self._to_save: tuple[Tensor | None, ...] = ()
        self._for_forward: tuple[Tensor | None, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self._node: FunctionNode | None = None
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Save inputs or outputs for backward, where they are ``ctx.saved_tensors``.

        Raises
        ------
        TypeError
            For anything but Tensors and None: set other values as attributes of ``ctx``.
        """
        for number, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {number} is of type"
                    f" {type(tensor).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Save tensors for :meth:`Function.jvp`, where they are ``ctx.saved_for_forward``."""
        self._for_forward = tensors

    @property
    def saved_for_forward(self) -> tuple[Tensor | None, ...]:
        """What :meth:`save_for_forward` saved."""
        return self._for_forward

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward has written in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True, the default) or None for outputs that received no gradient."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors given to :meth:`save_for_backward`.

        Raises
        ------
        RuntimeError
            If they have been freed, or written in place since.
        """
        if self._node is None:
            return self._to_save
        return self._node.unpack()

    saved_variables = saved_tensors


class FunctionNode(Node):
    """Graph node of a user's Function; its class is named after the Function."""

    __slots__ = ("context", "function", "grad_positions", "input_metadata", "outputs")

    context: FunctionCtx
    function: type[Function]
    grad_positions: tuple[int, ...]
    input_metadata: tuple[tuple[tuple[int, ...], Any], ...]
    outputs: tuple[tuple[tuple[int, ...], Any, Any], ...]

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {id(self):#x}>"

    def unpack(self) -> tuple[Tensor | None, ...]:
        if self.saved is None:
            raise freed_error()
        tensors: list[Tensor | None] = []
        for kind, value, then, number in self.saved:
            if kind == "output":
                out = Tensor._wrap(value, self.outputs[number][2])
                out.edge = None if mode() & NO_GRAD else self if len(self.outputs) == 1 else output_slot(self, number)
                alias = then[0]() if then is not None else None
                if alias is not None and alias.alias is not None and alias.alias.counter.version != then[1]:
                    raise modified_error(out.dtype, out.shape, self, alias.alias.counter.version, then[1])
                tensors.append(out)
                continue
            if value is not None and version_of(value) != then:
                raise modified_error(value.dtype, value.shape, value.edge, version_of(value), then)
            tensors.append(value)
        return tuple(tensors)

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        given = [grad.get(i) for i in range(len(self.outputs))] if isinstance(grad, OutputGradients) else [grad]
        if self.context._materialize:
            given = [
                _zeros(backend, shape, dtype) if g is None else g
                for g, (shape, dtype, backend) in zip(given, self.outputs, strict=True)
            ]
        result = self.function.backward(self.context, *given)
        results = list(result) if isinstance(result, tuple | list) else [result]
        return tuple(self._checked(results))

    def _checked(self, results: list[Any]) -> list[Tensor | None]:
        name = self.name()
        count = len(self.context.needs_input_grad)
        if len(results) > count and all(r is None for r in results[count:]):
            results = results[:count]
        if len(results) != count:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {count}, got {len(results)})"
            )
        gradients: list[Tensor | None] = []
        for number, value in enumerate(results):
            if number not in self.grad_positions:
                if isinstance(value, Tensor) and not isinstance(self.context.needs_input_grad[number], bool):
                    raise RuntimeError(f"function {name} returned a gradient for argument {number}, not a Tensor")
                continue
            if value is None:
                gradients.append(None)
                continue
            if not isinstance(value, Tensor):
                raise TypeError(f"expected Variable or None (got {type(value).__name__}) from {name} at index {number}")
            shape, dtype = self.input_metadata[self.grad_positions.index(number)]
            if tuple(value.array.shape) != shape and not _expandable(shape, tuple(value.array.shape)):
                raise RuntimeError(
                    f"Function {name} returned an invalid gradient at index {number} - got {list(value.shape)} but"
                    f" expected shape compatible with {list(shape)}"
                )
            gradients.append(unshared_wrap(reduce_gradient(value, shape, dtype)))
        return gradients


def _expandable(shape: tuple[int, ...], grad_shape: tuple[int, ...]) -> bool:
    """Whether a tensor of ``shape`` broadcasts to ``grad_shape``."""
    if len(shape) > len(grad_shape):
        return False
    tail = grad_shape[len(grad_shape) - len(shape) :]
    return all(size in (1, wide) for size, wide in zip(shape, tail, strict=True))


def _zeros(backend: Any, shape: tuple[int, ...], dtype: Any) -> Tensor:
    from pullback.ops.creation import zeros

    made: Tensor = zeros(shape, dtype=dtype, backend=backend)
    return made


class Function:
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
        import warnings

        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should"
            " invoke them on the class itself. Instantiating an autograd function will raise an error in a future"
            " version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
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

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """Tangents of the outputs from those of the inputs."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments and record the Function in the graph.

        Raises
        ------
        TypeError
            If forward returns something other than Tensors (and plain values) in a tuple.
        """
        context = FunctionCtx()
        edges = [edge_of(a) if isinstance(a, Tensor) and not mode() & NO_GRAD else None for a in args]
        context.needs_input_grad = tuple(e is not None for e in edges)
        separate = cls.setup_context is not Function.setup_context
        active = mode()
        token = MODE.set((active | NO_GRAD) & ~FORWARD)
        try:
            output = cls.forward(*args, **kwargs) if separate else cls.forward(context, *args, **kwargs)
            if separate:
                cls.setup_context(context, args, output)
        finally:
            MODE.reset(token)
        several = isinstance(output, tuple | list)
        outputs = list(output) if several else [output]
        outputs = cls._finish(context, args, edges, outputs)
        if active & FORWARD:
            cls._propagate_tangents(context, args, outputs)
        return tuple(outputs) if several else outputs[0]

    @classmethod
    def _propagate_tangents(cls, context: FunctionCtx, args: tuple[Any, ...], outputs: list[Any]) -> None:
        """Give the outputs the tangents that the Function's ``jvp`` computes, where an argument carries one."""
        from pullback.autograd.forward_ad import set_tangent

        tangents = [a._tangent if isinstance(a, Tensor) else None for a in args]
        if all(t is None for t in tangents):
            return
        token = MODE.set(mode() & ~FORWARD)
        try:
            result = cls.jvp(context, *tangents)
        finally:
            MODE.reset(token)
        results = list(result) if isinstance(result, tuple | list) else [result]
        if len(results) != len(outputs):
            raise RuntimeError(
                f"{cls.__name__}.jvp returned {len(results)} tangents for {len(outputs)} outputs of forward"
            )
        for out, tangent in zip(outputs, results, strict=True):
            if tangent is not None and isinstance(out, Tensor):
                if tangent.shape != out.shape:
                    raise RuntimeError(
                        f"{cls.__name__}.jvp returned a tangent of size {list(tangent.shape)} for an output of size"
                        f" {list(out.shape)}"
                    )
                set_tangent(out, tangent)

    @classmethod
    def _finish(
        cls, context: FunctionCtx, args: tuple[Any, ...], edges: Sequence[Edge | None], outputs: list[Any]
    ) -> list[Any]:
        """Check the outputs and give them their place in the graph."""
        if not any(isinstance(o, Tensor) for o in outputs):
            raise TypeError(
                f"{cls.__name__}.forward: expected to return Tensors, got"
                f" {', '.join(type(o).__name__ for o in outputs) or 'nothing'}"
            )
        for tensor in context._dirty:
            if not any(tensor is o for o in outputs):
                raise RuntimeError(
                    f"Some elements marked as dirty during the forward method of {cls.__name__} were not returned as"
                    " output. The inputs that are modified inplace must all be outputs of the Function."
                )
            if tensor.edge is LEAF and not mode() & NO_GRAD:
                raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
        if all(e is None for e in edges):
            return outputs
        # An input returned as it is becomes a view of itself: the graph must tell the two apart.
        fresh = [
            o.view_as(o).detach()
            if isinstance(o, Tensor) and _is_one_of(o, args) and not _is_one_of(o, context._dirty)
            else o
            for o in outputs
        ]
        tensors = [o for o in fresh if isinstance(o, Tensor)]
        node = object.__new__(_node_class(cls))  # type: ignore[arg-type]  # taken for an unbound __hash__, not the class's
        start_node(node, tuple(e for e, a in zip(edges, args, strict=True) if isinstance(a, Tensor)))
        node.context = context
        node.function = cls
        positions = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        node.grad_positions = tuple(positions)
        node.input_metadata = tuple((tuple(args[i].array.shape), args[i].dtype) for i in positions)
        node.outputs = tuple((tuple(o.array.shape), o.dtype, o.backend) for o in tensors)
        node.saved = tuple(_saved(t, outputs, tensors) for t in context._to_save)
        context._node = node
        context._to_save = ()
        number = 0
        for original, out in zip(outputs, fresh, strict=True):
            if not isinstance(out, Tensor):
                continue
            if not _is_one_of(original, context._non_differentiable) and out.dtype.category >= 2:
                edge = node if len(tensors) == 1 else output_slot(node, number)
                if _is_one_of(original, context._dirty):
                    rebase(out, edge)
                else:
                    out.edge = edge
            number += 1
        return fresh


def _is_one_of(tensor: Any, others: Sequence[Any]) -> bool:
    return any(tensor is other for other in others)


def _saved(tensor: Tensor | None, outputs: list[Any], tensors: list[Tensor]) -> tuple[str, Any, Any, int]:
    """How a tensor is kept: an output as its array alone, for its node would otherwise keep itself alive."""
    import weakref

    originals = [o for o in outputs if isinstance(o, Tensor)]
    for number, original in enumerate(originals):
        if tensor is original:
            fresh = tensors[number]
            return "output", fresh.array, (weakref.ref(fresh), version_of(fresh)), number
    return "input", tensor, 0 if tensor is None else version_of(tensor), 0


@functools.cache
def _node_class(function: type[Function]) -> type[FunctionNode]:
    return type(f"{function.__name__}Backward", (FunctionNode,), {"__slots__": (), "takes_undefined": False})


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a Function's backward whose results must not be differentiated again: doing so is an error."""

    @functools.wraps(function)
    def backward(ctx: Any, *grads: Any) -> Any:
        recording = not mode() & NO_GRAD and any(isinstance(g, Tensor) and g.requires_grad for g in grads)
        token = MODE.set(mode() | NO_GRAD)
        try:
            results = function(ctx, *grads)
        finally:
            MODE.reset(token)
        if not recording:
            return results
        several = isinstance(results, tuple)
        marked = tuple(_refusing(r) for r in (results if several else (results,)))
        return marked if several else marked[0]

    return backward


def _refusing(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    out = Tensor._wrap(value.array, value.backend)
    node = _OnceDifferentiable()
    start_node(node, ())
    out.edge = node
    return out


class _OnceDifferentiable(Node):
    """Stands where the second derivative of a once-differentiable backward would go."""

    __slots__ = ()

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
