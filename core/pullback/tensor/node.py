"""Nodes of the autograd graph, and the edges between them.

An edge is simply the object that a gradient flows to: a :class:`Node`; an :class:`OutputSlot` of a node with several
outputs; or a leaf tensor itself, into whose ``grad`` gradients accumulate. (A tensor as an edge saves a node for each
leaf and each pass; ``next_functions`` shows it as PyTorch's ``AccumulateGrad``.)
"""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

from pullback.process.locks import new_lock
from pullback.tensor.hook_handles import RemovableHandle
from pullback.tensor.modes import ANOMALY, mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullback.meta.dtypes import DType
    from pullback.tensor import Tensor
    from pullback.tensor.memory import VersionCounter

    Edge: TypeAlias = "Node | Tensor"
    Reduction: TypeAlias = tuple[tuple[int, ...] | None, DType] | None

next_sequence = itertools.count().__next__


#: What ``saves_tensors`` is of a node some of whose gradients need no tensor: what is wanted decides.
SOMETIMES: Final = "sometimes"


class NodeHooks:
    """What has been attached to a node: its own hooks, hooks of its output tensors, tensors that retain gradients.

    Those of its outputs are kept by their numbers, in the order in which each output got its first.
    """

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
        The numbers and version counters of saved outputs, each with its version when saved, once they may be written in
        place.
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
    output_alias: tuple[tuple[int, VersionCounter, int], ...] | None
    hooks: NodeHooks | None

    accumulates: ClassVar[bool] = False  # a leaf tensor, the other kind of edge, has True
    begins: ClassVar[bool] = False  # whether a function being differentiated begins there: as good as a leaf inside
    takes_undefined: ClassVar[bool] = False  # whether apply() wants to run without any gradient
    saves_output: ClassVar[bool] = False
    #: Whether it saves tensors: if not, a second pass through a freed graph may go through it.
    saves_tensors: ClassVar[bool | Literal["sometimes"]] = True
    tensor_places: ClassVar[tuple[int, ...]] = ()  # where in ``saved`` a node that sometimes saves tensors has them
    output_count = 1  # how many gradients hooks are shown; more where more have arrived
    has_outputs = False  # whether apply() takes OutputGradients: it has several outputs
    saves_outputs: ClassVar[bool] = False  # whether it has several outputs and may save some: see output_slot()

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        """Gradients of the inputs, one for each edge, from the gradient of the output."""
        raise NotImplementedError

    def name(self) -> str:
        """The node's name, as PyTorch gives it: ``AddBackward0``."""
        name = type(self).__name__
        return f"torch::autograd::{name}" if name in _WRITTEN_BY_HAND else name

    def __call__(self, *grads: Tensor | None) -> Any:
        """What the node computes, and no hook: the gradients of its operands from those of its outputs.

        One gradient for a node of one operand, else a tuple.
        """
        if len(grads) != self.output_count:
            raise TypeError(f"expected {self.output_count} arguments, got {len(grads)} instead")
        for number, grad in enumerate(grads):
            if grad is not None and not hasattr(grad, "array"):
                raise TypeError(f"argument {number} is not a Variable")
        gradient: Any = grads[0]
        if self.has_outputs:
            gradient = OutputGradients((number, grad) for number, grad in enumerate(grads) if grad is not None) or None
        missing = gradient is None and not self.takes_undefined
        found = (None,) * len(self.edges) if missing else tuple(self.apply(gradient))
        return found if len(found) > 1 else found[0]

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each operand, the node its gradient goes to and which of that node's outputs it is."""
        return tuple(function_of(edge) for edge in self.edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary of the user's, kept with the node."""
        return hooks_of(self).metadata

    def _sequence_nr(self) -> int:
        """When the node was made: later ones have greater numbers."""
        return self.sequence

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(grad_inputs, grad_outputs)`` after the node has run; its result, if any, replaces grad_inputs."""
        return RemovableHandle(hooks_of(self).post, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(grad_outputs)`` before the node runs; its result, if any, replaces grad_outputs."""
        return RemovableHandle(hooks_of(self).pre, hook)

    def __repr__(self) -> str:
        return f"<{self.name().rpartition(':')[2]} object at {id(self):#x}>"


#: Nodes that PyTorch does not generate from a formula; their names carry its namespace.
_WRITTEN_BY_HAND = frozenset({"CopyBackwards", "CopySlices", "Identity"})


def holds_tensors(node: Node) -> bool:
    """Whether a node that sometimes saves tensors has saved one."""
    saved = node.saved or ()
    return any(
        saved[place] is not None and not isinstance(saved[place], int | float | complex) for place in node.tensor_places
    )


def hooks_of(node: Node) -> NodeHooks:
    """The node's hooks, made when first needed."""
    hooks = node.hooks
    if hooks is None:
        made = NodeHooks()
        if node.hooks is None:  # no other thread has been faster
            node.hooks = made
        hooks = node.hooks
        assert hooks is not None
    return hooks


def place_of(edge: Node) -> tuple[Node, int]:
    """The node behind the edge of a tensor with a history, and which of its outputs the tensor is."""
    return (edge.node, edge.number) if isinstance(edge, OutputSlot) else (edge, 0)


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
        total = OutputGradients(self)
        for number, grad in other.items():
            held = total.get(number)
            total[number] = grad if held is None else held + grad
        return total


def output_slot(node: Node, number: int) -> OutputSlot:
    """The edge that leads to one output of a node with several: the same one for as long as somebody holds it."""
    if not node.saves_outputs:  # then nobody but the output itself asks for it
        return _new_slot(node, number)
    with _making_slots:
        slots: dict[int, weakref.ref[OutputSlot]] | None = getattr(node, "output_slots", None)
        if slots is None:
            owner: Any = node  # of a class that has a slot for them
            slots = owner.output_slots = {}
        reference = slots.get(number)
        slot = None if reference is None else reference()
        if slot is None:
            slot = _new_slot(node, number)
            slots[number] = weakref.ref(slot)
        return slot


_making_slots = new_lock()


def _new_slot(node: Node, number: int) -> OutputSlot:
    slot = OutputSlot()
    start_node(slot, (node,))
    slot.number = number
    return slot


class AccumulateGrad:
    """How ``next_functions`` shows a leaf: the place where its gradient accumulates.

    A leaf has one for as long as somebody holds it; hooks registered on it are the leaf's own, and stay.
    """

    __slots__ = ("__weakref__", "variable")

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    next_functions: tuple[()] = ()

    def name(self) -> str:
        """PyTorch's qualified name of this node."""
        return "torch::autograd::AccumulateGrad"

    def __call__(self, grad: Tensor) -> tuple[()]:
        """Accumulate a gradient in the leaf, as a pass does that reaches it."""
        from pullback.autograd.gradient_accumulation import deliver_to_leaf

        deliver_to_leaf(self.variable, grad, None)
        return ()

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary of the user's, kept with the leaf."""
        return self._hooks.metadata

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook((), (grad,))`` after a gradient has been accumulated."""
        return RemovableHandle(self._hooks.post, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook((grad,))`` before a gradient is accumulated; its result, if any, replaces the gradient."""
        return RemovableHandle(self._hooks.pre, hook)

    @property
    def _hooks(self) -> NodeHooks:
        leaf = self.variable
        if leaf._accumulate_hooks is None:
            made = NodeHooks()
            if leaf._accumulate_hooks is None:  # no other thread has been faster
                leaf._accumulate_hooks = made
        hooks = leaf._accumulate_hooks
        assert hooks is not None
        return hooks

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


def accumulator_of(leaf: Tensor) -> AccumulateGrad:
    """Where the gradient of a leaf accumulates, as a node."""
    with _making_slots:
        reference = leaf._accumulator
        found = None if reference is None else reference()
        if found is None:
            found = AccumulateGrad(leaf)
            leaf._accumulator = weakref.ref(found)
        return found


def function_of(edge: Edge | None) -> tuple[Any, int]:
    """An edge as PyTorch shows it: node and output number."""
    if edge is None:
        return None, 0
    if isinstance(edge, OutputSlot):
        return edge.node, edge.number
    if isinstance(edge, Node):
        return edge, 0
    return accumulator_of(edge), 0


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
    hint = (
        "the backtrace further above shows the operation that failed to compute its gradient. The variable in question"
        " was changed in there or anywhere later. Good luck!"
        if mode() & ANOMALY
        else "enable anomaly detection to find the operation that failed to compute its gradient, with"
        " torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation:"
        f" [torch.{dtype.tensor_type_name} {list(shape)}]{origin} is at version {now}; expected version {then} instead."
        f" Hint: {hint}"
    )
