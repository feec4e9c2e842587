"""The bed of real VMs: its guests are apart, and nothing is left however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.program import TOP, environment
from tests.support.wait import until
from tests.testbeds.vm import Bed, Cannot, Guest, marks
from tests.testbeds.vm.sources import ec2, nocloud
from vmdirac_py.base.processes import marked, start_time

pytestmark = pytest.mark.slow
USER_DATA = b"#cloud-config\nruncmd: [[touch, /run/told]]\n"
METADATA = ("169.254.169.254", "[fd00:ec2::254]")
BED = """
import sys, time
from pathlib import Path
from tests.testbeds.vm import Bed
from tests.testbeds.vm.sources import nocloud
with Bed(Path(sys.argv[1]), print) as bed:
    print(bed.boot("i-1", nocloud("i-1", b"#cloud-config\\n{}\\n")).init, flush=True)
    time.sleep(600)
"""


def _say(words: str) -> None:
    sys.stderr.write(f"VM test bed: {words}\n")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Return a bed; skip, loudly, where the machine cannot."""
    try:
        with Bed(tmp_path_factory.mktemp("bed"), _say) as made:
            yield made
    except Cannot as cannot:
        pytest.skip(f"no VMs here: {cannot}")


@pytest.fixture(scope="module")
def guest(bed: Bed) -> Guest:
    """Return a guest that did what its user data says."""
    made = bed.boot("i-1", ec2("i-1", USER_DATA))
    until(lambda: made.run("test", "-e", "/run/told", check=False).returncode == 0, seconds=120, what="its first boot")
    return made


def _status(guest: Guest, url: str) -> str:
    return guest.run("curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url, check=False).stdout


def test_a_guest_knows_the_id_its_cloud_gave_it(guest: Guest) -> None:
    """The instance's id stands where drivers say that it stands."""
    assert guest.run("cat", "/var/lib/cloud/data/instance-id").stdout.strip() == "i-1"


@pytest.mark.parametrize("address", METADATA)
def test_a_guest_reaches_its_metadata_by_both_protocols(guest: Guest, address: str) -> None:
    """What is cut off later is there before."""
    assert _status(guest, f"http://{address}/latest/meta-data/instance-id") == "200"


def test_a_guest_has_no_way_out(bed: Bed, guest: Guest) -> None:
    """It knows its own network and the metadata addresses, and no route to anywhere else."""
    routes = guest.run("ip", "route").stdout.splitlines() + guest.run("ip", "-6", "route").stdout.splitlines()
    known = (
        f"10.213.{bed.network.number}.",
        f"fd00:213:{bed.network.number}:",
        "169.254.169.254",
        "fd00:ec2::254",
        "fe80",
    )
    assert [route for route in routes if not route.startswith(known)] == []


def test_a_guest_that_is_told_to_powers_off(bed: Bed) -> None:
    """An orderly shutdown ends all of it."""
    made = bed.boot("i-2", nocloud("i-2", USER_DATA))
    until((made.upper / "var/lib/cloud/instance").is_symlink, seconds=60, what="its boot")
    made.power_off()
    until(lambda: not made.lives, seconds=60, what="its end")
    assert "Powering off" in made.console.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_however_a_bed_ends(bed: Bed, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C cleans up; what a killed owner left is cleaned by whoever comes next: processes, mounts and links."""
    del bed
    owner = subprocess.Popen(
        [sys.executable, "-c", BED, str(tmp_path)], cwd=TOP, env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout
    init = int(owner.stdout.readline())
    os.kill(owner.pid, number)
    owner.wait(timeout=60)
    marks.sweep()
    assert marked(f"{marks.BED}={tmp_path}") == []
    assert start_time(init) is None
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def test_a_guest_that_reboots_comes_back(bed: Bed) -> None:
    """It keeps what is on its disk and nothing of what was in memory."""
    made = bed.boot("i-3", nocloud("i-3", USER_DATA))
    until((made.upper / "var/lib/cloud/instance").is_symlink, seconds=120, what="its boot")
    first = made.init
    made.run("sh", "-c", "touch /run/before /root/before; systemctl reboot", check=False)
    until(lambda: made.init != first, seconds=120, what="its second boot")
    made.run("sh", "-c", "test ! -e /run/before && test -e /root/before")
    assert made.lives
