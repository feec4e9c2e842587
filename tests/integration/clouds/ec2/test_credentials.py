"""Whose credentials, which authorities, and that nothing else is read or shown."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doubles.certificates import TestAuthority
from tests.doubles.ec2_proxy import Ec2Proxy, error
from tests.doubles.fault_proxy import Fault
from tests.doubles.moto import moto
from vmdirac_py.base.errors import Unusable
from vmdirac_py.clouds.api import AuthFailed, BadRequest, CloudEndpoint, Unavailable
from vmdirac_py.clouds.ec2 import connect
from vmdirac_py.model.inventory import Endpoint


def made(home: Path, options: dict[str, Any], resolve: Any = str) -> CloudEndpoint:
    """Return the driver with these options."""
    described = Endpoint("ec2", "ec2", "site", client_timeout=30.0, options=options)
    return connect(described, installation_id="inst-ours", resolve=resolve, home=home)


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment and a home that would lead any client astray."""
    (tmp_path / ".aws").mkdir()
    text = "[default]\naws_access_key_id = AKIAHOME\naws_secret_access_key = x\nregion = nowhere-1\n"
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text(text)
    variables = {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "there-is-none",
        "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "token-of-the-environment",
        "AWS_DEFAULT_REGION": "nowhere-2",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": str(tmp_path / "none.pem"),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("poisoned")
def test_nothing_is_read_behind_the_inventorys_back(options: dict[str, Any], proxy: Ec2Proxy, tmp_path: Path) -> None:
    """Environment, profile and files of the user change neither who calls nor whom."""
    assert made(tmp_path, options).instances() == ()
    (call,) = proxy.calls
    assert "Credential=AKIATEST/" in call.headers["Authorization"]
    assert "/eu-west-1/" in call.headers["Authorization"]
    assert "X-Amz-Security-Token" not in call.headers


def test_a_renewed_token_is_used(options: dict[str, Any], proxy: Ec2Proxy, tmp_path: Path) -> None:
    """Secrets are resolved at each call: who renews them need not start anything anew."""
    secrets = {"AKIATEST": "AKIATEST", "the-secret-itself": "s", "token": "first"}
    driver = made(tmp_path, {**options, "session_token": "token"}, secrets.__getitem__)
    driver.instances()
    secrets["token"] = "second"
    driver.instances()
    assert [call.headers["X-Amz-Security-Token"] for call in proxy.calls] == ["first", "second"]


def test_no_secret_is_told(options: dict[str, Any], proxy: Ec2Proxy, tmp_path: Path) -> None:
    """An error shows neither secret nor token, though the cloud quotes what was signed; nor does its chain."""
    driver = made(tmp_path, {**options, "session_token": "the-token-itself"})
    quoted = "The signature does not match.\n\nThe Canonical String was\nx-amz-security-token:the-token-itself"
    proxy.order(Fault(reply=error("SignatureDoesNotMatch", 403, quoted)))
    with pytest.raises(AuthFailed) as caught:
        driver.instances()
    assert "itself" not in "".join(traceback.format_exception(caught.value))


def test_no_log_holds_a_token(options: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever level logging has, what is signed is not written down."""
    caplog.set_level(logging.DEBUG)
    made(tmp_path, {**options, "session_token": "the-token-itself"}).instances()
    assert "the-token-itself" not in caplog.text


@pytest.fixture
def strict_login(url: str) -> Iterator[None]:
    """Let moto ask who calls, for once."""
    _demand_login(url, after="0")
    yield
    _demand_login(url, after="inf")


def _demand_login(url: str, after: str) -> None:
    """Let moto take any credentials for so many calls more."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("POST", "/moto-api/reset-auth", after)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.usefixtures("strict_login")
def test_credentials_the_cloud_does_not_take(options: dict[str, Any], tmp_path: Path) -> None:
    """Where the cloud knows nobody by these keys, AuthFailed names them."""
    with pytest.raises(AuthFailed, match="access_key"):
        made(tmp_path, options).instances()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the URL and the authority's file."""
    folder = tmp_path_factory.mktemp("tls")
    authority = TestAuthority()
    (folder / "ca.pem").write_text(authority.pem)
    with moto(folder, tls=authority.server_files(folder)) as url:
        yield url, folder / "ca.pem"


def test_an_authority_of_the_endpoint(tls: tuple[str, Path], options: dict[str, Any]) -> None:
    """A CA file, relative to the installation's home, is what certificates are verified with."""
    url, ca = tls
    assert made(ca.parent, {**options, "endpoint_url": url, "ca_file": ca.name}).instances() == ()


def test_an_unknown_authority(tls: tuple[str, Path], options: dict[str, Any], tmp_path: Path) -> None:
    """Without it nothing is sent, and the error names the key; a launch is Unavailable, not lost."""
    driver = made(tmp_path, {**options, "endpoint_url": tls[0]})
    with pytest.raises(Unavailable, match=r"endpoint_options\.ca_file") as caught:
        driver.terminate(["i-1"])
    assert type(caught.value) is Unavailable


def test_opting_out(tls: tuple[str, Path], options: dict[str, Any], tmp_path: Path) -> None:
    """Verification ends only by its name."""
    driver = made(tmp_path, {**options, "endpoint_url": tls[0], "insecure_skip_tls_verify": True})
    assert driver.instances() == ()


def test_a_ca_file_that_is_not_there(options: dict[str, Any], tmp_path: Path) -> None:
    """A missing file is told at once, by its key."""
    with pytest.raises(BadRequest, match="ca_file"):
        made(tmp_path, {**options, "ca_file": "none.pem"})


def test_options_that_cannot_be_read(tmp_path: Path) -> None:
    """An endpoint nobody checked is told all its problems."""
    with pytest.raises(Unusable, match="region"):
        made(tmp_path, {})


def test_https_where_nobody_speaks_it(options: dict[str, Any], tmp_path: Path) -> None:
    """A URL that promises TLS which is not spoken there is the URL's mistake, not that of the authorities."""
    options["endpoint_url"] = options["endpoint_url"].replace("http:", "https:")
    described = Endpoint("ec2", "ec2", "site", client_timeout=30.0, options=options)
    with pytest.raises(Unavailable, match="endpoint_url"):
        connect(described, installation_id="inst-ours", resolve=str, home=tmp_path).instances()
