"""One whole emulated machine: qemu without hardware help, the tree as its disk, its own kernel, firmware and DHCP.

It sees one server, by qemu's user network: the machine's address in the bed's network, at one port. Nothing else of
its network leads anywhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.testbeds.common import tools
from tests.testbeds.common.machine import Needs
from tests.testbeds.common.places import Say, locked

from . import tree
from .guest import CLEAN
from .places import cache

NEEDS = Needs(
    programs={
        "qemu-system-x86": Path("/usr/bin/qemu-system-x86_64"),
        "seabios": Path("/usr/share/seabios/bios-256k.bin"),
        "socat": Path("/usr/bin/socat"),
        "genisoimage": Path("/usr/bin/genisoimage"),
        "e2fsprogs": Path("/usr/sbin/mke2fs"),
    },
    memory_mb=1000,
    disk_mb=1500,
    headers=False,
)
DISK = "1800M"
MEMORY_MB = 768
TRANSLATIONS_MB = 96
"""Of qemu's cache; by default it takes more memory than the guest."""
# Under load the emulated timer comes too late for the kernel's check of it.
KERNEL_LINE = "root=/dev/vda rw console=ttyS0 no_timer_check panic=-1 quiet"


@dataclass(frozen=True, slots=True)
class Door:
    """The one server a machine reaches, by the bed's network number."""

    number: int
    host: str
    port: int


class Emulated:
    """A machine that was started; it is gone when it powered off."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self._process = process

    @property
    def console(self) -> Path:
        """What it printed to its serial line."""
        return self.folder / "console"

    @property
    def lives(self) -> bool:
        """Whether it has not powered off."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


def disk(say: Say) -> Path:
    """Return the tree as a disk, made first where it is missing; machines write beside it.

    Raises:
        Cannot: this machine lacks something, and what.
    """
    root = tree.made(say)
    NEEDS.prepare(cache(), say)
    target = root.with_suffix(".ext4")
    with locked(cache() / "tree.lock", say):
        if not target.exists():
            say(f"making {target}")
            _make_disk(root, target)
    return target


def start(folder: Path, image: Path, seed: Mapping[str, bytes], door: Door, marks: Mapping[str, str]) -> Emulated:
    """Start a machine with these files on a disk labelled `cidata`; what it writes is forgotten with it."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "seed").mkdir(parents=True)
    for name, content in seed.items():
        (folder / "seed" / name).write_bytes(content)
    _make_seed(folder)
    with (folder / "qemu.log").open("ab") as log:
        process = subprocess.Popen(
            _command(folder, image, door),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # what is written to the disk lies here until qemu ends
            env={**CLEAN, **marks, "TMPDIR": str(folder)},
        )
    return Emulated(folder, process)


def _command(folder: Path, image: Path, door: Door) -> Sequence[str]:
    boot = image.with_suffix("")
    forward = f"guestfwd=tcp:{door.host}:{door.port}-cmd:socat - TCP:{door.host}:{door.port}"
    net = f"user,id=net,restrict=on,ipv6=off,net=10.213.{door.number}.0/24,host=10.213.{door.number}.254"
    return [
        "qemu-system-x86_64",
        *("-accel", f"tcg,tb-size={TRANSLATIONS_MB}", "-m", str(MEMORY_MB), "-smp", "1"),
        *("-nodefaults", "-display", "none", "-no-reboot", "-serial", f"file:{folder / 'console'}"),
        *("-kernel", str(boot / "vmlinuz"), "-initrd", str(boot / "initrd.img"), "-append", KERNEL_LINE),
        *("-drive", f"file={image},format=raw,if=virtio,snapshot=on"),
        *("-drive", f"file={folder / 'seed.iso'},format=raw,if=virtio,readonly=on"),
        *("-netdev", f"{net},dns=10.213.{door.number}.253,dhcpstart=10.213.{door.number}.10,{forward}"),
        *("-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"),
    ]


def _make_disk(root: Path, target: Path) -> None:
    new, log = target.with_name(f".{target.name}"), root.with_suffix(".log")
    new.unlink(missing_ok=True)
    command = ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", root, new, DISK]
    tools.run(command, log=log, environment=os.environ)
    new.replace(target)


def _make_seed(folder: Path) -> None:
    command = ["genisoimage", "-quiet", "-volid", "cidata", "-joliet", "-rock", "-output", folder / "seed.iso"]
    tools.run([*command, folder / "seed"], log=folder / "qemu.log", environment=CLEAN)
