"""Machines for clouds that only write instances down (moto, Nova's fake driver): each instance shown gets one.

An instance the cloud no longer shows is ended; one that powers itself off is shut off at the cloud.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

LOOK_SECONDS = 0.5


class HollowCloud(Protocol):
    """What is asked of a cloud, by an interface of its own and not by the driver under test."""

    def powered_on(self) -> Collection[str]:
        """Return the ids of the instances that run."""

    def user_data(self, instance: str) -> bytes:
        """Return what an instance was given."""

    def power_off(self, instance: str) -> None:
        """Do what a guest's own shutdown does."""


class Filling(ABC):
    """The machines behind one cloud's instances; at the end of its block nothing of them is left."""

    def __init__(self, cloud: HollowCloud) -> None:
        self._cloud = cloud
        self._machines: set[str] = set()
        self.seen: set[str] = set()
        """Every instance that was ever powered on."""
        self.powered_off: set[str] = set()
        """Those that ended by their own will."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="filling", daemon=True)
        self.errors: list[Exception] = []
        """What went wrong while following the cloud; the end of the block raises the first."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        for instance in list(self._machines):
            self._end(instance)
        if self.errors and error is None:
            raise self.errors[0]

    @abstractmethod
    def console(self, instance: str) -> Path:
        """Return the file that holds what a machine printed."""

    @abstractmethod
    def boot(self, instance: str, user_data: bytes) -> None:
        """Start the machine of an instance."""

    @abstractmethod
    def lives(self, instance: str) -> bool:
        """Tell whether a machine has not powered off."""

    @abstractmethod
    def end(self, instance: str) -> None:
        """End a machine at once, and see that nothing of it is left."""

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 -- the test's own thread tells it
                self.errors.append(error)

    def _look(self) -> None:
        shown = set(self._cloud.powered_on())
        for instance in sorted(shown - self.seen):
            self.seen.add(instance)
            self.boot(instance, self._cloud.user_data(instance))
            self._machines.add(instance)
        for instance in sorted(self._machines):
            if instance not in shown:
                self._end(instance)
            elif not self.lives(instance):
                self._end(instance)
                self.powered_off.add(instance)
                self._cloud.power_off(instance)

    def _end(self, instance: str) -> None:
        self._machines.discard(instance)
        self.end(instance)
