"""Looks at one thing that may hang, in a process of its own: `probe.py UID KIND ARGUMENT...`, run by `probing.py`.

Silence and exit code 0: it is well. Else a line on standard output says what is not. It imports nothing of this
package, because it is started from its source. With a UID it looks as that user (`-`: as it was started).

    files FOLDER                 FOLDER can be listed, is not empty, and what is in it can be read
    anchors FOLDER HOURS         FOLDER holds certificates, and lists of revoked ones not older than HOURS (0: any age)
    unreachable ADDRESS PORT     nothing there accepts a connection
"""

import os
import socket
import sys
import time
from pathlib import Path
from typing import Callable, Dict, Iterator

_LOOKED_AT = 200  # entries of a folder among which a file is searched for to be read
_CONNECT_SECONDS = 3.0


def files(folder: str) -> str:
    """Return what is wrong with a folder that should have something readable in it."""
    entries = sorted(Path(folder).iterdir())
    if not entries:
        return "is empty"
    first = next((path for path in entries[:_LOOKED_AT] if path.is_file() and path.stat().st_size), None)
    if first is not None:
        with first.open("rb") as file:
            file.read(1)
    return ""


def anchors(folder: str, hours: str) -> str:
    """Return what is wrong with a folder of certificate authorities.

    Who keeps it up to date writes all lists anew each time (fetch-crl each 6 hours, a publisher on CVMFS), so that the
    newest one tells whether anybody still does.
    """
    top = Path(folder)
    if not next(top.glob("*.0"), None) and not next(top.glob("*.pem"), None):
        return "holds no certificates"
    if not float(hours):
        return ""
    age = min(_ages(top), default=None)
    if age is None:
        return "holds no lists of revoked certificates"
    return f"has lists of revoked certificates that are {age:.0f} hours old" if age > float(hours) else ""


def unreachable(host: str, port: str) -> str:
    """Return what is wrong when something answers at an address (no name) that should be cut off."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as line:
        line.settimeout(_CONNECT_SECONDS)
        try:
            line.connect((host, int(port)))
        except OSError:
            return ""
    return f"answers to uid {os.geteuid()}"


def become(uid: int) -> None:
    """Give up root for good: here rather than at the start, since another user may not be able to run this Python."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def _ages(folder: Path) -> Iterator[float]:
    return ((time.time() - path.stat().st_mtime) / 3600 for path in folder.glob("*.r0"))


KINDS: Dict[str, Callable[..., str]] = {"files": files, "anchors": anchors, "unreachable": unreachable}


def main() -> int:
    """Look, and tell what is wrong."""
    _, uid, kind, *arguments = sys.argv
    if uid != "-":
        become(int(uid))
    try:
        wrong = KINDS[kind](*arguments)
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
    sys.stdout.write(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
