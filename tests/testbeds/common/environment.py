"""A bed's own Python environment, made once for each set of versions."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .errors import Broke, Cannot
from .places import Say, locked

KEY_CHARACTERS = 12
UNCACHED = {"PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1"}
"""uWSGI is built against one Python's library, and as a wheel in a cache it would serve another of the same version."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of what `versions` pins, made in `cache`; `what` it is, in words."""

    versions: Path
    cache: Path
    what: str

    @property
    def place(self) -> Path:
        """Where the environment of these versions and this Python lies."""
        text = f"{sys.version}\n{sys.base_prefix}\n{UNCACHED}\n{self.versions.read_text()}"
        return self.cache / f"venv-{hashlib.sha256(text.encode()).hexdigest()[:KEY_CHARACTERS]}"

    def made(self, say: Say) -> Path:
        """Return the environment, made first where it is missing; two processes do not make it at once.

        Raises:
            Cannot: the package index could not be reached, or something would not build.
        """
        venv = self.place
        with locked(venv.with_suffix(".lock"), say):
            if not (venv / "ready").exists():
                say(f"making {venv} (about a minute)")
                self._make(venv)
        return venv

    def _make(self, venv: Path) -> None:
        shutil.rmtree(venv, ignore_errors=True)
        log, python = venv.with_suffix(".log"), venv / "bin/python"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            tools.run([sys.executable, "-m", "venv", venv], log=log, environment=_own())
            tools.run([*pip, self._pin_of("uv")], log=log, environment=_own())
            self._fill(venv, pip, log)
        except Broke as broke:
            raise Cannot(f"{self.what} could not be installed: {broke.what}", where=str(log)) from None
        (venv / "ready").touch()

    def _fill(self, venv: Path, pip: list[str | Path], log: Path) -> None:
        """Install by uv, which is quick; where it fails by pip, which knows the machine's settings of index and TLS."""
        uv = [venv / "bin/uv", "pip", "install", "--quiet", "--no-deps", "--requirement", self.versions]
        try:
            tools.run(uv, log=log, environment=_for_uv(venv))
        except Broke:
            tools.run([*pip, "--no-deps", "--requirement", self.versions], log=log, environment=_own())

    def _pin_of(self, name: str) -> str:
        return next(line for line in self.versions.read_text().splitlines() if line.startswith(f"{name}=="))


def _for_uv(venv: Path) -> dict[str, str]:
    """Return the environment for uv, which does not read pip's variables for another index and its authorities."""
    given = {"UV_DEFAULT_INDEX": os.environ.get("PIP_INDEX_URL"), "SSL_CERT_FILE": os.environ.get("PIP_CERT")}
    more = {name: value for name, value in given.items() if value}
    return {**_own(), **more, "VIRTUAL_ENV": str(venv), "UV_LINK_MODE": "copy"}


def _own() -> dict[str, str]:
    return {**os.environ, **UNCACHED}
