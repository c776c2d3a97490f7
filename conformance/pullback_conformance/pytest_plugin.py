"""The options of the suite under pytest; a plugin that is asked for, so that no other project's pytest has them.

``pytest -p pullback_conformance.pytest_plugin --pyargs pullback_conformance --conformance-backend=NAME``
"""

from __future__ import annotations

from argparse import ArgumentError
from typing import Any

import pytest

#: What ``-p`` names.
NAME = "pullback_conformance.pytest_plugin"

#: The options, each by the name it has for the command, with what ``parser.addoption`` takes.
_OPTIONS: dict[str, dict[str, Any]] = {
    "backend": {"metavar": "NAME", "help": "run pullback's conformance suite on this backend, a name or module:Class"},
    "against": {"metavar": "NAME", "default": "numpy", "help": "the backend to compare it with (numpy), and torch"},
    "tier": {"metavar": "TIER", "default": "smoke", "help": "smoke, standard or full (smoke)"},
    "operations": {"metavar": "GLOBS", "default": "", "help": "only these operations, as in 'log*,exp'"},
    "dtypes": {"metavar": "NAMES", "default": "", "help": "only these dtypes"},
    "checks": {"metavar": "NAMES", "default": "", "help": "only these checks"},
    "oracles": {"metavar": "NAMES", "default": "", "help": "optional oracles, too: jax, torch"},
    "seed": {"metavar": "N", "type": int, "default": 0, "help": "other random values"},
    "examples": {"metavar": "N", "type": int, "default": 0, "help": "draw N more calls for each operation and dtype"},
    "expected": {"metavar": "FILE", "help": "a TOML file of expected failures; one that passes is a failure"},
}


def destination(option: str) -> str:
    """The name under which pytest keeps an option, which no other plugin's has."""
    return f"pullback_conformance_{option}"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pullback conformance")
    try:
        for name, given in _OPTIONS.items():
            group.addoption(f"--conformance-{name}", dest=destination(name), **given)
    except (ValueError, ArgumentError) as error:
        raise pytest.UsageError(
            f"another plugin has an option of pullback's conformance suite ({error}): leave that plugin out with "
            "-p no:NAME, or run the suite with `pullback conformance`"
        ) from None


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(destination("backend")):
        from pullback_conformance.pytest_summary import Summary

        config.pluginmanager.register(Summary(config), "pullback conformance summary")
