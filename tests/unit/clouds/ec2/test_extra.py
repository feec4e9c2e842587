"""The driver where its library is not installed, and the example that ships."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vmdirac_py.clouds.registry import problems_of, warnings_of
from vmdirac_py.inventory.load import load

EXAMPLE = Path(__file__).parents[4] / "inventories" / "ec2"
WITHOUT = """
import sys
sys.modules["boto3"] = None
from pathlib import Path
from vmdirac_py.clouds import ec2
from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.model.inventory import Endpoint
endpoint = Endpoint("e", "ec2", "site")
print(len(ec2.problems(endpoint, [])))
try:
    ec2.connect(endpoint, installation_id="i", resolve=str, home=Path("/"))
except BadRequest as error:
    print(error)
"""


def test_without_boto3() -> None:
    """An inventory is checked without the library; who connects is told what to install."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["3", "e: boto3 is not installed (pip install 'vmdirac_py[ec2]')"]


def test_the_example_is_sound() -> None:
    """The inventory that ships is good to its last option, and warns of nothing."""
    inventory = load(EXAMPLE)
    (endpoint,) = inventory.endpoints.values()
    assert problems_of(endpoint, list(inventory.pools.values())) == []
    assert warnings_of(endpoint) == []
    assert {pool.options.get("spot", False) for pool in inventory.pools.values()} == {True, False}
