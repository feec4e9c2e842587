"""What one Ansible run costs: an empty one, and one with a module that does nothing; wall and processor time."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .figures import Numbers
from .runs import Playbooks

RUNS = 10


def measure(*, quick: bool) -> Numbers:
    """Return seconds; `cpu` is this process and all its children."""
    del quick
    with Playbooks() as playbooks:
        return {**_costs("empty", playbooks, playbooks.empty), **_costs("one_module", playbooks, playbooks.noop)}


def _costs(name: str, playbooks: Playbooks, playbook: Path) -> dict[str, float]:
    started, used = time.monotonic(), _processor_time()
    playbooks.play(playbook)
    return {f"{name}_wall_s": time.monotonic() - started, f"{name}_cpu_s": _processor_time() - used}


def _processor_time() -> float:
    return sum(os.times()[:4])
