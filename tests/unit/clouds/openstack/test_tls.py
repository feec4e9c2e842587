"""Certificates: of the cloud, verified; of a VOMS proxy, shown."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.certificates import TestAuthority
from tests.doubles.keystone import FEDERATED, Keystone, keystone
from vmdirac_py.clouds.api import AuthFailed, Unavailable
from vmdirac_py.clouds.openstack.client import Client, client_of
from vmdirac_py.model.inventory import Endpoint

PASSWORD = {"auth_method": "password", "username": "u", "password": "secret", "project": "p"}
VOMS = {
    "auth_method": "voms",
    "identity_provider": "egi.eu",
    "protocol": "mapped",
    "x509_proxy": "proxy.pem",
    "project": "p",
}


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    """Return an authority whose certificate stands in the home, as `ca.pem`."""
    made = TestAuthority()
    (tmp_path / "ca.pem").write_text(made.pem)
    return made


@pytest.fixture
def cloud(authority: TestAuthority, tmp_path: Path) -> Iterator[Keystone]:
    """Return a stand-in over TLS that takes certificates of the authority from its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server_files(tmp_path))
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    with keystone(context) as made:
        yield made


def client(cloud: Keystone, home: Path, **options: Any) -> Client:
    """Return a client of it."""
    endpoint = Endpoint("cloud", "openstack", "s", client_timeout=5.0, options={"auth_url": cloud.url, **options})
    return client_of(endpoint, str, home)


def test_an_unknown_authority_is_not_believed(cloud: Keystone, tmp_path: Path) -> None:
    """Without `ca_file` a cloud of an authority of its own is unavailable, and the option is named."""
    with pytest.raises(Unavailable, match="ca_file"):
        client(cloud, tmp_path, **PASSWORD).get("compute", "/limits")
    assert cloud.asked == []


@pytest.mark.parametrize("options", [{"ca_file": "ca.pem"}, {"insecure_skip_tls_verify": True}])
def test_believed_by_name(cloud: Keystone, tmp_path: Path, options: dict[str, Any]) -> None:
    """An authority of the endpoint's own, relative to the home, or the opt-out by name, lets calls through."""
    client(cloud, tmp_path, **PASSWORD, **options).get("compute", "/limits")
    assert len(cloud.asked) == 2


def test_the_environments_authorities_are_not_asked(
    cloud: Keystone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`REQUESTS_CA_BUNDLE` of the process does not make a cloud believed."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with pytest.raises(Unavailable, match="ca_file"):
        client(cloud, tmp_path, **PASSWORD).get("compute", "/limits")


def test_a_voms_proxy_is_shown_and_exchanged(cloud: Keystone, authority: TestAuthority, tmp_path: Path) -> None:
    """The proxy is the client certificate of the federated login; its unscoped token becomes one of the project."""
    certificate, key = authority.server_files(tmp_path)
    (tmp_path / "proxy.pem").write_text(certificate.read_text() + key.read_text())
    client(cloud, tmp_path, **VOMS, ca_file="ca.pem").get("compute", "/limits")
    login, exchange, call = cloud.asked
    assert (login.method, login.path, login.client) == ("GET", FEDERATED, "manager")
    assert exchange.body["auth"]["identity"] == {"methods": ["token"], "token": {"id": "token-1"}}
    assert exchange.body["auth"]["scope"]["project"] == {"name": "p", "domain": {"name": "Default"}}
    assert call.headers["X-Auth-Token"] == "token-1"


def test_a_missing_proxy_is_told(cloud: Keystone, tmp_path: Path) -> None:
    """A proxy that is not there is AuthFailed: somebody must renew it."""
    with pytest.raises(AuthFailed, match="proxy"):
        client(cloud, tmp_path, **VOMS, ca_file="ca.pem").get("compute", "/limits")
