"""`python -m vmdirac_py.inventory.child PATH`: read an inventory with Ansible, write it to stdout as JSON.

A process of its own, because Ansible is 60 MB of global state, and because an encrypted value of Ansible shows its
plain text to whoever turns it into a string.
"""

from __future__ import annotations

import json
import os
import sys

from .raw import to_document
from .reader import read


def main(path: str) -> None:
    """Write the raw inventory of `path`; nothing else reaches stdout."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)  # Ansible and its plugins may print
        json.dump(to_document(read(path)), answer)


if __name__ == "__main__":
    main(sys.argv[1])
