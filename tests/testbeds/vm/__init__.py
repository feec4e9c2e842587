"""Real VMs without a hypervisor: one cached Debian tree, booted by systemd-nspawn with its own cloud-init.

    from tests.testbeds.vm import Bed, Guest, tree

    debian = tree.made(say)                  # ~/.cache/vmdirac_py/vm/tree-WORD, made when it is missing
    with Bed(folder, say) as bed:            # a network of its own: 10.213.K.0/24, nothing of it leaves the machine
        guest = bed.boot("i-1", nocloud("i-1", user_data))  # systemd as pid 1, cloud-init, a copy-on-write layer
        guest.run("id")                      # a command in it, as root, or `uid=` as another
        guest.power_off(); guest.lives
    # nothing of it is left

Where things lie, in `~/.cache/vmdirac_py/vm` or where `$VMDIRAC_VM_CACHE` says:

    tree-WORD/          the root file system (WORD: what it is made of); never write here, lay an overlay over it
    tree-WORD.packages  what is in it, `name version` a line
    tree-WORD.log       how it was made; `tree.lock` is held while it is
    apt.log             how the host's own packages were installed
    hand/               the bed of `python -m tests.testbeds.vm up`

In a bed's folder: `NAME/upper` (what a guest wrote), `NAME/console`. The host has 10.213.K.1 (a manager listens there),
who uses that network holds /run/vmdirac-vmbed-K.lock; the first guest 10.213.K.10. The metadata address
169.254.169.254 (and fd00:ec2::254) is answered by
`tests.doubles.metadata` inside the bed's network. Guests have no other route. A guest's processes, mounts and network
end with its init, whatever ends it.

As root on Linux only; Debian packages that are missing are installed. Elsewhere `Cannot` is raised: skip, loudly.
"""

from tests.testbeds.common.errors import Broke, Cannot

from . import tree
from .bed import Bed
from .guest import Guest, Start

__all__ = ["Bed", "Broke", "Cannot", "Guest", "Start", "tree"]
