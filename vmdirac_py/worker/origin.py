"""Whether this VM goes on as who it was or begins anew: its work folder may have come with its image."""

from pathlib import Path
from typing import Optional

from .client import Client
from .draining import DrainFile
from .enrol import Enrolment
from .files import JOBS, OUTBOX, OUTPUTS, remove_tree
from .identity import Identity, Keyring
from .log import say
from .settings import read_instance_id
from .trust import Manager
from .wire import Config


def resumed(config: Config, keyring: Keyring) -> Optional[Identity]:
    """Return who this VM is, if it has enrolled; a token for another instance says that its image was made from one.

    Raises:
        BadConfig: the instance's id cannot be read. OSError: what the image brought along cannot be removed.
    """
    identity = keyring.known()
    if identity is None or not (config.token and identity.instance):
        return identity
    if read_instance_id(config) == identity.instance:
        return identity
    say(f"its image was made from {identity.vm}: begins anew")
    _forget_work(Path(config.work_dir))
    keyring.forget()
    return None


def enrolled(config: Config, manager: Manager, keyring: Keyring) -> Identity:
    """Return who this VM is, once the manager has enrolled it. Raises GaveUp, NoKey, BadConfig."""
    _forget_work(Path(config.work_dir))
    return Enrolment(config, read_instance_id(config), keyring, Client(manager)).run()


def _forget_work(work_dir: Path) -> None:
    """Remove what belongs to the VM that this one's image may have been made from."""
    DrainFile(work_dir).remove()
    for name in (OUTBOX, JOBS, OUTPUTS):
        remove_tree(work_dir / name)
