"""What options of roles must keep beyond their type. The roles refuse the rest too, but only when a VM boots."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from vmdirac_py.model.inner_ce import MOST_ACCOUNTS
from vmdirac_py.model.inventory import Context

from .mismatches import Mismatch

JOBS = "/var/lib/vmdirac/jobs"
"""Where a worker's payloads have their folders."""
OVER = re.compile(r"/+(var(/+lib(/+vmdirac)?)?)?/*")
"""Folders that hold what the machine or its worker needs: mounted over, it is gone."""

BOUNDS: tuple[tuple[str, str, Callable[[Any], bool], str, str], ...] = (
    (
        "worker",
        "payload_users",
        lambda users: 0 <= users <= MOST_ACCOUNTS,
        f"at most {MOST_ACCOUNTS} slots have an account",
        f"a number from 0 to {MOST_ACCOUNTS}",
    ),
    (
        "profile",
        "scratch_mount",
        lambda folder: not OVER.fullmatch(folder),
        "would hide what the machine or its worker needs",
        f"{JOBS}, where payloads have their folders",
    ),
)
"""Role, option, what is well, what is wrong with the rest, and what to write."""


def problems(context: Context) -> Iterator[Mismatch]:
    """Yield the options of a merged context that are out of bounds."""
    for role, option, is_well, what, mend in BOUNDS:
        value = context.get(role, {}).get(option)
        if value is not None and not is_well(value):
            yield f"pool_context.{role}.{option}", f"{value}: {what}", mend
