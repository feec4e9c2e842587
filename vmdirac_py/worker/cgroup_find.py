"""Which control groups this machine has, and where this worker stands in them."""

from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from .cgroup import Tree
from .cgroup_v1 import NEEDED, WANTED, TreeV1
from .cgroup_v2 import TreeV2, has_controllers

_PROBE = ".vmdirac-probe"


class Mount(NamedTuple):
    """A mounted tree: its type, where, what of it (its root there), and its controllers (version 1)."""

    kind: str
    at: Path
    root: str
    controllers: List[str]


def find() -> Optional[Tree]:
    """Return the tree this worker may make groups in; None where it may not, or nothing is delegated to it."""
    mounts = read_mounts(Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    places = own_places(Path("/proc/self/cgroup").read_text(encoding="utf-8"))
    return _version_2(mounts, places) or _version_1(mounts, places)


def read_mounts(mountinfo: str) -> List[Mount]:
    """Return the control group trees of /proc/self/mountinfo."""
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            words = left.split(" ")
            found.append(Mount(kind, Path(words[4]), words[3], options.split(",")))
    return found


def own_places(cgroups: str) -> Dict[str, str]:
    """Return where we are by controller, from /proc/self/cgroup; version 2 under the empty name."""
    places = {}
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        places.update(dict.fromkeys(controllers.split(","), path))
    return places


def folder_of(mount: Mount, path: str) -> Path:
    """Return the folder of a group below a mount, which may show only a part of the tree."""
    root = mount.root.rstrip("/")
    below = path[len(root) :] if root and path.startswith(root) else "" if root else path
    return mount.at / below.strip("/")


def _version_2(mounts: List[Mount], places: Dict[str, str]) -> Optional[Tree]:
    for mount in mounts:
        if mount.kind == "cgroup2" and "" in places:
            own = folder_of(mount, places[""])
            if has_controllers(own) and _may_divide(own):
                tree = TreeV2(own)
                try:
                    tree.divide()
                except OSError:
                    return None
                return tree
    return None


def _version_1(mounts: List[Mount], places: Dict[str, str]) -> Optional[Tree]:
    own = {
        controller: folder_of(mount, places[controller])
        for mount in mounts
        if mount.kind == "cgroup"
        for controller in WANTED
        if controller in mount.controllers and controller in places
    }
    usable = {controller: folder for controller, folder in own.items() if _may_divide(folder)}
    return TreeV1(usable) if set(NEEDED) <= set(usable) else None


def _may_divide(own: Path) -> bool:
    try:
        (own / _PROBE).mkdir(exist_ok=True)
        (own / _PROBE).rmdir()
    except OSError:
        return False
    return True
