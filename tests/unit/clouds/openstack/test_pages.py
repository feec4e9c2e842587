"""Listings of several pages, whatever size a service gives them, and however it errs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.doubles.keystone import Asked, Keystone, keystone
from vmdirac_py.clouds.api import Unavailable
from vmdirac_py.clouds.openstack import names
from vmdirac_py.clouds.openstack.client import Client, client_of
from vmdirac_py.clouds.openstack.listing import listed
from vmdirac_py.model.inventory import Endpoint

FLAVORS = [{"id": f"id-{number}", "name": f"m{number}", "vcpus": 1, "ram": 1} for number in range(5)]
NEXT = [{"rel": "next", "href": "http://cloud/v2.1/servers/detail?marker=s-1"}]


@pytest.fixture
def cloud() -> Iterator[Keystone]:
    """Return a stand-in."""
    with keystone() as made:
        yield made


@pytest.fixture
def client(cloud: Keystone) -> Client:
    """Return a client of it."""
    login = {"auth_method": "password", "username": "u", "password": "secret", "project": "p"}
    return client_of(Endpoint("cloud", "openstack", "s", options={"auth_url": cloud.url, **login}), str, Path("/"))


def by_twos(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """Answer as a service whose pages hold two at most, whatever it is asked for."""
    marker = parse_qs(urlsplit(asked.path).query).get("marker", [""])[0]
    begin = next((number + 1 for number, each in enumerate(FLAVORS) if each["id"] == marker), 0)
    more = [{"rel": "next", "href": "..."}] if begin + 2 < len(FLAVORS) else []
    return 200, {"flavors": FLAVORS[begin : begin + 2], "flavors_links": more}, {}


def test_names_on_small_pages_are_all_known(cloud: Keystone, client: Client) -> None:
    """A cloud that gives fewer a page than asked for is asked for the next, until it says there is none."""
    cloud.answer = by_twos
    assert names.flavors(client) == FLAVORS
    assert len(cloud.asked) == 1 + 3


def test_names_that_go_round_in_a_circle(cloud: Keystone, client: Client) -> None:
    """A service that pays no heed to where a page should begin is not asked for ever."""
    cloud.answer = lambda _: (200, {"images": [{"id": "i-1", "name": "one"}], "next": "/v2/images?marker=i-1"}, {})
    with pytest.raises(Unavailable, match="circle"):
        names.images(client)


def test_a_listing_that_goes_round_in_a_circle(cloud: Keystone, client: Client) -> None:
    """Nor is Nova, and what was seen until then is not taken for all there is."""
    server = {"id": "s-1", "status": "ACTIVE", "metadata": {}, "created": "2026-11-22T17:39:15Z"}
    cloud.answer = lambda _: (200, {"servers": [server], "servers_links": NEXT}, {})
    with pytest.raises(Unavailable, match="circle"):
        listed(client)


def test_a_marker_that_goes_between_two_calls(cloud: Keystone, client: Client) -> None:
    """Where the last of a page waited to be placed, and is gone a moment later, the listing is not believed."""
    waits = {"id": "s-1", "status": "BUILD", "metadata": {}, "created": "2026-11-22T17:39:15Z"}
    first = {"servers": [{**waits, "OS-EXT-STS:task_state": "scheduling"}], "servers_links": NEXT}

    def answer(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        if "/detail" not in asked.path:
            return 404, {"itemNotFound": {"message": "gone"}}, {}
        return 200, {"servers": []} if "marker=" in asked.path else first, {}

    cloud.answer = answer
    with pytest.raises(Unavailable, match="changed while it was read"):
        listed(client)
