"""First steps on a fresh VM: fetch the worker bundle, check it, become it.

The user data carries this file as it is. Standard library only, Python 3.9+. `VMDIRAC_ROOT` is a prefix for
all paths where the "VM" has no root file system of its own (the local cloud without namespaces).

Usage: vmdirac-boot BUNDLE_SHA256
"""

import hashlib
import http.client
import json
import os
import ssl
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any, Dict

CONFIG = "/etc/vmdirac/worker.json"
ADDRESS = "/run/vmdirac-address"
WORK = "/var/lib/vmdirac"
GIVE_UP = 1800.0  # seconds of trying to reach the manager


def fetch(config: Dict[str, Any], sha256: str) -> bytes:
    """Return the bundle's bytes, or raise when the manager cannot be reached or sends something else."""
    url = urllib.parse.urlsplit(config["manager"])
    context = ssl.create_default_context(cadata=config["ca"])
    source = (config["bind_address"], 0) if config["bind_address"] else None
    connection = http.client.HTTPSConnection(
        url.hostname or "", url.port, timeout=20, context=context, source_address=source
    )
    try:
        connection.request("GET", f"/static/{sha256}")
        answer = connection.getresponse()
        return checked(answer.status, answer.read(50_000_000), sha256)
    finally:
        connection.close()


def checked(status: int, body: bytes, sha256: str) -> bytes:
    """Return the body if it is what was promised, or raise OSError."""
    if status != http.client.OK:
        raise OSError(f"manager answered {status}")
    if hashlib.sha256(body).hexdigest() != sha256:
        raise OSError("bundle does not have the promised checksum")
    return body


def fetch_patiently(config: Dict[str, Any], sha256: str) -> bytes:
    """Fetch with growing pauses until it works or `GIVE_UP` seconds have passed."""
    pause, until = 0.5, time.monotonic() + GIVE_UP
    while True:
        try:
            return fetch(config, sha256)
        except (OSError, http.client.HTTPException) as error:
            sys.stderr.write(f"vmdirac-boot: {error}\n")
            if time.monotonic() > until:
                raise
            time.sleep(pause)
            pause = min(30.0, pause * 2)


def write(path: Path, data: bytes, mode: int) -> None:
    """Write a file that was never readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def main() -> None:
    """Read the configuration, fetch the bundle, and replace this process by the worker."""
    sha256 = sys.argv[1]
    root = os.environ.get("VMDIRAC_ROOT", "")
    config = json.loads(Path(root + CONFIG).read_text())
    if Path(root + ADDRESS).exists():
        config["bind_address"] = Path(root + ADDRESS).read_text().strip()
    config["work_dir"] = root + WORK
    config["instance_id_file"] = root + config["instance_id_file"]
    bundle, settings = Path(root + WORK, "worker.pyz"), Path(root + WORK, "worker.json")
    write(bundle, fetch_patiently(config, sha256), 0o700)
    write(settings, json.dumps(config).encode(), 0o600)
    Path(root + CONFIG).unlink()
    os.execv(sys.executable, [sys.executable, "-I", str(bundle), str(settings)])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
