"""What is said of a payload that ended."""

from __future__ import annotations

import pytest

from vmdirac_py.worker.cgroup import Used
from vmdirac_py.worker.verdict import verdict, worse

FULL = Used(out_of_memory=True)


@pytest.mark.parametrize(
    ("code", "used", "ended_for", "expected"),
    [
        (0, Used(), "", ("Done", "Application finished", 0)),
        (3, Used(), "", ("Failed", "Application exit code 3", 3)),
        (-9, Used(), "", ("Failed", "Application killed by signal 9", 137)),
        (143, Used(), "", ("Failed", "Application killed by signal 15", 143)),
        (-9, FULL, "", ("Failed", "Memory limit exceeded", 137)),
        (0, FULL, "", ("Done", "Application finished", 0)),
        (-9, FULL, "CPU time exceeded", ("Failed", "CPU time exceeded", 137)),
        (0, Used(), "Disk limit exceeded", ("Failed", "Disk limit exceeded", 0)),
    ],
)
def test_the_reason_that_came_first_is_told(
    code: int, used: Used, ended_for: str, expected: tuple[str, str, int]
) -> None:
    """Why we ended it, else that memory was full, else its signal, else its exit code; a signal as shells tell it."""
    outcome = verdict(code, used, ended_for)
    assert (outcome.state, outcome.minor, outcome.exit_code) == expected


def test_what_was_used_stays_with_a_failure() -> None:
    """One reason more changes neither the exit code nor the account."""
    outcome = worse(verdict(0, Used(2.5, 40), ""), "not all ended")
    assert (outcome.state, outcome.minor) == ("Failed", "Application finished; not all ended")
    assert (outcome.exit_code, outcome.cpu_seconds, outcome.peak_ram_mb) == (0, 2.5, 40)
