"""`worker.pyz CONFIG.json`: enrol or resume, then monitor and pilot until it is time to go.

Exit codes: 0 after a leave the manager knows of; 1 something broke; 2 bad configuration; 3 not enrolled;
4 the manager was not heard for too long; 5 machine or worker were stopped, and go on when they are started again.
After all but 1 and 5 the machine has nothing left to do: whoever started the worker powers it off.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, List, Optional

from . import ce, launch, origin, parting, policy
from .assembly import BAD_CONFIG, BROKE, NOT_ENROLLED, WENT_DOWN, Worker
from .enrol import GaveUp
from .identity import Keyring, NoKey
from .log import keep_in, say
from .monitor import Terminated
from .options import BadOptions, read_options
from .settings import BadConfig, forget_token, read_config
from .trust import Manager
from .wire import Config


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the worker; return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        say("usage: worker.pyz CONFIG.json")
        return BAD_CONFIG
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _start(Path(given[0]))
    except (BadConfig, BadOptions, launch.BadPilot, ce.UnknownCE) as error:
        say(str(error))
        return BAD_CONFIG
    except (GaveUp, NoKey) as error:
        say(str(error))
        return NOT_ENROLLED
    except OSError as error:
        say(f"broke: {error}")
        return BROKE
    except Terminated:
        say("stops: the machine goes down")
        return WENT_DOWN


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


def _terminate(_signal: int, _frame: Any) -> None:
    raise Terminated
