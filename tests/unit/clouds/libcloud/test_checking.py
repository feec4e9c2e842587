"""Options and pools are checked when the inventory is read, without libcloud, in words that name the key."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clouds.libcloud.conftest import pool_of
from vmdirac_py.clouds.libcloud import problems, warnings
from vmdirac_py.clouds.libcloud.maps import ALWAYS, OPTIONAL, Provider
from vmdirac_py.clouds.libcloud.options import PoolOptions
from vmdirac_py.clouds.libcloud.providers import PROVIDERS
from vmdirac_py.model.inventory import Endpoint

EC2 = {"provider": "ec2", "region": "eu-west-1", "access_key": "file:/k", "secret_access_key": "file:/s"}
LOGIN = {"application_credential_id": "id", "application_credential_secret": "file:/s"}
OPENSTACK = {"provider": "openstack", "auth_url": "https://keystone.example.org:5000/v3"} | LOGIN
PASSWORD = {
    "username": "u",
    "password": "file:/p",
    "project": "p",
    "application_credential_id": "",
    "application_credential_secret": "",
}


def endpoint(options: dict[str, Any], *, ramp: int = 20, timeout: float = 60.0) -> Endpoint:
    """Return an endpoint with these options."""
    return Endpoint("cloud", "libcloud", "site", ramp=ramp, client_timeout=timeout, options=options)


def keys(options: dict[str, Any], **pool_options: Any) -> list[str]:
    """Return the keys that are complained about."""
    found = problems(endpoint(options), [pool_of(**pool_options)])
    assert all(": " in problem for problem in found)
    return [problem.partition(": ")[0] for problem in found]


@pytest.mark.parametrize("options", [EC2, OPENSTACK, OPENSTACK | PASSWORD])
def test_good_options(options: dict[str, Any]) -> None:
    """What a provider needs is enough."""
    assert keys(options) == []


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({}, "endpoint_options.provider"),
        ({"provider": 7}, "endpoint_options.provider"),
        ({"provider": "openstak"}, "endpoint_options.provider"),
        (EC2 | {"colour": "red"}, "endpoint_options.colour"),
        (EC2 | {"endpoint_url": "ftp://x"}, "endpoint_options.endpoint_url"),
        (EC2 | {"endpoint_url": "https://host:port"}, "endpoint_options.endpoint_url"),
        (EC2 | {"region": 1}, "endpoint_options.region"),
        ({key: EC2[key] for key in EC2 if key != "secret_access_key"}, "endpoint_options.secret_access_key"),
        (OPENSTACK | {"auth_url": "keystone"}, "endpoint_options.auth_url"),
        (OPENSTACK | {"application_credential_secret": ""}, "endpoint_options.application_credential_secret"),
        (OPENSTACK | {"application_credential_id": "", "application_credential_secret": ""}, "endpoint_options"),
        (OPENSTACK | {"username": "both"}, "endpoint_options"),
        (OPENSTACK | PASSWORD | {"project": ""}, "endpoint_options.project"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], key: str) -> None:
    """Each thing that is wrong names its key, and nothing else is complained about."""
    assert keys(options) == [key]


def test_the_provider_that_was_meant_is_named() -> None:
    """An unknown provider gets the closest there is a map for."""
    (problem,) = problems(endpoint({"provider": "openstak"}), [])
    assert "'openstack'" in problem


@pytest.mark.parametrize(
    ("options", "said", "wrong"),
    [
        (EC2, {"networks": ["subnet-1"], "security_groups": ["sg-1", "sg-2"], "zone": "eu-west-1a"}, []),
        (EC2, {"networks": ["subnet-1", "subnet-2"]}, ["networks"]),
        (EC2, {"security_groups": ["sg-1"]}, ["security_groups"]),
        (EC2, {"config_drive": True}, ["config_drive"]),
        (EC2, {"network": "subnet-1"}, ["network"]),
        (EC2, {"networks": "subnet-1"}, ["networks"]),
        (OPENSTACK, {"networks": ["a", "b"], "security_groups": ["c"], "config_drive": True, "key_pair": "d"}, []),
        (OPENSTACK, {"instance_profile": "x", "public_address": True}, ["instance_profile", "public_address"]),
    ],
)
def test_words_a_map_lacks_are_named(options: dict[str, Any], said: dict[str, Any], wrong: list[str]) -> None:
    """A word that is unknown, or means nothing to this provider, or that often, names pool and key."""
    assert keys(options, **said) == [f"pool_options.{word} of pool-1" for word in wrong]


def test_a_batch_must_fit_into_a_calls_time() -> None:
    """Where each VM is a call of its own, the ramp is bounded by the client's timeout; where not, it is not."""
    (problem,) = problems(endpoint(OPENSTACK, ramp=31, timeout=30.0), [])
    assert problem.startswith("endpoint_ramp: must be at most 30")
    assert problems(endpoint(OPENSTACK, ramp=30, timeout=30.0), []) == []
    assert problems(endpoint(EC2, ramp=1000, timeout=30.0), []) == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_map_has_what_every_launch_says(name: str) -> None:
    """A map can say all that each launch says, the mark above all, and nothing that no pool can say."""
    provider: Provider = PROVIDERS[name]
    particular = {"least", "most", "token"} if provider.seconds_each is None else set()
    assert set(ALWAYS) | particular <= provider.words.keys() <= {*ALWAYS, *OPTIONAL, *particular}
    assert set(OPTIONAL) == PoolOptions.model_fields.keys()


def test_what_is_unwise_is_told() -> None:
    """Certificates that are not verified, and credentials in the clear, are told again and again."""
    unwise = OPENSTACK | {"auth_url": "http://keystone.example.org", "insecure_skip_tls_verify": True}
    assert warnings(endpoint(OPENSTACK)) == []
    assert [("auth_url" in text, "verified" in text) for text in warnings(endpoint(unwise))] == [
        (False, True),
        (True, False),
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3)
)
names = st.sampled_from([*EC2, *OPENSTACK, *PASSWORD, "endpoint_url", "ca_file"]) | st.text(min_size=1, max_size=9)


@given(
    st.sampled_from([EC2, OPENSTACK, {}]), st.dictionaries(names, values, max_size=4), st.dictionaries(names, values)
)
def test_whatever_is_written_there_is_an_answer(
    good: dict[str, Any], bad: dict[str, Any], pool: dict[str, Any]
) -> None:
    """No options make the check itself fail, and each complaint begins with a key."""
    described = endpoint(good | bad)
    for problem in problems(described, [pool_of(**pool)]):
        assert problem.startswith(("endpoint_", "pool_options."))
    assert isinstance(warnings(described), list)


WITHOUT = """
import os, sys
if "SSL_CERT_FILE" not in os.environ:
    sys.modules["libcloud"] = None
from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.clouds.registry import problems_of
from vmdirac_py.clouds.libcloud import connect
from vmdirac_py.model.inventory import Endpoint
endpoint = Endpoint("cloud", "libcloud", "site", options={"provider": "ec2"})
assert "endpoint_options.region" in " ".join(problems_of(endpoint, [])), problems_of(endpoint, [])
try:
    connect(endpoint, installation_id="i", resolve=str, home=None)
except BadRequest as error:
    print(error)
"""


def test_an_inventory_is_checked_without_libcloud() -> None:
    """Where libcloud is not installed options are checked all the same, and only a connection asks for it."""
    assert "pip install 'vmdirac_py[libcloud]'" in without({})


def test_an_import_that_fails_is_told() -> None:
    """Where libcloud refuses to be imported for what the environment says, the error says so."""
    assert "SSL_CERT_FILE" in without({"SSL_CERT_FILE": "/nowhere/ca.pem"})


def without(environment: dict[str, str]) -> str:
    """Return what a process prints that checks options, and cannot have libcloud."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
