"""Whole listings of a project's servers, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from vmdirac_py.clouds.api import BadRequest, Instance, Unavailable

from .client import Client
from .errors import NotThere, unreadable
from .reading import instance_of

DETAIL = "/servers/detail"
SCHEDULING = "scheduling"
Server = Mapping[str, Any]


def listed(client: Client, **filters: str) -> tuple[Instance, ...]:
    """Return every server of the project that bears a mark, each once.

    Raises:
        Unavailable: what can be seen is not all there is.
        CloudError: it cannot be listed.
    """
    try:
        found = [instance_of(server) for server in _servers(client, filters)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(f"{type(error).__name__}: {error}", where=f"{client.name}, listing", acts=False) from error
    return tuple({instance.id: instance for instance in found if instance}.values())


def shown(client: Client, server: str) -> Instance:
    """Return one server that bears a mark. Raises CloudError."""
    body = client.get("compute", f"/servers/{server}")
    try:
        found = instance_of(body["server"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(f"{type(error).__name__}: {error}", where=client.name, acts=False) from error
    if found is None:
        raise BadRequest("a server without a mark", where=f"{client.name}, server {server}")
    return found


def _servers(client: Client, filters: Mapping[str, str]) -> Iterator[Server]:
    """Yield servers, newest first, as Nova orders them.

    The first page is asked for without any paging parameter: only then does Nova show servers of a cell that it
    cannot reach (in outline), where it would otherwise leave them out without a word.
    """
    page = client.get("compute", DETAIL, **filters)
    while True:
        servers = page["servers"]
        _refuse_outlines(client, servers)
        yield from servers
        marker = _marker(page)
        if not marker:
            return
        page = _page(client, filters, marker)
        _refuse_jump(client, servers)
        if _marker(page) == marker:
            raise Unavailable("the pages of the listing go round in a circle", where=client.name)


def _page(client: Client, filters: Mapping[str, str], marker: str) -> Any:
    try:
        return client.get("compute", DETAIL, **filters, marker=marker)
    except BadRequest as error:  # the marker was deleted between two pages
        raise Unavailable(f"the listing changed while it was read: {error.what}", where=client.name) from error


def _refuse_outlines(client: Client, servers: list[Server]) -> None:
    if any("metadata" not in server for server in servers):
        raise Unavailable(
            "a part of the cloud (a cell) does not answer: the listing is not complete", where=client.name
        )


def _refuse_jump(client: Client, before: list[Server]) -> None:
    """Refuse a page that began behind a server nobody had placed yet, if it has been placed since.

    Nova lists servers that wait for the scheduler first, then the others. A marker that changed sides between two
    pages makes it skip the rest of those that wait.
    """
    last = before[-1]
    if last.get("OS-EXT-STS:task_state") != SCHEDULING:
        return
    try:
        now = client.get("compute", f"/servers/{last['id']}")["server"]
    except NotThere as error:
        raise Unavailable("the listing changed while it was read: a server is gone", where=client.name) from error
    if now.get("OS-EXT-STS:task_state") != SCHEDULING:
        raise Unavailable("the listing changed while it was read: servers were placed meanwhile", where=client.name)


def _marker(page: Mapping[str, Any]) -> str:
    """Return where the next page begins; empty at the end."""
    for link in page.get("servers_links") or ():
        if link["rel"] == "next":
            return str(parse_qs(urlsplit(link["href"]).query)["marker"][0])
    return ""
