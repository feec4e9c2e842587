"""Calls to a cloud's services: what is sent, what is never repeated, and what no answer means."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.keystone import Keystone, keystone
from tests.doubles.raw_server import RawServer, dripping
from vmdirac_py.clouds.api import AnswerLost, AuthFailed, CloudError, Unavailable
from vmdirac_py.clouds.openstack.client import Client, client_of
from vmdirac_py.model.inventory import Endpoint


@pytest.fixture
def cloud() -> Iterator[Keystone]:
    """Return a stand-in."""
    with keystone() as made:
        yield made


def client(cloud: Keystone, *, timeout: float = 5.0, **options: Any) -> Client:
    """Return a client of it."""
    login = {"auth_method": "password", "username": "u", "password": "secret", "project": "p"}
    endpoint = Endpoint(
        "cloud", "openstack", "s", client_timeout=timeout, options={"auth_url": cloud.url, **login, **options}
    )
    return client_of(endpoint, str, Path("/"))


def nobody() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v2.1"


def test_one_login_serves_many_calls(cloud: Keystone) -> None:
    """A token is asked for once; no version is discovered; each call is one request."""
    made = client(cloud)
    made.get("compute", "/limits")
    made.post("compute", "/servers", {"server": {}})
    assert cloud.paths() == ["POST /v3/auth/tokens", "GET /v2.1/limits", "POST /v2.1/servers"]


def test_each_service_has_its_version(cloud: Keystone) -> None:
    """Addresses of the catalog get the version they lack, and keep the one they have."""
    made = client(cloud)
    for service in ("image", "network", "volume"):
        made.get(service, "/x")
    assert cloud.paths()[1:] == ["GET /v2/x", "GET /v2.0/x", "GET /v3/project-1/x"]


def test_an_address_of_the_inventory_comes_first(cloud: Keystone) -> None:
    """`endpoints` replaces what the catalog says."""
    made = client(cloud, endpoints={"compute": f"{cloud.url}/other/v2.1"})
    made.get("compute", "/limits")
    assert cloud.paths()[-1] == "GET /other/v2.1/limits"


def test_an_expired_token_is_renewed_once(cloud: Keystone) -> None:
    """A 401 renews the token and repeats the call with the new one."""
    cloud.answer = lambda asked: (401 if asked.headers["X-Auth-Token"] == "token-1" else 200, {}, {})
    client(cloud).post("compute", "/servers", {})
    assert [each.headers.get("X-Auth-Token") for each in cloud.asked] == [None, "token-1", None, "token-2"]


def test_a_second_401_ends_it(cloud: Keystone) -> None:
    """Where the new token is refused as well, the call fails and is not made again."""
    cloud.answer = lambda _: (401, {"error": {"message": "no"}}, {})
    with pytest.raises(AuthFailed):
        client(cloud).get("compute", "/limits")
    assert len(cloud.asked) == 4


def test_a_refused_login_names_the_clock(cloud: Keystone) -> None:
    """Where the clocks are apart, AuthFailed says by how much."""
    cloud.answer = lambda _: (401, {"error": {"message": "no"}}, {"Date": formatdate(usegmt=True, timeval=1e9)})
    with pytest.raises(AuthFailed, match=r"clock is \d+ s ahead"):
        client(cloud).get("compute", "/limits")


def test_a_token_that_is_born_expired_names_the_clock(cloud: Keystone) -> None:
    """By a clock that is hours ahead every token has expired: that is told instead of logging in for each call."""
    cloud.lives = timedelta(hours=-1)
    with pytest.raises(AuthFailed, match="clock"):
        client(cloud).get("compute", "/limits")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_nothing_is_repeated(cloud: Keystone, status: int) -> None:
    """Whatever is answered, a call is made once."""
    cloud.answer = lambda _: (status, {}, {"Retry-After": "0"})
    with pytest.raises(CloudError):
        client(cloud).post("compute", "/servers", {})
    assert len(cloud.asked) == 2


def test_no_redirection_is_followed(cloud: Keystone) -> None:
    """A token is never carried to where an answer points."""
    cloud.answer = lambda _: (302, {}, {"Location": f"{cloud.url}/elsewhere"})
    with pytest.raises(CloudError):
        client(cloud).get("compute", "/limits")
    assert len(cloud.asked) == 2


def test_a_connection_that_ends_may_have_acted(cloud: Keystone) -> None:
    """Where the connection ends without an answer, what acts is lost and what reads is unavailable."""
    cloud.answer = lambda _: None
    with pytest.raises(AnswerLost):
        client(cloud).post("compute", "/servers", {})
    with pytest.raises(Unavailable) as caught:
        client(cloud).get("compute", "/limits")
    assert type(caught.value) is Unavailable


def test_a_refused_connection_has_not_acted(cloud: Keystone) -> None:
    """Where nobody listens nothing was sent."""
    with pytest.raises(Unavailable) as caught:
        client(cloud, endpoints={"compute": nobody()}).post("compute", "/servers", {})
    assert type(caught.value) is Unavailable


def test_an_answer_that_drips_in_is_given_up(cloud: Keystone) -> None:
    """A byte now and then keeps no call beyond its timeout: what acts is lost, what reads is unavailable."""
    with RawServer(dripping) as drips:
        made = client(cloud, timeout=0.5, endpoints={"compute": f"{drips.url}/v2.1"})
        with pytest.raises(AnswerLost, match="timed out"):
            made.post("compute", "/servers", {})
        with pytest.raises(Unavailable, match="timed out"):
            made.get("compute", "/limits")


def test_a_login_that_drips_in_is_given_up() -> None:
    """Keystone's answers have the same time."""
    with RawServer(dripping) as drips, pytest.raises(Unavailable, match="timed out"):
        client(Keystone(drips.url), timeout=0.5).get("compute", "/limits")


def test_a_connection_serves_many_calls(cloud: Keystone) -> None:
    """A whole answer leaves its connection open for the next."""
    made = client(cloud)
    for _ in range(3):
        made.get("compute", "/limits")
    assert len({each.port for each in cloud.asked}) == 1


def test_a_login_nobody_answers_says_what_to_mend() -> None:
    """Where nobody listens at `auth_url` the error names address, reason and key, and none of a library's objects."""
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1.*refused.*endpoint_options\.auth_url") as caught:
        client(Keystone(nobody())).get("compute", "/limits")
    assert "object at" not in str(caught.value)
    assert "Pool(" not in str(caught.value)


def test_no_time_left_sends_nothing(cloud: Keystone) -> None:
    """Calls that are bounded together are not sent once their time is over."""
    bounded = client(cloud, timeout=0.000_001).bounded()
    bounded._token = lambda: "token"  # type: ignore[method-assign]
    bounded._address = lambda _: cloud.url  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="no time left"):
        bounded.post("compute", "/servers", {})
    assert cloud.asked == []


def test_nothing_is_read_behind_the_inventorys_back(cloud: Keystone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies, authorities and clouds of the environment change nothing."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nobody())
    monkeypatch.setenv("OS_AUTH_URL", nobody())
    monkeypatch.setenv("OS_TOKEN", "foreign")
    monkeypatch.setenv("NETRC", "/nonexistent")
    client(cloud).get("compute", "/limits")
    assert len(cloud.asked) == 2


def test_a_service_the_catalog_lacks(cloud: Keystone) -> None:
    """A service the project does not have is known to be missing, without an error."""
    cloud.services = {"compute": "/v2.1"}
    made = client(cloud)
    assert made.offers("compute")
    assert not made.offers("volume")


def test_what_is_deleted_already(cloud: Keystone) -> None:
    """404 in answer to a deletion is success; a body that says anything is not."""
    cloud.answer = lambda _: (404, {"itemNotFound": {"message": "gone"}}, {})
    client(cloud).delete("compute", "/servers/x")
    cloud.answer = lambda _: (200, {"computeFault": {"message": "no"}}, {})
    with pytest.raises(AnswerLost):
        client(cloud).delete("compute", "/servers/x")


def test_secrets_stay_secret(cloud: Keystone) -> None:
    """No password or token stands in an error."""
    cloud.answer = lambda _: (400, {"badRequest": {"message": "no"}}, {})
    with pytest.raises(CloudError) as caught:
        client(cloud).get("compute", "/limits")
    assert not {"secret", "token-1"} & set(repr(caught.value).replace("'", " ").split())
