"""User-defined differentiable functions: :class:`Function` and the context its methods share."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from pullback.autograd.function_tangents import propagate_tangents
from pullback.autograd.gradient_accumulation import reduce_gradient
from pullback.autograd.gradient_ownership import unshared_wrap
from pullback.autograd.saved_by_function import raw_saved_tensors
from pullback.dispatch.inplace import check_history
from pullback.meta.dtypes import FLOATING
from pullback.tensor import LEAF, Tensor
from pullback.tensor.history import edge_of, leave_function
from pullback.tensor.levels import levels
from pullback.tensor.memory import bump_version, has_node, saved_version, version_of
from pullback.tensor.modes import ANOMALY, FORWARD, MODE, NO_GRAD, SAVING, mode
from pullback.tensor.node import (
    Node,
    OutputGradients,
    freed_error,
    hooks_of,
    modified_error,
    output_slot,
    start_node,
)
from pullback.tensor.rebasing import history_after, rebase
from pullback.tensor.registry import registry
from pullback.tensor.saved_tensors import beside, packed_by_hooks, packed_result
from pullback.tensor.seams import NO_LEVEL, seams
from pullback.tensor.surroundings import enter_user_code, leave_user_code

if TYPE_CHECKING:
    from pullback.tensor.node import Edge


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
    _kept: tuple[tuple[str, Any, Any, int], ...] | None = None
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
        import warnings

        warnings.warn(
            "`mark_shared_storage` is deprecated. Tensors with shared storages are automatically tracked. Note that"
            " calls"
            " to `set_()` are not tracked",
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
        tensors = _unpacked(self._kept, self._node())
        if self._forward_cls is not None and self._forward_cls.clear_saved_tensors_on_access:
            self._kept = _TAKEN
        return tensors

    @property
    def saved_variables(self) -> tuple[Tensor | Any, ...]:
        """Deprecated name of :attr:`saved_tensors`."""
        import warnings

        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors


#: What a context is asked for in place of its node.
_OF_THE_NODE = frozenset({"_raw_saved_tensors", "next_functions", "register_hook", "register_prehook", "requires_grad"})
#: In place of what a context has saved, once it has been asked for and is not kept any longer.
_TAKEN: Final = (("taken", None, None, -1),)


class BackwardCFunction(Node, FunctionCtx):
    """Graph node of a user's Function; its class is named after the Function."""

    # The dictionary is that of the context: PyTorch's node is the context itself, so the two have the same attributes.
    __slots__ = (
        "__dict__",
        "argument_count",
        "context",
        "function",
        "grad_positions",
        "input_metadata",
        "output_slots",
        "outputs",
    )

    takes_undefined = True  # backward gets zeros then, unless it asked for None
    saves_outputs = True

    argument_count: int
    context: FunctionCtx
    function: type[Function]
    grad_positions: tuple[int, ...]  # which arguments are tensors
    input_metadata: tuple[tuple[tuple[int, ...], Any], ...]
    #: Shape, dtype, backend, and whether it is differentiable; the shape is None for what is no tensor.
    outputs: tuple[tuple[tuple[int, ...] | None, Any, Any, bool], ...]

    metadata = Node.metadata

    @property
    def keeps_results(self) -> bool:
        """Whether it has saved results of its own."""
        kept = self.context._kept or ()
        return any(kind == "output" or (kind == "packed" and number >= 0) for kind, _, _, number in kept)

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {id(self):#x}>"

    @property
    def requires_grad(self) -> bool:
        """Whether an argument requires gradients: always, for there is no node otherwise."""
        return True

    @property
    def _raw_saved_tensors(self) -> tuple[Any, ...]:
        """What has been saved, as it is kept: objects whose ``register_hooks`` packs a tensor."""
        return raw_saved_tensors(self)

    @property
    def output_count(self) -> int:  # type: ignore[override]
        return len(self.outputs)

    @property
    def has_outputs(self) -> bool:  # type: ignore[override]
        return len(self.outputs) > 1

    @property
    def saved(self) -> tuple[tuple[str, Any, Any, int], ...] | None:
        return self.context._kept

    @saved.setter
    def saved(self, value: tuple[tuple[str, Any, Any, int], ...] | None) -> None:
        self.context._kept = value

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        if isinstance(grad, OutputGradients):
            given = [unshared_wrap(grad.get(number)) for number in range(len(self.outputs))]
        else:  # none at all where nothing has reached it
            given = [unshared_wrap(grad)] * len(self.outputs)
        context = self.context
        if context.materialize_grads:
            always = context._materialize_non_diff_grads
            given = [
                _zeros(backend, shape, dtype) if g is None and shape is not None and (always or differentiable) else g
                for g, (shape, dtype, backend, differentiable) in zip(given, self.outputs, strict=True)
            ]
        backward = backward_of(self.function)
        enter_user_code()
        result = backward(context, given) if self.function.boxed_grads_call else backward(context, *given)
        gradients = tuple(self._checked(list(result) if isinstance(result, tuple) else [result]))
        if self.hooks is None:  # else its hooks run in the same surroundings
            leave_user_code()
        return gradients

    def _checked(self, results: list[Any]) -> list[Tensor | None]:
        """The gradients that backward returned, one for each tensor among the arguments."""
        name = type(self).__name__
        count = self.argument_count
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
            gradients.append(value if self.edges[len(gradients)] is not None else None)
        return [None if g is None else self._fitted(g, number) for number, g in enumerate(gradients)]

    def _fitted(self, value: Tensor, number: int) -> Tensor:
        """A gradient in the shape and dtype of its input."""
        shape, dtype = self.input_metadata[number]
        if tuple(value.array.shape) != shape and not _expandable(shape, tuple(value.array.shape)):
            raise RuntimeError(
                f"Function {type(self).__name__} returned an invalid gradient at index {number} - got"
                f" {list(value.shape)} but expected shape compatible with {list(shape)}"
            )
        if value.dtype.is_complex and not dtype.is_complex:
            raise RuntimeError(
                f"Function {type(self).__name__} returned an invalid gradient at index {number} - got {value.dtype} but"
                f" expected a real dtype, for its input has {dtype}"
            )
        fitted: Tensor = unshared_wrap(reduce_gradient(value, shape, dtype))
        return fitted


def backward_of(function: type[Function]) -> Any:
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
    saved: tuple[tuple[str, Any, Any, int], ...] | None, node: BackwardCFunction | None
) -> tuple[Tensor | None, ...]:
    """What forward has saved; ``node`` is None where only the context is left of the graph."""
    if saved is None:
        raise freed_error()
    if saved is _TAKEN:
        raise RuntimeError(
            "saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the"
            " autograd.Function. Either access saved_tensors only once, or set clear_saved_tensors_on_access=False."
        )
    tensors: list[Tensor | None] = []
    for kind, value, then, number in saved:
        if kind == "input":
            if value is not None and version_of(value) != then:
                raise modified_error(value.dtype, value.shape, value.edge, version_of(value), then)
            tensors.append(value)
            continue
        tensor = value.unpacked() if kind == "packed" else Tensor._wrap(*value)
        if number >= 0 and node is not None and node.outputs[number][3]:  # a differentiable output of this very node
            if kind == "packed":
                tensor = beside(tensor)  # it is the hook's own
            tensor.edge = node if len(node.outputs) == 1 else output_slot(node, number)
            if mode() & FORWARD:
                seams.restore_tangent(tensor, node, number)
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
    made: Tensor = registry["zeros"].call(shape, dtype=dtype, backend=backend)
    return made


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
        dirty = _marked(context, "dirty_tensors")
        non_differentiable = _marked(context, "non_differentiable")
        finished = cls._finish(context, args, edges, outputs, dirty, non_differentiable)
        if active & FORWARD:
            cls._propagate_tangents(context, args, finished, outputs, dirty, non_differentiable)
        context.saved_for_forward = None
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
        original = finished if outputs is None else outputs
        node, context._node = context._node, None  # what is saved for backward is not there yet
        try:
            propagate_tangents(cls, context, args, original, finished, dirty, non_differentiable)
        finally:
            context._node = node

    @classmethod
    def _finish(
        cls,
        context: FunctionCtx,
        args: Sequence[Any],
        edges: Sequence[Edge | None],
        outputs: Sequence[Any],
        dirty: Sequence[Tensor],
        non_differentiable: Sequence[Tensor],
    ) -> list[Any]:
        """Check the outputs and give them their place in the graph."""
        for tensor in dirty:
            bump_version(tensor)  # also where it is refused: forward has written
        for tensor in dirty:
            if not _is_one_of(tensor, outputs):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as output. The inputs"
                    " that are modified inplace must all be outputs of the Function."
                )
        recording = not mode() & NO_GRAD and any(isinstance(a, Tensor) and a.edge is not None for a in args)
        if recording:
            for tensor in dirty:
                if tensor.edge is not None and not has_node(tensor):
                    raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
                if len(outputs) > 1 and tensor._is_view() and not _is_one_of(tensor, non_differentiable):
                    raise RuntimeError(
                        "If your Function modifies inplace an input that is a view of another Tensor, your Function"
                        " cannot return more than one Tensor. This is not supported by the current autograd engine. You"
                        " should either make sure the input is not a view (using .clone() for example) or make your"
                        " Function only return one Tensor (potentially splitting it into two Functions: one doing the"
                        " inplace that returns a single Tensor and a second one that does the other operations). You"
                        " can ask on the forum https://discuss.pytorch.org/ if you need help to do this change."
                    )
                check_history(tensor)
                if not _is_one_of(tensor, args):
                    import warnings

                    warnings.warn(
                        "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been"
                        " mutated should be passed to ctx.mark_dirty().",
                        UserWarning,
                        stacklevel=3,
                    )
        saved = _to_save(context) if recording else ()
        context.to_save = context.dirty_tensors = context.non_differentiable = None  # results among them hold the node
        if not recording:
            fresh = [_without_history(o, args, dirty) for o in outputs]
            for out in fresh:
                if isinstance(out, Tensor) and not _is_one_of(out, dirty):
                    leave_function(out, None, multiple=False)
            return fresh
        differentiable = [
            isinstance(o, Tensor) and o.dtype.category >= FLOATING and not _is_one_of(o, non_differentiable)
            for o in outputs
        ]
        # An input returned as it is becomes a view of itself: the graph must tell the two apart.
        fresh = [
            _without_history(o, args, dirty)
            if not has_gradient
            else _as_view_of_itself(o)
            if _is_one_of(o, args) and not _is_one_of(o, dirty)
            else o
            for o, has_gradient in zip(outputs, differentiable, strict=True)
        ]
        node = object.__new__(cls._backward_cls)
        node.context = context
        node.__dict__ = context.__dict__
        start_node(node, tuple([e for e, a in zip(edges, args, strict=True) if isinstance(a, Tensor)]))
        node.function = cls
        node.argument_count = len(args)
        node.grad_positions = tuple([i for i, a in enumerate(args) if isinstance(a, Tensor)])
        node.input_metadata = tuple([(tuple(a.array.shape), a.dtype) for a in args if isinstance(a, Tensor)])
        node.outputs = tuple(
            [
                (tuple(o.array.shape), o.dtype, o.backend, has_gradient)
                if isinstance(o, Tensor)
                else (None, None, None, False)
                for o, has_gradient in zip(fresh, differentiable, strict=True)
            ]
        )
        context._kept = tuple([_saved(t, outputs, fresh) for t in saved])
        context._node = weakref.ref(node)
        if "_metadata" in context.__dict__:
            hooks_of(node).metadata = context.__dict__.pop("_metadata")
        active = mode()
        if active & ANOMALY:
            seams.remember_origin(node)
        if active & SAVING:
            context._kept = tuple([_packed(entry, fresh) for entry in context._kept])
        for number, (original, out) in enumerate(zip(outputs, fresh, strict=True)):
            if not isinstance(out, Tensor):
                continue
            if differentiable[number]:
                edge = node if len(outputs) == 1 else output_slot(node, number)
                if _is_one_of(original, dirty):
                    rebase(out, edge, history_after(out, edge))
                else:
                    leave_function(out, edge, multiple=sum(differentiable) > 1)
            elif not _is_one_of(original, dirty):
                leave_function(out, None, multiple=False)
        return fresh


class InplaceFunction(Function):
    """The former base class of Functions that write their argument in place; use :class:`Function`."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


def _marked(context: FunctionCtx, attribute: str) -> tuple[Tensor, ...]:
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


def _to_save(context: FunctionCtx) -> tuple[Tensor | None, ...]:
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


def _without_history(output: Any, args: Sequence[Any], dirty: Sequence[Tensor]) -> Any:
    """What stands for an output that has no gradient: another tensor where it is an argument that may have one."""
    if not isinstance(output, Tensor):
        return output
    if not _is_one_of(output, args):
        if output.edge is not None and not output._is_view():
            output.detach_()  # forward has recorded a graph of its own
        return output
    if output.edge is not None:
        return output.detach()
    return output if _is_one_of(output, dirty) else _as_view_of_itself(output)


def _as_view_of_itself(tensor: Tensor) -> Tensor:
    """A view of all of a tensor, without a history."""
    mode_before = mode()
    try:
        MODE.set((mode() | NO_GRAD) & ~FORWARD)
        return tensor.view_as(tensor)
    finally:
        MODE.set(mode_before)


def _is_one_of(tensor: Any, others: Sequence[Any]) -> bool:
    return any(tensor is other for other in others)


def _saved(tensor: Tensor | None, outputs: Sequence[Any], fresh: Sequence[Any]) -> tuple[str, Any, Any, int]:
    """How a tensor is kept: an output as its array alone, for its node would otherwise keep itself alive."""
    if tensor is None:
        return "input", None, 0, 0
    for number, original in enumerate(outputs):
        out = fresh[number]
        if tensor is original and out is original:  # an input that is returned as it is stays an input
            return "output", (out.array, out.backend), (weakref.ref(out), saved_version(out)), number
    return "input", tensor, saved_version(tensor), 0


def _packed(entry: tuple[str, Any, Any, int], outputs: Sequence[Any]) -> tuple[str, Any, Any, int]:
    """What is kept of a tensor where hooks pack it."""
    kind, value, _, number = entry
    if value is None:
        return entry
    if kind == "output":
        return "packed", packed_result(outputs[number]), None, number
    return "packed", packed_by_hooks(value), None, -1


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
