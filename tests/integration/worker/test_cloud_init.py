from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chroot import Machine
from tests.testbeds.vm import Cannot, tree
from tests.unit.operations.golden.families import FAMILIES, SPECIMEN

SCHEMA = "for file in /user-data/*; do cloud-init schema --config-file $file || exit 1; done"


@pytest.mark.slow
def test_cloud_init_takes_our_user_data(tmp_path: Path) -> None:
    """The schema of a real cloud-init has nothing against the user data of any kind of system."""
    try:
        machine = Machine.over(tree.made(print), tmp_path)
    except Cannot as cannot:
        pytest.skip(f"no Debian tree here: {cannot}")
    for family, context in FAMILIES.items():
        machine.write(f"/user-data/{family}.yml", SPECIMEN.write(context).decode())
    machine.write("/schema.sh", SCHEMA)
    done = machine.run("sh", "/schema.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Valid") == len(FAMILIES), done.stdout
