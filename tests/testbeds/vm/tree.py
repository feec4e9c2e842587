"""One Debian root file system, made once for each list of packages."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from pathlib import Path

from tests.testbeds.common import tools
from tests.testbeds.common.errors import Broke, Cannot
from tests.testbeds.common.places import Say, locked

from . import machine
from .places import cache

BASE = ("systemd-sysv", "udev", "dbus", "kmod", "passwd", "procps", "util-linux", "e2fsprogs", "zstd")
NETWORK = ("iproute2", "ifupdown", "isc-dhcp-client", "netbase", "nftables", "curl")
CONTEXT = ("cloud-init", "python3", "ansible-core", "python3-apt", "openssl", "sudo", "bubblewrap")
"""What an image for VMs of this project should hold: Ansible needs python3-apt; bubblewrap stands in for Apptainer."""
KERNEL = ("linux-image-cloud-amd64", "initramfs-tools")
PACKAGES = (*BASE, *NETWORK, *CONTEXT, *KERNEL)
SUITE = "bookworm"
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
"""Where the machine says which mirror of Debian it uses; the tree comes from there, and from nowhere else."""
FRESH = (("etc/machine-id", ""), ("etc/hostname", "vm\n"), ("etc/fstab", ""))
"""What each VM makes for itself."""
WORD_CHARACTERS = 12


def word() -> str:
    """Return what the tree is made of as one word."""
    text = "\n".join([SUITE, *PACKAGES, repr(FRESH)])
    return hashlib.sha256(text.encode()).hexdigest()[:WORD_CHARACTERS]


def place() -> Path:
    """Return where the tree of this checkout lies, or would."""
    return cache() / f"tree-{word()}"


def made(say: Say) -> Path:
    """Return the tree, made first where it is missing (about two minutes); two processes do not make it at once.

    Raises:
        Cannot: this machine lacks something, and what.
    """
    machine.prepare(cache(), say)
    with locked(cache() / "tree.lock", say):
        if not _packages(place()).exists():
            say(f"making {place()} (about two minutes)")
            _make(place())
    return place()


def wipe(say: Say) -> None:
    """Remove all trees."""
    with locked(cache() / "tree.lock", say):
        for found in cache().glob("tree-*"):
            _remove(found)


def _remove(found: Path) -> None:
    if found.is_dir():
        shutil.rmtree(found)
    else:
        found.unlink()


def _packages(target: Path) -> Path:
    return target.with_suffix(".packages")


def _make(target: Path) -> None:
    sources = [file for file in SOURCES if file.exists()]
    if not sources or platform.machine() != "x86_64":
        raise Cannot("the tree is made on Debian for amd64, from the mirror this machine uses", where=str(SOURCES[0]))
    shutil.rmtree(target, ignore_errors=True)
    log = target.with_suffix(".log")
    options = ["--mode=root", "--variant=minbase", "--format=directory", f"--include={','.join(PACKAGES)}"]
    try:
        tools.run(["mmdebstrap", *options, SUITE, target, *sources], log=log, environment=os.environ)
    except Broke as broke:
        raise Cannot(f"no tree could be made: {broke.what}", where=str(log)) from None
    for name, content in FRESH:
        (target / name).write_text(content)
    names = tools.answer(["dpkg-query", "--root", target, "-W"], given="", log=log, environment=os.environ)
    _packages(target).write_text(names.replace("\t", " "))
