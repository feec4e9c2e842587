"""OpenNebula's VM states as words, and which of them are the end.

https://docs.opennebula.io, "Virtual Machine States Reference".
"""

from __future__ import annotations

STATES = dict(
    enumerate(
        (
            "INIT",
            "PENDING",
            "HOLD",
            "ACTIVE",
            "STOPPED",
            "SUSPENDED",
            "DONE",
            "FAILED",
            "POWEROFF",
            "UNDEPLOYED",
            "CLONING",
            "CLONING_FAILURE",
        )
    )
)
ACTIVE = 3

LCM_STATES = {
    0: "LCM_INIT",
    1: "PROLOG",
    2: "BOOT",
    3: "RUNNING",
    4: "MIGRATE",
    5: "SAVE_STOP",
    6: "SAVE_SUSPEND",
    7: "SAVE_MIGRATE",
    8: "PROLOG_MIGRATE",
    9: "PROLOG_RESUME",
    10: "EPILOG_STOP",
    11: "EPILOG",
    12: "SHUTDOWN",
    15: "CLEANUP_RESUBMIT",
    16: "UNKNOWN",
    17: "HOTPLUG",
    18: "SHUTDOWN_POWEROFF",
    19: "BOOT_UNKNOWN",
    20: "BOOT_POWEROFF",
    21: "BOOT_SUSPENDED",
    22: "BOOT_STOPPED",
    23: "CLEANUP_DELETE",
    36: "BOOT_FAILURE",
    37: "BOOT_MIGRATE_FAILURE",
    38: "PROLOG_MIGRATE_FAILURE",
    39: "PROLOG_FAILURE",
    40: "EPILOG_FAILURE",
    41: "EPILOG_STOP_FAILURE",
    42: "EPILOG_UNDEPLOY_FAILURE",
    47: "BOOT_UNDEPLOY_FAILURE",
    48: "BOOT_STOPPED_FAILURE",
    49: "PROLOG_RESUME_FAILURE",
    50: "PROLOG_UNDEPLOY_FAILURE",
}
"""What is going on in an ACTIVE VM, as far as a VM that is made to run once comes to it."""

TERMINAL = frozenset({"DONE"})
"""Only a VM that is DONE holds no quota any more; one that failed, or is off, still does."""

NEVER_RAN = frozenset({"FAILED", "CLONING_FAILURE", "ACTIVE/BOOT_FAILURE", "ACTIVE/PROLOG_FAILURE"})
"""Its disks could not be made, or its host could not start it: it holds quota and does nothing with it."""

ENDING = frozenset({"EPILOG", "SHUTDOWN", "CLEANUP_DELETE"})
"""Its end is under way: asked for again it may be refused as a wrong state."""


def word(state: int, lcm_state: int) -> str:
    """Return a state in OpenNebula's words, `ACTIVE/RUNNING`; a number it has no word for stays a number."""
    name = STATES.get(state, f"STATE_{state}")
    return f"{name}/{doing(lcm_state)}" if state == ACTIVE else name


def doing(lcm_state: int) -> str:
    """Return what goes on in an ACTIVE VM."""
    return LCM_STATES.get(lcm_state, f"LCM_{lcm_state}")
