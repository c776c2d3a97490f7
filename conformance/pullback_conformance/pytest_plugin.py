"""The options of the suite under pytest; a plugin that is asked for, so that no other project's pytest has them.

``pytest -p pullback_conformance.pytest_plugin --pyargs pullback_conformance --backend=NAME``
"""

from __future__ import annotations

from typing import Any

import pytest

#: What ``-p`` names.
NAME = "pullback_conformance.pytest_plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pullback conformance")
    try:
        group.addoption("--backend", metavar="NAME", help="run pullback's conformance suite on this backend")
        group.addoption("--against", metavar="NAME", default="numpy", help="the backend to compare it with (numpy)")
        group.addoption("--tier", metavar="TIER", default="smoke", help="smoke, standard or full (smoke)")
        group.addoption("--operations", metavar="GLOBS", default="", help="only these operations, as in 'log*,exp'")
        group.addoption("--dtypes", metavar="NAMES", default="", help="only these dtypes")
        group.addoption("--checks", metavar="NAMES", default="", help="only these checks")
    except ValueError as error:
        raise pytest.UsageError(
            f"another plugin has an option of pullback's conformance suite ({error}): leave that plugin out with "
            "-p no:NAME, or run the suite with `pullback conformance`"
        ) from None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what limits the whole run: missing oracles, and wider bounds that plugins declare."""
    if not config.getoption("--backend"):
        return
    from pullback_conformance.under_pytest import remarks

    for remark in remarks(config):
        terminalreporter.line(remark)
