from __future__ import annotations

from vmdirac_py.worker.activity import Activity, Reading

QUIET = 0.05


def test_a_machine_is_quiet_since_it_last_used_cpu() -> None:
    """Use below the threshold counts as none; the period begins with the last reading above it."""
    activity = Activity(Reading(0.0, 100.0, {}))
    activity.note(Reading(60.0, 130.0, {}), QUIET)
    assert (activity.cores, activity.quiet_seconds(60.0)) == (0.5, 0.0)
    activity.note(Reading(120.0, 131.0, {}), QUIET)
    assert activity.quiet_seconds(120.0) == 60.0


def test_a_machine_with_a_payload_is_never_quiet() -> None:
    """While a slot is busy the period does not count, however little CPU is used."""
    activity = Activity(Reading(0.0, 100.0, {"vm/1.1": 0.0}))
    activity.note(Reading(600.0, 100.0, {"vm/1.1": 0.0}), QUIET)
    assert activity.quiet_seconds(600.0) == 0.0


def test_payloads_that_use_nothing_are_named() -> None:
    """A payload is quiet since it last used CPU or began; one that works is not."""
    activity = Activity(Reading(0.0, 0.0, {"idle": 5.0, "works": 5.0}))
    activity.note(Reading(100.0, 100.0, {"idle": 5.0, "works": 90.0, "new": 0.0}), QUIET)
    assert activity.quiet_payloads(100.0, 100.0) == ["idle"]
    assert activity.quiet_payloads(250.0, 100.0) == ["idle", "new", "works"]


def test_what_was_used_stays_used() -> None:
    """A counter that shrinks, because processes ended unseen, takes nothing back; a payload that ended is forgotten."""
    activity = Activity(Reading(0.0, 0.0, {"a": 50.0}))
    activity.note(Reading(10.0, 0.0, {"a": 3.0}), QUIET)
    assert activity.used("a") == 50.0
    activity.note(Reading(20.0, 0.0, {}), QUIET)
    assert activity.used("a") == 0.0
