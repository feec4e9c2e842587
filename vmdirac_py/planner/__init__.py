"""Deciding: `step(snapshot, memory) -> (plan, memory)`. Pure; the only time is `snapshot.at`."""
