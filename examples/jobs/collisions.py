#!/usr/bin/env python3
"""Find numbers whose SHA-256 begins with given hexadecimal digits; one line of the input file per search."""

from __future__ import annotations

import json
import os
import sys
from hashlib import sha256
from itertools import count
from multiprocessing import Pool
from pathlib import Path


def search(prefix: str) -> tuple[str, int]:
    """Try one number after the other."""
    return prefix, next(number for number in count() if sha256(str(number).encode()).hexdigest().startswith(prefix))


def main() -> None:
    """Search for all prefixes of the file at once, write found.json."""
    prefixes = Path(sys.argv[1]).read_text().split()
    cores = int(os.environ.get("DIRAC_PROCESSORS", "1"))
    with Pool(cores) as pool:
        found = dict(pool.imap_unordered(search, prefixes))
    Path("found.json").write_text(json.dumps(found, indent=2) + "\n")
    for prefix, number in found.items():
        sys.stdout.write(f"sha256({number}) begins with {prefix}\n")


if __name__ == "__main__":
    main()
