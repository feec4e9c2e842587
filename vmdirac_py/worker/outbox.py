"""What the manager must hear although everything may end at any moment: reports in order, and what runs."""

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Callable, Iterable, List, Tuple

from .backoff import Backoff
from .ce import DONE, FAILED, LOST
from .client import Client
from .files import write_json
from .log import say
from .trust import Refused, Unreachable, typed
from .wire import Report, Work

_UNKNOWN_CALLER = 401
_LONGEST_MINOR = 500  # characters
_FINAL = (DONE, FAILED, LOST)


class Outbox:
    """A folder of numbered reports. Putting and taking may happen in different threads.

    Below it, `running` holds an empty file for each attempt at a job (`JOB.ATTEMPT`) of which nothing final was put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._running = folder, folder / "running"
        self._running.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._next = 1 + max((int(path.stem) for path in self._paths()), default=0)

    def put(self, report: Report, output: str = "") -> None:
        """Keep a report and the path of the output that goes with it. Raises OSError."""
        with self._lock:
            write_json(self._folder / f"{self._next:012}.json", {"report": report._asdict(), "output": output})
            self._next += 1
        if report.state in _FINAL:
            self.forget(report.job, report.attempt)

    def begin(self, work: Work) -> None:
        """Remember that an attempt begins here. Raises OSError."""
        (self._running / f"{work.job}.{work.attempt}").touch()

    def forget(self, job: int, attempt: int) -> None:
        """Remember no more that this attempt began."""
        (self._running / f"{job}.{attempt}").unlink(missing_ok=True)

    def begun(self) -> List[Tuple[int, int]]:
        """Return the attempts (job, attempt) that began and have no end."""
        names = (path.name.partition(".") for path in self._running.iterdir())
        return sorted((int(job), int(attempt)) for job, _, attempt in names)

    def put_lost(self, attempts: Iterable[Tuple[int, int]], minor: str) -> None:
        """Report attempts that were cut off, so that their jobs run again. Raises OSError."""
        for job, attempt in attempts:
            say(f"job {job}.{attempt}: {minor}")
            self.put(Report(job, attempt, LOST, minor, None, ""))

    def waiting(self) -> int:
        """Return how many reports wait."""
        return len(self._paths())

    def jobs(self) -> List[int]:
        """Return the jobs whose reports wait; one that is delivered or cannot be read just now may be left out."""
        found = set()
        for path in self._paths():
            with contextlib.suppress(OSError):
                found.add(_read(path)[0].job)
        return sorted(found)

    def first(self) -> Tuple[Path, Report, str]:
        """Return the oldest one: its file, the report, and its output's path."""
        path = self._paths()[0]
        return (path, *_read(path))

    def _paths(self) -> List[Path]:
        return sorted(self._folder.glob("[0-9]*.json"))


def _read(path: Path) -> Tuple[Report, str]:
    entry = json.loads(path.read_text(encoding="utf-8"))
    return typed(Report, entry["report"]), entry["output"]


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
        if self._outbox.waiting():
            self._deliver_all()
            self._delivered()
        self._knock.wait()

    def _deliver_all(self) -> None:
        while self._outbox.waiting():
            self._deliver()
            self._backoff.reset()
        self._client.close()

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
