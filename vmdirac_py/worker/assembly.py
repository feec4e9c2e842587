"""All parts of a running worker, joined; and what is done when one of them is no good."""

import hashlib
import sys
import time
from pathlib import Path
from typing import Any, Optional

from . import ce, features, gate, launch, parting, policy
from .any_pilot import AnyPilot
from .certificate import Certificate
from .client import Client
from .dirac_pilot import DiracPilot
from .draining import DrainFile
from .element import ELEMENTS
from .farewell import farewell
from .fetch import Fetch
from .files import JOBS, OUTBOX, OUTPUTS
from .grounds import Errands, Grounds
from .health import Health, probes
from .identity import Identity, Keyring
from .life import Life
from .line import Line
from .log import say
from .monitor import INTERRUPTED, Monitor, Terminated
from .notice import Notice
from .options import read_options
from .outbox import Courier, Outbox
from .parts import Parts
from .pilot import Pilot
from .pool import Free, Pool
from .trust import Manager, typed
from .vitals import Vitals
from .wire import Config, MatchAnswer, MatchAsk, Work

GOOD, BROKE, BAD_CONFIG, NOT_ENROLLED, UNHEARD, WENT_DOWN = range(6)
"""Exit codes."""
_EXITS = {
    policy.EXPIRED: UNHEARD,
    policy.UNHEARD: UNHEARD,
    policy.BROKEN: BROKE,
    INTERRUPTED: WENT_DOWN,
}
_CUT_OFF = "its worker was cut off"
_LOOK = 1.0  # seconds between two looks whether reports have gone


class Worker:
    """All parts of a running worker, joined."""

    def __init__(self, config: Config, manager: Manager, keyring: Keyring, identity: Identity) -> None:
        kind, max_slots = ce.parse(config.inner_ce)
        self._folder, self.client = Path(config.work_dir), Client(manager)
        self._failed = config.failed
        self._around = gate.Around(self._folder, self.client, config.gate)
        life, outbox = Life(config.max_life, identity.born_at), Outbox(self._folder / OUTBOX)
        courier = Courier(outbox, Client(manager), self._wake)
        self._life, self._outbox, self._bears = life, outbox, identity.dead_man_seconds
        pool = Pool(Free(config.cores, config.ram_mb, config.gpus), max_slots)
        features.write(self._folder / features.MACHINE_FOLDER, features.machine(config, max_slots))
        self._monitor: Optional[Monitor] = None
        self.courier = courier
        embedded = Pilot(pool, self._ask, outbox, life.for_jobs, self._changed)
        options, fetch = read_options(config.ce), Fetch(manager)
        grounds = Grounds(self._folder / JOBS, self._folder / OUTPUTS, identity.vm, options, config.ram_mb, config.gpus)
        self.inner_ce = ELEMENTS[kind](grounds, Errands(fetch.sandbox, fetch.credential), embedded)
        drain_file = DrainFile(self._folder)
        self.pilot: AnyPilot = self._of_dirac(config, identity.vm, life, drain_file) or embedded
        # Written before anything is cleaned up, sent when nothing of it runs any more.
        outbox.put_lost(outbox.begun(), _CUT_OFF)
        # In this order: the users whose leftovers are ended are reserved first.
        self._problems = self.inner_ce.problems()
        if not self._problems:
            self.inner_ce.leftovers()
        self._health = Health(probes(config.gate))
        vitals = Vitals(config, identity.vm, self.pilot, life, outbox=outbox, health=self._health, version=_version())
        line = Line(self.client, courier)
        logs = parting.Logs(self.client, self._folder)
        parts = Parts(line, self.pilot, outbox, vitals, drain_file, logs)
        self._monitor = Monitor(config, Certificate(identity, keyring, manager), parts, life)
        self._notice = Notice(config.notice, self._monitor.taken)

    def run(self) -> int:
        """Work until it is time to go; return the exit code."""
        assert self._monitor is not None
        try:
            self.courier.start()
            self._health.start()
            self._notice.start()
            unfit = self._failed or "; ".join([*self._problems, *gate.failures(self._around)])
            if unfit:
                return self._unfit(unfit)
            self.pilot.start(self.inner_ce)
            reason = self._monitor.run()
        except Terminated:
            raise  # the machine may come again
        except Exception as error:  # noqa: BLE001 -- the last thing a broken worker does is to say so
            return self._give_up(error)
        say(f"stops: {reason}")
        return _EXITS.get(reason, GOOD)

    def _give_up(self, error: Exception) -> int:
        say(f"broke: {type(error).__name__}: {error}")
        self.pilot.kill_all()
        farewell(self.client, self._folder, policy.BROKEN, f"{type(error).__name__}: {error}")
        return BROKE

    def _unfit(self, detail: str) -> int:
        """Say why this VM takes no jobs; once its work is told, a manager that does not answer does not keep it up."""
        say(f"stops: {policy.ENVIRONMENT}: {detail}")
        self._deliver_what_waits()
        return GOOD if farewell(self.client, self._folder, policy.ENVIRONMENT, detail) else BROKE

    def _deliver_what_waits(self) -> None:
        """Let the courier tell of jobs that an earlier worker ended: with the VM's goodbye they would be run again."""
        until = time.monotonic() + min(self._bears, self._life.seconds_left)
        while self._outbox.waiting() and time.monotonic() < until:
            time.sleep(_LOOK)

    def _of_dirac(self, config: Config, vm: str, life: Life, drain_file: DrainFile) -> Optional[DiracPilot]:
        if launch.flavour(config.pilot) != launch.DIRAC:
            return None
        how = launch.read(config.pilot, vm)
        return DiracPilot(
            how,
            self._folder,
            vm,
            config.cores,
            seconds_left=life.for_jobs,
            drain=drain_file.write,
            changed=self._changed,
        )

    def _ask(self, message: MatchAsk) -> MatchAnswer:
        return self.client.post("match", message, _match_answer)

    def _changed(self) -> None:
        self.courier.knock()
        self._wake()

    def _wake(self) -> None:
        if self._monitor:
            self._monitor.wake()


def _match_answer(**answer: Any) -> MatchAnswer:
    work = typed(MatchAnswer, answer).work
    return MatchAnswer(typed(Work, work) if work else None)


def _version() -> str:
    """Return the start of the bundle's SHA-256, or `source` when it runs from a folder."""
    program = Path(sys.argv[0])
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12] if program.suffix != ".py" else "source"
