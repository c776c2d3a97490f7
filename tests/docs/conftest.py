"""What the documentation's examples change in the process is undone after each of them."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

import pullback
from pullback.backend import registry as backends
from pullback.extend import registry as operations


@pytest.fixture(autouse=True)
def messages_without_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have doctest compare an exception's message: before Python 3.13 it takes the last line, which may be a note."""
    formatted = doctest.traceback.format_exception_only

    def message_only(kind: Any, value: BaseException) -> list[str]:
        lines = formatted(kind, value)
        notes = sum(len(note.splitlines()) for note in getattr(value, "__notes__", ()))
        return lines[: len(lines) - notes]

    monkeypatch.setattr(doctest.traceback, "format_exception_only", message_only)


@pytest.fixture
def undone():
    """Forget the operations, methods and backends that an example declares, and its modes and defaults."""
    declared = dict(operations)
    methods = dict(vars(pullback.Tensor))
    known = set(backends.known_backends())
    dtype = pullback.get_default_dtype()
    with pullback.use_backend("numpy"), pullback.enable_grad():
        yield
    for name in set(operations) - set(declared):
        del operations[name]
    for name in set(vars(pullback.Tensor)) - set(methods):
        delattr(pullback.Tensor, name)
    for name in set(backends.known_backends()) - known:
        backends.unregister_backend(name)
    pullback.set_default_dtype(dtype)
