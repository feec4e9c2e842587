"""Values to JSON text and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from vmdirac_py.ledger.codec import decode, encode
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.job import JobSpec, Payload
from vmdirac_py.model.plan import Decision, Placement, Plan, PoolNote
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources

real = st.floats(allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | real | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
st.register_type_strategy(float, real)
options = st.dictionaries(st.text(), json_values, max_size=3)
params = st.dictionaries(st.text(min_size=1), st.text() | st.integers() | real | st.booleans(), max_size=3)
reasons = st.builds(lambda code, given: Reason(code, tuple(sorted(given.items()))), st.text(), params)
few_reasons = st.lists(reasons, max_size=2).map(tuple)
inventories = st.builds(
    Inventory,
    vos=st.dictionaries(st.text(), st.builds(Vo), max_size=2),
    endpoints=st.dictionaries(st.text(), st.builds(Endpoint, options=options), max_size=2),
    pools=st.dictionaries(st.text(), st.builds(Pool, options=options), max_size=2),
)
plans = st.builds(
    Plan,
    decisions=st.lists(st.builds(Decision, reason=reasons), max_size=2).map(tuple),
    placements=st.lists(st.builds(Placement, reasons=few_reasons), max_size=2).map(tuple),
    pools=st.lists(st.builds(PoolNote, reasons=few_reasons), max_size=2).map(tuple),
)
values = st.one_of(
    inventories, plans, reasons, st.builds(Resources), st.builds(Shape), st.builds(Payload), st.builds(JobSpec)
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_what_is_written_is_read(value: Any) -> None:
    """Every value comes back equal, of the same type, from plain text."""
    text = encode(value)
    assert text.isascii()
    assert decode(type(value), text) == value


@given(values)
def test_equal_values_give_equal_text(value: Any) -> None:
    """Text may serve as identity: writing what was read gives the same text."""
    assert encode(decode(type(value), encode(value))) == encode(value)


def test_text_of_an_older_or_newer_class_is_read() -> None:
    """A field that is missing takes its default, one that is unknown is dropped."""
    assert decode(Vo, '{"name":"vo","max_vms":3,"gone":{"x":1}}') == Vo("vo", max_vms=3)


def test_what_has_no_form_is_refused() -> None:
    """Neither sets nor other objects are written as something else."""
    with pytest.raises(TypeError):
        encode({"a": {1, 2}})


def test_tuples_of_fixed_length_keep_their_types() -> None:
    """Each place of a tuple is read by its own annotation."""
    text = encode(Pair(((Resources(1), "x"),)))
    assert json.loads(text) == {"items": [[{"cores": 1, "disk_gb": 0, "gpus": 0, "ram_mb": 0}, "x"]]}
    assert decode(Pair, text) == Pair(((Resources(1), "x"),))


class Pair(Struct, frozen=True):
    """A tuple of tuples of fixed length."""

    items: tuple[tuple[Resources, str], ...]
