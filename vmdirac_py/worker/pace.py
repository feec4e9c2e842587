"""When the pilot asks for a job again, and whether it still should. Whoever uses these holds the pilot's lock."""

import time

from .log import say
from .policy import FIRST_WAIT, LONGEST_WAIT

_MOST_UNFIT = 3  # payloads in a row that this machine could not begin, until it gives up


class Pace:
    """Waits that grow with each question that brought nothing; `failed_matches`: in a row, answered by "nothing"."""

    def __init__(self) -> None:
        self.failed_matches = 0
        self._wait, self._longest, self._due = FIRST_WAIT, LONGEST_WAIT, 0.0

    @property
    def pause(self) -> float:
        """Seconds until the next question, 0 or below: now."""
        return self._due - time.monotonic()

    def limit(self, seconds: float) -> None:
        """Wait no longer than this between two questions."""
        self._longest = min(LONGEST_WAIT, seconds)

    def at_once(self) -> None:
        """Ask again now."""
        self._due, self._wait = 0.0, FIRST_WAIT

    def later(self) -> None:
        """Ask again after a wait, and a longer one the next time."""
        self._due = time.monotonic() + min(self._wait, self._longest)
        self._wait = min(LONGEST_WAIT, self._wait * 2)

    def matched(self) -> None:
        """Begin with short waits again: there are jobs for this VM."""
        self.failed_matches, self._wait = 0, FIRST_WAIT

    def unmatched(self) -> None:
        """Count one more answer that was "nothing", and wait."""
        self.failed_matches += 1
        self.later()


class Fitness:
    """Whether this machine can begin payloads; `broken` says why it no more can."""

    def __init__(self) -> None:
        self.broken = ""
        self._in_a_row = 0

    def note(self, unfit: str) -> None:
        """Note why a payload could not begin, empty: it ran; some in a row are enough: others have better machines."""
        self._in_a_row = self._in_a_row + 1 if unfit else 0
        if self._in_a_row >= _MOST_UNFIT:
            self.give_up(f"{self._in_a_row} payloads in a row could not begin: {unfit}")

    def give_up(self, why: str) -> None:
        """Begin no payload any more."""
        self.broken = why
        say(why)
