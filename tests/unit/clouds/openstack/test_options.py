"""What an inventory may say of an OpenStack endpoint and its pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vmdirac_py.clouds.openstack import problems, warnings
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

APPLICATION_CREDENTIAL = {"application_credential_id": "a", "application_credential_secret": "env:S"}
LOGINS: dict[str, dict[str, str]] = {
    "application_credential": APPLICATION_CREDENTIAL,
    "password": {"username": "u", "password": "env:P", "project": "p"},
    "token": {"token": "env:T", "project": "p"},
    "voms": {"identity_provider": "egi.eu", "protocol": "mapped", "x509_proxy": "/tmp/x", "project": "p"},
}


def endpoint(**options: Any) -> Endpoint:
    """Return an endpoint with these options beside an address."""
    return Endpoint("cloud", "openstack", "site", options={"auth_url": "https://keystone.test:5000/v3", **options})


def pool(**options: Any) -> Pool:
    """Return a pool with these options."""
    return Pool("pool-1", "cloud", "vo", "site", "m1", "debian", Resources(cores=1), options=options)


@pytest.mark.parametrize("method", LOGINS)
def test_each_login_is_accepted(method: str) -> None:
    """Each way to log in needs no more than its own options."""
    assert problems(endpoint(auth_method=method, **LOGINS[method]), [pool()]) == []


@pytest.mark.parametrize(("method", "key"), [(method, key) for method, given in LOGINS.items() for key in given])
def test_each_needed_option_is_missed(method: str, key: str) -> None:
    """An option that a login needs and lacks is named, and nothing else."""
    given = {name: value for name, value in LOGINS[method].items() if name != key}
    told = problems(endpoint(auth_method=method, **given), [])
    assert told == [f"endpoint_options.{key}: auth_method {method} needs it"]


def test_options_of_another_login_are_told() -> None:
    """An option that belongs to another way to log in is not silently ignored."""
    told = problems(endpoint(**APPLICATION_CREDENTIAL, username="u"), [])
    assert told == ["endpoint_options.username: auth_method application_credential does not use it"]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"auth_url": "keystone"}, "endpoint_options.auth_url"),
        ({"auth_method": "kerberos"}, "endpoint_options.auth_method"),
        ({"interface": "publicURL"}, "endpoint_options.interface"),
        ({"endpoints": {"dns": "https://x.test"}}, "endpoint_options.endpoints.dns"),
        ({"endpoints": {"compute": "nova.test"}}, "endpoint_options.endpoints.compute"),
        ({"insecure_skip_tls_verify": "yes"}, "endpoint_options.insecure_skip_tls_verify"),
        ({"reigon": "x"}, "endpoint_options.reigon"),
    ],
)
def test_a_wrong_endpoint_option_is_named(options: dict[str, Any], key: str) -> None:
    """What cannot be used is told by its key."""
    (told,) = problems(endpoint(**(APPLICATION_CREDENTIAL | options)), [])
    assert told.startswith(key)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"network": "x"}, "network: unknown; did you mean 'networks'?"),
        ({"networks": "x"}, "networks"),
        ({"config_drive": "true"}, "config_drive"),
        ({"boot_volume_gb": -1}, "boot_volume_gb"),
        ({"boot_volume_type": "ssd"}, "boot_volume_type: boot_volume_gb is needed too"),
        ({"floating_network": "outside"}, "floating_network: networks is needed too"),
    ],
)
def test_a_wrong_pool_option_is_named(options: dict[str, Any], key: str) -> None:
    """What a pool says wrong is told by pool and key."""
    (told,) = problems(endpoint(**APPLICATION_CREDENTIAL), [pool(**options)])
    assert told.startswith(f"pool_options of pool-1.{key}")


def test_no_value_is_shown() -> None:
    """A problem never shows what was written: it may be a secret."""
    told = problems(endpoint(**APPLICATION_CREDENTIAL, token={"hidden": "s3cret"}), [])
    assert told
    assert "s3cret" not in str(told)


@pytest.mark.parametrize(
    ("options", "word"),
    [({"auth_url": "http://k.test"}, "plain http"), ({"insecure_skip_tls_verify": True}, "verified")],
)
def test_the_unwise_is_warned_of(options: dict[str, Any], word: str) -> None:
    """Plain HTTP and unverified certificates are allowed, and told again in every cycle."""
    (told,) = warnings(endpoint(**(APPLICATION_CREDENTIAL | options)))
    assert word in told


def test_nothing_unwise_no_warning() -> None:
    """An endpoint over verified TLS earns no warning."""
    assert warnings(endpoint(**APPLICATION_CREDENTIAL)) == []


def test_an_inventory_is_checked_without_the_library(python_without: Callable[[str, str], str]) -> None:
    """Options are checked where keystoneauth is not installed."""
    script = (
        "from vmdirac_py.clouds.openstack import problems\n"
        "from vmdirac_py.model.inventory import Endpoint\n"
        "print(problems(Endpoint('c', 'openstack', 's', options={}), []))"
    )
    assert "endpoint_options.auth_url" in python_without("keystoneauth1", script)


def test_connecting_without_the_library_tells_the_extra(python_without: Callable[[str, str], str]) -> None:
    """Whoever connects without keystoneauth is told which extra to install."""
    script = (
        "from vmdirac_py.clouds.api import BadRequest\n"
        "from vmdirac_py.clouds.openstack import connect\n"
        "from vmdirac_py.model.inventory import Endpoint\n"
        "try:\n"
        "    connect(Endpoint('c', 'openstack', 's'), installation_id='i', resolve=str, home=None)\n"
        "except BadRequest as error:\n"
        "    print(error)"
    )
    assert "pip install 'vmdirac_py[openstack]'" in python_without("keystoneauth1", script)
