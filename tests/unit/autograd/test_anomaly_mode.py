"""Anomaly detection: what counts as one, and where it is in force."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb

pytestmark = pytest.mark.usefixtures("backend")


def failure(action: Callable[[], Any]) -> tuple[str, list[str]]:
    """The error of an action under detection, and the headings of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        with pytest.raises(RuntimeError) as raised:
            action()
    return str(raised.value), [str(w.message).split("\n")[0] for w in caught]


def too_big(node: Any, grads: Any) -> str | None:
    return "gradient above 5" if any(g is not None and bool((g.abs() > 5).any()) for g in grads) else None


@pytest.mark.parametrize("name", ["MulBackward0", None])
def test_a_predicate_says_what_is_wrong_by_name_of_the_node(name: str | None) -> None:
    def action() -> None:
        with pb.autograd.set_detect_anomaly(True, predicates={name: too_big}):
            (pb.ones(2, requires_grad=True) * 10).sum().backward()

    message, headings = failure(action)
    assert message == "Function 'MulBackward0': gradient above 5"
    assert headings == ["Error detected in MulBackward0. Traceback of forward call that caused the error:"]


def test_a_predicate_is_not_asked_of_other_nodes() -> None:
    x = pb.ones(2, requires_grad=True)
    with pb.autograd.set_detect_anomaly(True, predicates={"ExpBackward0": too_big}):
        (x * 10).sum().backward()
    assert x.grad.tolist() == [10.0, 10.0]


@pytest.mark.parametrize("predicates", [{"MulBackward0": 3}, {3: too_big}])
def test_what_is_no_predicate_is_refused_and_changes_nothing(predicates: Any) -> None:
    with pytest.raises(TypeError, match="predicates must have names of nodes"):
        pb.autograd.set_detect_anomaly(True, predicates=predicates)
    assert not pb.is_anomaly_enabled()


def test_predicates_are_those_of_the_innermost_block() -> None:
    x = pb.ones(2, requires_grad=True)
    with pb.autograd.set_detect_anomaly(True, predicates={None: too_big}):
        with pb.autograd.set_detect_anomaly(True):
            (x * 10).sum().backward()
        with pytest.warns(UserWarning, match="MulBackward0"), pytest.raises(RuntimeError, match="above 5"):
            (x * 10).sum().backward()


def test_the_forward_line_is_shown_for_functions_views_and_writes() -> None:
    def through_a_view() -> None:
        with pb.autograd.set_detect_anomaly(True):
            y = pb.zeros(2, requires_grad=True) * 1
            y[0].sqrt_()
            (y * 0).sum().backward()

    with pytest.warns(UserWarning, match=r"y\[0\]\.sqrt_\(\)"), pytest.raises(RuntimeError, match="nan values"):
        through_a_view()


def test_user_code_is_the_last_line_shown() -> None:
    x = pb.zeros(2, requires_grad=True)
    with pb.autograd.set_detect_anomaly(True):
        y = x.sqrt()
    assert y.grad_fn.metadata["traceback_"][-1].strip().endswith("y = x.sqrt()")


def test_detection_belongs_to_the_thread_and_the_task() -> None:
    seen = []

    async def detecting() -> None:
        with pb.autograd.set_detect_anomaly(True):
            await asyncio.sleep(0)
            seen.append(pb.is_anomaly_enabled())

    async def other() -> None:
        seen.append(pb.is_anomaly_enabled())

    async def both() -> None:
        await asyncio.gather(detecting(), other())

    asyncio.run(both())
    with pb.autograd.set_detect_anomaly(True):
        thread = threading.Thread(target=lambda: seen.append(pb.is_anomaly_enabled()))
        thread.start()
        thread.join()
    assert seen == [False, True, False]


def test_no_node_remembers_anything_without_detection() -> None:
    y = pb.ones(2, requires_grad=True) * 2
    assert y.grad_fn.metadata == {}
