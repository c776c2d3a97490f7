"""User-defined differentiable functions: :class:`Function` and the context its methods share."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pullback.autograd.anomaly_mode import remember_origin
from pullback.autograd.engine import reduce_gradient, unshared_wrap
from pullback.autograd.grad_mode import ANOMALY, FORWARD, MODE, NO_GRAD, SAVING, mode
from pullback.autograd.node import Node, OutputGradients, freed_error, modified_error, output_slot, start_node
from pullback.autograd.saved_tensors import packed_by_hooks, packed_result
from pullback.batching.state import levels
from pullback.inplace import check_history
from pullback.tensor import Tensor
from pullback.views import bump_version, edge_of, has_node, leave_function, rebase, saved_version, version_of

if TYPE_CHECKING:
    from pullback.autograd.node import Edge


class FunctionCtx:
    """What a Function's forward leaves for its backward: saved tensors, and any attribute set on it.

    It has the same attributes as the node that the Function's results get as ``grad_fn``.
    """

    def __init__(self) -> None:
        self._to_save: tuple[Tensor | None, ...] = ()
        self._for_forward: tuple[Tensor | None, ...] | None = None
        self._dirty: tuple[Tensor, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self._saved: tuple[tuple[str, Any, Any, int], ...] | None = None
        self._node: weakref.ref[FunctionNode] | None = None  # weak: the node has the context
        self.needs_input_grad: tuple[bool, ...] = ()

    def __getattr__(self, name: str) -> Any:
        node = None if name not in _OF_THE_NODE or self._node is None else self._node()
        if node is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")
        return getattr(node, name)

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
        self._for_forward = tensors

    @property
    def saved_for_forward(self) -> tuple[Tensor | None, ...] | None:
        """What :meth:`save_for_forward` saved, until :meth:`Function.jvp` has run."""
        return self._for_forward

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward has written in place; it must return them.

        Raises
        ------
        RuntimeError
            For anything but Tensors.
        """
        for number, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise RuntimeError(
                    f"mark_dirty can only accept variables, but argument {number} is of type {type(tensor).__name__}"
                )
        for tensor in tensors:
            bump_version(tensor)
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient.

        Raises
        ------
        RuntimeError
            For anything but Tensors.
        """
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise RuntimeError(
                    f"mark_non_differentiable only accepts variable arguments, but got {type(tensor).__name__}"
                )
        self._non_differentiable = tensors

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Deprecated: tensors that share memory are tracked in any case."""
        import warnings

        warnings.warn(
            "`mark_shared_storage` is deprecated. Tensors with shared storages are automatically tracked. Note that"
            " calls"
            " to `set_()` are not tracked",
            FutureWarning,
            stacklevel=2,
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True, the default) or None for outputs that received no gradient."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """In backward the tensors given to :meth:`save_for_backward`, in jvp those given to :meth:`save_for_forward`.

        Raises
        ------
        RuntimeError
            If they have been freed, or written in place since.
        """
        if self._for_forward is not None:
            return self._for_forward
        return self._to_save if self._node is None else _unpacked(self._saved, self._node())

    @property
    def saved_variables(self) -> tuple[Tensor | None, ...]:
        """Deprecated name of :attr:`saved_tensors`."""
        import warnings

        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors


#: What a context is asked for in place of its node.
_OF_THE_NODE = frozenset({"metadata", "name", "next_functions", "register_hook", "register_prehook"})


class FunctionNode(Node):
    """Graph node of a user's Function; its class is named after the Function."""

    # The dictionary is that of the context: PyTorch's node is the context itself, so the two have the same attributes.
    __slots__ = ("__dict__", "context", "function", "grad_positions", "input_metadata", "outputs")

    takes_undefined = True  # backward gets zeros then, unless it asked for None

    context: FunctionCtx
    function: type[Function]
    grad_positions: tuple[int, ...]
    input_metadata: tuple[tuple[tuple[int, ...], Any], ...]
    outputs: tuple[tuple[tuple[int, ...], Any, Any], ...]

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {id(self):#x}>"

    def __getattr__(self, name: str) -> Any:
        if hasattr(FunctionCtx, name):
            return getattr(self.context, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")

    @property
    def output_count(self) -> int:  # type: ignore[override]
        return len(self.outputs)

    @property
    def saved(self) -> tuple[tuple[str, Any, Any, int], ...] | None:
        return self.context._saved

    @saved.setter
    def saved(self, value: tuple[tuple[str, Any, Any, int], ...] | None) -> None:
        self.context._saved = value

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        if isinstance(grad, OutputGradients):
            given = [grad.get(number) for number in range(len(self.outputs))]
        else:  # none at all where nothing has reached it
            given = [grad] * len(self.outputs)
        if self.context._materialize:
            given = [
                _zeros(backend, shape, dtype) if g is None else g
                for g, (shape, dtype, backend) in zip(given, self.outputs, strict=True)
            ]
        result = _backward_of(self.function)(self.context, *given)
        return tuple(self._checked(list(result) if isinstance(result, tuple) else [result]))

    def _checked(self, results: list[Any]) -> list[Tensor | None]:
        """The gradients that backward returned, one for each tensor among the arguments."""
        name = self.name()
        needed = self.context.needs_input_grad
        count = len(needed)
        if len(results) > count and all(r is None for r in results[count:]):
            results = results[:count]
        if len(results) != count:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {count}, got {len(results)})"
            )
        gradients: list[Tensor | None] = []
        for number, value in enumerate(results):
            if number not in self.grad_positions:
                if value is not None:
                    raise RuntimeError(
                        f"function {name} returned a gradient different than None at position {number + 1}, but the"
                        " corresponding forward input was not a Variable"
                    )
                continue
            if value is not None and not isinstance(value, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(value).__name__})")
            gradients.append(value if needed[number] else None)
        return [None if g is None else self._fitted(g, number) for number, g in enumerate(gradients)]

    def _fitted(self, value: Tensor, number: int) -> Tensor:
        """A gradient in the shape and dtype of its input."""
        shape, dtype = self.input_metadata[number]
        if tuple(value.array.shape) != shape and not _expandable(shape, tuple(value.array.shape)):
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {number} - got {list(value.shape)} but"
                f" expected shape compatible with {list(shape)}"
            )
        if value.dtype.is_complex and not dtype.is_complex:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {number} - got {value.dtype} but"
                " expected"
                f" a real dtype, for its input has {dtype}"
            )
        fitted: Tensor = unshared_wrap(reduce_gradient(value, shape, dtype))
        return fitted


def _backward_of(function: type[Function]) -> Any:
    """The Function's backward, or its vjp: two names of the same method.

    Raises
    ------
    RuntimeError
        If it has both.
    """
    if function.vjp is Function.vjp:
        return function.backward
    if function.backward is not Function.backward:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one"
            " of them."
        )
    return function.vjp


def _unpacked(
    saved: tuple[tuple[str, Any, Any, int], ...] | None, node: FunctionNode | None
) -> tuple[Tensor | None, ...]:
    """What forward has saved; ``node`` is None where only the context is left of the graph."""
    if saved is None:
        raise freed_error()
    tensors: list[Tensor | None] = []
    for kind, value, then, number in saved:
        if kind == "input":
            if value is not None and version_of(value) != then:
                raise modified_error(value.dtype, value.shape, value.edge, version_of(value), then)
            tensors.append(value)
            continue
        tensor = value.unpacked() if kind == "packed" else Tensor._wrap(*value)
        if number >= 0 and node is not None and not mode() & NO_GRAD:  # an output of this very node
            tensor.edge = node if len(node.outputs) == 1 else output_slot(node, number)
        alias = then[0]() if then is not None else None
        if alias is not None and alias.alias is not None and alias.alias.counter.version != then[1]:
            raise modified_error(tensor.dtype, tensor.shape, node, alias.alias.counter.version, then[1])
        tensors.append(tensor)
    return tuple(tensors)


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd"
            " function"
            " with static forward method. (Example:"
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
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments and record the Function in the graph.

        What forward returns is one result, or a tuple of them. Those that are Tensors get the Function as ``grad_fn``;
        others are returned as they are, and neither lists nor nested tuples are looked into.
        """
        if levels():
            from pullback.batching.functions import apply_at_level, level_of_arguments

            level = level_of_arguments(args)
            if level is not None:
                return apply_at_level(cls, level, args, kwargs)
        separate = cls.setup_context is not Function.setup_context
        if separate or kwargs:
            args = arguments_by_position(cls.forward, separate, args, kwargs)
        context = FunctionCtx()
        active = mode()
        context.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        edges = [edge_of(a) if isinstance(a, Tensor) and not active & NO_GRAD else None for a in args]
        token = MODE.set((active | NO_GRAD) & ~FORWARD)
        try:
            output = cls.forward(*args) if separate else cls.forward(context, *args)
            if separate:
                cls.setup_context(context, args, output)
        finally:
            MODE.reset(token)
        several = isinstance(output, tuple)
        outputs = list(output) if several else [output]
        marked = context._dirty, context._non_differentiable
        finished = cls._finish(context, args, edges, outputs)
        if active & FORWARD:
            cls._propagate_tangents(context, args, finished, outputs, *marked)
        context._for_forward = None
        return tuple(finished) if several else finished[0]

    @classmethod
    def _propagate_tangents(
        cls,
        context: FunctionCtx,
        args: Sequence[Any],
        finished: Sequence[Any],
        outputs: Sequence[Any] | None = None,
        dirty: Sequence[Tensor] = (),
        non_differentiable: Sequence[Tensor] = (),
    ) -> None:
        """Give the results the tangents that the Function's ``jvp`` computes, where an argument carries one."""
        from pullback.autograd.function_tangents import propagate_tangents

        original = finished if outputs is None else outputs
        propagate_tangents(cls, context, args, original, finished, dirty, non_differentiable)

    @classmethod
    def _finish(
        cls, context: FunctionCtx, args: tuple[Any, ...], edges: Sequence[Edge | None], outputs: list[Any]
    ) -> list[Any]:
        """Check the outputs and give them their place in the graph."""
        for tensor in context._dirty:
            if not any(tensor is o for o in outputs):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as output. The inputs"
                    " that"
                    " are modified inplace must all be outputs of the Function."
                )
        recording = not mode() & NO_GRAD and any(isinstance(a, Tensor) and a.edge is not None for a in args)
        if not recording or not any(isinstance(o, Tensor) for o in outputs):
            fresh = [_as_another(o) if _is_one_of(o, args) else o for o in outputs]
            fresh = [
                o if _is_one_of(o, context._dirty) and o.edge is None else f
                for o, f in zip(outputs, fresh, strict=True)
            ]
            for out in fresh:
                if isinstance(out, Tensor) and not _is_one_of(out, context._dirty):
                    leave_function(out, None, multiple=False)
            return fresh
        for tensor in context._dirty:
            if tensor.edge is not None and not has_node(tensor):
                raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            check_history(tensor)
        differentiable = [
            o
            for o in outputs
            if isinstance(o, Tensor) and o.dtype.category >= 2 and not _is_one_of(o, context._non_differentiable)
        ]
        # An input returned as it is becomes a view of itself: the graph must tell the two apart.
        fresh = [
            o
            if not _is_one_of(o, args) or _is_one_of(o, context._dirty)
            else _as_view_of_itself(o)
            if _is_one_of(o, differentiable)
            else _as_another(o)
            for o in outputs
        ]
        tensors = [o for o in fresh if isinstance(o, Tensor)]
        node = object.__new__(_node_class(cls))
        node.context = context
        node.__dict__ = context.__dict__
        start_node(node, tuple(e for e, a in zip(edges, args, strict=True) if isinstance(a, Tensor)))
        node.function = cls
        positions = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        node.grad_positions = tuple(positions)
        node.input_metadata = tuple((tuple(args[i].array.shape), args[i].dtype) for i in positions)
        node.outputs = tuple((tuple(o.array.shape), o.dtype, o.backend) for o in tensors)
        node.saved = tuple(_saved(t, outputs, tensors) for t in context._to_save)
        context._node = weakref.ref(node)
        context._to_save = ()
        active = mode()
        if active & ANOMALY:
            remember_origin(node)
        if active & SAVING:
            node.saved = tuple(_packed(entry, tensors) for entry in node.saved)
        number = 0
        for original, out in zip(outputs, fresh, strict=True):
            if not isinstance(out, Tensor):
                continue
            if _is_one_of(original, differentiable):
                edge = node if len(tensors) == 1 else output_slot(node, number)
                if _is_one_of(original, context._dirty):
                    rebase(out, edge)
                else:
                    leave_function(out, edge, multiple=len(differentiable) > 1)
            elif not _is_one_of(original, context._dirty):
                leave_function(out, None, multiple=False)
            number += 1
        context._dirty = context._non_differentiable = ()  # results among them refer to the node
        return fresh


def _as_another(tensor: Tensor) -> Tensor:
    """Another tensor with the same elements in the same memory, that requires no gradients."""
    return tensor.detach() if tensor.edge is not None else _as_view_of_itself(tensor)


def _as_view_of_itself(tensor: Tensor) -> Tensor:
    """A view of all of a tensor, without a history."""
    token = MODE.set((mode() | NO_GRAD) & ~FORWARD)
    try:
        return tensor.view_as(tensor)
    finally:
        MODE.reset(token)


def _is_one_of(tensor: Any, others: Sequence[Any]) -> bool:
    return any(tensor is other for other in others)


def _saved(tensor: Tensor | None, outputs: list[Any], tensors: list[Tensor]) -> tuple[str, Any, Any, int]:
    """How a tensor is kept: an output as its array alone, for its node would otherwise keep itself alive."""
    originals = [o for o in outputs if isinstance(o, Tensor)]
    for number, original in enumerate(originals):
        if tensor is original:
            fresh = tensors[number]
            return "output", (fresh.array, fresh.backend), (weakref.ref(fresh), version_of(fresh)), number
    return "input", tensor, 0 if tensor is None else saved_version(tensor), 0


def _packed(entry: tuple[str, Any, Any, int], outputs: list[Tensor]) -> tuple[str, Any, Any, int]:
    """What is kept of a tensor where hooks pack it."""
    kind, value, _, number = entry
    if value is None:
        return entry
    if kind == "output":
        return "packed", packed_result(outputs[number]), None, number
    return "packed", packed_by_hooks(value), None, -1


def _node_class(function: type[Function]) -> type[FunctionNode]:
    """The class of a Function's nodes, which the Function keeps."""
    found: type[FunctionNode] | None = function.__dict__.get("_backward_cls")
    if found is None:
        found = type(f"{function.__name__}Backward", (FunctionNode,), {"__slots__": ()})
        function._backward_cls = found  # type: ignore[attr-defined]
    return found


def arguments_by_position(
    forward: Callable[..., Any], separate: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """A Function's arguments in the order of its forward's parameters, of which the first may be the context.

    Raises
    ------
    TypeError
        For arguments that forward does not take.
    """
    code = getattr(forward, "__code__", None)
    if not kwargs and code is not None and code.co_argcount == len(args) + (not separate):
        return args
    import inspect

    bound = inspect.signature(forward).bind(*(args if separate else (None, *args)), **kwargs)
    if separate:
        bound.apply_defaults()
    for name in bound.kwargs:
        raise TypeError(f"forward() got an unexpected keyword argument {name!r}")
    return bound.args if separate else bound.args[1:]


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
