"""`python -m tests.docs [--write]`: whether the pages say what is; `--write` makes tables and schemas anew."""

from __future__ import annotations

import argparse
import sys

from . import commands, links, modules, named, schemas, tables

CHECKS = (tables, schemas, links, named, commands, modules)


def main() -> None:
    """Check, and end with 1 when something is wrong."""
    line = argparse.ArgumentParser(prog="python -m tests.docs", description=__doc__)
    line.add_argument("--write", action="store_true", help="make tables and schemas anew first")
    if line.parse_args().write:
        tables.write()
        schemas.write()
    found = [problem for check in CHECKS for problem in check.problems()]
    sys.stdout.write("".join(f"{problem}\n" for problem in found) or "the pages say what is\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
