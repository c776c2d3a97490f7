"""Holding an expression in pullback against the same one in PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb


def _leaf(lib: Any, *shape: int, start: float = 0.5, step: float = 0.25) -> Any:
    count = int(np.prod(shape))
    values = ((np.arange(count) * 7) % max(count, 1)) * step + start if count else np.zeros(0)
    return lib.tensor(values.reshape(shape).tolist(), requires_grad=True).reshape(shape).detach().requires_grad_()


def _environment(lib: Any) -> dict[str, Any]:
    def integers(data: Any) -> Any:
        return lib.tensor(data, dtype=lib.int64)

    return {
        "lib": lib,
        "x": _leaf(lib, 2, 3),
        "y": _leaf(lib, 2, 3, start=-1.0, step=0.5),
        "b": _leaf(lib, 2, 3, 4),
        "v": _leaf(lib, 3),
        "s": _leaf(lib),
        "e": _leaf(lib, 0, 3),
        "integers": integers,
        "i": integers([0, 1]),
        "g": integers([[0, 1, 0]]),
        "m": lib.tensor([[True, False, True], [False, True, False]]),
        "True": True,
        "slice": slice,
        "np": np,
    }


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [t for v in value for t in _tensors(v)]
    return [value] if hasattr(value, "grad_fn") else []


def _described(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_described(v) for v in value]
    if not hasattr(value, "grad_fn"):
        return value
    name = value.grad_fn.name() if value.grad_fn is not None else None
    return str(value.dtype), tuple(value.shape), name


def _outcome(lib: Any, expression: str) -> tuple[Any, list[Any]]:
    """What the expression is, and its values and gradients of first and second order."""
    names = _environment(lib)
    leaves = [names[n] for n in "xybvs"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(expression, names)
        except Exception as error:
            return (type(error).__name__, str(error).split("\n")[0]), []
        described = _described(result)
        parts = _tensors(result)
        numbers = [p.tolist() for p in parts]
        squares = [(p * p * (n + 1)).sum() for n, p in enumerate(parts) if p.requires_grad]
        if squares:
            total = squares[0]
            for square in squares[1:]:
                total = total + square
            grads = lib.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
            numbers += [None if g is None else g.tolist() for g in grads]
            curvature = [(g * g).sum() for g in grads if g is not None and g.requires_grad]
            if curvature:
                total = curvature[0]
                for square in curvature[1:]:
                    total = total + square
                seconds = lib.autograd.grad(total, leaves, allow_unused=True)
                numbers += [None if g is None else g.tolist() for g in seconds]
    return described, numbers


def _close(found: Any, expected: Any, rel: float = 1e-4, abs: float = 1e-5) -> bool:
    if isinstance(expected, list | tuple):
        return (
            type(found) is type(expected)
            and len(found) == len(expected)
            and all(_close(f, e, rel, abs) for f, e in zip(found, expected, strict=True))
        )
    if type(found) is type(expected) and isinstance(expected, float | complex):
        return found == pytest.approx(expected, rel=rel, abs=abs, nan_ok=True)
    return bool(found == expected)


@pytest.fixture
def agrees() -> Callable[[str, str], None]:
    """``agrees(expression, backend)``: value, dtype, node, errors and two orders of gradients are PyTorch's.

    The expression sees ``lib``; the leaves ``x`` and ``y`` (2, 3), ``b`` (2, 3, 4), ``v`` (3), ``s`` (0-d), ``e``
    (0, 3); the index tensors ``i`` and ``g``, and the mask ``m``.
    """
    torch = pytest.importorskip("torch", reason="the oracle extra installs it")

    def agree(expression: str, backend: str) -> None:
        expected, numbers = _outcome(torch, expression)
        with pb.use_backend(backend):
            found, own_numbers = _outcome(pb, expression)
        assert found == expected
        assert _close(own_numbers, numbers), (own_numbers, numbers)

    return agree


@pytest.fixture
def same_program() -> Callable[[Callable[[Any], Any], str], None]:
    """Run a function of the library on PyTorch and on a backend of pullback, and compare what it returns."""
    import torch

    def compare(function: Callable[[Any], Any], backend: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = function(torch)
            with pb.use_backend(backend):
                found = function(pb)
        assert _close(found, expected, rel=2e-5, abs=0.0), (found, expected)

    return compare
