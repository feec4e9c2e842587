"""molecule for the roles that make a machine: `python -m tests.support.molecule ROLE`.

It runs inside a root file system to throw away: the test bed's tree, with this interpreter, its molecule and the
collection laid into it. Needs root.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.chroot import Machine, interpreter
from tests.support.debs import Package, repository
from tests.support.stand_ins import PACKAGES
from tests.testbeds.vm import tree

CHECKOUT = Path(__file__).resolve().parents[2]
APPTAINER = {"bin/apptainer": "#!/bin/sh\necho apptainer version 1.4.2\n"}
TRUST = {
    "certificates/ca.pem": "a certificate\n",
    "certificates/ca.r0": "a revocation list\n",
    "vomses/vo": "servers\n",
    "vomsdir/vo/host.lsc": "a subject\n",
}
SITE_MIRROR = "srv/site"
RELEASE = Package(
    "cvmfs-release",
    files={"/etc/apt/sources.list.d/cernvm.list": f"deb [trusted=yes] file:/{SITE_MIRROR} ./\n"},
)


def run(role: str, work: Path) -> int:
    """Run the scenario of a role and return molecule's exit code; what it prints is printed."""
    machine = Machine.over(tree.made(print), work / "layer", work / "collection", *interpreter())
    upper = machine.layer / "upper"
    machine.write("/thrown-away", "")
    machine.write("/etc/grid-security/certificates/old.pem", "what the image had\n")
    repository(upper / "srv/mirror", PACKAGES)
    repository(upper / SITE_MIRROR, [Package("cvmfs-config-site")])
    RELEASE.build(upper / "srv").rename(upper / "srv/cvmfs-release.deb")
    given = {
        "VMDIRAC_APPTAINER_SHA256": packed(upper / "srv/apptainer-1.4.2.tar.gz", APPTAINER),
        "VMDIRAC_TRUST_SHA256": packed(upper / "srv/trust.tar", TRUST),
        "ANSIBLE_COLLECTIONS_PATH": str(work / "collection"),
    }
    copy = subprocess.run(
        [str(CHECKOUT / "tests/ansible/copy_collection.sh"), str(work / "collection")],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    own = f"PATH={Path(sys.prefix, 'bin')}:$PATH; export PATH; cd {copy.stdout.strip()}/extensions"
    done = machine.run("sh", "-euc", f"{own}; molecule test --scenario-name {role} 2>&1", given=given)
    sys.stdout.write(done.stdout + done.stderr)
    return done.returncode


def packed(target: Path, files: Mapping[str, str]) -> str:
    """Make a tar archive of programs and texts; return its SHA-256."""
    with tarfile.open(target, "w:gz" if target.suffix == ".gz" else "w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(text), 0o755, int(CHECKOUT.stat().st_mtime)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return hashlib.sha256(target.read_bytes()).hexdigest()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "collection").mkdir()
        sys.exit(run(sys.argv[1], Path(folder)))
