"""This checkout's program, as tests start it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """Return the environment in which this checkout's program runs, whatever else is installed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VMDIRAC_", "ANSIBLE_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**clean, "PYTHONPATH": str(TOP), "PATH": path}


def free_ports() -> tuple[int, int]:
    """Return two ports nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
