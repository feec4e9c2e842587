"""Calls over HTTP: one connection, one sending, one deadline, a verified certificate."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xmlrpc.client import dumps

import pytest

from tests.doubles.certificates import TestAuthority
from tests.doubles.fault_proxy import Fault
from tests.doubles.opennebula import Cloud
from tests.doubles.opennebula_server import serving
from tests.support.opennebula import SESSION, FrontEnd, request
from vmdirac_py.base.errors import Unusable
from vmdirac_py.clouds.api import AnswerLost, Unavailable
from vmdirac_py.clouds.opennebula.connection import Connections
from vmdirac_py.clouds.opennebula.deadline import Deadline

PATIENCE = 15.0  # seconds; far beyond any timeout here, far below for ever


@contextlib.contextmanager
def peer(behave: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Listen, and let each connection be treated so after its request came; give the URL and the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                requests.append(connection.recv(65_536))
                with contextlib.suppress(OSError):
                    behave(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/RPC2", requests
    finally:
        listener.close()


def silence(connection: socket.socket) -> None:
    """Never answer."""
    connection.recv(1)


def drip(connection: socket.socket) -> None:
    """Answer a byte now and then, each within any timeout of a single read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def drip_headers(connection: socket.socket) -> None:
    """Never come to the end of the headers."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def hang_up(connection: socket.socket) -> None:
    """Close without a word."""
    connection.close()


@pytest.mark.parametrize("behave", [silence, drip, drip_headers])
def test_no_peer_can_hold_a_call(one: FrontEnd, behave: Callable[[socket.socket], None]) -> None:
    """Whatever a peer does after accepting, a read ends as Unavailable once the endpoint's timeout is over."""
    with peer(behave) as (url, _):
        driver = one.driver(url=url, timeout=0.4)
        ended: list[Exception] = []

        def ask() -> None:
            try:
                driver.instances()
            except Unavailable as error:
                ended.append(error)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        assert [type(error) for error in ended] == [Unavailable]


def test_a_request_is_sent_once(one: FrontEnd) -> None:
    """A peer that hangs up on a request does not get it again."""
    with peer(hang_up) as (url, requests):
        with pytest.raises(Unavailable):
            one.driver(url=url).limits()
        assert len(requests) == 1


def test_a_connection_is_kept(one: FrontEnd) -> None:
    """Many calls go over one connection."""
    with serving(one.cloud) as server:
        driver = one.driver(url=f"http://127.0.0.1:{server.server_port}/RPC2")
        driver.launch(request(20))
        driver.instances()
        driver.limits()
        assert server.connections == 1


def test_a_connection_that_died_while_idle_is_not_used(one: FrontEnd) -> None:
    """A front end that closes idle connections costs a new connection, not a lost launch."""
    driver = one.driver()
    driver.limits()
    one.proxy.stop()
    one.proxy.start()
    assert len(driver.launch(request(1)).launched) == 1


def test_a_lost_launch_is_not_sent_again(one: FrontEnd) -> None:
    """Where the front end hangs up on a kept connection, the launch is lost, and was asked for once."""
    one.proxy.order(Fault(lambda call: b"instantiate" in call.body, times=None, lose=True))
    with pytest.raises(AnswerLost):
        one.driver().launch(request(3))
    assert one.methods().count("one.template.instantiate") == 1


def test_a_certificate_of_a_known_authority_is_trusted(one: FrontEnd, tmp_path: Path) -> None:
    """With the authority in ca_file an https front end is used."""
    with tls(tmp_path) as (url, ca_file):
        assert one.driver(url=url, ca_file=ca_file).instances() == ()


def test_a_strange_certificate_is_refused(one: FrontEnd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its authority in the inventory it is not: nothing was sent, and no environment variable helps."""
    with tls(tmp_path) as (url, ca_file):
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        with pytest.raises(Unavailable, match="not trusted") as caught:
            one.driver(url=url).instances()
    assert type(caught.value) is Unavailable
    assert "ca_file" in caught.value.mend


def test_verification_is_switched_off_by_name_alone(one: FrontEnd, tmp_path: Path) -> None:
    """insecure_skip_tls_verify takes any certificate."""
    with tls(tmp_path) as (url, _):
        assert one.driver(url=url, insecure_skip_tls_verify=True).instances() == ()


def test_what_is_not_sent_is_not_lost(one: FrontEnd) -> None:
    """When the time is over before a call is sent, also over a kept connection, nothing of it is in doubt."""
    connections = Connections(f"{one.proxy.url}/RPC2", ssl.create_default_context(), "one")
    body = dumps((SESSION,), "one.system.version").encode()
    connections.post(body, Deadline(PATIENCE))
    with pytest.raises(Unavailable) as caught:
        connections.post(body, Deadline(0.0))
    assert type(caught.value) is Unavailable
    assert len(one.proxy.calls) == 1


@pytest.mark.parametrize("url", ["http://{}/RPC3", "https://{}/RPC2"])
def test_a_wrong_url_is_named(one: FrontEnd, url: str) -> None:
    """A path that is not there, and TLS where nobody speaks it, are the URL's mistake."""
    with pytest.raises(Unavailable) as caught:
        one.driver(url=url.format(urlsplit(one.proxy.url).netloc)).instances()
    assert "endpoint_options.url" in caught.value.mend


def test_a_missing_file_of_authorities_is_named(one: FrontEnd, tmp_path: Path) -> None:
    """A ca_file that is not there is told when the driver is made, with its path."""
    with pytest.raises(Unusable) as caught:
        one.driver(url="https://127.0.0.1:1/RPC2", ca_file=str(tmp_path / "none.pem"))
    assert "none.pem" in caught.value.mend


@contextlib.contextmanager
def tls(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve a front end over TLS; give its URL and the file of its authority."""
    authority, cloud = TestAuthority(), Cloud()
    cloud.add_user(*SESSION.split(":"))
    ca_file = folder / "ca.pem"
    ca_file.write_text(authority.pem)
    with serving(cloud, authority.server_files(folder)) as server:
        yield f"https://127.0.0.1:{server.server_port}/RPC2", str(ca_file)
