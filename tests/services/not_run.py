"""Says in the last line of a test run, in capitals, what did not run; with CI=true that fails the run.

A skipped test proves nothing, and a summary full of dots hides it.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest


class NotRun:
    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self.reasons[report.longrepr[2].removeprefix("Skipped: ").upper()] += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.reasons and os.environ.get("CI") == "true" and session.exitstatus in {0, 5}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def closing_line(self) -> str:
        parts = [f"{reason}: {count} TEST{'S'[: count > 1]}" for reason, count in self.reasons.items()]
        return f"NOT RUN: {'; '.join(parts)}"


NOT_RUN = pytest.StashKey[NotRun]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the controller of pytest-xdist hears of all tests
        config.stash[NOT_RUN] = NotRun()
        config.pluginmanager.register(config.stash[NOT_RUN])


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    not_run = config.stash.get(NOT_RUN, None)
    if not_run is not None and not_run.reasons:
        print(f"\n{not_run.closing_line()}", flush=True)
