from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.inventory.api import Problem
from vmdirac_py.inventory.bundle import roles_archive
from vmdirac_py.inventory.contexts import NO_PLACE, merged, missing, problems, revision
from vmdirac_py.inventory.load import load
from vmdirac_py.inventory.roles import Option
from vmdirac_py.ledger.codec import decode, encode
from vmdirac_py.model.inventory import Inventory

REPOSITORIES = Option("list", required=True, elements="str")
PROXY_KIND = Option("str", choices=("squid", "direct"))
USER = {"name": Option("str", required=True), "uid": Option("int")}
CVMFS = {
    "repositories": REPOSITORIES,
    "kind": PROXY_KIND,
    "quota_mb": Option("int"),
    "users": Option("list", elements="dict", options=USER),
    "licence": Option("str", secret=True),
    "parameters": Option("dict"),
}
ROLES = {"cvmfs": CVMFS, "worker": {"python": Option("path")}}

SCALARS = st.integers(0, 3) | st.text("ab", max_size=1)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3, unique_by=repr) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=6,
)
CONTEXTS = st.dictionaries(st.sampled_from(["cvmfs", "worker"]), st.dictionaries(st.sampled_from("abc"), TREES))


def told(options: Any) -> list[tuple[str, str, str]]:
    """Return what is wrong with these options of role cvmfs."""
    return list(problems("vo_context", {"cvmfs": options}, ROLES))


def test_later_contexts_add_to_earlier_ones() -> None:
    """Mappings are merged, lists appended without repeats, and of two scalars the later holds."""
    endpoint = {"cvmfs": {"proxy": "squid.example.org", "repositories": ["a", "b"], "quota_mb": 4000}}
    vo = {"cvmfs": {"repositories": ["b", "c"]}, "profile": {"packages": ["gcc"]}}
    pool = {"cvmfs": {"quota_mb": 9000}}
    assert merged(endpoint, vo, pool) == {
        "cvmfs": {"proxy": "squid.example.org", "repositories": ["a", "b", "c"], "quota_mb": 9000},
        "profile": {"packages": ["gcc"]},
    }


@given(CONTEXTS)
def test_nothing_is_added_by_itself(context: dict[str, dict[str, Any]]) -> None:
    """A context merged with itself, or with none, is what it was."""
    assert merged(context, context) == merged(context) == merged({}, context, {}) == context


@given(CONTEXTS, CONTEXTS, CONTEXTS)
def test_order_counts_and_grouping_does_not(a: Any, b: Any, c: Any) -> None:
    """Roles and options of all contexts are there, in the order in which they came."""
    whole = merged(a, b, c)
    assert list(whole) == list(dict.fromkeys([*a, *b, *c]))
    for role, options in whole.items():
        names = [*a.get(role, {}), *b.get(role, {}), *c.get(role, {})]
        assert list(options) == list(dict.fromkeys(names))


def test_a_sound_context_passes() -> None:
    """Values of the types that the role's argument specs name are taken."""
    sound = {"repositories": ["x"], "kind": "squid", "quota_mb": 10, "users": [{"name": "u", "uid": 7}]}
    assert told(sound) == []


@pytest.mark.parametrize(
    ("options", "key", "what", "mend"),
    [
        ({"repositorys": []}, "repositorys", "unknown option", "did you mean repositories?"),
        ({"repositories": "x"}, "repositories", "wants a list, has text 'x'", "write a list"),
        ({"repositories": [1.5]}, "repositories.0", "wants text, has 1.5", "put it in quotes"),
        ({"kind": "sqid"}, "kind", "must be one of squid, direct, not text 'sqid'", "did you mean squid?"),
        ({"quota_mb": True}, "quota_mb", "wants a whole number, has True", "write a whole number"),
        ({"quota_mb": "10"}, "quota_mb", "wants a whole number, has text '10'", "write a whole number"),
        ({"users": [{"uid": 7}]}, "users.0", "lacks name", "add it"),
        ({"users": [{"name": "u", "gid": 7}]}, "users.0.gid", "unknown option", "did you mean uid?"),
        ({"licence": "x"}, "licence", NO_PLACE, "leave it out"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(options: Any, key: str, what: str, mend: str) -> None:
    """The complaint names the very place, what is wanted, and the closest there is."""
    assert told(options) == [(f"vo_context.cvmfs.{key}", what, mend)]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"parameters": {"CVMFS_TOKEN": "abc"}}, "parameters.CVMFS_TOKEN"),
        ({"parameters": {"A": {"db_password": "abc"}}}, "parameters.A.db_password"),
        ({"parameters": {"A": "env:SECRET"}}, "parameters.A"),
        ({"repositories": ["vault:$ANSIBLE_VAULT;1.1;AES256"]}, "repositories.0"),
        ({"users": [{"name": "https://me:pass@mirror.example.org/"}]}, "users.0.name"),
    ],
)
def test_no_secret_hides_in_a_value(options: Any, key: str) -> None:
    """Under a secret's name in the user's own mapping, as a reference nobody resolves, or in an address: refused."""
    assert told(options) == [(f"vo_context.cvmfs.{key}", NO_PLACE, "leave it out")]


def test_an_unknown_role_is_named() -> None:
    """A role that does not exist is refused, and the closest is named."""
    assert list(problems("pool_context", {"cvmsf": {}}, ROLES)) == [
        ("pool_context.cvmsf", "there is no role cvmsf", "did you mean cvmfs?")
    ]


def test_what_a_role_must_have_may_come_from_anywhere() -> None:
    """Only the merged context is asked for what a role requires."""
    assert list(missing({"cvmfs": {"repositories": ["x"]}, "worker": {}}, ROLES)) == []
    assert [key for key, *_ in missing({"cvmfs": {"quota_mb": 1}}, ROLES)] == ["pool_context.cvmfs"]


PYTHON = "{worker: {python: /usr/bin/python3.11}}"


def test_a_context_is_merged_and_kept(tree: Callable[..., Any]) -> None:
    """Endpoint, VO and pool add up to the pool's context, and a stored revision keeps it."""
    inventory = load(
        tree(
            {
                "group_vars/all.yml": f"pool_image: d\npool_flavor: m\npool_context: {PYTHON}\n",
                "host_vars/big.yml": "pool_cores: 8\npool_context: {}\n",
                "group_vars/vo_beta.yml": "vo_groups: [b]\nvo_context: {worker: }\n",
            }
        )
    )
    assert inventory.pools["small"].context == {"worker": {"python": "/usr/bin/python3.11"}}
    assert inventory.pools["big"].context == {"worker": {}}
    assert decode(Inventory, encode(inventory)) == inventory


def test_a_mistake_has_its_file_and_line(problems: Callable[..., list[Problem]]) -> None:
    """An unknown option is complained about where it stands, once, however many pools share it."""
    found = problems({"group_vars/vo_alpha.yml": "vo_groups: [alpha_user]\nvo_context:\n  worker:\n    pyhton: x\n"})
    assert found == [
        Problem("group_vars/vo_alpha.yml", 4, "vo_context.worker.pyhton", "unknown option", "did you mean python?")
    ]


def test_the_shape_is_checked_first(problems: Callable[..., list[Problem]]) -> None:
    """A list where options belong is refused with the role's name."""
    (found,) = problems({"host_vars/big.yml": "pool_cores: 8\npool_context: {worker: [x]}\n"})
    assert (found.file, found.key) == ("host_vars/big.yml", "pool_context")
    assert "role text 'worker'" in found.what


def test_the_revision_follows_context_and_roles() -> None:
    """The same context and roles have the same name; another of either has another; no context has none."""
    context = {"worker": {"python": "/p"}, "cvmfs": {}}
    assert revision(context, "a") == revision(dict(reversed(context.items())), "a")
    assert len({revision(context, "a"), revision(context, "b"), revision({"cvmfs": {}}, "a")}) == 3
    assert revision({}, "a") == ""


def test_a_pool_has_the_revision_of_its_context(tree: Callable[..., Any]) -> None:
    """A name of its own comes before it and hides no change; a pool without context has the name alone."""
    inventory = load(
        tree(
            {
                "group_vars/vo_alpha.yml": f"vo_groups: [a]\nvo_context: {PYTHON}\n",
                "host_vars/big.yml": "pool_cores: 8\npool_profile: mine\npool_context: {worker: }\n",
            }
        )
    )
    assert inventory.pools["big"].profile == f"mine-{revision(inventory.pools['big'].context, roles_archive()[0])}"
    assert inventory.pools["small"].profile == revision(inventory.pools["small"].context, roles_archive()[0])
    assert load(tree()).pools["small"].profile == ""


def test_a_web_server_needs_an_address(problems: Callable[..., list[Problem]]) -> None:
    """What is no web address is refused with its key."""
    text = "endpoint_kind: local\nendpoint_site: S\nendpoint_options: {state: x}\nendpoint_bundle_url: squid/static\n"
    (found,) = problems({"group_vars/endpoint_here.yml": text})
    assert (found.line, found.key) == (4, "endpoint_bundle_url")
