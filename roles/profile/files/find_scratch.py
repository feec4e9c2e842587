"""Find the largest whole disk with nothing on it: `find_scratch.py MIN_BYTES TYPE[,TYPE]`.

Prints JSON: `disk`, its path or "", and `seen`, what stood against each of the others that were looked at.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

COLUMNS = "NAME,TYPE,SIZE,RO,FSTYPE,PTTYPE,MOUNTPOINT"
ENDS = 1048576  # bytes at either end that must be zero: what no tool has a name for may lie there
NOTHING_FOUND = 2  # blkid's exit code; 8 is "several things"

Device = Dict[str, Any]  # a row of lsblk


def against(device: Device, least: int, types: Sequence[str]) -> str:
    """Return why a block device cannot be taken as far as lsblk knows, or ""."""
    holds = [child["name"] for child in device.get("children") or []]
    reasons = (
        (device["type"] not in types, f"a {device['type']}"),
        (int(device["size"]) < least, f"too small ({device['size']} bytes)"),
        (device["ro"] in {True, "1"}, "read-only"),
        (holds, f"holds {', '.join(holds)}"),
        (device["mountpoint"], f"mounted at {device['mountpoint']}"),
        (device["pttype"], "has a partition table"),
        (device["fstype"], f"has a signature ({device['fstype']})"),
    )
    return next((words for stands, words in reasons if stands), "")


def content(path: str) -> str:
    """Return what is found on the disk itself, or ""."""
    wiped = subprocess.run(["wipefs", "--no-act", path], stdout=subprocess.PIPE, check=False)
    if wiped.returncode or wiped.stdout.strip():
        return "has a signature (wipefs)"
    probed = subprocess.run(["blkid", "--probe", path], stdout=subprocess.DEVNULL, check=False)
    if probed.returncode != NOTHING_FOUND:
        return "has a signature (blkid)"
    return "" if ends_are_zero(path) else "is not empty"


def ends_are_zero(path: str) -> bool:
    """Tell whether first and last MiB hold zeros only."""
    with Path(path).open("rb") as disk:
        first = disk.read(ENDS)
        disk.seek(max(0, disk.seek(0, os.SEEK_END) - ENDS))
        return not any(first) and not any(disk.read(ENDS))


def choose(
    devices: Sequence[Device], least: int, types: Sequence[str], look: Callable[[str], str]
) -> Tuple[str, List[str]]:
    """Return the path of the largest that nothing stands against, or "", and what stood against those before it."""
    seen = []
    for device in sorted(devices, key=lambda one: (-int(one["size"]), one["name"])):
        words = against(device, least, types) or look(device["name"])
        if not words:
            return device["name"], seen
        seen.append(f"{device['name']}: {words}")
    return "", seen


def main() -> None:
    """Look at this machine's disks."""
    least, types = int(sys.argv[1]), sys.argv[2].split(",")
    columns = ["lsblk", "--json", "--bytes", "--paths", "--output", COLUMNS]
    listed = subprocess.run(columns, stdout=subprocess.PIPE, check=True)
    disk, seen = choose(json.loads(listed.stdout)["blockdevices"], least, types, content)
    sys.stdout.write(json.dumps({"disk": disk, "seen": seen}))


if __name__ == "__main__":
    main()
