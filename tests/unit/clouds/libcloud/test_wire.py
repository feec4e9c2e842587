"""How libcloud speaks HTTP for us: within a deadline, trusting what it is told to, reading nothing else."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import requests
from libcloud.compute.drivers.ec2 import EC2NodeDriver

from tests.doubles.certificates import TestAuthority
from tests.doubles.raw_server import RawServer, Talk, dripping, plain, saying, silent
from vmdirac_py.clouds.libcloud.lines import confined, line_class
from vmdirac_py.clouds.libcloud.wire import NoAnswerError, NotReachedError, Wire

SECRET = "token-of-enrolment"


def ask(url: str, *, timeout: float = 5.0, verify: Any = True) -> requests.Response:
    """Make one request, with a secret in its URL and body, as libcloud would."""
    wire = Wire(timeout, verify)
    wire.begin(changes=True)
    line = line_class(wire)("127.0.0.1", 1, secure=False)
    line.request("POST", f"{url}/?secret={SECRET}", SECRET, {})
    return line.getresponse()  # type: ignore[no-any-return]


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.mark.parametrize("talk", [silent, dripping], ids=["silent", "dripping"])
def test_a_peer_that_does_not_answer_whole_is_given_up(talk: Talk) -> None:
    """Neither silence nor a byte now and then keeps a call beyond its timeout."""
    with RawServer(talk) as server, pytest.raises(NoAnswerError, match=r"within 0\.3 s"):
        ask(server.url, timeout=0.3)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"no HTTP at all\r\n\r\n"]
)
def test_half_an_answer_is_none(answer: bytes) -> None:
    """A connection that breaks, and one that says something else, gave no answer."""
    with RawServer(saying(answer)) as server, pytest.raises(NoAnswerError):
        ask(server.url)


def test_nobody_there_means_nothing_was_sent() -> None:
    """A refused connection is told from a lost answer."""
    with pytest.raises(NotReachedError, match="refused"):
        ask(f"http://127.0.0.1:{free_port()}")


def test_each_endpoint_has_its_own_authorities(tmp_path: Path) -> None:
    """A line trusts the file it was given and nobody else, also when another line trusts another."""
    servers = []
    for name in ("one", "two"):
        folder, authority = tmp_path / name, TestAuthority()
        folder.mkdir()
        (folder / "ca.pem").write_text(authority.pem)
        servers.append((RawServer(plain(name.encode()), authority.server_files(folder)), str(folder / "ca.pem")))
    (one, trusts_one), (two, trusts_two) = servers
    with one, two:
        assert ask(one.url, verify=trusts_one).text == "one"
        assert ask(two.url, verify=trusts_two).text == "two"
        for server, trusted in ((one, trusts_two), (two, trusts_one), (one, True)):
            with pytest.raises(NotReachedError, match="not trusted"):
                ask(server.url, verify=trusted)
        assert ask(one.url, verify=False).text == "one"


@pytest.mark.parametrize("talk", [silent, saying(b""), None], ids=["silent", "broken", "nobody"])
def test_errors_never_show_the_request(talk: Talk | None) -> None:
    """What was sent, which may be user data, is in no error, nor in what caused it."""
    with RawServer(talk or silent) as server, pytest.raises((NoAnswerError, NotReachedError)) as caught:
        ask(server.url if talk else f"http://127.0.0.1:{free_port()}", timeout=0.3)
    assert SECRET not in f"{caught.value}"
    assert caught.value.__suppress_context__


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither proxies nor authorities nor logins of the environment and the home change a request."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password theirs\n")
    for name, value in (
        ("HTTP_PROXY", f"http://127.0.0.1:{free_port()}"),
        ("http_proxy", f"http://127.0.0.1:{free_port()}"),
        ("NETRC", str(netrc)),
        ("REQUESTS_CA_BUNDLE", "/nowhere"),
    ):
        monkeypatch.setenv(name, value)
    with RawServer(plain(b"direct")) as server:
        answer = ask(server.url)
    assert answer.text == "direct"
    assert "Authorization" not in answer.request.headers


def test_nobody_is_sent_elsewhere() -> None:
    """A redirect is an answer like another: credentials do not follow it."""
    with RawServer(plain(b"caught")) as other:
        away = saying(f"HTTP/1.1 302 Found\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode())
        with RawServer(away) as server:
            assert ask(server.url).status_code == 302
        assert other.connections == 0


def test_a_request_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that asks libcloud for retries gets none."""
    monkeypatch.setenv("LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS", "1")
    wire = Wire(5.0, verify=True)
    wire.begin(changes=True)
    with RawServer(saying(b"")) as server:
        driver = confined(EC2NodeDriver, wire)("k", "s", host="127.0.0.1", port=server.port, secure=False)
        with pytest.raises(NoAnswerError):
            driver.list_nodes()
        assert server.connections == 1


def test_requests_of_a_change_share_their_time() -> None:
    """A call that changes something is over when its time is, however quick each of its requests was."""
    wire = Wire(0.0, verify=True)
    wire.begin(changes=True)
    with pytest.raises(NoAnswerError):
        wire.ask(requests.Session(), "GET", "http://127.0.0.1:1", None, {})


def test_what_changes_is_noted() -> None:
    """It is kept how each request that changes something was answered, and no other; unsent ones are forgotten."""
    wire = Wire(5.0, verify=True)
    wire.begin(changes=True)
    wire.watch(lambda method, url, body: method == "POST" and url.endswith("/servers") and body == "a server")
    session = requests.Session()
    with RawServer(plain(b"")) as server:
        wire.ask(session, "GET", f"{server.url}/servers", None, {})
        wire.ask(session, "POST", f"{server.url}/servers", "a server", {})
    with RawServer(saying(b"")) as server, pytest.raises(NoAnswerError):
        wire.ask(session, "POST", f"{server.url}/servers", "a server", {})
    with pytest.raises(NotReachedError):
        wire.ask(session, "POST", f"http://127.0.0.1:{free_port()}/servers", "a server", {})
    assert wire.changed == [200, None]
