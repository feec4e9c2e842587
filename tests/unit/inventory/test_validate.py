from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from vmdirac_py.inventory.api import Problem
from vmdirac_py.inventory.keys import KEYS
from vmdirac_py.inventory.raw import Entity, Origin, Owner, Raw, Setting, from_document, to_document
from vmdirac_py.inventory.validate import validate
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo

TEXT = st.text("aé{ -", max_size=4)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ORIGINS = st.builds(Origin, st.sampled_from(["a.yml", "b.yml", ""]), st.integers(0, 9))
GROUPS = ("all", "endpoint_a", "endpoint_b", "vo_a", "vo_b", "other")
GOOD_VALUES = {
    "endpoint_kind": "local",
    "endpoint_site": "S",
    "pool_flavor": "f",
    "pool_image": "i",
    "pool_cores": 2,
    "pool_ram_mb": 1000,
    "pool_min_vms": 0,
    "vo_groups": ["g"],
}


@st.composite
def entities(draw: st.DrawFn, names: st.SearchStrategy[str], prefixes: tuple[str, ...]) -> Entity:
    """Draw an entity whose values are partly sensible and partly anything."""
    keys = [key for key in KEYS if key.startswith(prefixes)]
    good = {key: value for key, value in GOOD_VALUES.items() if key in keys and draw(st.integers(0, 9))}
    odd = draw(st.dictionaries(st.sampled_from(keys), ANYTHING, max_size=2))
    values = good | odd
    origins = draw(st.dictionaries(st.sampled_from([*values, "pool_cores", "x"]), ORIGINS, max_size=3))
    groups = draw(st.lists(st.sampled_from(GROUPS), unique=True))
    return Entity(draw(names), draw(ORIGINS), tuple(groups), values, origins)


RAWS = st.builds(
    Raw,
    groups=st.lists(entities(st.sampled_from(GROUPS), ("endpoint_", "vo_")), max_size=6).map(tuple),
    hosts=st.lists(entities(st.sampled_from(["p", "q", "a b", ""]), ("pool_",)), max_size=4).map(tuple),
    settings=st.lists(
        st.builds(
            Setting, st.sampled_from(Owner), st.sampled_from(GROUPS), st.sampled_from([*KEYS, "pool_", "mine"]), ORIGINS
        ),
        max_size=4,
    ).map(tuple),
    problems=st.lists(st.builds(Problem, st.just("a.yml"), st.just(1), st.just("k"), st.just("w")), max_size=1).map(
        tuple
    ),
)


@given(RAWS)
def test_inventory_or_problems(raw: Raw) -> None:
    """Whatever was read, the answer is an inventory or at least one problem, and never an exception."""
    result = validate(raw, fingerprint="f")
    if isinstance(result, Inventory):
        assert result.pools
        assert not raw.problems
    else:
        assert result
        assert len(set(result)) == len(result)


@given(RAWS)
def test_what_passes_is_sound(raw: Raw) -> None:
    """A pool that passes stands on a known endpoint and VO, with at least one core."""
    result = validate(raw, fingerprint="f")
    for pool in result.pools.values() if isinstance(result, Inventory) else ():
        assert pool.resources.cores >= 1
        assert pool.endpoint in result.endpoints
        assert pool.vo in result.vos
        assert pool.boot_seconds <= pool.boot_deadline < pool.max_life


def sensible(values: Mapping[str, Any]) -> Raw:
    """Return one good pool with these values set on top."""
    return Raw(
        groups=(
            Entity("endpoint_a", Origin(), (), {"endpoint_kind": "local", "endpoint_site": "S"}),
            Entity("vo_a", Origin()),
        ),
        hosts=(
            Entity(
                "p",
                Origin(),
                ("endpoint_a", "vo_a"),
                {"pool_flavor": "f", "pool_image": "i", "pool_cores": 2} | dict(values),
            ),
        ),
    )


@given(st.integers(-5, 5000))
def test_cores_within_bounds(cores: int) -> None:
    """Cores pass exactly when they are between 1 and 4096."""
    result = validate(sensible({"pool_cores": cores}), fingerprint="f")
    assert isinstance(result, Inventory) == (1 <= cores <= 4096)


@given(ANYTHING)
def test_values_of_options_arrive_unchanged(value: Any) -> None:
    """What a driver's options hold arrives as written."""
    result = validate(sensible({"pool_options": {"thing": value}}), fingerprint="f")
    if isinstance(result, Inventory):
        assert result.pools["p"].options == {"thing": value} or value != value  # noqa: PLR0124 - NaN


@given(RAWS)
def test_raw_survives_the_way_to_the_parent(raw: Raw) -> None:
    """A raw inventory read back from its document is the same."""
    assert from_document(to_document(raw)) == raw or "nan" in repr(raw)


def test_every_field_of_the_model_has_its_key() -> None:
    """No field of an endpoint, VO or pool is left without a key, but those that follow from group and host."""
    derived = {"pool_name", "pool_endpoint", "pool_vo", "pool_site", "pool_resources"}
    wanted = {
        f"{thing}_{field.name}"
        for thing, model in (("endpoint", Endpoint), ("vo", Vo), ("pool", Pool))
        for field in fields(model)
    }
    sizes = {"pool_cores", "pool_ram_mb", "pool_gpus", "pool_disk_gb"}
    assert set(KEYS) == (wanted - derived) | sizes


def test_defaults_are_the_models() -> None:
    """A key that is not set leaves the model's default."""
    result = validate(sensible({}), fingerprint="f")
    assert isinstance(result, Inventory)
    assert result.pools["p"].boot_deadline == KEYS["pool_boot_deadline"].default == 1800.0
