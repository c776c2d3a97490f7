"""The backward pass that is running, for those who ask about it while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Final

from pullback.tensor.node import OutputSlot

if TYPE_CHECKING:
    from pullback.tensor import Tensor
    from pullback.tensor.node import Edge, Node


class BackwardPass:
    """One run through a graph.

    Attributes
    ----------
    pending : dict
        How many gradients each edge still waits for.
    roots : sequence of (edge, gradient)
        Where it started.
    callbacks : list or None
        What to call when it has ended.
    outer : BackwardPass or None
        The pass that this one runs within.
    limited : bool
        Whether gradients are wanted of some edges only.
    found : Context or None
        What user code has found in the pass, once there was some.
    node : Node
        Which is running; only while anomalies are detected.
    """

    __slots__ = ("__weakref__", "callbacks", "found", "limited", "node", "outer", "pending", "roots")

    pending: dict[Edge, int]
    roots: Sequence[tuple[Edge, Tensor]]
    callbacks: list[Callable[[], None]] | None
    outer: BackwardPass | None
    limited: bool
    found: Context | None
    node: Node

    def reaches(self, edge: Edge) -> bool:
        """Whether a gradient of this edge is computed in the pass."""
        if isinstance(edge, OutputSlot):  # hooks of a node's outputs run with the node
            edge = edge.node
        return edge in self.pending or any(edge is root for root, _ in self.roots)


#: The innermost pass that is running in this thread and task.
PASSES: Final[ContextVar[BackwardPass | None]] = ContextVar("pullback backward pass", default=None)


def current_pass() -> BackwardPass | None:
    """The innermost pass that is running in this thread and task, if any."""
    return PASSES.get()


def queue_callback(callback: Callable[[], None]) -> None:
    """Call ``callback()`` once the backward pass that is running, the innermost, has ended without an error.

    Raises
    ------
    RuntimeError
        If no backward pass is running.
    """
    running = current_pass()
    if running is None:
        raise RuntimeError("Final callbacks can only be installed during backward pass.")
    if running.callbacks is None:
        running.callbacks = []
    running.callbacks.append(callback)
