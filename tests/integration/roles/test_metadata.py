"""The metadata cut-off, in the kernel's own packet filter, in a network namespace of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chroot import Machine

CUTOFF = Path(__file__).resolve().parents[3] / "roles/profile/files/metadata-cutoff"
ASK = """
import os, socket, sys
for address in ("169.254.169.254", "fd00:ec2::254", "127.0.0.1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server((address, 8080), family=family)
    child = os.fork()
    if not child:
        os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
        try:
            socket.create_connection((address, 8080), timeout=2).close()
        except OSError:
            os._exit(1)
        os._exit(0)
    print(address, "closed" if os.waitpid(child, 0)[1] else "open")
"""
REACH = """
import os, socket
print(os.getuid())
socket.create_connection(("169.254.169.254", 8080), 2)
"""
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"
SETTING = "ip addr add 169.254.169.254/32 dev lo; ip addr add fd00:ec2::254/128 dev lo nodad;"


@pytest.fixture(scope="module")
def machine(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A root file system with the cut-off in it."""
    machine = Machine.over(debian, tmp_path_factory.mktemp("cutoff"))
    machine.write("/cutoff", CUTOFF.read_text(), 0o755)
    machine.write("/ask.py", ASK)
    return machine


@pytest.mark.parametrize(("uid", "found"), [(0, "open"), (65534, "closed")])
def test_only_root_reaches_the_metadata(machine: Machine, uid: int, found: str) -> None:
    """Root reaches both addresses, anybody else neither, and other addresses stay open; twice is like once."""
    done = machine.run("sh", "-euc", f"{SETTING} /cutoff; /cutoff; python3 /ask.py {uid}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"169.254.169.254 {found}", f"fd00:ec2::254 {found}", "127.0.0.1 open"]


def test_root_of_a_container_is_cut_off(machine: Machine) -> None:
    """A payload that is root in a user namespace of its own reaches nothing."""
    machine.write("/reach.py", REACH)
    ask = f"{NOBODY} unshare --map-root-user python3 /reach.py"
    done = machine.run("sh", "-uc", f"{SETTING} /cutoff; {ask}")
    assert done.stdout == "0\n"
    assert "timed out" in done.stderr


def test_cloud_inits_files_are_closed(machine: Machine) -> None:
    """What cloud-init keeps of the user data cannot be read by others, before and after."""
    look = f"{NOBODY} cat /var/lib/cloud/seed/user-data; echo $?"
    machine.write("/var/lib/cloud/seed/user-data", "secret\n")
    assert machine.run("sh", "-uc", look).stdout == "secret\n0\n"
    assert machine.run("sh", "-uc", f"/cutoff; {look}").stdout == "1\n"
