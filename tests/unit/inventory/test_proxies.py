from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.context import make_pool
from vmdirac_py.inventory.proxies import of_pool
from vmdirac_py.model.inventory import Endpoint, Vo

NORTH, ASTRO = Endpoint("north", "openstack", "S"), Vo("astro")


def told(proxy: list[str], **limits: Any) -> list[str]:
    """Return what is said of a pool with these proxies."""
    pool = make_pool("astro-8", "astro", context={"cvmfs": {"http_proxy": proxy}}, **limits)
    return [what for _, what, _ in of_pool(pool, NORTH, ASTRO)]


@pytest.mark.parametrize("proxy", [["http://squid:3128", "DIRECT"], ["http://a:1|DIRECT"], ["auto"]])
def test_a_proxy_is_enough(proxy: list[str]) -> None:
    """With any proxy, or one the client finds, a pool may grow."""
    assert told(proxy) == []


def test_direct_alone_is_for_few() -> None:
    """Up to twenty VMs may go without a proxy; one more, or no limit, is refused."""
    assert told(["DIRECT"], max_vms=20) == []
    assert told(["DIRECT"], max_vms=21) == ["no proxy but DIRECT, in a pool that may grow to 21 VMs"]
    assert told(["DIRECT"]) == ["no proxy but DIRECT, in a pool that may grow to any number of VMs"]


def test_no_word_of_a_proxy_is_no_proxy() -> None:
    """What is left out is not found by luck; a pool without CVMFS needs none."""
    assert told([]) == ["no proxy but DIRECT, in a pool that may grow to any number of VMs"]
    assert list(of_pool(make_pool("astro-8", "astro", context={"worker": {}}), NORTH, ASTRO)) == []


def test_a_single_repository_counts() -> None:
    """A repository that goes its own way is named."""
    own = {"x.example.org": {"CVMFS_HTTP_PROXY": "DIRECT"}, "y.example.org": {"CVMFS_NFILES": 1}}
    pool = make_pool("astro-8", "astro", context={"cvmfs": {"http_proxy": ["auto"], "repository_parameters": own}})
    assert [key for key, _, _ in of_pool(pool, NORTH, ASTRO)] == [
        "pool_context.cvmfs.repository_parameters.x.example.org"
    ]


def test_limits_of_endpoint_and_vo_count() -> None:
    """What keeps a pool small is enough, whoever says it, in VMs or in cores."""
    pool = make_pool("astro-8", "astro", context={"cvmfs": {"http_proxy": ["DIRECT"]}})
    assert list(of_pool(pool, replace(NORTH, max_vms=20), ASTRO)) == []
    assert list(of_pool(pool, NORTH, replace(ASTRO, max_cores=20 * 8 + 7))) == []
    assert list(of_pool(pool, NORTH, replace(ASTRO, max_cores=21 * 8))) != []
