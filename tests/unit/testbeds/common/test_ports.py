"""The bed's ports."""

from __future__ import annotations

import socket

from tests.testbeds.common import ports

SERVERS = ("database", "api", "queue")


def test_every_server_has_a_port_of_its_own() -> None:
    """No two servers get the same port."""
    found = ports.free(SERVERS)
    assert set(found) == set(SERVERS)
    assert len(set(found.values())) == len(found)


def test_ports_are_free_and_out_of_the_way_of_outgoing_connections() -> None:
    """Each can be bound now, and the kernel will give none of them to a connection."""
    lowest_given_out = int(ports.EPHEMERAL.read_text().split()[0])
    for port in ports.free(SERVERS).values():
        assert port < lowest_given_out
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", port))


def test_a_port_is_left_out_while_somebody_is_bound_to_it() -> None:
    """A taken port is not offered."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        taken = bound.getsockname()[1]
        assert list(ports._those_free([taken])) == []


def test_listening_is_seen() -> None:
    """A port answers only while somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert not ports.listens(port)
        server.listen()
        assert ports.listens(port)
