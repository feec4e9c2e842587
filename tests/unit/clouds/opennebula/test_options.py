"""Options are checked when the inventory is read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.opennebula import POOL
from vmdirac_py.clouds.opennebula import LISTS_AT_MOST, problems, warnings
from vmdirac_py.clouds.registry import problems_of
from vmdirac_py.model.inventory import Endpoint

SOUND = {"url": "https://one.example.org:2633/RPC2", "session": "file:/etc/vmdirac/one_auth"}


def endpoint(**options: object) -> Endpoint:
    """Return an endpoint with these options beside sound ones."""
    return Endpoint("one", "opennebula", "site", options={**SOUND, **options})


def test_sound_options_have_no_problems_and_no_warnings() -> None:
    """A URL and a reference are all it needs; its listings need no limit."""
    assert problems(endpoint(), [POOL]) == []
    assert problems_of(endpoint(), [POOL]) == []
    assert warnings(endpoint()) == []
    assert LISTS_AT_MOST >= 1500


@pytest.mark.parametrize(
    "url", ["one.example.org:2633", "ftp://one.example.org", "https:///RPC2", "https://jane:pw@one.example.org/RPC2"]
)
def test_a_url_is_complete_and_holds_no_login(url: str) -> None:
    """Another scheme, no host or a login in the URL is a problem that names the key and shows no value."""
    (told,) = problems(endpoint(url=url), [])
    assert told.startswith("endpoint_options.url: ")
    assert "jane" not in told


def test_a_session_in_plain_text_is_refused() -> None:
    """The session is a reference; what may be a password is not repeated in the problem."""
    (told,) = problems(endpoint(session="oneadmin:hunter2"), [])
    assert told.startswith("endpoint_options.session: ")
    assert "hunter2" not in told


def test_unknown_keys_are_named_with_the_closest() -> None:
    """A key that is not known names the one that was meant, of endpoints and of pools."""
    told = problems(endpoint(ca_flie="x"), [replace(POOL, options={"resiez": True})])
    assert any("endpoint_options.ca_flie" in one and "'ca_file'" in one for one in told)
    assert any("pool pool-1, pool_options.resiez" in one and "'resize'" in one for one in told)


def test_what_is_unwise_is_warned_of() -> None:
    """No verification, and a session in clear text over a network, earn a warning each; loopback does not."""
    assert "not verified" in warnings(endpoint(insecure_skip_tls_verify=True))[0]
    assert "clear text" in warnings(endpoint(url="http://one.example.org:2633/RPC2"))[0]
    assert warnings(endpoint(url="http://127.0.0.1:2633/RPC2")) == []
    assert warnings(endpoint(url="http://localhost:2633/RPC2")) == []
