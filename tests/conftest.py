"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

from tests.testbeds.common.sharing import leave_all

# A busy machine is slow, not wrong: no example is failed for the time it took.
settings.register_profile("vmdirac", deadline=None)
settings.load_profile("vmdirac")


def pytest_sessionfinish() -> None:
    """Take down the beds that nobody uses any more."""
    leave_all()
