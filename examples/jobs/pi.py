#!/usr/bin/env python3
"""Estimate pi by throwing darts, for a while, on one core."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path


def main() -> None:
    """Throw until the time is up, write pi.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    darts = random.Random(given.seed)  # noqa: S311 - darts, not keys
    thrown = hits = 0
    until = time.monotonic() + given.seconds
    while time.monotonic() < until:
        hits += sum(darts.random() ** 2 + darts.random() ** 2 <= 1 for _ in range(10_000))
        thrown += 10_000
    result = {"pi": 4 * hits / thrown, "darts": thrown, "seed": given.seed}
    Path("pi.json").write_text(json.dumps(result) + "\n")
    sys.stdout.write(f"{thrown} darts: pi is about {result['pi']:.5f}\n")


if __name__ == "__main__":
    main()
