"""The node of a user's Function: it runs the Function's backward and checks what that returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.autograd.function_context import FunctionCtx
from pullback.autograd.gradient_accumulation import reduce_gradient
from pullback.autograd.gradient_ownership import unshared_wrap
from pullback.autograd.saved_by_function import raw_saved_tensors
from pullback.tensor import Tensor
from pullback.tensor.node import Node, OutputGradients, start_node
from pullback.tensor.registry import registry
from pullback.tensor.user_context import enter_user_code, leave_user_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullback.autograd.function import Function
    from pullback.autograd.saved_by_function import Kept
    from pullback.tensor.node import Edge


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
    def saved(self) -> tuple[Kept, ...] | None:
        return self.context._kept

    @saved.setter
    def saved(self, value: tuple[Kept, ...] | None) -> None:
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
        backward = self.function._backward_or_vjp()
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


def make_node(
    function: type[Function],
    context: FunctionCtx,
    args: Sequence[Any],
    edges: Sequence[Edge | None],
    outputs: Sequence[Any],
    differentiable: Sequence[bool],
) -> BackwardCFunction:
    """The node of outputs that a Function has computed; ``differentiable`` says which of them have a gradient."""
    node: BackwardCFunction = object.__new__(function._backward_cls)
    node.context = context
    node.__dict__ = context.__dict__
    start_node(node, tuple([e for e, a in zip(edges, args, strict=True) if isinstance(a, Tensor)]))
    node.function = function
    node.argument_count = len(args)
    node.grad_positions = tuple([i for i, a in enumerate(args) if isinstance(a, Tensor)])
    node.input_metadata = tuple([(tuple(a.array.shape), a.dtype) for a in args if isinstance(a, Tensor)])
    node.outputs = tuple(
        [
            (tuple(o.array.shape), o.dtype, o.backend, has_gradient)
            if isinstance(o, Tensor)
            else (None, None, None, False)
            for o, has_gradient in zip(outputs, differentiable, strict=True)
        ]
    )
    return node


def _expandable(shape: tuple[int, ...], grad_shape: tuple[int, ...]) -> bool:
    """Whether a tensor of ``shape`` broadcasts to ``grad_shape``."""
    if len(shape) > len(grad_shape):
        return False
    tail = grad_shape[len(grad_shape) - len(shape) :]
    return all(size in (1, wide) for size, wide in zip(shape, tail, strict=True))


def _zeros(backend: Any, shape: tuple[int, ...], dtype: Any) -> Tensor:
    made: Tensor = registry["zeros"].call(shape, dtype=dtype, backend=backend)
    return made
