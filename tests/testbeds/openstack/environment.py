"""OpenStack's own Python environment, made once for each set of versions."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from . import tools
from .places import Say, cache, locked
from .values import Broke, Cannot

VERSIONS = Path(__file__).with_name("versions.txt")
KEY_CHARACTERS = 12


def place() -> Path:
    """Return where the environment of these versions and this Python lies."""
    text = f"{sys.version}\n{sys.base_prefix}\n{VERSIONS.read_text()}"
    return cache() / f"venv-{hashlib.sha256(text.encode()).hexdigest()[:KEY_CHARACTERS]}"


def made(say: Say) -> Path:
    """Return the environment, made first where it is missing; two processes do not make it at once.

    Raises:
        Cannot: the package index could not be reached, or something would not build.
    """
    venv = place()
    with locked(venv.with_suffix(".lock"), say):
        if not (venv / "ready").exists():
            say(f"making {venv} (about a minute)")
            _make(venv)
    return venv


def _make(venv: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    log, python = venv.with_suffix(".log"), venv / "bin/python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        tools.run([sys.executable, "-m", "venv", venv], log=log, environment=os.environ)
        tools.run([*pip, _pin_of("uv")], log=log, environment=os.environ)
        _filled(venv, pip, log)
    except Broke as broke:
        raise Cannot(f"OpenStack could not be installed: {broke.what}", where=str(log)) from None
    (venv / "ready").touch()


def _filled(venv: Path, pip: list[str | Path], log: Path) -> None:
    """Install by uv, which is quick; where that fails by pip, which knows the machine's settings of index and TLS."""
    try:
        tools.run(_install(venv), log=log, environment=_environment(venv))
    except Broke:
        tools.run([*pip, "--no-deps", "--requirement", VERSIONS], log=log, environment=os.environ)


def _install(venv: Path) -> list[str | Path]:
    return [venv / "bin/uv", "pip", "install", "--quiet", "--requirement", VERSIONS]


def _environment(venv: Path) -> dict[str, str]:
    """Return the environment for uv, which does not read pip's variables for another index and its authorities."""
    given = {"UV_DEFAULT_INDEX": os.environ.get("PIP_INDEX_URL"), "SSL_CERT_FILE": os.environ.get("PIP_CERT")}
    more = {name: value for name, value in given.items() if value}
    return {**os.environ, **more, "VIRTUAL_ENV": str(venv), "UV_LINK_MODE": "copy"}


def _pin_of(name: str) -> str:
    return next(line for line in VERSIONS.read_text().splitlines() if line.startswith(f"{name}=="))
