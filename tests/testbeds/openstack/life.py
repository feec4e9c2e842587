"""A bed's life: up, down, wiped; one process at a time, and whatever a killed one left is cleared first."""

from __future__ import annotations

import time
from pathlib import Path

from tests.testbeds.common import ports, processes
from tests.testbeds.common.errors import Cannot
from tests.testbeds.common.places import Say, lock_of, locked

from . import machine, secret_files
from .bed import Bed, read
from .client import answers
from .environment import environment
from .places import Places, cache, default_home
from .programs import NAMES, SERVERS, STORES
from .raising import Raising
from .recipe import word

LONGEST_SOCKET = 107
"""Bytes of a unix socket's path: unix(7)."""


def bring_up(home: Path | None, say: Say) -> Bed:
    """Return a bed that is up, brought up first where it is not; None: the bed that tests share.

    Raises:
        Cannot: this machine lacks something, and what.
        Broke: it has all it needs, and something failed; what had been started was stopped again.
    """
    places = Places(home or default_home())
    with locked(lock_of(places.home), say):
        return up_already(places, say) or _raised(places, _timed(say))


def take_down(home: Path | None, say: Say, *, forget: bool = False) -> None:
    """Stop every process of a bed, and forget all it holds if so told; a bed that is down already is fine."""
    places = Places(home or default_home())
    with locked(lock_of(places.home), say):
        stop(places)
        places.held.unlink(missing_ok=True)
        if forget:
            places.remove()


def prepared(say: Say) -> Path:
    """Return OpenStack's environment, on a machine that has all a bed needs; whatever is missing is installed.

    Raises:
        Cannot: something is missing still, and what.
    """
    cache().mkdir(parents=True, exist_ok=True, mode=0o700)
    machine.NEEDS.prepare(cache(), say)
    return environment().made(say)


def up_already(places: Places, say: Say) -> Bed | None:
    """Return the bed if all of it runs and answers."""
    if not places.bed.exists() or set(NAMES) - processes.running(places.home):
        return None
    bed = read(places.bed.read_bytes())
    if bed is None or not all(answers(url) for url in bed.urls.values()):
        return None
    if bed.recipe != word():
        say("this bed was made by another version of this tool; `wipe` and `up` renew it")
    return bed


def _raised(places: Places, say: Say) -> Bed:
    if len(str(places.socket)) > LONGEST_SOCKET:
        raise Cannot("this path is too long for a socket", where=str(places.socket), mend="choose a shorter home")
    places.check()
    venv = prepared(say)
    if processes.living(places.home):
        say("stopping what an earlier run left")
        stop(places)
    fresh = places.cleared(word())
    places.make()
    say("starting from nothing" if fresh else "starting again")
    try:
        bed = Raising(places, venv, ports.free(SERVERS), secret_files.kept(places), fresh, say).run()
    except BaseException:
        stop(places)
        raise
    say(f"up: {bed.auth_url}")
    return bed


def stop(places: Places) -> None:
    """Stop every process of a bed; whoever calls holds its lock."""
    places.bed.unlink(missing_ok=True)
    # Nova's servers wait long for a RabbitMQ that is gone
    processes.stop(places.home, set(NAMES) - set(STORES))
    processes.stop(places.home)


def _timed(say: Say) -> Say:
    begun = time.monotonic()
    return lambda words: say(f"[{time.monotonic() - begun:6.1f} s] {words}")
