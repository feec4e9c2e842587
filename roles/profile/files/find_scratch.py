"""Find the largest whole disk with nothing on it: `find_scratch.py MIN_BYTES TYPE[,TYPE]`.

Prints JSON: `disk`, its path or "", and `seen`, what stood against each of the others.
"""

import json
import os
import subprocess
import sys

COLUMNS = "NAME,TYPE,SIZE,RO,FSTYPE,PTTYPE,MOUNTPOINT"
ENDS = 1048576  # bytes at either end that must be zero: what no tool has a name for may lie there


def against(device, least, types):
    """Return why a block device (a row of lsblk) cannot be taken as far as lsblk knows, or ""."""
    holds = [child["name"] for child in device.get("children") or []]
    reasons = (
        (device["type"] not in types, "a " + device["type"]),
        (int(device["size"]) < least, "too small ({} bytes)".format(device["size"])),
        (device["ro"] in (True, "1"), "read-only"),
        (holds, "holds " + ", ".join(holds)),
        (device["mountpoint"], "mounted at {}".format(device["mountpoint"])),
        (device["pttype"], "has a partition table"),
        (device["fstype"], "has a signature ({})".format(device["fstype"])),
    )
    return next((words for stands, words in reasons if stands), "")


def content(path):
    """Return what is found on the disk itself, or ""."""
    wiped = subprocess.run(["wipefs", "--no-act", path], stdout=subprocess.PIPE, check=False)
    if wiped.returncode or wiped.stdout.strip():
        return "has a signature (wipefs)"
    # 2: nothing was found; 8: several things were
    if subprocess.run(["blkid", "--probe", path], stdout=subprocess.DEVNULL, check=False).returncode != 2:
        return "has a signature (blkid)"
    return "" if ends_are_zero(path) else "is not empty"


def ends_are_zero(path):
    """Tell whether first and last MiB hold zeros only."""
    with open(path, "rb") as disk:
        first = disk.read(ENDS)
        disk.seek(max(0, disk.seek(0, os.SEEK_END) - ENDS))
        return not any(first) and not any(disk.read(ENDS))


def choose(devices, least, types, look):
    """Return (path of the largest that nothing stands against, or ""; what stood against those larger or unfit)."""
    seen = []
    for device in sorted(devices, key=lambda one: (-int(one["size"]), one["name"])):
        words = against(device, least, types) or look(device["name"])
        if not words:
            return device["name"], seen
        seen.append(device["name"] + ": " + words)
    return "", seen


def main():
    """Look at this machine's disks."""
    least, types = int(sys.argv[1]), sys.argv[2].split(",")
    listed = subprocess.run(
        ["lsblk", "--json", "--bytes", "--paths", "--output", COLUMNS], stdout=subprocess.PIPE, check=True
    )
    disk, seen = choose(json.loads(listed.stdout)["blockdevices"], least, types, content)
    print(json.dumps({"disk": disk, "seen": seen}))


if __name__ == "__main__":
    main()
