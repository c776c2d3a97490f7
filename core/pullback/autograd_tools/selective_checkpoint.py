"""Selective activation checkpointing: the results of some operations are kept instead of recomputed.

Follows https://pytorch.org/docs/stable/checkpoint.html. Interceptors around each kernel keep its results in the first
run and hand them out in the second. Results are known by their operation and how often it has run before. Views are
left alone: they save nothing, and share the memory of what they are views of.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pullback
from pullback.dispatch.declaration import Composite, Operation
from pullback.dispatch.interception import AroundKernels
from pullback.tensor import Tensor
from pullback.tensor.memory import alias_of
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend
    from pullback.dispatch.declaration import Operation
    from pullback.tensor.memory import VersionCounter

_MISMATCH = (
    "This can happen if the operations in the checkpointed region are nondeterministic or depend on global state that"
    " changed between forward and backward."
)


class CheckpointPolicy(enum.Enum):
    """What to do with an operation's result inside a selective checkpoint.

    ``MUST`` and ``PREFER`` mean the same here. What is offloaded is kept in the host's memory.
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_SAVING = (CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE)
_OFFLOADING = (CheckpointPolicy.MUST_CPU_OFFLOAD, CheckpointPolicy.PREFER_CPU_OFFLOAD)


class SelectiveCheckpointContext:
    """What a policy is told beside the operation and its arguments.

    Attributes
    ----------
    is_recompute : bool
        Always False: a policy is asked in the first run only.
    op_output : Tensor or tuple of Tensor
        The operation's result, without its history.
    """

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> tuple[_Keeping, _Reusing]:
    """The two contexts of a checkpoint that keeps the results of some operations: for ``context_fn``.

    Parameters
    ----------
    policy_fn_or_list : callable or list of operations
        ``policy(ctx, operation, *args, **kwargs)`` returns a :class:`CheckpointPolicy`, or True to save; the operation
        is its function, such as ``pb.mm``. A list names the operations whose results are saved.
    allow_cache_entry_mutation : bool
        Whether results that have been written in place since they were kept may be used all the same.

    Raises
    ------
    ValueError
        If the list has something else than operations that have a kernel of their own.
    TypeError
        For anything but a function or a list.

    Examples
    --------
    >>> import functools
    >>> import pullback as pb
    >>> from pullback.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
    >>> x = pb.ones(2, 2, requires_grad=True)
    >>> keep_products = functools.partial(create_selective_checkpoint_contexts, [pb.mm])
    >>> y = checkpoint(lambda t: pb.mm(t, t).sin().sum(), x, use_reentrant=False, context_fn=keep_products)
    >>> y.backward()
    >>> x.grad
    tensor([[-1.6646, -1.6646],
            [-1.6646, -1.6646]])
    """
    if isinstance(policy_fn_or_list, list):
        policy = _saving(policy_fn_or_list)
    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    kept: _Entries = {}
    return _Keeping(policy, kept), _Reusing(kept, allow_cache_entry_mutation)


def _saving(operations: list[Any]) -> Callable[..., CheckpointPolicy]:
    """The policy that saves the results of these operations."""
    chosen = set()
    for item in operations:
        record = next((r for r in registry.values() if item is r.call or item is getattr(r, "exported", None)), None)
        named = registry.get(getattr(item, "__name__", ""))
        if record is None and isinstance(named, Composite):
            record = named
        if not isinstance(record, Operation):
            made = "" if record is None else " It is made of other operations: name those."
            raise ValueError(f"Expected op in `op_list` to be an operation but got: {item} of type {type(item)}.{made}")
        chosen.add(_public(record))

    def policy(ctx: SelectiveCheckpointContext, operation: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
        return CheckpointPolicy.MUST_SAVE if operation in chosen else CheckpointPolicy.PREFER_RECOMPUTE

    return policy


def _public(operation: Operation) -> Any:
    """The function that users know the operation by."""
    return getattr(pullback, operation.name, operation.call)


class _Kept:
    """The results of one call: native arrays, how to move them back, and the versions they had."""

    def __init__(self, results: Any) -> None:
        self.results = results
        self.home: tuple[Backend, Any] | None = None  # where they are to go again, if they have been offloaded
        self.versions: list[tuple[VersionCounter, int]] = []

    def offload(self, backend: Backend, device: Any) -> None:
        """Keep the elements in the host's memory instead."""
        several = isinstance(self.results, list | tuple)
        parts = self.results if several else [self.results]
        elements = [backend.to_numpy(part).copy() for part in parts]
        self.results, self.home = elements if several else elements[0], (backend, device)

    def watch(self, tensors: list[Tensor]) -> None:
        """Note the versions of the tensors that have these results: writes to them are writes to what is kept."""
        if self.home is None:
            counters = [alias_of(tensor).counter for tensor in tensors]
            self.versions = [(counter, counter.version) for counter in counters]

    def taken(self, allow_mutation: bool) -> Any:
        """The results again."""
        if not allow_mutation and any(counter.version != then for counter, then in self.versions):
            raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
        if self.home is None:
            return self.results
        backend, device = self.home
        several = isinstance(self.results, list | tuple)
        parts = [
            backend.to_device(backend.from_numpy(part), device)
            for part in (self.results if several else [self.results])
        ]
        return parts if several else parts[0]


#: For each operation what there is of each of its calls: results, or one of the words below.
_Entries = dict[str, "list[_Kept | str]"]
_COMPUTE_AGAIN = "to be computed again"
_TAKEN = "taken"


class _Keeping(AroundKernels):
    """Asks the policy of each operation, and keeps what it says."""

    def __init__(self, policy: Callable[..., Any], kept: _Entries) -> None:
        super().__init__()
        self.policy = policy
        self.kept = kept
        self._fresh: _Kept | None = None  # kept, and not yet a Tensor

    def run(self, operation: Operation, operands: list[Any], attributes: dict[str, Any], proceed: Any) -> Any:
        results = proceed()
        if operation.view:
            return results
        tensors = [o for o in operands if isinstance(o, Tensor)]
        several = operation.outputs is not None
        shown = tuple(Tensor._wrap(part, tensors[0].backend) for part in (results if several else (results,)))
        context = SelectiveCheckpointContext(is_recompute=False, op_output=shown if several else shown[0])
        asked = self.policy(context, _public(operation), *operands, **attributes)
        entry: _Kept | str = _COMPUTE_AGAIN
        if asked is True or asked in _SAVING or asked in _OFFLOADING:
            entry = self._fresh = _Kept(results)
            if asked in _OFFLOADING:
                entry.offload(tensors[0].backend, tensors[0].device)
        self.kept.setdefault(operation.name, []).append(entry)
        return results

    def wrapped(self, tensors: list[Tensor]) -> None:
        if self._fresh is not None:
            self._fresh.watch(tensors)
            self._fresh = None


class _Reusing(AroundKernels):
    """Hands out what was kept, in the same order."""

    def __init__(self, kept: _Entries, allow_mutation: bool) -> None:
        super().__init__()
        self.kept = kept
        self.allow_mutation = allow_mutation
        self._counts: dict[str, int] = {}

    def __enter__(self) -> None:
        self._counts.clear()
        super().__enter__()

    def run(self, operation: Operation, operands: list[Any], attributes: dict[str, Any], proceed: Any) -> Any:
        if operation.view:
            return proceed()
        name = operation.name
        number = self._counts.get(name, 0)
        self._counts[name] = number + 1
        entries = self.kept.get(name)
        if entries is None:
            raise RuntimeError(f"{name} encountered during backward but not found in storage. {_MISMATCH}")
        if number >= len(entries):
            raise RuntimeError(
                f"{name} invocation index {number} encountered during backward but not found in storage. {_MISMATCH}"
            )
        entry = entries[number]
        if entry is _TAKEN:
            raise RuntimeError(
                "Trying to backward an extra time. You are only allowed to backward once on any region computed under"
                " selective activation checkpoint."
            )
        if isinstance(entry, str):
            return proceed()
        entries[number] = _TAKEN
        return entry.taken(self.allow_mutation)
