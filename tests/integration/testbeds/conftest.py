"""A real OpenStack."""

from __future__ import annotations

from tests.testbeds.openstack.fixtures import openstack_bed

__all__ = ["openstack_bed"]
