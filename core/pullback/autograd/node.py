"""Nodes of the gradient graph, and the edges between them.

An edge is simply the object that a gradient flows to: a :class:`Node`; an :class:`OutputSlot` of a node with several
outputs; or a leaf tensor itself, into whose ``grad`` gradients accumulate. (A tensor as an edge saves a node for each
leaf and each pass; ``next_functions`` shows it as PyTorch's ``AccumulateGrad``.)
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullback.dtypes import DType
    from pullback.tensor import Tensor
    from pullback.views import Alias

    Edge: TypeAlias = "Node | Tensor"
    Reduction: TypeAlias = tuple[tuple[int, ...] | None, DType] | None

next_sequence = itertools.count().__next__


class NodeHooks:
    """What has been attached to a node: its own hooks, hooks of its output tensors, tensors that retain gradients."""

    __slots__ = ("metadata", "post", "pre", "retained", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, dict[int, Callable[[Tensor], Tensor | None]]] = {}
        self.retained: dict[int, Any] = {}  # output number -> weak reference to the tensor
        self.pre: dict[int, Callable[..., Any]] = {}
        self.post: dict[int, Callable[..., Any]] = {}
        self.metadata: dict[Any, Any] = {}


class Node:
    """One recorded operation: turns the gradient of its output into gradients of its inputs.

    Attributes
    ----------
    edges : tuple
        Where the gradient of each tensor operand goes; None for one that needs none.
    sequence : int
        Order of creation: backward runs the latest ready node first.
    saved : tuple or None
        What the formulas need; the engine sets it to None when the node has run, unless the graph is kept.
    versions : tuple of int or None
        Versions of the saved tensors when saved; None stands for all 0.
    reductions : tuple or None
        Shape and dtype to reduce each gradient to, where the operation broadcast or promoted its operands.
    output_alias : tuple or None
        The aliases of saved outputs, each with its version when saved, once they may be written in place.
    hooks : NodeHooks or None
    """

    __slots__ = (
        "__weakref__",
        "edges",
        "hooks",
        "output_alias",
        "reductions",
        "saved",
        "sequence",
        "versions",
    )

    edges: tuple[Edge | None, ...]
    sequence: int
    saved: tuple[Any, ...] | None
    versions: tuple[int, ...] | None
    reductions: tuple[Reduction, ...] | None
    output_alias: tuple[tuple[Alias, int], ...] | None
    hooks: NodeHooks | None

    accumulates: ClassVar[bool] = False  # a leaf tensor, the other kind of edge, has True
    takes_undefined: ClassVar[bool] = False  # whether apply() wants to run without any gradient
    saves_output: ClassVar[bool] = False
    saves_tensors: ClassVar[bool] = True  # without, a second pass through a freed graph may go through it
    output_count = 1  # how many gradients hooks are shown; more where more have arrived

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        """Gradients of the inputs, one for each edge, from the gradient of the output."""
        raise NotImplementedError

    def name(self) -> str:
        """The node's name, as PyTorch gives it: ``AddBackward0``."""
        name = type(self).__name__
        return f"torch::autograd::{name}" if name in _WRITTEN_BY_HAND else name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each operand, the node its gradient goes to and which of that node's outputs it is."""
        return tuple(function_of(edge) for edge in self.edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary of the user's, kept with the node."""
        return hooks_of(self).metadata

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(grad_inputs, grad_outputs)`` after the node has run; its result, if any, replaces grad_inputs."""
        from pullback.autograd.hooks import RemovableHandle

        return RemovableHandle(hooks_of(self).post, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(grad_outputs)`` before the node runs; its result, if any, replaces grad_outputs."""
        from pullback.autograd.hooks import RemovableHandle

        return RemovableHandle(hooks_of(self).pre, hook)

    def __repr__(self) -> str:
        return f"<{self.name().rpartition(':')[2]} object at {id(self):#x}>"


#: Nodes that PyTorch does not generate from a formula; their names carry its namespace.
_WRITTEN_BY_HAND = frozenset({"CopyBackwards", "CopySlices", "Identity"})


def hooks_of(node: Node) -> NodeHooks:
    """The node's hooks, made when first needed."""
    if node.hooks is None:
        node.hooks = NodeHooks()
    return node.hooks


def start_node(node: Node, edges: tuple[Edge | None, ...]) -> Node:
    """Give a fresh node its place in the graph; what it saves is set by whoever made it."""
    node.edges = edges
    node.sequence = next_sequence()
    node.saved = node.versions = node.reductions = node.output_alias = node.hooks = None
    return node


class OutputSlot(Node):
    """Stands for one output of a node that has several; hands its gradient on under that output's number."""

    __slots__ = ("number",)

    number: int

    @property
    def node(self) -> Node:
        """The node whose output this is."""
        node = self.edges[0]
        assert isinstance(node, Node)
        return node

    def apply(self, grad: Tensor) -> tuple[Any, ...]:
        return (OutputGradients({self.number: grad}),)


class OutputGradients(dict[int, "Tensor"]):
    """The gradients a node with several outputs has received, by output number."""

    def __add__(self, other: OutputGradients) -> OutputGradients:
        return OutputGradients({**self, **other})


def output_slot(node: Node, number: int) -> OutputSlot:
    """The edge that leads to one output of a node with several."""
    slot = OutputSlot()
    start_node(slot, (node,))
    slot.number = number
    return slot


class AccumulateGrad:
    """How ``next_functions`` shows a leaf: the place where its gradient accumulates.

    Two of them for the same leaf are equal; hooks registered on one are the leaf's own.
    """

    __slots__ = ("variable",)

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    next_functions: tuple[()] = ()

    def name(self) -> str:
        """PyTorch's qualified name of this node."""
        return "torch::autograd::AccumulateGrad"

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary of the user's, kept with the leaf."""
        return self._hooks.metadata

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook((), (grad,))`` after a gradient has been accumulated."""
        from pullback.autograd.hooks import RemovableHandle

        return RemovableHandle(self._hooks.post, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook((grad,))`` before a gradient is accumulated; its result, if any, replaces the gradient."""
        from pullback.autograd.hooks import RemovableHandle

        return RemovableHandle(self._hooks.pre, hook)

    @property
    def _hooks(self) -> NodeHooks:
        if self.variable._accumulate_hooks is None:
            self.variable._accumulate_hooks = NodeHooks()
        return self.variable._accumulate_hooks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return hash((AccumulateGrad, id(self.variable)))

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"


def function_of(edge: Edge | None) -> tuple[Any, int]:
    """An edge as PyTorch shows it: node and output number."""
    if edge is None:
        return None, 0
    if isinstance(edge, OutputSlot):
        return edge.node, edge.number
    if isinstance(edge, Node):
        return edge, 0
    return AccumulateGrad(edge), 0


def freed_error() -> RuntimeError:
    """PyTorch's error for a second pass through a graph that has been freed."""
    return RuntimeError(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already"
        " been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad()."
        " Specify retain_graph=True if you need to backward through the graph a second time or if you need to access"
        " saved tensors after calling backward."
    )


def short_name(name: str) -> str:
    """A node's name as PyTorch's errors give it: without ``Backward``, nor the number at its end where that is 0.

    Examples
    --------
    >>> short_name("MulBackward0"), short_name("SumBackward1")
    ('Mul', 'Sum1')
    """
    operation, found, number = name.partition("Backward")
    return operation + number.removeprefix("0") if found and (not number or number.isdigit()) else name


def modified_error(dtype: DType, shape: tuple[int, ...], producer: Any, now: int, then: int) -> RuntimeError:
    """PyTorch's error for a saved tensor that has been written in place since."""
    node, number = function_of(producer) if isinstance(producer, Node) else (None, 0)
    origin = f", which is output {number} of {short_name(node.name())}," if node is not None else ""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation:"
        f" [torch.{dtype.tensor_type_name} {list(shape)}]{origin} is at version {now}; expected version {then} instead."
        " Hint: enable anomaly detection to find the operation that failed to compute its gradient, with"
        " torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
