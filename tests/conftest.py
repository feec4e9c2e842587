"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.testbeds.common.sharing import leave_all

# A busy machine is slow, not wrong: no example is failed for the time it took.
settings.register_profile("vmdirac", deadline=None)
settings.load_profile("vmdirac")


class FailuresAtOnce:
    """Names what failed, and why, as soon as it did: a whole run takes long."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name it; all that is known of it is told at the end."""
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            words = crash.message.partition("\n")[0] if crash else ""
            self._terminal.write_line(f"\n{report.nodeid} ({report.when}): {words}")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Name failures at once, in the one process that has a terminal."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(terminal))


def pytest_sessionfinish() -> None:
    """Take down the beds that nobody uses any more."""
    leave_all()
