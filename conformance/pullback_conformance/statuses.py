"""Exit statuses of the command for what keeps a run from beginning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def errors_as_statuses() -> Iterator[None]:
    """Errors of the selection end the command with status 2, backends that do not load with 3."""
    from pullback.extend import BackendUnavailableError, UnknownBackendError
    from pullback_conformance.isolation import WorkerError
    from pullback_conformance.runner import BackendNotLoadedError

    try:
        yield
    except UnknownBackendError as error:
        raise _SelectionFailure(str(error)) from error
    except (BackendNotLoadedError, BackendUnavailableError, WorkerError, ImportError) as error:
        raise _LoadingFailure(str(error)) from error
    except (ValueError, RuntimeError) as error:
        raise _SelectionFailure(str(error)) from error


class _SelectionFailure(click.ClickException):
    exit_code = 2


class _LoadingFailure(click.ClickException):
    exit_code = 3
