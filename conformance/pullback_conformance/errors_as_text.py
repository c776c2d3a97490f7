"""Exceptions in the words that records have for them."""

from __future__ import annotations

from pullback.extend import MissingKernelError


def described(error: BaseException) -> str:
    """What is wrong where the backend under test raises."""
    if isinstance(error, MissingKernelError):
        return f"no kernel {error.kernel!r}: define it, or declare a Limitation (MissingKernelError: {error})"
    return f"raised {type(error).__name__}: {error}"


def first_line(error: BaseException) -> str:
    """The class of an error and the first line of its message, no more than 200 characters of it."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
