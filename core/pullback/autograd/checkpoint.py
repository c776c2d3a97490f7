"""Checkpointing: save the inputs of a part of the graph instead of what it saves, and compute it again in backward.

Follows https://pytorch.org/docs/stable/checkpoint.html; the idea is from Chen, Xu, Zhang and Guestrin, "Training Deep
Nets with Sublinear Memory Cost", 2016 (https://arxiv.org/abs/1604.06174).

Without reentry, hooks on saved tensors put a placeholder in each one's place. When backward asks for the first of them,
the function runs again under hooks that catch what it saves, in the same order, and stop it as soon as everything has
been caught. With reentry, one node stands for the function; its backward runs it again with a graph of its own, and
backward through that.
"""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from typing import Any, TypeAlias

from pullback.autograd.differentiate import backward
from pullback.autograd.engine import BackwardPass, current_pass
from pullback.autograd.function import Function
from pullback.autograd.grad_mode import enable_grad, no_grad
from pullback.autograd.saved_tensors import SavedTensor, current_hooks, packed_by_hooks, saved_tensors_hooks
from pullback.kernel_interceptors import intercept_kernels
from pullback.random import fork_rng, get_rng_state, set_rng_state
from pullback.tensor import Tensor

__all__ = [
    "CheckpointError",
    "CheckpointPolicy",
    "SelectiveCheckpointContext",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
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
    if determinism_check not in _DESCRIPTIONS:
        raise ValueError(f"determinism_check should be one of {list(_DESCRIPTIONS)}, but got {determinism_check}")
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if _debugs.get() is not None:
        debug = bool(_debugs.get())
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    log = _OperationLog() if debug else None
    first, again = context_fn() if log is None else log.contexts()
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
        log: _OperationLog | None,
    ) -> None:
        self.function = function
        # Under hooks, those of an enclosing checkpoint among them, the inputs are saved by the hooks.
        hooked = current_hooks() is not None
        self.args = [packed_by_hooks(a) if hooked and isinstance(a, Tensor) else a for a in args]
        self.kwargs = {k: packed_by_hooks(a) if hooked and isinstance(a, Tensor) else a for k, a in kwargs.items()}
        self.context = context
        self.random_state = random_state
        self.stops_early = stops_early
        self.described = described
        self.log = log
        self.placeholders: list[weakref.ref[_Placeholder]] = []
        self.descriptions: list[Any] = []
        self.complete = False
        #: For each pass that has asked: the tensors computed again, by number, until they are handed out.
        self.computed: weakref.WeakKeyDictionary[BackwardPass, dict[int, Tensor]] = weakref.WeakKeyDictionary()

    def pack(self, tensor: Tensor) -> _Placeholder:
        placeholder = _Placeholder(len(self.placeholders))
        self.placeholders.append(weakref.ref(placeholder))
        self.descriptions.append(self.described(tensor))
        return placeholder

    def unpack(self, placeholder: _Placeholder) -> Tensor:
        running = current_pass()
        computed = None if running is None else self.computed.get(running)
        if computed is None:
            computed = self.run_again()
            if running is not None:
                self.computed[running] = computed
        try:
            return computed.pop(placeholder.number)
        except KeyError:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. If you"
                " are calling ctx.saved_tensors in backward, make sure to do so only once. Otherwise please open an"
                " issue with details on your use case."
            ) from None

    def run_again(self) -> dict[int, Tensor]:
        """What the function saves, by number, computed again."""
        caught = _Caught(self)
        with ExitStack() as stack:
            stack.enter_context(enable_grad())
            if self.random_state is not None:
                stack.enter_context(fork_rng())
                set_rng_state(self.random_state)
            args = [_unpacked(a) for a in self.args]
            kwargs = {k: _unpacked(a) for k, a in self.kwargs.items()}
            stack.enter_context(saved_tensors_hooks(caught.pack, lambda tensor: tensor))
            stack.enter_context(self.context)
            with suppress(_Complete):
                self.function(*args, **kwargs)
        caught.check()
        return caught.tensors

    def differs(self, what: str) -> CheckpointError:
        """The error for a run that was not the same."""
        tip = (
            "\nTip: To see a more detailed error message, either pass `debug=True` to"
            " `torch.utils.checkpoint.checkpoint(...)` or wrap the code block with `with"
            " torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to enable checkpoint‑debug mode globally.\n"
        )
        return CheckpointError(f"torch.utils.checkpoint: {what}{tip if self.log is None else self.log.comparison()}")


def _unpacked(value: Any) -> Any:
    return value.unpacked() if isinstance(value, SavedTensor) else value


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
            raise frame.differs(
                "trying to save more tensors during recomputation than during the original forward pass.\n"
            )
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
            raise frame.differs(
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
            raise frame.differs(
                "Recomputed values for the following tensors have different metadata than during the forward"
                f" pass.\n{listed}.\n"
            )


class _OperationLog:
    """The operations of the first run and of the last one."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.again: list[str] = []

    def contexts(self) -> Contexts:
        return self._noting(self.first), self._noting(self.again)

    def _noting(self, names: list[str]) -> AbstractContextManager[None]:
        def note(operation: Any, operands: Any, attributes: Any, proceed: Callable[[], Any]) -> Any:
            names.append(operation.name)
            return proceed()

        return intercept_kernels(note)

    def comparison(self) -> str:
        """Both lists, for an error."""
        first, again = (", ".join(names) or "none" for names in (self.first, self.again))
        return (
            f"\nOperations executed during the original forward:\n{first}\n"
            f"\nOperations executed during recomputation:\n{again}\n"
        )


# -- with reentry -----------------------------------------------------------------------------------------------------


class CheckpointFunction(Function):
    """A function whose backward runs it again, with a graph, and backward through that."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        import warnings

        if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            warnings.warn(
                "None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=4
            )
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
        args = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        with ExitStack() as stack:
            if ctx.random_state is not None:
                stack.enter_context(fork_rng())
                set_rng_state(ctx.random_state)
            stack.enter_context(enable_grad())
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
    steps: Sequence[Callable[[Any], Any]] = list(functions.children()) if hasattr(functions, "children") else functions

    def run(part: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for step in part:
                value = step(value)
            return value

        return forward

    length = len(steps) // segments
    last = length * (segments - 1)
    value: Any = input
    for start in range(0, last, length):
        segment = run(steps[start : start + length])
        value = checkpoint(segment, value, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(steps[last:])(value)  # type: ignore[no-any-return]


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Whether the checkpoints made inside the block stop computing again as soon as they can.

    Examples
    --------
    >>> from pullback.utils.checkpoint import set_checkpoint_early_stop
    >>> with set_checkpoint_early_stop(False):
    ...     pass
    """
    token = _stops_early.set(enable)
    try:
        yield
    finally:
        _stops_early.reset(token)


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Whether the checkpoints made inside the block note their operations; None leaves it to each.

    Examples
    --------
    >>> from pullback.utils.checkpoint import set_checkpoint_debug_enabled
    >>> with set_checkpoint_debug_enabled(True):
    ...     pass
    """
    token = _debugs.set(enabled)
    try:
        yield
    finally:
        _debugs.reset(token)


# -- keeping some results ---------------------------------------------------------------------------------------------


class CheckpointPolicy(enum.Enum):
    """What to do with an operation's result inside a selective checkpoint."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3


class SelectiveCheckpointContext:
    """What a policy is told beside the operation: whether this is the first run.

    Attributes
    ----------
    is_recompute : bool
    """

    def __init__(self, *, is_recompute: bool) -> None:
        self.is_recompute = is_recompute


def create_selective_checkpoint_contexts(policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False) -> Contexts:
    """The two contexts of a checkpoint that keeps the results of some operations: for ``context_fn``.

    Parameters
    ----------
    policy_fn_or_list : callable or list of operations
        ``policy(ctx, operation, *args, **kwargs)`` returns a :class:`CheckpointPolicy`, or True to save; the operation
        is its function, such as ``pb.mm``. A list names the operations whose results are saved.
    allow_cache_entry_mutation : bool
        Accepted as PyTorch's: what is kept here cannot be written by the program.

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
        chosen = tuple(policy_fn_or_list)
        for item in chosen:
            if not callable(item):
                raise ValueError(f"Expected op in `op_list` to be an operation but got: {item} of type {type(item)}")

        def policy(ctx: SelectiveCheckpointContext, operation: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
            save = any(operation is item for item in chosen)
            return CheckpointPolicy.MUST_SAVE if save else CheckpointPolicy.PREFER_RECOMPUTE
    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")

    kept: dict[str, list[Any]] = {}

    def saves(first: bool, function: Any, operands: Any, attributes: Any) -> bool:
        asked: Any = policy(SelectiveCheckpointContext(is_recompute=not first), function, *operands, **attributes)
        return asked is True or asked in (CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE)

    def keep(operation: Any, operands: Any, attributes: Any, proceed: Callable[[], Any]) -> Any:
        results = proceed()
        if saves(True, _public(operation), operands, attributes):
            kept.setdefault(operation.name, []).append(results)
        return results

    def reuse(operation: Any, operands: Any, attributes: Any, proceed: Callable[[], Any]) -> Any:
        if not saves(False, _public(operation), operands, attributes):
            return proceed()
        results = kept.get(operation.name)
        if not results:
            raise RuntimeError(
                f"{operation.name} encountered during backward, but not found in storage: the function did not call it"
                " in the first run"
            )
        return results.pop(0)

    return intercept_kernels(keep), intercept_kernels(reuse)


def _public(operation: Any) -> Any:
    """The function that users know the operation by."""
    import pullback

    return getattr(pullback, operation.name, operation.call)
