"""What of inner CEs the control node must know: images, and users for slots."""

from __future__ import annotations

from typing import Any

import pytest

from vmdirac_py.model.inner_ce import allows_image, with_accounts, wrong_option
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.resources import Resources

CONTEXT: dict[str, dict[str, Any]] = {"cvmfs": {}}


def pool(inner_ce: str, *patterns: str) -> Pool:
    """Return a pool whose users may ask for these images."""
    options = {"user_images": list(patterns)}
    return Pool("p", "e", "v", "s", "f", "i", Resources(4), inner_ce=inner_ce, inner_ce_options=options)


@pytest.mark.parametrize(
    ("inner_ce", "cores", "users"), [("Pool/Sudo", 8, 8), ("Sudo", 8, 1), ("Pool/Singularity", 256, 100)]
)
def test_each_slot_gets_a_user(inner_ce: str, cores: int, users: int) -> None:
    """VMs are made with as many unix users as they can have slots, at most as many as the role makes."""
    assert with_accounts(CONTEXT, inner_ce, cores) == {"cvmfs": {}, "worker": {"payload_users": users}}


def test_a_context_may_say_how_many() -> None:
    """A number of users in the context stands; without walls, or without a context, none are asked for."""
    given = {"worker": {"payload_users": 3, "logs": "/x"}}
    assert with_accounts(given, "Pool/Sudo", 8) == given
    assert with_accounts(CONTEXT, "Pool/InProcess", 8) == CONTEXT
    assert with_accounts(CONTEXT, "", 8) == CONTEXT
    assert with_accounts({}, "Pool/Sudo", 8) == {}


def test_which_images_a_pool_allows() -> None:
    """A job without a wish may run anywhere; an image needs containers and a pattern that it matches."""
    assert allows_image(pool("Pool/Sudo"), "")
    assert allows_image(pool("Pool/Singularity", "/cvmfs/*"), "/cvmfs/a")
    assert not allows_image(pool("Pool/Singularity", "/cvmfs/*"), "/home/a")
    assert not allows_image(pool("Pool/Sudo", "/cvmfs/*"), "/cvmfs/a")


def test_options_are_read_strictly() -> None:
    """Good options are no news; a wrong one is named."""
    assert wrong_option({"nested": True, "binds": ["/data:/data:ro"], "memory_factor": 2}) == ""
    assert "accouts" in wrong_option({"accouts": "x"})
