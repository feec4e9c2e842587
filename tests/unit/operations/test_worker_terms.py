"""What a worker is told of its pool."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.context import make_pool
from vmdirac_py.operations.worker_terms import METADATA, notice_at


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("ec2", {"spot": True}, METADATA),
        ("ec2", {"spot": False}, ""),
        ("ec2", {}, ""),
        ("openstack", {"spot": True}, ""),
    ],
)
def test_spot_instances_look_for_their_end_in_their_metadata(kind: str, options: dict[str, Any], told: str) -> None:
    """No other VM asks its cloud's metadata whether it is taken back."""
    assert notice_at(make_pool("astro-8", "astro", options=options), kind) == told
