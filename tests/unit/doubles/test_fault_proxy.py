"""The proxy that makes a real server fail on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.doubles.fault_proxy import Call, Fault, FaultProxy, Reply
from tests.support.wait import until

LONG = 60.0  # seconds nobody waits for: a silence ends when it is mended, or the client gives up


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, and counts."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.asked.append(self.path)
        data = json.dumps({"path": self.path, "body": body, "token": self.headers.get("X-Token", "")}).encode()
        self.send_response(201)
        self.send_header("X-Kept", "yes")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def asked() -> list[str]:
    """Return the paths the real server was asked for."""
    return []


@pytest.fixture
def proxy(asked: list[str]) -> Iterator[FaultProxy]:
    """Return a proxy before a real server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Counting", (Echo,), {"asked": asked}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with FaultProxy(f"http://127.0.0.1:{server.server_port}") as made:
        yield made
    server.shutdown()
    server.server_close()


def connect(proxy: FaultProxy, timeout: float = 20.0) -> HTTPConnection:
    """Return a connection to a proxy."""
    return HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)


def ask(proxy: FaultProxy, path: str = "/", body: bytes = b"", timeout: float = 20.0) -> Reply:
    """Ask a proxy once, on a connection of its own."""
    connection = connect(proxy, timeout)
    try:
        connection.request("POST", path, body, {"X-Token": "t"})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), dict(answer.getheaders()))
    finally:
        connection.close()


def of(path: str) -> Fault:
    """Return a fault of one path."""
    return Fault(matches=lambda call: call.path == path)


def test_without_faults_it_is_not_there(proxy: FaultProxy) -> None:
    """Method, path, body and headers arrive; status, body and headers come back; the call is remembered."""
    reply = ask(proxy, "/a?b=c", "Grüße".encode())
    assert json.loads(reply.body) == {"path": "/a?b=c", "body": "Grüße", "token": "t"}
    assert (reply.status, reply.headers["X-Kept"]) == (201, "yes")
    assert [(call.method, call.path, call.body.decode()) for call in proxy.calls] == [("POST", "/a?b=c", "Grüße")]


def test_a_connection_is_kept(proxy: FaultProxy) -> None:
    """Several calls may come over one connection."""
    connection = connect(proxy)
    for path in ("/1", "/2"):
        connection.request("GET", path)
        assert json.loads(connection.getresponse().read())["path"] == path
    connection.close()


def test_a_lost_answer_was_acted_upon(proxy: FaultProxy, asked: list[str]) -> None:
    """The server acted, and the client gets no word."""
    proxy.order(Fault(lose=True))
    with pytest.raises(RemoteDisconnected):
        ask(proxy, "/lost")
    assert asked == ["/lost"]


def test_an_answer_of_its_own_asks_nobody(proxy: FaultProxy, asked: list[str]) -> None:
    """An ordered reply reaches the client, and the server hears nothing."""
    proxy.order(Fault(reply=Reply(503, b"busy", {"Retry-After": "1"})))
    reply = ask(proxy)
    assert (reply.status, reply.body, reply.headers["Retry-After"]) == (503, b"busy", "1")
    assert asked == []


def test_it_rewrites_what_is_asked_and_answered(proxy: FaultProxy, asked: list[str]) -> None:
    """The server gets the changed call, the client the changed answer, made with the call as the client sent it."""
    proxy.order(
        Fault(
            send=lambda call: replace(call, path="/other"),
            edit=lambda call, reply: replace(reply, body=f"{call.path} {reply.status}".encode()),
        )
    )
    assert ask(proxy, "/mine").body == b"/mine 201"
    assert asked == ["/other"]


@pytest.mark.parametrize(("when", "heard"), [("before", []), ("after", ["/"])])
def test_silence_before_or_after_acting(proxy: FaultProxy, asked: list[str], when: str, heard: list[str]) -> None:
    """A client that gives up on a silence before acting was not heard yet, on one after acting it was."""
    proxy.order(Fault(seconds=LONG, before=when == "before"))
    with pytest.raises(TimeoutError):
        ask(proxy, timeout=0.3)
    assert asked == heard


def test_what_was_kept_silent_is_acted_upon_when_mended(proxy: FaultProxy, asked: list[str]) -> None:
    """Mending ends a silence: the server acts then, although its client has long gone."""
    proxy.order(Fault(seconds=LONG))
    with pytest.raises(TimeoutError):
        ask(proxy, "/late", timeout=0.3)
    proxy.mend()
    until(lambda: asked == ["/late"], what="the late call")


def test_a_silence_delays_nobody_else(proxy: FaultProxy) -> None:
    """While one call is kept silent, others are answered."""
    proxy.order(replace(of("/slow"), seconds=LONG))
    with pytest.raises(TimeoutError):
        ask(proxy, "/slow", timeout=0.3)
    assert ask(proxy, "/quick").status == 201


def test_only_what_matches_and_only_so_often(proxy: FaultProxy) -> None:
    """A fault takes the calls that match it, as often as it was ordered, and no other."""
    proxy.order(replace(of("/bad"), times=2, reply=Reply(500)))
    assert [ask(proxy, path).status for path in ("/good", "/bad", "/bad", "/bad")] == [201, 500, 500, 201]


def test_the_first_ordered_goes_first(proxy: FaultProxy) -> None:
    """Of several faults that match, one takes a call, in the order they were given."""
    proxy.order(Fault(reply=Reply(500)))
    proxy.order(Fault(reply=Reply(502)))
    assert [ask(proxy).status for _ in range(3)] == [500, 502, 201]


def test_for_ever_until_mended(proxy: FaultProxy) -> None:
    """A fault without a number strikes until all is mended."""
    proxy.order(Fault(times=None, reply=Reply(500)))
    struck = [ask(proxy).status for _ in range(3)]
    proxy.mend()
    assert [*struck, ask(proxy).status] == [500, 500, 500, 201]


def test_stopped_it_refuses(proxy: FaultProxy) -> None:
    """Stopped, it refuses connections; started again, it answers at the same place."""
    proxy.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(proxy)
    proxy.start()
    assert ask(proxy).status == 201


def test_stopped_it_cuts_what_was_kept(proxy: FaultProxy, asked: list[str]) -> None:
    """A connection a client keeps ends with the stop: nothing reaches the server over it."""
    connection = connect(proxy)
    connection.request("GET", "/first")
    connection.getresponse().read()
    proxy.stop()
    with pytest.raises((RemoteDisconnected, ConnectionError)):
        _again(connection)
    assert asked == ["/first"]
    connection.close()


def _again(connection: HTTPConnection) -> None:
    connection.request("GET", "/second")
    connection.getresponse()


def test_a_call_is_a_value() -> None:
    """Calls are compared by what they say, so that a test may look one up."""
    assert Call("GET", "/", {}) == Call("GET", "/", {})
