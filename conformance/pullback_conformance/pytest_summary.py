"""What pytest says at the end: outcomes of the cells, missing oracles, expected failures that don't show."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pullback_conformance.outcome import MEANINGS, Outcome
from pullback_conformance.pytest_plugin import destination
from pullback_conformance.report.labels import SHOWN
from pullback_conformance.under_pytest import remarks, session_of

#: What a worker of pytest-xdist hands over under.
_KEY = "pullback_conformance_remarks"


class Summary:
    """Collects what tests report, from workers too, and says it once."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.outcomes: Counter[str] = Counter()
        self.oracles: Counter[str] = Counter()
        self.touched: set[int] = set()
        self.shown: set[int] = set()
        self.remarks: list[str] = []
        self.unshown: list[str] = []

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        measured = any(name == "largest error in ulp" for name, _ in report.user_properties)
        for name, value in report.user_properties:
            if name == "conformance outcome":
                self.outcomes[str(value)] += 1
            elif name == "oracle" and measured:
                self.oracles[str(value)] += 1
            elif name == "expected failure, covers":
                self.touched.add(int(str(value)))
            elif name == "expected failure, shows":
                self.shown.add(int(str(value)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """A worker of pytest-xdist is done: all say the same."""
        self.remarks = self.remarks or list(getattr(node, "workeroutput", {}).get(_KEY, []))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output[_KEY] = remarks(self.config)
            return
        self.remarks = self.remarks or remarks(self.config)
        for plugin in self.config.pluginmanager.get_plugins():
            # The report of --junitxml, before it is written.
            add = getattr(plugin, "add_global_property", None)
            if callable(add):
                for remark in self.remarks:
                    add("conformance", remark)
        self._judge_expected(session)

    def _judge_expected(self, session: pytest.Session) -> None:
        """An expected failure of which nothing fails is one, in a run that leaves nothing out."""
        left = sorted(self.touched - self.shown)
        option = self.config.option
        is_part = bool(getattr(option, "keyword", "") or getattr(option, "markexpr", "")) or bool(
            session.shouldstop or session.shouldfail
        )
        if not left or is_part:
            return
        suite = session_of(self.config)
        self.unshown = [suite.expected[n].reason for n in left if suite.can_judge(n)]
        if self.unshown and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.outcomes and not self.remarks:
            return
        backend = self.config.getoption(destination("backend"))
        terminalreporter.section(f"conformance of {backend}, {self.config.getoption(destination('tier'))} tier")
        for outcome in SHOWN:
            if self.outcomes[outcome.value]:
                text = f"{self.outcomes[outcome.value]:6} {outcome.value}: {MEANINGS[outcome]}"
                terminalreporter.line(text, red=outcome.is_bad, green=outcome is Outcome.PASSED)
        if self.oracles:
            judges = ", ".join(f"{name}: {count}" for name, count in self.oracles.most_common())
            terminalreporter.line(f"cells whose errors were measured, by what against: {judges}")
        for remark in self.remarks:
            terminalreporter.line(remark)
        for reason in self.unshown:
            terminalreporter.line(f"FAILED: expected to fail, and all that this is about works: {reason}", red=True)
