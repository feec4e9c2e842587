"""What the machine itself must have: Linux, root, room, and a few Debian packages."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.testbeds import debian
from tests.testbeds.openstack.places import Say
from tests.testbeds.openstack.values import Cannot

from .places import cache

PROGRAMS = {
    "mmdebstrap": Path("/usr/bin/mmdebstrap"),
    "systemd-container": Path("/usr/bin/systemd-nspawn"),
    "iproute2": Path("/usr/sbin/ip"),
    "util-linux": Path("/usr/bin/unshare"),
}
"""Debian package: the file of it we use."""
DISK_MB = 1500


def prepare(say: Say) -> None:
    """Check the machine and install what is missing.

    Raises:
        Cannot: the machine will not do, and why.
    """
    if sys.platform != "linux":
        raise Cannot(f"systemd-nspawn runs on Linux, this is {sys.platform}")
    if os.geteuid() != 0:
        raise Cannot("systemd-nspawn and network namespaces want root", mend="run the tests as root")
    free = shutil.disk_usage(cache()).free >> 20
    if free < DISK_MB:
        raise Cannot(f"a tree and its guests need {DISK_MB} MiB of disk, {free} MiB are free", where=str(cache()))
    wanted = [package for package, file in PROGRAMS.items() if not file.exists()]
    if wanted:
        debian.install(wanted, cache() / "host.log", say)
