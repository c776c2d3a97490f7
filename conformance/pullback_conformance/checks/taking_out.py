"""The function of an operation that takes ``out=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pullback as pb
from pullback.extend import Composite, Operation


def function_with_out(operation: Operation | Composite) -> Callable[..., Any] | None:
    """The public function that takes ``out=``, None where there is none.

    It is made when its name is first asked for. Asking for it here lets no check depend on what ran before.
    """
    getattr(pb, operation.name, None)
    return getattr(operation, "exported", None)
