"""The cross-check of a whole program, which the environment variable ``PULLBACK_CROSSCHECK`` asks for.

Its value is the second backend, and after it what else :class:`~pullback_crosscheck.crosscheck` is to be given::

    PULLBACK_CROSSCHECK=jax python train.py
    PULLBACK_CROSSCHECK=jax,mode=collect,rate=0.1,seed=3,report=crosscheck.json python train.py

In the modes ``warn`` and ``collect`` the report is printed on standard error when the program ends; ``report=`` writes
it as JSON, too.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pullback.extend import UnknownBackendError, did_you_mean, known_backends
from pullback_crosscheck.checking import crosscheck

_VARIABLE: Final = "PULLBACK_CROSSCHECK"


def _truth(text: str) -> bool:
    return {"1": True, "true": True, "0": False, "false": False}[text.lower()]


_OPTIONS: Final[dict[str, Callable[[str], Any]]] = {
    "mode": str,
    "rate": float,
    "seed": int,
    "shadow": _truth,
    "report": Path,
}


def program(value: str) -> crosscheck:
    """What the variable's value asks for.

    Raises
    ------
    UnknownBackendError
        Where there is no such backend: it lists those there are.
    ValueError
        For an option that is none, or a value that it does not take.
    """
    name, options = parsed(value)
    if name not in known_backends():
        raise UnknownBackendError(name, known_backends(), _VARIABLE)
    path = options.pop("report", None)
    check = crosscheck(name, **options)
    atexit.register(_report, check, path)
    return check


def parsed(value: str) -> tuple[str, dict[str, Any]]:
    """The backend and the options in the variable's value.

    Examples
    --------
    >>> parsed("jax, rate=0.5, mode=collect")
    ('jax', {'rate': 0.5, 'mode': 'collect'})
    """
    name, *rest = (part.strip() for part in value.split(","))
    options: dict[str, Any] = {}
    for part in rest:
        option, _, text = (word.strip() for word in part.partition("="))
        if option not in _OPTIONS:
            hint = did_you_mean(option, _OPTIONS)
            raise ValueError(f"{_VARIABLE} has no option {option!r}, it has {', '.join(_OPTIONS)}{hint}")
        try:
            options[option] = _OPTIONS[option](text)
        except (ValueError, KeyError):
            raise ValueError(f"{_VARIABLE}: {option}={text!r} makes no sense") from None
    return name, options


def _report(check: crosscheck, path: Path | None) -> None:
    """Show what has been seen, as the program ends."""
    if check.mode != "raise":
        print(check.report, file=sys.stderr)
    if path is not None:
        path.write_text(check.report.to_json(), encoding="utf-8")
