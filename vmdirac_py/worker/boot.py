"""First steps on a fresh VM: fetch the worker, let it make the machine what its roles say, and start it.

The user data carries this file as it is. Standard library only, Python 3.9+. `VMDIRAC_ROOT` is a prefix for
all paths where the "VM" has no root file system of its own (the local cloud without namespaces).

`/etc/vmdirac/boot.json` says what to fetch and holds the worker's configuration. Where a machine cannot be made what it
should be, the worker is started all the same: it enrols, says why and leaves.
"""

import contextlib
import hashlib
import http.client
import importlib
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any, Dict, NamedTuple

SETTINGS, CONFIG = "/etc/vmdirac/boot.json", "/etc/vmdirac/worker.json"
ADDRESS = "/run/vmdirac-address"
WORK = "/var/lib/vmdirac"
WORKER = f"{WORK}/worker.pyz"
UNIT = "vmdirac-worker.service"
SYSTEMD = "/run/systemd/system"
_GONE = 'case "$$SERVICE_RESULT $$EXIT_CODE" in "success exited") exec systemctl --no-block poweroff ;; esac'
# How a worker is kept and what its end means, as in the roles' own unit. Its OOMPolicy follows from Delegate; an older
# systemd-run would refuse the word.
KEPT = (
    "StartLimitIntervalSec=600",
    "StartLimitBurst=5",
    "StartLimitAction=poweroff",
    f"ExecStopPost=/bin/sh -c '{_GONE}'",
    "Restart=on-failure",
    "RestartSec=10",
    "SuccessExitStatus=2 3 4",
    "KillMode=mixed",
    "TimeoutStopSec=60",
    "Delegate=yes",
    "TasksMax=infinity",
    "UMask=0077",
)
ALONE = ("systemd-run", "--quiet", "--unit=vmdirac-alone.service", *(f"--property={line}" for line in KEPT))
# Time for a person to look at it.
POWER_OFF = ("systemd-run", "--quiet", "--unit=vmdirac-off", "--on-active=5min", "systemctl", "poweroff")
LARGEST = 50_000_000  # bytes of a file that is fetched
LONGEST_REASON = 400  # characters
PAUSES = (0.5, 30.0)  # seconds between two tries: the first, and the longest


class Source(NamedTuple):
    """Where files are, each under its hash; the authority (PEM) of an https server, "" for those the system trusts."""

    url: str
    ca: str
    bind_address: str

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it, not opened yet."""
        url = urllib.parse.urlsplit(self.url)
        host, source = url.hostname or "", (self.bind_address, 0) if self.bind_address else None
        if url.scheme == "http":
            return http.client.HTTPConnection(host, url.port, timeout=20, source_address=source)
        trusted = ssl.create_default_context(cadata=self.ca or None)
        return http.client.HTTPSConnection(host, url.port, timeout=20, context=trusted, source_address=source)

    def fetch(self, sha256: str) -> bytes:
        """Return a file's bytes, or raise when the server cannot be reached or sends something else."""
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", f"{urllib.parse.urlsplit(self.url).path.rstrip('/')}/{sha256}")
            answer = connection.getresponse()
            return checked(answer.status, answer.read(LARGEST), sha256)


def checked(status: int, body: bytes, sha256: str) -> bytes:
    """Return the body if it is what was promised, or raise OSError."""
    if status != http.client.OK:
        raise OSError(f"the server answered {status}")
    if hashlib.sha256(body).hexdigest() != sha256:
        raise OSError("the file does not have the promised checksum")
    return body


class Boot:
    """The steps, and until when they may take.

    Args:
        settings: what `boot.json` says.
        root: the prefix of all paths.
    """

    def __init__(self, settings: Dict[str, Any], root: str) -> None:
        self._settings, self._root = settings, root
        self._until: float = time.monotonic() + settings["seconds"]
        self._config = self._placed(settings["worker"])
        own, bind = settings["bundle_url"], self._config["bind_address"]
        manager = Source(f"{self._config['manager']}/static", self._config["ca"], bind)
        self._source = Source(own, "", bind) if own else manager

    def path(self, path: str) -> Path:
        """Return where a path lies."""
        return Path(self._root + path)

    @property
    def seconds_left(self) -> float:
        """How long it may still take."""
        return self._until - time.monotonic()

    def _placed(self, config: Dict[str, Any]) -> Dict[str, Any]:
        found = self.path(ADDRESS)
        address = found.read_text().strip() if found.exists() else config["bind_address"]
        file = self._root + config["instance_id_file"]
        return {**config, "work_dir": self._root + WORK, "instance_id_file": file, "bind_address": address}

    def run(self) -> None:
        """Go from the user data to a worker. Raises OSError when it cannot even be fetched."""
        self.write(WORKER, self.fetch(self._settings["sha256"]), 0o700)
        if self._settings["roles_sha256"]:
            self._config["failed"] = self._contextualise()
        self._start()

    def _contextualise(self) -> str:
        """Apply the roles; return why that failed, if it did."""
        sys.path.insert(0, str(self.path(WORKER)))
        try:
            importlib.import_module("vmdirac_worker.contextualise").apply(self, self._settings["roles_sha256"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the manager shall hear of it
            reason = f"contextualisation: {error}"[:LONGEST_REASON]
            say(reason)
            return reason
        return ""

    def fetch(self, sha256: str) -> bytes:
        """Fetch with growing pauses until it works or time is up."""
        pause, longest = PAUSES
        while True:
            try:
                return self._source.fetch(sha256)
            except (OSError, http.client.HTTPException) as error:
                say(f"{self._source.url}/{sha256}: {error}")
                if self.seconds_left < pause:
                    raise
            time.sleep(pause)
            pause = min(longest, pause * 2)

    def write(self, path: str, data: bytes, mode: int) -> None:
        """Write a file that was never readable by others."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(str(target), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

    def _start(self) -> None:
        """Start the service that the roles set up, else one for this boot alone; without systemd become it."""
        service = systemd_runs(self._root)
        if service and self._settings["roles_sha256"] and not self._config["failed"]:
            self._leave(CONFIG)
            subprocess.run(["systemctl", "start", UNIT], check=True)
            return
        file = self._leave(f"{WORK}/worker.json")
        worker = [sys.executable, "-I", str(self.path(WORKER)), str(file)]
        if service:
            subprocess.run([*ALONE, *worker], check=True)
        else:
            os.execv(sys.executable, worker)  # noqa: S606 - no shell is wanted

    def _leave(self, path: str) -> Path:
        """Hand the configuration over to the worker: there shall be one copy of the token."""
        self.write(path, json.dumps(self._config).encode(), 0o600)
        self.path(SETTINGS).unlink()
        return self.path(path)


def say(text: str) -> None:
    """Tell whoever reads the console."""
    sys.stderr.write(f"vmdirac-boot: {text}\n")


def systemd_runs(root: str) -> bool:
    """Tell whether there is a systemd that is this machine's own."""
    return not root and Path(SYSTEMD).exists()


def main() -> None:
    """Boot; a machine that gets no worker is powered off, after a while."""
    root = os.environ.get("VMDIRAC_ROOT", "")
    try:
        Boot(json.loads(Path(root + SETTINGS).read_text()), root).run()
    except Exception as error:
        say(f"no worker runs here: {error}")
        if systemd_runs(root):
            say("this machine powers off in 5 minutes (systemctl stop vmdirac-off.timer, and it stays on)")
            subprocess.run(POWER_OFF, check=False)
        raise


if __name__ == "__main__":
    main()
