"""Anomaly detection: nodes remember where they were made, and backward checks what they compute.

Follows https://pytorch.org/docs/stable/autograd.html#anomaly-detection.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.autograd.grad_mode import ANOMALY, MODE, entered, left, mode
from pullback.autograd.node import Node

if TYPE_CHECKING:
    from contextvars import Token

    from pullback.tensor import Tensor

    #: Takes a node and the gradients it has computed; returns what is wrong with them, or None.
    Predicate: TypeAlias = Callable[[Node, tuple[Tensor | None, ...]], str | None]

_checks_nan: ContextVar[bool] = ContextVar("pullback anomaly check_nan", default=True)
_predicates: ContextVar[dict[str | None, Predicate]] = ContextVar("pullback anomaly predicates", default={})  # noqa: B039  never written
#: The node that backward is running: what is recorded meanwhile was induced by it.
_running: ContextVar[Node | None] = ContextVar("pullback anomaly node", default=None)


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
        self._tokens: tuple[Token[int], Token[bool], Token[dict[str | None, Predicate]]] = (
            MODE.set(entered(MODE.get(), ANOMALY) if mode else left(MODE.get(), ANOMALY)),
            _checks_nan.set(check_nan),
            _predicates.set(dict(predicates or {})),
        )

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode_token, nan_token, predicates_token = self._tokens
        _predicates.reset(predicates_token)
        _checks_nan.reset(nan_token)
        MODE.reset(mode_token)


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

    _inner: set_detect_anomaly

    def __init__(self, check_nan: bool = True, *, predicates: dict[str | None, Predicate] | None = None) -> None:
        import warnings

        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for"
            " debugging.",
            UserWarning,
            stacklevel=2,
        )
        self._check_nan = check_nan
        self._given = predicates

    def __enter__(self) -> None:
        self._inner = set_detect_anomaly(True, self._check_nan, predicates=self._given)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner.__exit__(kind, error, trace)


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
    node.metadata["parent_"] = _running.get()


def apply_checked(node: Any, grad: Any) -> Any:
    """Run a node; where it fails or computes an anomaly, show which lines of forward it comes from."""
    token = _running.set(node)
    try:
        grads = node.apply(grad)
    except BaseException:
        show_origin(node)
        raise
    finally:
        _running.reset(token)
    wrong = _anomaly(node, tuple(grads))
    if wrong is not None:
        show_origin(node)
        raise RuntimeError(wrong)
    return grads


def _anomaly(node: Node, grads: tuple[Any, ...]) -> str | None:
    """What is wrong with the gradients a node has computed, if anything."""
    from pullback.tensor import Tensor

    predicates = _predicates.get()
    for name in (None, node.name()):
        if name in predicates:
            found = predicates[name](node, grads)
            if found is not None:
                return f"Function '{node.name()}': {found}"
    if not _checks_nan.get():
        return None
    for number, grad in enumerate(grads):
        while isinstance(grad, Tensor) and grad.backend.level:
            grad = grad.array.value  # all examples together
        if isinstance(grad, Tensor) and grad.dtype.category > 1 and bool((grad != grad).any()):
            return f"Function '{node.name()}' returned nan values in its {number}th output."
    return None


def show_origin(node: Node) -> None:
    """Warn with the lines of forward that made a node, and those that made what induced it."""
    import warnings

    lines = node.metadata.get("traceback_")
    if lines is None:
        warnings.warn(
            f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during"
            " forward pass for more information.",
            UserWarning,
            stacklevel=2,
        )
        return
    warnings.warn(
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{''.join(lines)}",
        UserWarning,
        stacklevel=2,
    )
    parent = node.metadata.get("parent_")
    while parent is not None:
        lines = parent.metadata.get("traceback_")
        known = (
            f" Traceback of forward call that induced the previous calculation:\n{''.join(lines)}"
            if lines is not None
            else " No forward pass information available."
        )
        warnings.warn(f"\n\nPrevious calculation was induced by {parent.name()}.{known}", UserWarning, stacklevel=2)
        parent = parent.metadata.get("parent_")
