"""The worker's log: one line on stderr for each thing that happens, in UTC."""

import sys
import time


def say(text: str) -> None:
    """Write one line; line breaks in `text` are folded, so that a line stays a line."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stderr.write(f"{at} {' '.join(text.split())}\n")
    sys.stderr.flush()
