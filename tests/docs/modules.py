"""The documentation of modules and roles builds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .named import COLLECTION, modules, roles
from .pages import ROOT

BIN = Path(sys.executable).parent


def problems() -> list[str]:
    """Return what `ansible-doc` and `antsibull-docs` find wrong with the collection's documentation."""
    return _undocumented("module", modules()) + _undocumented("role", roles()) + _lint()


def _undocumented(kind: str, names: list[str]) -> list[str]:
    names = [f"vmdirac.cloud.{name}" for name in names]
    done = _run(["ansible-doc", "--type", kind, "--json", *names])
    known = json.loads(done.stdout) if done.returncode == 0 else {}
    return [
        f"{name}: ansible-doc cannot show this {kind}: {done.stderr.strip()}" for name in names if name not in known
    ]


def _lint() -> list[str]:
    done = _run(["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", str(COLLECTION)])
    return [f"antsibull-docs: {done.stdout.strip()}{done.stderr.strip()}"] if done.returncode else []


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
    }
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
