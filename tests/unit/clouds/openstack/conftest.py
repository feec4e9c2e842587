"""What tests of the OpenStack driver share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def python_without() -> Callable[[str, str], str]:
    """Return a runner of scripts in a Python that has no such library; it returns what the script printed."""

    def run(library: str, script: str) -> str:
        hidden = f"import sys; sys.modules[{library!r}] = None\n{script}"
        return subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=True).stdout

    return run
