"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is slow, not wrong: no example is failed for the time it took.
settings.register_profile("vmdirac", deadline=None)
settings.load_profile("vmdirac")
