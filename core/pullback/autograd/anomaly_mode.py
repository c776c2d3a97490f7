"""Anomaly detection: nodes remember where they were made, and backward checks what they compute.

Follows https://pytorch.org/docs/stable/autograd.html#anomaly-detection.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.autograd.grad_mode import check_bool
from pullback.process.blocks import begins_at_once, surely
from pullback.tensor import Tensor
from pullback.tensor.backward_pass import current_pass
from pullback.tensor.levels import plain
from pullback.tensor.modes import ANOMALY, MODE, entered, left, mode
from pullback.tensor.node import Node
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.tensor import Tensor

    #: Takes a node and the gradients it has computed; returns what is wrong with them, or None.
    Predicate: TypeAlias = Callable[[Node, tuple[Tensor | None, ...]], str | None]

_checks_nan: ContextVar[bool] = ContextVar("pullback anomaly check_nan", default=True)
_predicates: ContextVar[dict[str | None, Predicate]] = ContextVar("pullback anomaly predicates", default={})  # noqa: B039  never written


class set_detect_anomaly:
    """Switch anomaly detection on or off from here on, or inside the ``with`` block it is used for.

    Parameters
    ----------
    mode : bool
        Whether to detect anomalies.
    check_nan : bool
        Whether a NaN in a gradient is one.
    predicates : dict, optional
        What else is an anomaly: functions that take a node and the gradients it computed and return a text for an
        error, or None; by the name of the nodes they look at (``"MulBackward0"``), None for all of them.

    Notes
    -----
    Recording the stack of each operation is slow: this is for finding mistakes.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.autograd.set_detect_anomaly(True):
    ...     pb.is_anomaly_enabled()
    True
    """

    def __init__(
        self, mode: bool, check_nan: bool = True, *, predicates: dict[str | None, Predicate] | None = None
    ) -> None:
        self._before = _state()
        try:
            set_anomaly_enabled(mode, check_nan, predicates=predicates)
        except BaseException:
            surely(_restore, self._before)
            raise

    def __enter__(self) -> None:
        return

    @begins_at_once
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        surely(_restore, self._before)


class detect_anomaly:
    """Find the operation whose gradient fails or is NaN: backward prints the lines of forward that made it.

    Takes what :class:`set_detect_anomaly` does but ``mode``.

    Examples
    --------
    >>> import warnings
    >>> import pullback as pb
    >>> x = pb.tensor(-1., requires_grad=True)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     with pb.autograd.detect_anomaly():
    ...         x.sqrt().backward()
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True, *, predicates: dict[str | None, Predicate] | None = None) -> None:
        import warnings

        self._before = _state()
        self._check_nan = check_nan
        self._given = predicates
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for"
            " debugging.",
            UserWarning,
            stacklevel=2,
        )

    def __enter__(self) -> None:
        try:
            set_anomaly_enabled(True, self._check_nan, predicates=self._given)
        except BaseException:
            surely(_restore, self._before)
            raise

    @begins_at_once
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        surely(_restore, self._before)


def _state() -> tuple[bool, bool, dict[str | None, Predicate]]:
    """What is in force: whether anomalies are detected, whether NaN is one, what else is."""
    return is_anomaly_enabled(), _checks_nan.get(), _predicates.get()


def _restore(state: tuple[bool, bool, dict[str | None, Predicate]]) -> None:
    enabled, check_nan, predicates = state
    MODE.set(entered(mode(), ANOMALY) if enabled else left(mode(), ANOMALY))
    _checks_nan.set(check_nan)
    _predicates.set(predicates)


def set_anomaly_enabled(
    enabled: bool, check_nan: bool = True, *, predicates: dict[str | None, Predicate] | None = None
) -> None:
    """Switch anomaly detection on or off; takes what :class:`set_detect_anomaly` does.

    Raises
    ------
    TypeError
        For switches that are no bool, and predicates that cannot be called.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.set_anomaly_enabled(True)
    >>> pb.is_anomaly_enabled()
    True
    >>> pb.set_anomaly_enabled(False)
    """
    check_bool(enabled, "set_anomaly_enabled", "enabled")
    check_bool(check_nan, "set_anomaly_enabled", "check_nan", 2)
    given = dict(predicates or {})
    for name, predicate in given.items():
        if not (name is None or isinstance(name, str)) or not callable(predicate):
            raise TypeError(
                f"predicates must have names of nodes, or None, for keys, and callables for values, got {name!r}:"
                f" {predicate!r}"
            )
    _restore((enabled, check_nan, given))


def is_anomaly_enabled() -> bool:
    """Whether anomalies are being detected."""
    return bool(mode() & ANOMALY)


def is_anomaly_check_nan_enabled() -> bool:
    """Whether a NaN in a gradient counts as an anomaly."""
    return _checks_nan.get()


def remember_origin(node: Node) -> None:
    """Keep with a fresh node the lines of the program that made it, and the node that was running then."""
    import os
    import traceback

    here = os.path.dirname(os.path.dirname(__file__)) + os.sep
    frames = traceback.extract_stack(sys._getframe(1))
    while len(frames) > 1 and (frames[-1].filename.startswith((here, "<pullback "))):
        frames.pop()
    node.metadata["traceback_"] = traceback.format_list(frames)
    running = current_pass()
    parent = None if running is None else getattr(running, "node", None)
    if parent is not None:
        node.metadata["parent_"] = parent


def check_anomaly(node: Node, grads: Sequence[Any]) -> None:
    """Look at the gradients a node has computed, after its hooks.

    Raises
    ------
    RuntimeError
        If something is wrong with them.
    """
    wrong = _anomaly(node, tuple(grads))
    if wrong is not None:
        raise RuntimeError(wrong)


def _anomaly(node: Node, grads: tuple[Any, ...]) -> str | None:
    """What is wrong with the gradients, if anything."""
    predicates = _predicates.get()
    for name in (None, _name(node)):
        if name in predicates:
            found = predicates[name](node, grads)
            if found is not None:
                return f"Function '{_name(node)}': {found}"
    if not _checks_nan.get():
        return None
    for number, grad in enumerate(grads):
        if not isinstance(grad, Tensor):
            continue
        every = plain(grad)  # all examples together
        if every.dtype.category > 1 and bool((every != every).any()):
            return f"Function '{_name(node)}' returned nan values in its {number}th output."
    return None


def _name(node: Node) -> str:
    """The node's name, also where an attribute of the user's own hides the method."""
    return type(node).name(node)


def show_origin(node: Node) -> None:
    """Warn with the lines of forward that made a node, and those that made what induced it."""
    import warnings

    lines = node.metadata.get("traceback_")
    if lines is None:
        _say_unknown(node)
        return
    warnings.warn(
        f"Error detected in {_name(node)}. Traceback of forward call that caused the error:\n{''.join(lines)}",
        UserWarning,
        stacklevel=2,
    )
    parent = node.metadata.get("parent_")
    while parent is not None:
        lines = parent.metadata.get("traceback_")
        if lines is None:
            _say_unknown(parent)
            return
        warnings.warn(
            f"\n\nPrevious calculation was induced by {_name(parent)}. Traceback of forward call that induced the"
            f" previous calculation:\n{''.join(lines)}",
            UserWarning,
            stacklevel=2,
        )
        parent = parent.metadata.get("parent_")


def _say_unknown(node: Node) -> None:
    import warnings

    warnings.warn(
        f"Error detected in {_name(node)}. No forward pass information available. Enable detect anomaly during"
        " forward pass for more information.",
        UserWarning,
        stacklevel=3,
    )


seams.remember_origin = remember_origin
