"""A bed's life: up, shared, down, wiped; one process at a time, and whatever a killed one left is cleared first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from . import ports, processes, sharing
from .environment import Environment
from .errors import Cannot
from .machine import Needs
from .memory import Status, rows
from .places import Places, Say, lock_of, locked, read

LONGEST_SOCKET = 107
"""Bytes of a unix socket's path: unix(7)."""


class Bed(Protocol):
    """A bed that is up, as a value."""

    @property
    def recipe(self) -> str:
        """What it was made of."""


BedT = TypeVar("BedT", bound=Bed)
PlacesT = TypeVar("PlacesT", bound=Places)


@dataclass(frozen=True, slots=True)
class Life(Generic[BedT, PlacesT]):
    """How beds of one kind live."""

    bed: type[BedT]
    places: Callable[[Path], PlacesT]
    cache: Callable[[], Path]
    shared_name: str
    """Folder, in the cache, of the bed that tests share."""
    needs: Needs
    environment: Callable[[], Environment]
    word: Callable[[], str]
    """What a bed of this checkout is made of."""
    programs: Sequence[str]
    stores: Sequence[str]
    """Those of the programs that the others need to end in order: Nova waits long for a RabbitMQ that is gone."""
    servers: Sequence[str]
    """What listens, each on a port."""
    raising: Callable[[PlacesT, Path, Mapping[str, int], bool, Say], BedT]
    """Starts and fills it: places, environment, ports, whether nothing is kept from an earlier time."""
    apis: Callable[[BedT], Mapping[str, bool]]
    """What of it is asked by HTTP, and whether it answers."""

    def home(self) -> Path:
        """Return where the bed lies that tests share."""
        return self.cache() / self.shared_name

    def bring_up(self, home: Path | None, say: Say) -> BedT:
        """Return a bed that is up, brought up first where it is not; None: the bed that tests share.

        Raises:
            Cannot: this machine lacks something, and what.
            Broke: it has all it needs, and something failed; what had been started was stopped again.
        """
        places = self.places(home or self.home())
        with locked(lock_of(places.home), say):
            return self._up_already(places, say) or self._raised(places, _timed(say))

    def shared(self, say: Say) -> BedT:
        """Return the bed that tests share, up; this process is one of its users until it ends.

        Raises:
            Cannot: the machine cannot, and why; it is found out once.
            Broke: something failed.
        """
        return self.sharing(self.places(self.home())).get(say)

    def sharing(self, places: PlacesT) -> sharing.Shared[BedT]:
        """Return how a bed is shared."""
        return sharing.Shared(places, self.bring_up, lambda: self._stop(places))

    def take_down(self, home: Path | None, say: Say, *, forget: bool = False) -> None:
        """Stop every process of a bed, and forget all it holds if so told; a bed that is down already is fine."""
        places = self.places(home or self.home())
        with locked(lock_of(places.home), say):
            self._stop(places)
            places.held.unlink(missing_ok=True)
            if forget:
                places.remove()

    def prepared(self, say: Say) -> Path:
        """Return the servers' environment, on a machine that has all a bed needs; whatever is missing is installed.

        Raises:
            Cannot: something is missing still, and what.
        """
        self.cache().mkdir(parents=True, exist_ok=True, mode=0o700)
        self.needs.prepare(self.cache(), say)
        return self.environment().made(say)

    def status(self, home: Path) -> Status:
        """Look at a bed, changing nothing."""
        places, programs = self.places(home), rows(home, self.programs)
        bed = read(places.bed, self.bed)
        apis = self.apis(bed) if bed else {}
        up = bed is not None and all(apis.values()) and all(row.pids for row in programs)
        return Status(home=home, up=up, programs=programs, apis=apis, users=sorted(sharing.users(places)))

    def _up_already(self, places: PlacesT, say: Say) -> BedT | None:
        bed = None if set(self.programs) - processes.running(places.home) else read(places.bed, self.bed)
        if bed is None or not all(self.apis(bed).values()):
            return None
        if bed.recipe != self.word():
            # others may use it: it is not theirs to lose
            say("this bed was made by another version of this tool; `wipe` and `up` renew it")
        return bed

    def _raised(self, places: PlacesT, say: Say) -> BedT:
        if len(str(places.socket)) > LONGEST_SOCKET:
            raise Cannot("this path is too long for a socket", where=str(places.socket), mend="choose a shorter home")
        places.check()
        venv = self.prepared(say)
        if processes.living(places.home):
            say("stopping what an earlier run left")
            self._stop(places)
        fresh = places.cleared(self.word())
        places.make()
        say("starting from nothing" if fresh else "starting again")
        try:
            bed = self.raising(places, venv, ports.free(self.servers), fresh, say)
        except BaseException:
            self._stop(places)
            raise
        say(f"up: {places.home}")
        return bed

    def _stop(self, places: PlacesT) -> None:
        places.bed.unlink(missing_ok=True)
        processes.stop(places.home, set(self.programs) - set(self.stores))
        processes.stop(places.home)


def _timed(say: Say) -> Say:
    begun = time.monotonic()
    return lambda words: say(f"[{time.monotonic() - begun:6.1f} s] {words}")
