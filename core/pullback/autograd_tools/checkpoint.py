"""Activation checkpointing: save the inputs of a part of the graph, and recompute in backward what it would save.

Follows https://pytorch.org/docs/stable/checkpoint.html; the idea is from Chen, Xu, Zhang and Guestrin, "Training Deep
Nets with Sublinear Memory Cost", 2016 (https://arxiv.org/abs/1604.06174).

Without reentry, hooks on saved tensors put a placeholder in each one's place. When backward asks for the first of them,
the function runs again under hooks that catch what it saves, in the same order, and stop it as soon as everything has
been caught. With reentry, one node stands for the function; its backward runs it again with a graph of its own, and
backward through that.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ContextDecorator, nullcontext, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.autograd.differentiate import backward
from pullback.autograd.function import Function
from pullback.autograd.grad_mode import enable_grad, no_grad
from pullback.autograd_tools.checkpoint_log import OperationLog
from pullback.autograd_tools.selective_checkpoint import (
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)
from pullback.nn import Sequential
from pullback.process.blocks import Block, Setting
from pullback.random import fork_rng, get_rng_state, set_rng_state
from pullback.tensor import Tensor
from pullback.tensor.backward_pass import BackwardPass, current_pass
from pullback.tensor.history import edge_of
from pullback.tensor.memory import saved_version, version_of
from pullback.tensor.modes import NO_GRAD, mode
from pullback.tensor.node import modified_error
from pullback.tensor.saved_tensors import SavedTensor, current_hooks, packed_by_hooks, saved_tensors_hooks

if TYPE_CHECKING:
    from pullback.autograd_tools.checkpoint_log import OperationLog

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]

Contexts: TypeAlias = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]

_stops_early: ContextVar[bool | None] = ContextVar("pullback checkpoint early stop", default=None)
_debugs: ContextVar[bool | None] = ContextVar("pullback checkpoint debug", default=None)


class CheckpointError(RuntimeError):
    """The function did not do the same again when it was recomputed."""


class _Complete(Exception):
    """Everything that backward needs has been computed again."""


def noop_context_fn() -> Contexts:
    """Two contexts that do nothing: the default for :func:`checkpoint`."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Run a function so that backward computes it again instead of keeping what it saved.

    Parameters
    ----------
    function : callable
        What to run on ``args`` and ``kwargs``. It must do the same each time.
    use_reentrant : bool
        True for the older variant: it takes no keyword arguments, needs an input that requires gradients, and works
        with ``backward()`` for all leaves only. False is recommended.
    context_fn : callable
        Gives two contexts, for the first run and for the later ones; see :func:`create_selective_checkpoint_contexts`.
    determinism_check : {"default", "none"}
        Whether to compare shape, dtype and device of what is saved in both runs.
    debug : bool
        Note which operations run, and name them where the runs differ.
    early_stop : bool
        Stop computing again as soon as everything that backward needs is there.
    preserve_rng_state : bool
        Draw the same random numbers again.

    Returns
    -------
    Whatever the function returns.

    Raises
    ------
    ValueError
        For arguments that go with ``use_reentrant=False`` only.
    CheckpointError
        In backward, if the function saved other tensors when it was computed again.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.utils.checkpoint import checkpoint
    >>> x = pb.tensor([1., 2.], requires_grad=True)
    >>> y = checkpoint(lambda t: (t * t).exp().sum(), x, use_reentrant=False)
    >>> y.backward()
    >>> x.grad
    tensor([  5.4366, 218.3926])
    """
    if use_reentrant is None:
        import warnings

        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9,"
            " calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but"
            " if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for"
            " more details on the differences between the two variants.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    set_debug = _debugs.get()
    log: OperationLog | None = None
    if debug if set_debug is None else set_debug:
        if context_fn is not noop_context_fn:
            raise ValueError("debug=True is incompatible with non-default context_fn")

        log = OperationLog()
    if determinism_check not in _DESCRIPTIONS:
        raise ValueError(f"determinism_check should be one of {list(_DESCRIPTIONS)}, but got {determinism_check}")
    first, again = context_fn() if log is None else log.contexts()
    if mode() & NO_GRAD:
        return function(*args, **kwargs)
    set_early = _stops_early.get()
    frame = _Frame(
        function,
        args,
        kwargs,
        again,
        get_rng_state() if preserve_rng_state else None,
        early_stop if set_early is None else set_early,
        _DESCRIPTIONS[determinism_check],
        log,
    )
    with saved_tensors_hooks(frame.pack, frame.unpack), first:
        result = function(*args, **kwargs)
        frame.complete = True
    if not frame.complete:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception raised during"
            " the checkpointed forward. This is not supported because checkpoint cannot return a value for a failed"
            " forward."
        )
    return result


def _metadata(tensor: Tensor) -> dict[str, Any]:
    """What must be the same of a tensor that is computed again."""
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


_DESCRIPTIONS: dict[str, Callable[[Tensor], Any]] = {"default": _metadata, "none": lambda tensor: None}


# -- without reentry --------------------------------------------------------------------------------------------------


class _Placeholder:
    """Stands for the tensor that was saved as the ``number``th."""

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number = number


class _Frame:
    """One checkpointed call: how to repeat it, and the placeholders of what it has saved."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: AbstractContextManager[Any],
        random_state: Tensor | None,
        stops_early: bool,
        described: Callable[[Tensor], Any],
        log: OperationLog | None,
    ) -> None:
        self.function = function
        self.args = [_saved(a) for a in args]
        self.kwargs = {name: _saved(a) for name, a in kwargs.items()}
        self.context = context
        self.random_state = random_state
        self.stops_early = stops_early
        self.described = described
        self.log = log
        self.placeholders: list[weakref.ref[_Placeholder]] = []
        self.descriptions: list[Any] = []
        self.complete = False
        #: For each pass that has asked: the tensors computed again, by number, until they are handed out.
        self.computed: weakref.WeakKeyDictionary[BackwardPass | GraphExecGroup, dict[int, Tensor]] = (
            weakref.WeakKeyDictionary()
        )

    def pack(self, tensor: Tensor) -> _Placeholder:
        placeholder = _Placeholder(len(self.placeholders))
        self.placeholders.append(weakref.ref(placeholder))
        self.descriptions.append(self.described(tensor))
        return placeholder

    def unpack(self, placeholder: _Placeholder) -> Tensor:
        try:
            return self._unpacked(placeholder.number)
        except CheckpointError as error:
            if self.log is None:
                raise
            raise CheckpointError(self.log.report()) from error

    def _unpacked(self, number: int) -> Tensor:
        group = _group.get()
        running = current_pass() if group is None else group
        computed = None if running is None else self.computed.get(running)
        if computed is None:
            computed = self.run_again()
            if running is not None:
                self.computed[running] = computed
        try:
            return computed.pop(number)
        except KeyError:
            overlapping = (
                "Performing two backward calls that overlap (i.e. require the same saved activation in order to compute"
                " gradients) is not allowed while under the torch.utils.checkpoint.GraphExecGroup context. "
            )
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once."
                f" {'' if group is None else overlapping}If you are calling ctx.saved_tensors in backward, make sure to"
                " do so only once. Otherwise please open an issue with details on your use case."
            ) from None

    def run_again(self) -> dict[int, Tensor]:
        """What the function saves, by number, computed again."""
        caught = _Caught(self)
        with enable_grad(), _drawing_again(self.random_state):
            if self.random_state is not None:
                set_rng_state(self.random_state)
            args = [_unpacked(a) for a in self.args]
            kwargs = {k: _unpacked(a) for k, a in self.kwargs.items()}
            with saved_tensors_hooks(caught.pack, lambda tensor: tensor), self.context, suppress(_Complete):
                self.function(*args, **kwargs)
        caught.check()
        return caught.tensors


def _drawing_again(state: Tensor | None) -> AbstractContextManager[Any]:
    """The block in which numbers are drawn again from that state of the generator, if one was kept."""
    return nullcontext() if state is None else fork_rng()


class _SavedInput:
    """A tensor as an argument, to be written no more until it is used again."""

    __slots__ = ("tensor", "version")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.version = saved_version(tensor)

    def unpacked(self) -> Tensor:
        """The tensor again.

        Raises
        ------
        RuntimeError
            If it has been written in place.
        """
        tensor, now = self.tensor, version_of(self.tensor)
        if now != self.version:
            raise modified_error(tensor.dtype, tensor.shape, edge_of(tensor), now, self.version)
        return tensor


def _saved(value: Any) -> Any:
    """An argument as a frame keeps it; under hooks, those of an enclosing checkpoint among them, they save tensors."""
    if not isinstance(value, Tensor):
        return value
    return _SavedInput(value) if current_hooks() is None else packed_by_hooks(value)


def _unpacked(value: Any) -> Any:
    return value.unpacked() if isinstance(value, SavedTensor | _SavedInput) else value


def _differs(what: str) -> CheckpointError:
    """The error for a run that was not the same."""
    return CheckpointError(
        f"torch.utils.checkpoint: {what}\nTip: To see a more detailed error message, either pass `debug=True` to\n"
        "`torch.utils.checkpoint.checkpoint(...)` or wrap the code block\n"
        "with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to\n"
        "enable checkpoint‑debug mode globally.\n"
    )


class _Caught:
    """What a function saves when it is computed again."""

    def __init__(self, frame: _Frame) -> None:
        self.frame = frame
        self.count = 0
        self.tensors: dict[int, Tensor] = {}
        self.descriptions: dict[int, Any] = {}
        self.more_is_fine = False

    def pack(self, tensor: Tensor) -> Tensor:
        frame, number = self.frame, self.count
        self.count += 1
        tensor = tensor.detach() if tensor.requires_grad else tensor
        if number >= len(frame.placeholders):
            if not frame.complete:  # backward inside the function, which goes on to save more afterwards
                self.more_is_fine = True
                return tensor
            raise _differs("trying to save more tensors during recomputation than during the original forward pass.\n")
        if frame.placeholders[number]() is not None:
            self.tensors[number] = tensor
            self.descriptions[number] = frame.described(tensor)
        if frame.stops_early and self.count == len(frame.placeholders):
            raise _Complete
        return tensor

    def check(self) -> None:
        """Compare with what was saved the first time."""
        frame = self.frame
        if self.more_is_fine:
            return
        if self.count != len(frame.placeholders):
            raise _differs(
                "A different number of tensors was saved during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(frame.placeholders)}\n"
                f"Number of tensors saved during recomputation: {self.count}.\n"
            )
        different = [n for n, found in self.descriptions.items() if found != frame.descriptions[n]]
        if different:
            listed = "".join(
                f"tensor at position {n}:\nsaved metadata: {frame.descriptions[n]}\nrecomputed metadata:"
                f" {self.descriptions[n]}\n"
                for n in different
            )
            raise _differs(
                "Recomputed values for the following tensors have different metadata than during the forward"
                f" pass.\n{listed}.\n"
            )


# -- with reentry -----------------------------------------------------------------------------------------------------


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn where no input requires gradients.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.utils.checkpoint import check_backward_validity
    >>> check_backward_validity((pb.ones(2, requires_grad=True), 3))
    """
    if not any(value.requires_grad for value in inputs if isinstance(value, Tensor)):
        import warnings

        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=2)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, tensors among them as leaves of their own that require gradients where those did.

    Raises
    ------
    RuntimeError
        For anything but a tuple.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.utils.checkpoint import detach_variable
    >>> x = pb.ones(2, requires_grad=True) * 2
    >>> detach_variable((x, 3))
    (tensor([2., 2.], requires_grad=True), 3)
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(v.detach().requires_grad_(v.requires_grad) if isinstance(v, Tensor) else v for v in inputs)


class CheckpointFunction(Function):
    """A function whose backward runs it again, with a graph, and backward through that."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.random_state = get_rng_state() if preserve_rng_state else None
        ctx.save_for_backward(*(a for a in args if isinstance(a, Tensor)))
        ctx.others = [None if isinstance(a, Tensor) else a for a in args]
        ctx.places = [number for number, a in enumerate(args) if isinstance(a, Tensor)]
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        running = current_pass()
        if running is not None and running.limited:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs`"
                " parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call"
                " .backward() without passing the `inputs` argument."
            )
        given = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            given[place] = tensor
        args = detach_variable(tuple(given))
        with enable_grad(), _drawing_again(ctx.random_state):
            if ctx.random_state is not None:
                set_rng_state(ctx.random_state)
            outputs = ctx.run_function(*args)
        results = outputs if isinstance(outputs, tuple | list) else (outputs,)
        pairs = [
            (out, grad)
            for out, grad in zip(results, grads, strict=True)
            if isinstance(out, Tensor) and out.requires_grad and grad is not None
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([out for out, _ in pairs], [grad for _, grad in pairs])
        return (None, None, *(a.grad if isinstance(a, Tensor) else None for a in args))


def checkpoint_sequential(
    functions: Any, segments: int, input: Tensor, use_reentrant: bool | None = None, **kwargs: Any
) -> Tensor:
    """Run functions one after the other, in segments that are checkpointed, all but the last.

    Parameters
    ----------
    functions : nn.Sequential or list of callable
    segments : int
    input : Tensor
    use_reentrant : bool
        As in :func:`checkpoint`.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.utils.checkpoint import checkpoint_sequential
    >>> x = pb.ones(2, requires_grad=True)
    >>> y = checkpoint_sequential([pb.exp, pb.sin, pb.exp], 2, x, use_reentrant=False)
    >>> y.sum().backward()
    >>> x.grad
    tensor([-3.7373, -3.7373])
    """
    if use_reentrant is None:
        import warnings

        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly."
            " In version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is"
            " recommended, but if you need to preserve the current default behavior, you can pass"
            " use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))

    steps: Sequence[Callable[[Any], Any]] = (
        list(functions.children()) if isinstance(functions, Sequential) else functions
    )

    def run(part: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for step in part:
                value = step(value)
            return value

        return forward

    length = len(steps) // segments
    done = 0
    value: Any = input
    for start in range(0, length * (segments - 1), length):
        done = start + length
        value = checkpoint(run(steps[start:done]), value, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(steps[done:])(value)  # type: ignore[no-any-return]


class set_checkpoint_early_stop(Block, ContextDecorator):
    """Whether the checkpoints made inside the block stop computing again as soon as they can.

    Examples
    --------
    >>> from pullback.utils.checkpoint import set_checkpoint_early_stop
    >>> with set_checkpoint_early_stop(False):
    ...     pass
    """

    def __init__(self, enable: bool) -> None:
        self.enable = enable

    def _settings_inside(self) -> Sequence[Setting]:
        return ((_stops_early, self.enable),)


class set_checkpoint_debug_enabled(Block, ContextDecorator):
    """Whether the checkpoints made inside the block note their operations; None leaves it to each.

    Examples
    --------
    >>> from pullback.utils.checkpoint import set_checkpoint_debug_enabled
    >>> with set_checkpoint_debug_enabled(True):
    ...     pass
    """

    def __init__(self, enabled: bool | None) -> None:
        self.enabled = enabled

    def _settings_inside(self) -> Sequence[Setting]:
        return ((_debugs, self.enabled),)


_group: ContextVar[GraphExecGroup | None] = ContextVar("pullback checkpoint group", default=None)


class GraphExecGroup(Block):
    """Have checkpoints compute again at most once for all backward passes inside the block.

    The passes may not use the same saved tensor twice. It concerns ``use_reentrant=False`` only.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.utils.checkpoint import GraphExecGroup, checkpoint
    >>> runs = []
    >>> def function(t):
    ...     runs.append(1)
    ...     return t.exp(), t.sin()
    >>> x = pb.ones(2, requires_grad=True)
    >>> first, second = checkpoint(function, x, use_reentrant=False)
    >>> with GraphExecGroup():
    ...     first.sum().backward()
    ...     second.sum().backward()
    >>> len(runs)
    2
    """

    def _settings_inside(self) -> Sequence[Setting]:
        if _group.get() is not None:
            raise RuntimeError(f"GraphExecGroup contexts cannot be nested. Already inside group {_group.get()}")
        return ((_group, self),)

    def _value_inside(self) -> GraphExecGroup:
        return self
