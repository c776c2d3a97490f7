"""The errors and warnings that are pullback's own; everything else raises PyTorch's types."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'numpy'?"`` for a near miss among the ``known`` names, else the empty string.

    Examples
    --------
    >>> did_you_mean("NumPI", ["jax", "numpy"])
    "; did you mean 'numpy'?"
    """
    import difflib

    by_folded = {other.casefold(): other for other in known}
    matches = difflib.get_close_matches(name.casefold(), list(by_folded), n=1)
    return f"; did you mean {by_folded[matches[0]]!r}?" if matches else ""


class BackendError(RuntimeError):
    """A backend cannot do what was asked of it."""


class UnknownBackendError(BackendError, ValueError):
    """No backend of that name is registered.

    Parameters
    ----------
    name : str
        What was asked for.
    known : iterable of str
        The names that exist.
    source : str, optional
        Where the name came from, as in ``"PULLBACK_BACKEND"``.
    left_out : iterable of str
        What is wrong with plugins, one of which may have the backend.
    """

    def __init__(
        self, name: str, known: Iterable[str], source: str | None = None, left_out: Iterable[str] = ()
    ) -> None:
        names, broken = list(known), list(left_out)
        self.name = name
        self.known = tuple(names)
        self.source = source
        self.left_out = tuple(broken)
        origin = f" (from {source})" if source else ""
        listing = ", ".join(repr(n) for n in names) or "none"
        hint = did_you_mean(name, names)
        message = f"unknown backend {name!r}{origin}{hint or ';'} known backends: {listing}"
        if broken:
            message += ". A plugin that is broken may have it: " + " | ".join(broken)
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...], str | None, tuple[str, ...]]]:
        return type(self), (self.name, self.known, self.source, self.left_out)


class BackendUnavailableError(BackendError):
    """The backend is registered and cannot work on this machine.

    Parameters
    ----------
    name : str
        The backend's name.
    reason : str
        One line: what is missing and, where there is one, the command that brings it.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"backend {name!r} is not available: {reason}")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.name, self.reason)


class OutOfMemoryError(RuntimeError, MemoryError):
    """More memory was asked for than there is: PyTorch's RuntimeError, and Python's MemoryError as well."""


class MissingKernelError(BackendError, NotImplementedError, AttributeError):
    """A backend has no kernel for an operation.

    It is an ``AttributeError`` too, so that ``hasattr(backend, "erf")`` answers rather than raises.

    Parameters
    ----------
    operation : str
        The operation the user called.
    kernel : str
        The kernel it needs, by its Array API name.
    dtype : object
        The dtype of the operands, or None where it does not matter.
    backend : object
        The backend or its name.
    """

    def __init__(self, operation: str, kernel: str, dtype: object, backend: object) -> None:
        self.operation = operation
        self.kernel = kernel
        self.dtype = dtype
        self.backend = getattr(backend, "name", backend)
        for_dtype = "" if dtype is None else f" for {dtype}"
        remedy = (
            "a plugin can add it (hook pullback_kernels)"
            if self.backend == "numpy"
            else 'move the tensors to a backend that has it, as with .to("numpy")'
        )
        super().__init__(f"{operation}: backend {self.backend!r} has no kernel {kernel!r}{for_dtype}; {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, str, object, object]]:
        return type(self), (self.operation, self.kernel, self.dtype, self.backend)


class FallbackWarning(UserWarning):
    """An operation ran on another backend, inside ``with fallback(...)``, because its own has no kernel for it."""


class TransferError(RuntimeError):
    """Elements would have left a backend or a device where ``transfer_guard("disallow")`` holds."""


class PluginError(RuntimeError):
    """A plugin is broken and ``PULLBACK_STRICT_PLUGINS`` asks for an error."""


class PluginWarning(UserWarning):
    """A plugin is broken; it was left out and the others go on."""
