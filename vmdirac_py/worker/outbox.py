"""Reports that wait for the manager on disk, in order, until it has them."""

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Callable, List, Tuple

from .backoff import Backoff
from .ce import FAILED
from .client import Client
from .files import write_json
from .log import say
from .trust import Refused, Unreachable
from .wire import Report

_UNKNOWN_CALLER = 401
_LONGEST_MINOR = 500  # characters


class Outbox:
    """A folder of numbered reports. Putting and taking may happen in different threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._next = 1 + max((int(path.stem) for path in self._paths()), default=0)

    def put(self, report: Report, output: str = "") -> None:
        """Keep a report and the path of the output that goes with it. Raises OSError."""
        with self._lock:
            write_json(self._folder / f"{self._next:012}.json", {"report": report._asdict(), "output": output})
            self._next += 1

    def waiting(self) -> int:
        """Return how many reports wait."""
        return len(self._paths())

    def first(self) -> Tuple[Path, Report, str]:
        """Return the oldest one: its file, the report, and its output's path."""
        path = self._paths()[0]
        entry = json.loads(path.read_text(encoding="utf-8"))
        return path, Report(**entry["report"]), entry["output"]

    def _paths(self) -> List[Path]:
        return sorted(self._folder.glob("[0-9]*.json"))


class Courier:
    """Delivers the outbox in a thread of its own; an outage only makes it wait."""

    def __init__(self, outbox: Outbox, client: Client, delivered: Callable[[], None]) -> None:
        self._outbox, self._client, self._delivered = outbox, client, delivered
        self._backoff = Backoff()
        self._knock = threading.Event()

    def start(self) -> None:
        """Begin to deliver."""
        threading.Thread(target=self._live, name="courier", daemon=True).start()

    def knock(self) -> None:
        """Tell that there is something to deliver, or that the manager is there again."""
        self._knock.set()

    def _live(self) -> None:
        while True:
            self._knock.clear()
            try:
                self._round()
            except Unreachable as error:
                seconds = self._backoff.wait()
                say(f"{self._outbox.waiting()} reports wait: {error}; again in {seconds:.1f} s")
                self._knock.wait(seconds)
            except OSError as error:
                say(f"reports cannot be read: {error}")
                time.sleep(self._backoff.wait())

    def _round(self) -> None:
        while self._outbox.waiting():
            self._deliver()
            self._backoff.reset()
        self._client.close()
        self._delivered()
        self._knock.wait()

    def _deliver(self) -> None:
        path, report, output = self._outbox.first()
        try:
            self._client.post("report", self._with_output(report, output), dict)
            say(f"job {report.job}.{report.attempt}: reported {report.state} {report.minor}".rstrip())
        except Refused as error:
            _unless_unknown(error)
            say(f"job {report.job}.{report.attempt}: report {report.state} {error}")
        path.unlink()
        if output:
            with contextlib.suppress(FileNotFoundError):
                Path(output).unlink()

    def _with_output(self, report: Report, output: str) -> Report:
        """Upload the output and return the report naming it; an output that is refused fails the job."""
        if not output or not Path(output).exists():
            return report
        try:
            answer = self._client.upload(f"output/{report.job}", Path(output))
            return report._replace(output=str(answer["blob"]))
        except Refused as error:
            _unless_unknown(error)
            return report._replace(state=FAILED, minor=f"{report.minor}; output {error}"[:_LONGEST_MINOR])
        except (KeyError, TypeError):
            raise Unreachable("the answer to an upload names no blob") from None


def _unless_unknown(error: Refused) -> None:
    """Go on when the manager judged the message; a manager that does not know us now may know us later."""
    if error.status == _UNKNOWN_CALLER:
        raise Unreachable(str(error)) from None
