"""`worker.pyz CONFIG.json`: enrol or resume, then monitor and pilot until it is time to go.

Exit codes: 0 after a leave the manager knows of; 1 something broke; 2 bad configuration; 3 not enrolled;
4 the manager was not heard for too long; 5 machine or worker were stopped, and go on when they are started again.
After all but 1 and 5 the machine has nothing left to do: whoever started the worker powers it off.
"""

import hashlib
import http.client
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, List, Optional

from . import ce, features, gate, launch, origin, parting, policy
from .any_pilot import AnyPilot
from .client import Client
from .dirac_pilot import DiracPilot
from .draining import DrainFile
from .element import ELEMENTS
from .enrol import GaveUp
from .fetch import Fetch
from .files import JOBS, OUTBOX, OUTPUTS
from .grounds import Errands, Grounds
from .health import Health, probes
from .identity import Identity, Keyring, NoKey
from .life import Life
from .line import Line
from .log import keep_in, say
from .monitor import INTERRUPTED, Monitor, Parts, Terminated
from .options import BadOptions, read_options
from .outbox import Courier, Outbox
from .pilot import Pilot
from .pool import Free, Pool
from .settings import BadConfig, forget_token, read_config
from .trust import Manager, Refused, TalkError, typed
from .vitals import Vitals
from .wire import Config, Leave, Leaving, MatchAnswer, MatchAsk, Work

_GOOD, _BROKE, _BAD_CONFIG, _NOT_ENROLLED, _UNHEARD, _INTERRUPTED = range(6)
_LAST_WORDS, _LAST_WORDS_PAUSE = 3, 1.0  # tries to tell the manager of an end, and seconds between them
_EXITS = {
    policy.EXPIRED: _UNHEARD,
    policy.UNHEARD: _UNHEARD,
    policy.BROKEN: _BROKE,
    INTERRUPTED: _INTERRUPTED,
}
_CUT_OFF = "its worker was cut off"


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
        parts = Parts(
            manager, line, keyring, self.pilot, outbox, vitals, drain_file, parting.Logs(self.client, self._folder)
        )
        self._monitor = Monitor(config, identity, parts, life)

    def run(self) -> int:
        """Work until it is time to go; return the exit code."""
        assert self._monitor is not None
        try:
            self.courier.start()
            self._health.start()
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
        return _EXITS.get(reason, _GOOD)

    def _give_up(self, error: Exception) -> int:
        say(f"broke: {type(error).__name__}: {error}")
        self.pilot.kill_all()
        self._farewell(policy.BROKEN, f"{type(error).__name__}: {error}")
        return _BROKE

    def _farewell(self, reason: str, detail: str) -> bool:
        """Try to tell the manager that this VM stops, and to leave it the logs; return whether it knows.

        The logs come first: of a VM that has Failed nothing more is taken.
        """
        parting.hand_over(self.client, self._folder)
        return self._tell(Leave(reason, detail, policy.code(reason, worked=False)))

    def _tell(self, leave: Leave) -> bool:
        for _ in range(_LAST_WORDS):
            try:
                self.client.post("leave", leave, Leaving)
            except Refused as error:
                say(f"leave: {error}")
                return error.status == http.client.GONE
            except TalkError as error:
                say(f"leave: {error}")
                time.sleep(_LAST_WORDS_PAUSE)
            else:
                return True
        return False

    def _unfit(self, detail: str) -> int:
        """Say why this VM takes no jobs; once its work is told, a manager that does not answer does not keep it up."""
        say(f"stops: {policy.ENVIRONMENT}: {detail}")
        self._deliver_what_waits()
        return _GOOD if self._farewell(policy.ENVIRONMENT, detail) else _BROKE

    def _deliver_what_waits(self) -> None:
        """Let the courier tell of jobs that an earlier worker ended: with the VM's goodbye they would be run again."""
        until = time.monotonic() + min(self._bears, self._life.seconds_left)
        while self._outbox.waiting() and time.monotonic() < until:
            time.sleep(_LAST_WORDS_PAUSE)

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


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the worker; return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        say("usage: worker.pyz CONFIG.json")
        return _BAD_CONFIG
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _start(Path(given[0]))
    except (BadConfig, BadOptions, launch.BadPilot, ce.UnknownCE) as error:
        say(str(error))
        return _BAD_CONFIG
    except (GaveUp, NoKey) as error:
        say(str(error))
        return _NOT_ENROLLED
    except OSError as error:
        say(f"broke: {error}")
        return _BROKE
    except Terminated:
        say("stops: the machine goes down")
        return _INTERRUPTED


def _start(path: Path) -> int:
    config = read_config(path)
    _check(config)
    manager, keyring = _manager(config), Keyring(_work_dir(config))
    identity = origin.resumed(config, keyring) or origin.enrolled(config, manager, keyring)
    if config.token:
        config = forget_token(path, config)
    say(f"is {identity.vm} of {identity.vo}, {config.cores} cores, {config.ram_mb} MB, {config.inner_ce}")
    manager.use(keyring.certificate, keyring.key)
    return Worker(config, manager, keyring, identity).run()


def _check(config: Config) -> None:
    ce.parse(config.inner_ce)
    read_options(config.ce)
    launch.flavour(config.pilot)
    try:
        policy.terms(config.stop_policies)
    except (TypeError, ValueError) as error:
        raise BadConfig(f"stop_policies: {error}") from None


def _manager(config: Config) -> Manager:
    if not config.manager.startswith("https://"):
        raise BadConfig(f"manager {config.manager!r}: must be https://HOST:PORT")
    try:
        return Manager(config.manager, config.ca, config.bind_address)
    except (OSError, ValueError) as error:
        raise BadConfig(f"manager or ca cannot be used: {error}") from None


def _work_dir(config: Config) -> Path:
    folder = Path(config.work_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadConfig(f"work_dir {folder}: {error.strerror}") from None
    keep_in(folder / parting.WORKER_LOG)
    return folder


def _match_answer(**answer: Any) -> MatchAnswer:
    work = typed(MatchAnswer, answer).work
    return MatchAnswer(typed(Work, work) if work else None)


def _version() -> str:
    """Return the start of the bundle's SHA-256, or `source` when it runs from a folder."""
    program = Path(sys.argv[0])
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12] if program.suffix != ".py" else "source"


def _terminate(_signal: int, _frame: Any) -> None:
    raise Terminated
