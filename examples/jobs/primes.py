#!/usr/bin/env python3
"""Count the primes below a number, on as many cores as the job was given."""

from __future__ import annotations

import json
import os
import sys
from math import isqrt
from multiprocessing import Pool
from pathlib import Path


def count(span: tuple[int, int]) -> int:
    """Count the primes in a span by trial division."""
    return sum(
        all(number % divisor for divisor in range(2, isqrt(number) + 1)) for number in range(max(2, span[0]), span[1])
    )


def main() -> None:
    """Share the numbers out in many small spans, because large numbers take longer."""
    below = int(sys.argv[1])
    cores = int(os.environ.get("DIRAC_PROCESSORS", "1"))
    step = max(1, below // 100)
    spans = [(start, min(start + step, below)) for start in range(0, below, step)]
    with Pool(cores) as pool:
        primes = sum(pool.imap_unordered(count, spans))
    Path("primes.json").write_text(json.dumps({"below": below, "primes": primes, "cores": cores}) + "\n")
    sys.stdout.write(f"{primes} primes below {below}, counted on {cores} cores\n")


if __name__ == "__main__":
    main()
