from __future__ import annotations

from vmdirac_py.worker.backoff import Backoff, jittered


def test_waits_double_up_to_the_cap() -> None:
    """Each wait lies between half and all of 1, 2, 4 ... and at most the cap; a reset starts again."""
    backoff = Backoff(1.0, 5.0)
    for whole in (1.0, 2.0, 4.0, 5.0, 5.0):
        assert whole / 2 <= backoff.wait() <= whole
    backoff.reset()
    assert backoff.wait() <= 1.0


def test_jitter_is_a_tenth() -> None:
    """A jittered period stays within ten per cent and is not always the same."""
    periods = {jittered(100.0) for _ in range(50)}
    assert all(90.0 <= period <= 110.0 for period in periods)
    assert len(periods) > 1
