"""What the bed gives to those who use it."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where jobs of a VO may run: a site, its computing element, and a queue of it."""

    site: str
    ce: str
    queue: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as JobMonitoring knows it."""

    status: str
    minor: str
    application: str
    site: str


class Pilot(msgspec.Struct, frozen=True, kw_only=True):
    """A pilot as PilotManager knows it."""

    stamp: str
    status: str
    vo: str
    queue: str
    site: str
