"""How long to wait before trying again."""

import random

_DICE = random.SystemRandom()


def jittered(seconds: float, spread: float = 0.1) -> float:
    """Return `seconds` give or take `spread`, so that many VMs do not knock in step."""
    return seconds * _DICE.uniform(1 - spread, 1 + spread)


class Backoff:
    """Doubling waits from `first` to `cap` seconds, with up to half taken off by chance."""

    def __init__(self, first: float = 1.0, cap: float = 30.0) -> None:
        self._first, self._cap = first, cap
        self._next = first

    def wait(self) -> float:
        """Return the seconds to wait now, and grow."""
        now = self._next
        self._next = min(self._cap, now * 2)
        return now * _DICE.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start small again."""
        self._next = self._first
