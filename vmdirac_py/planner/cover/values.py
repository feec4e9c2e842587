"""What is asked, what may be launched, what limits it, and the answer."""

from __future__ import annotations

from vmdirac_py.model.resources import Resources
from vmdirac_py.model.value import Value


class Want(Value, frozen=True):
    """Equal jobs that nothing running or booting takes; served in order of `rank`, highest first.

    `fits` names the machines whose empty VMs take them, by index, each with how many run side by side on one.
    `whole_node` jobs have a VM for themselves. `group` tells wants apart and orders equals.
    """

    group: str
    jobs: int
    need: Resources
    fits: tuple[tuple[int, int], ...]
    whole_node: bool = False
    rank: float = 0.0


class Machine(Value, frozen=True):
    """A pool's flavor: its `price` per VM, the indexes of the `bounds` it counts against, higher `preference` first.

    Of VMs that are on their way already `coming` tells how many; none of a machine to launch.
    """

    pool: str
    size: Resources
    price: float = 0.0
    bounds: tuple[int, ...] = ()
    preference: int = 0
    coming: int = 0


class Bound(Value, frozen=True):
    """How many more VMs, or cores where `by_core`, all machines that name it may have together."""

    left: int
    by_core: bool = False


class Fill(Value, frozen=True):
    """`count` alike new VMs of a machine, and how many `jobs` of which wants (by index) each one takes."""

    machine: int
    jobs: tuple[tuple[int, int], ...]
    count: int


class Cover(Value, frozen=True):
    """New VMs with what each serves; by want, the jobs left waiting; the bounds that keep some of them so."""

    fills: tuple[Fill, ...]
    unserved: tuple[int, ...]
    binding: frozenset[int]
