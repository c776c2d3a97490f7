"""The autograd graph for those who look into it: nodes and edges, hooks over several tensors, what is saved.

As https://pytorch.org/docs/stable/autograd.html#autograd-graph.
"""

from __future__ import annotations

import abc
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.autograd.mutation import allow_mutation_on_saved_tensors
from pullback.process.locks import new_lock
from pullback.tensor import Tensor
from pullback.tensor import node as nodes
from pullback.tensor.backward_pass import BackwardPass, current_pass
from pullback.tensor.history import edge_of
from pullback.tensor.hook_handles import RemovableHandle
from pullback.tensor.memory import bump_version
from pullback.tensor.node import AccumulateGrad, OutputSlot, function_of, output_slot
from pullback.tensor.saved_tensors import disable_saved_tensors_hooks, saved_tensors_hooks

if TYPE_CHECKING:
    from pullback.tensor.node import Edge

__all__ = [
    "GradientEdge",
    "Node",
    "RemovableHandle",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class Node(abc.ABC):
    """What every ``grad_fn`` is: a recorded operation.

    Examples
    --------
    >>> import pullback as pb
    >>> y = pb.ones(2, requires_grad=True) * 2
    >>> isinstance(y.grad_fn, pb.autograd.graph.Node)
    True
    """

    @abc.abstractmethod
    def name(self) -> str:
        """The node's name."""

    @property
    @abc.abstractmethod
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """Where the gradients it computes go."""

    @abc.abstractmethod
    def metadata(self) -> dict[Any, Any]:
        """The user's own data."""

    @abc.abstractmethod
    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` after the node has run."""

    @abc.abstractmethod
    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before it runs."""


Node.register(nodes.Node)
Node.register(nodes.AccumulateGrad)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count a write to the tensor, or to each of several, that pullback has not seen.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> pb.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    if not isinstance(tensor, Tensor | Iterable):
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input")
    written = (tensor,) if isinstance(tensor, Tensor) else tuple(tensor)
    for one in written:
        if not isinstance(one, Tensor):
            raise RuntimeError("increment_version expects each element of the iterable to be a tensor")
    for one in written:
        bump_version(one)


class save_on_cpu(saved_tensors_hooks):
    """Keep what is saved for backward in the host's memory, and move it back when backward needs it.

    Parameters
    ----------
    pin_memory : bool
        Ignored: there is no pinned memory here.
    device_type : str
        Ignored.

    Examples
    --------
    >>> import pullback as pb
    >>> a = pb.ones(2, requires_grad=True)
    >>> with pb.autograd.graph.save_on_cpu():
    ...     y = a * a
    >>> y.sum().backward()
    >>> a.grad
    tensor([2., 2.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(_to_host, _from_host)


def _to_host(tensor: Tensor) -> tuple[Any, Any, Any]:
    backend = tensor.backend
    return backend, tensor.device, tensor._host("save_on_cpu()").copy()


def _from_host(packed: tuple[Any, Any, Any]) -> Tensor:
    backend, device, elements = packed
    return Tensor._wrap(backend.to_device(backend.from_numpy(elements), device), backend)


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> RemovableHandle:
    """Call a function once the gradients of several tensors have been computed, or the first of them.

    Parameters
    ----------
    tensors : sequence of Tensor
    fn : callable
        With ``mode="all"`` it takes a list of the gradients, None for those that a pass does not reach, once all that
        it does reach are known. With ``mode="any"`` it takes the first gradient of each pass; tensors that require
        none don't count.

    Returns
    -------
    RemovableHandle
        Its ``remove()`` takes the hook away from all tensors.

    Raises
    ------
    ValueError
        For another mode.
    AssertionError
        With ``mode="all"``, for a tensor that does not require gradients.

    Examples
    --------
    >>> import pullback as pb
    >>> a, b = (pb.ones(1, requires_grad=True) for _ in range(2))
    >>> handle = pb.autograd.graph.register_multi_grad_hook((a, b), print)
    >>> (a * 2 + b * 3).backward()
    [tensor([2.]), tensor([3.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    watch: _AllGradients | _FirstGradient
    if mode == "all":
        if not all(tensor.requires_grad for tensor in tensors):
            raise AssertionError("Expected gradient function to be set")
        watch = _AllGradients(tensors, fn)
    else:
        tensors = [tensor for tensor in tensors if tensor.requires_grad]
        watch = _FirstGradient(fn)
    return _Handles([tensor.register_hook(watch.hook(number)) for number, tensor in enumerate(tensors)])


class _Handles(RemovableHandle):
    """Removes several hooks at once."""

    __slots__ = ("handles",)

    def __init__(self, handles: list[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


class _AllGradients:
    """Collects the gradients of several tensors in each pass."""

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[..., None]) -> None:
        # Weak: a leaf has its hook, which has this.
        self.edges = [weakref.ref(edge_behind(get_gradient_edge(tensor))) for tensor in tensors]
        self.fn = fn
        self.lock = new_lock()
        self.collected: weakref.WeakKeyDictionary[BackwardPass, dict[int, Tensor]] = weakref.WeakKeyDictionary()

    def hook(self, number: int) -> Callable[[Tensor], None]:
        def collect(grad: Tensor) -> None:
            this = current_pass()
            assert this is not None
            with self.lock:
                found = self.collected.setdefault(this, {})
                found[number] = grad
                complete = all(n in found or not _reaches(this, edge()) for n, edge in enumerate(self.edges))
                if complete:
                    del self.collected[this]
            if complete:
                self.fn([found.get(n) for n in range(len(self.edges))])

        return collect


def _reaches(running: BackwardPass, edge: Any) -> bool:
    return edge is not None and running.reaches(edge)


class _FirstGradient:
    """Hands on the first gradient of each pass."""

    def __init__(self, fn: Callable[..., None]) -> None:
        self.fn = fn
        self.lock = new_lock()
        self.seen: weakref.ref[BackwardPass] | None = None

    def hook(self, number: int) -> Callable[[Tensor], None]:
        def first(grad: Tensor) -> None:
            this = current_pass()
            assert this is not None
            with self.lock:
                again = self.seen is not None and self.seen() is this
                self.seen = weakref.ref(this)
            if not again:
                self.fn(grad)

        return first


class OwnershipToken:
    """Keeps the place of a tensor in the graph, and what a gradient that flows there is like; not the elements."""

    __slots__ = ("backend", "device", "dtype", "edge", "shape")

    def __init__(self, edge: Edge, tensor: Tensor) -> None:
        self.edge = edge
        self.shape = tuple(tensor.array.shape)
        self.dtype, self.device, self.backend = tensor.dtype, tensor.device, tensor.backend


class GradientEdge(NamedTuple):
    """A place in the graph that gradients flow to: output ``output_nr`` of ``node``.

    ``backward`` and ``grad`` take edges in place of tensors, so that a tensor need not be kept to ask for its gradient.
    Edges to the same place are equal, also where only one of them knows what a gradient there is like.
    """

    node: Any
    output_nr: int
    ownership_token: OwnershipToken | None = None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GradientEdge):
            return self.node is other.node and self.output_nr == other.output_nr
        return tuple(self) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.node, self.output_nr))


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge that gradients of the tensor flow along.

    Raises
    ------
    RuntimeError
        If the tensor does not require gradients.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2, requires_grad=True)
    >>> edge = pb.autograd.graph.get_gradient_edge(x * 2)
    >>> edge.node.name(), edge.output_nr
    ('MulBackward0', 0)
    """
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, number = function_of(edge)
    return GradientEdge(node, number, OwnershipToken(edge, tensor))


def edge_behind(place: Any, roots: Sequence[Any] = ()) -> Any:
    """The engine's edge of a tensor, a :class:`GradientEdge` or a node; None for a tensor outside the graph.

    One output of a node with several is looked up in the graph behind ``roots``, and else a new edge, from outside.
    """
    if isinstance(place, Tensor):
        return edge_of(place)
    if not isinstance(place, GradientEdge):
        place = GradientEdge(place, 0)
    if place.ownership_token is not None:
        return place.ownership_token.edge
    node = place.node
    if isinstance(node, AccumulateGrad):
        return node.variable
    for edge in _edges_below(roots):
        if isinstance(edge, OutputSlot) and edge.node is node and edge.number == place.output_nr:
            return edge
    return output_slot(node, place.output_nr) if node.has_outputs else node


def _edges_below(roots: Iterable[Any]) -> Iterator[Any]:
    """Every edge of the graph behind the roots, once."""
    stack = [root for root in roots if root is not None]
    seen = set(stack)
    while stack:
        edge = stack.pop()
        yield edge
        if edge.accumulates:
            continue
        for target in edge.edges:
            if target is not None and target not in seen:
                seen.add(target)
                stack.append(target)
