"""Debian packages that a test bed needs on the machine it runs on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.testbeds.openstack import tools
from tests.testbeds.openstack.places import Say
from tests.testbeds.openstack.values import Broke, Cannot


def install(packages: Sequence[str], log: Path, say: Say) -> None:
    """Install packages.

    Raises:
        Cannot: this user may not, this is no Debian, or the archive could not be reached.
    """
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Cannot(f"missing here: {names}", mend=f"as root: apt-get install --no-install-recommends {names}")
    say(f"installing Debian's {names}")
    # runlevel 1 keeps the packages from starting their own servers, whatever the machine's policy says
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "-qy", "-o", "DPkg::Lock::Timeout=900", "install", "--no-install-recommends", *packages]
    # dpkg must not be ended halfway, whatever becomes of us
    try:
        tools.run(["apt-get", "-q", "update"], log=log, environment=environment, bound=())
        tools.run(command, log=log, environment=environment, bound=())
    except Broke as broke:
        raise Cannot(f"apt-get could not install {names}: {broke.what}", where=str(log)) from None
