"""Whether what payloads need still works: cheap probes in processes of their own, which may hang without harm.

A probe that hangs is killed and not waited for: a process that waits for a dead file system ends when that lets it,
and until then no other probe of the same thing is started.
"""

import contextlib
import subprocess
import threading
from typing import Any, Dict, List, Mapping, Optional

from .backoff import jittered

OK = "ok"
PERIOD, PATIENCE = 300.0, 20.0  # seconds between two rounds, and for one probe
_LONGEST = 200  # characters of what a probe says


class Probe:
    """One command that ends with 0 while the thing it looks at works.

    Args:
        command: and its arguments; found on PATH.
        patience: seconds it may take.
    """

    def __init__(self, command: List[str], patience: float = PATIENCE) -> None:
        self._command, self._patience = command, patience
        self._hung: Optional[subprocess.Popen[bytes]] = None
        self.said = ""

    def look(self) -> str:
        """Return OK or what is wrong."""
        if self._hung is not None and self._hung.poll() is None:
            return f"hangs since the last probe ({self._hung.pid})"
        self._hung = None
        try:
            process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except OSError as error:
            return f"cannot be probed: {error.strerror}"
        return self._judge(process)

    def _judge(self, process: "subprocess.Popen[bytes]") -> str:
        try:
            output = process.communicate(timeout=self._patience)[0]
        except subprocess.TimeoutExpired:
            self._hung = process
            with contextlib.suppress(OSError):
                process.kill()
            return f"no answer within {self._patience:g} s"
        said = " ".join(output.decode("utf-8", "replace").split())[:_LONGEST]
        if process.returncode:
            return said or f"exit code {process.returncode}"
        self.said = said
        return OK


def probes(told: Mapping[str, Any]) -> Dict[str, Probe]:
    """Return the probes of what the gate asks for: its CVMFS repositories, the program of its container runtime."""
    found = {f"cvmfs {name}": Probe(["stat", "-t", f"/cvmfs/{name}/."]) for name in told.get("cvmfs", ())}
    program = next(iter(told.get("runtime", ())), "")
    return {**found, program: Probe([program, "--version"])} if program else found


class Health:
    """Probes again and again in a thread; the last answers are there at once.

    Args:
        probes: by the names they are told under.
        period: seconds between two rounds.
    """

    def __init__(self, probes: Mapping[str, Probe], period: float = PERIOD) -> None:
        self._probes, self._period = probes, period
        self._found: Dict[str, str] = {}
        self._versions: Dict[str, str] = {}

    def start(self) -> None:
        """Begin to probe, if there is anything to probe."""
        if self._probes:
            threading.Thread(target=self._live, name="health", daemon=True).start()

    def found(self) -> Dict[str, str]:
        """Return what the last round found, by name."""
        return dict(self._found)

    def versions(self) -> Dict[str, str]:
        """Return what the probed programs say of themselves."""
        return dict(self._versions)

    def round(self) -> None:
        """Probe everything once."""
        for name, probe in self._probes.items():
            self._found[name] = probe.look()
            if probe.said and not name.startswith("cvmfs "):
                self._versions[name] = probe.said

    def _live(self) -> None:
        resting = threading.Event()
        while True:
            self.round()
            resting.wait(jittered(self._period))
