"""The arguments of DIRAC's pilot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.context import make_pool
from vmdirac_py.inventory.roles import known
from vmdirac_py.operations import dirac_pilots
from vmdirac_py.operations.dirac_pilots import worker_pilot
from vmdirac_py.worker import launch

LEAST: dict[str, Any] = {"flavour": "dirac", "ce": "cloud.example.org", "queue": "m8"}


def _pilot(**options: Any) -> dict[str, Any]:
    return worker_pilot(make_pool("astro-8", "astro", tags=("GPU",), context={"pilot": {**LEAST, **options}}))


def _said(**options: Any) -> str:
    return " ".join(_pilot(**options)["command"])


def test_the_least_that_can_be_said() -> None:
    """Computing element and queue are enough: the rest is the pool's, or the role's default."""
    assert _said() == (
        "/usr/bin/python3 /opt/vmdirac-pilot/dirac-pilot.py -F /opt/vmdirac-pilot/pilot.json"
        " -N cloud.example.org -Q m8 -n CLOUD.North.xy --wnVO astro --pilotUUID {vm}"
        " -y Pool/Singularity -P 8 -o /Resources/Computing/CEDefaults/NumberOfProcessors=8"
        " -o /Resources/Computing/CEDefaults/MaxRAM=16000 -t GPU"
        " -M 1000000 --PollingTime 20 --StopAfterFailedMatches 10"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preinstalled_env": "/opt/dirac/diracosrc"}, "--preinstalledEnv=/opt/dirac/diracosrc"),
        ({"preinstalled_prefix": "/cvmfs/a.org/dirac"}, "--preinstalledEnvPrefix=/cvmfs/a.org/dirac"),
        ({"cvmfs_locations": ["/cvmfs/a.org", "/cvmfs/b.org"]}, "--CVMFS_locations=/cvmfs/a.org,/cvmfs/b.org"),
        ({"host_certificate_folder": "/etc/pilot"}, "--cert --certLocation=/etc/pilot"),
        ({"site": "CLOUD.Other.es", "vo": "bio"}, "-n CLOUD.Other.es --wnVO bio"),
        ({"inner_ce": "Singularity", "processors": 4}, "-y Singularity -P 4"),
        ({"tags": ["GPU", "AVX"]}, "-t GPU -t AVX"),
        ({"required_tags": ["GPU", "Big"]}, "--requiredTag=GPU --requiredTag=Big"),
        ({"max_ram_mb": 9}, "-o /Resources/Computing/CEDefaults/MaxRAM=9"),
        ({"max_cycles": 5, "polling_seconds": 7}, "-M 5 --PollingTime 7"),
        ({"failed_matches": 2}, "--StopAfterFailedMatches 2"),
        ({"options": {"/LocalSite/A": 1, "/LocalSite/B": "x y"}}, "-o /LocalSite/A=1 -o /LocalSite/B=x y"),
        ({"arguments": ["-d", "--modules=a b"]}, "-d --modules=a b"),
    ],
)
def test_each_option_is_an_argument(options: dict[str, Any], words: str) -> None:
    """What an inventory says of the pilot reaches it, in its own words."""
    assert words in _said(**options)


def test_a_pool_without_it_has_the_embedded_pilot() -> None:
    """Nothing is told to the worker then."""
    assert worker_pilot(make_pool("astro-8", "astro")) == {}
    assert worker_pilot(make_pool("astro-8", "astro", context={"pilot": {"flavour": "embedded"}})) == {}


def test_the_environment_names_trust_anchors_and_proxy() -> None:
    """The pilot looks for trust anchors where role `trust_anchors` puts them."""
    context = {"pilot": {**LEAST, "proxy_file": "/p", "environment": {"A": 1}}, "trust_anchors": {"folder": "/anchors"}}
    assert worker_pilot(make_pool("astro-8", "astro", context=context))["environment"] == {
        "X509_CERT_DIR": "/anchors/certificates",
        "X509_VOMS_DIR": "/anchors/vomsdir",
        "X509_VOMSES": "/anchors/vomses",
        "X509_USER_PROXY": "/p",
        "A": "1",
    }


def test_defaults_and_options_of_the_role_are_the_same_set() -> None:
    """Each option that an inventory may set has a default, and the other way round."""
    assert set(dirac_pilots._defaults("pilot")) == set(known()["pilot"])


def test_the_worker_can_read_what_it_is_told() -> None:
    """The words `{vm}` and the keys are those the worker knows."""
    how = launch.read({**_pilot(), "user": ""}, "vm-1")
    assert how.command[how.command.index("--pilotUUID") + 1] == "vm-1"
