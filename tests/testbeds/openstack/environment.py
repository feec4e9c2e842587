"""OpenStack's own Python environment."""

from __future__ import annotations

from pathlib import Path

from tests.testbeds.common.environment import Environment

from .places import cache

VERSIONS = Path(__file__).with_name("versions.txt")


def environment() -> Environment:
    """Return it, made or not."""
    return Environment(VERSIONS, cache(), "OpenStack")
