"""The only wiring: a home folder becomes an open installation, with everything operations need."""

from __future__ import annotations

import getpass
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from vmdirac_py.base.blobs import BlobStore
from vmdirac_py.base.clock import Clock, SystemClock
from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing, Unusable, VmdiracError
from vmdirac_py.base.ids import new_id
from vmdirac_py.base.settings import Home, Settings, read_settings
from vmdirac_py.clouds.api import AuthFailed, BadRequest, CloudEndpoint, CloudError
from vmdirac_py.clouds.registry import driver
from vmdirac_py.credentials.references import resolve
from vmdirac_py.inventory.bundle import roles_archive
from vmdirac_py.ledger.api import Ledger
from vmdirac_py.ledger.engine import open_ledger
from vmdirac_py.model.inventory import Endpoint, Inventory
from vmdirac_py.operations import revisions
from vmdirac_py.operations.contextualising import Bundle
from vmdirac_py.operations.user_data import Manager
from vmdirac_py.queues.api import MatchingQueue
from vmdirac_py.queues.embedded import EmbeddedQueue
from vmdirac_py.worker.bundle import build, store

if TYPE_CHECKING:
    from vmdirac_py.credentials.ca import Authority

# What may lie in a folder that becomes a home: an earlier quickstart below `./.vmdirac`, and what Ansible keeps in the
# home of the user who runs it.
HARMLESS = frozenset({"quickstart", ".ansible"})


class Installation:
    """An open installation; satisfies `vmdirac_py.operations.api.Context`. Safe to share between threads."""

    def __init__(self, home: Home, settings: Settings, ledger: Ledger, clock: Clock) -> None:
        self.home = home
        self.settings = settings
        self.ledger = ledger
        self.clock = clock
        self.queue: MatchingQueue = EmbeddedQueue(ledger)
        self.blobs = BlobStore(home.blobs)
        self._drivers: dict[str, tuple[Endpoint, _Secrets, CloudEndpoint]] = {}
        with ledger.read() as tx:
            self.installation_id = tx.meta.get("installation_id") or ""

    @cached_property
    def authority(self) -> Authority:
        """The installation's certificate authority."""
        from vmdirac_py.credentials.ca import Authority  # noqa: PLC0415 - modules that only launch need no signing

        return Authority.load(self.home.ca)

    @cached_property
    def bundle(self) -> Bundle:
        """Worker and roles as VMs fetch them; built on first use.

        Raises:
            Unusable: it cannot be read or written.
        """
        with _local("the worker cannot be built", self.home.static):
            script = resources.files("vmdirac_py.worker").joinpath("boot.py").read_text()
            return Bundle(build(self.home.static), script, store(self.home.static, roles_archive()[1]))

    @cached_property
    def manager(self) -> Manager:
        """Where VMs find the manager.

        Raises:
            Unusable: the authority's certificate cannot be read.
        """
        with _local("the authority's certificate cannot be read", self.home.ca_certificate):
            ca = self.home.ca_certificate.read_text()
        return Manager(f"https://{self.settings.vm_host}:{self.settings.vm_port}", ca)

    def inventory(self) -> Inventory:
        """Return the active revision.

        Raises:
            Unusable: none was ever loaded.
        """
        with self.ledger.read() as tx:
            active = tx.revisions.active()
        if active is None:
            raise Unusable("no inventory is active", where=str(self.home.root), mend="run `vmdirac inventory load`")
        return active

    def endpoint(self, name: str) -> CloudEndpoint:
        """Return the driver of an endpoint, made anew when its description or one of its secrets changed.

        Raises:
            UnknownThing: no such endpoint.
            CloudError: its driver cannot be made: `AuthFailed` where a secret cannot be resolved, `BadRequest` where
                its description cannot be used.
        """
        described = self.inventory().endpoints.get(name)
        if described is None:
            raise UnknownThing("no such endpoint", where=name)
        kept = self._drivers.get(name)
        if kept is None or kept[0] != described or kept[1].changed():
            secrets = _Secrets()
            kept = self._drivers[name] = (described, secrets, self._connect(described, secrets))
        return kept[2]

    def _connect(self, described: Endpoint, secrets: _Secrets) -> CloudEndpoint:
        try:
            connect = driver(described.kind).connect
            return connect(
                described, installation_id=self.installation_id, resolve=secrets.resolve, home=self.home.root
            )
        except CloudError:
            raise
        except VmdiracError as error:
            raise BadRequest(error.what, where=error.where or described.name, mend=error.mend) from error


class _Secrets:
    """What a driver was given: it may log in once and for all, and who renews a token restarts nothing."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def resolve(self, reference: str) -> str:
        """Return a secret. Raises AuthFailed."""
        secret = self._given[reference] = _secret(reference)
        return secret

    def changed(self) -> bool:
        """Tell whether a reference names another secret by now. Raises AuthFailed."""
        return any(_secret(reference) != secret for reference, secret in list(self._given.items()))


def _secret(reference: str) -> str:
    try:
        return resolve(reference)
    except (BadInput, Unusable) as error:
        raise AuthFailed(error.what, where=error.where, mend=error.mend) from error


@contextmanager
def _local(what: str, where: Path) -> Iterator[None]:
    """Tell what the disk refuses as what this installation lacks."""
    try:
        yield
    except OSError as error:
        mend = "mend the disk or the folder's rights, or make the installation anew"
        raise Unusable(f"{what}: {error.strerror}", where=str(where), mend=mend) from error


@contextmanager
def open_installation(home: Home, clock: Clock | None = None) -> Iterator[Installation]:
    """Open the installation in `home` and close it at the end.

    Raises:
        Unusable: there is none, or its ledger cannot be opened.
        BadInput: its settings are wrong.
    """
    settings = read_settings(home)
    clock = clock or SystemClock()
    ledger = open_ledger(database_url(home, settings), clock)
    try:
        yield Installation(home, settings, ledger, clock)
    finally:
        ledger.close()


def database_url(home: Home, settings: Settings) -> str:
    """Return the SQLAlchemy URL of the ledger."""
    return settings.database or f"sqlite:///{home.database}"


def unix_actor() -> str:
    """Return the unix user as an actor; its number where it has no name, as in many containers."""
    try:
        return f"unix:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"unix:{os.getuid()}"


def init(home: Home, settings: Settings) -> str:
    """Make an installation: home, settings, ledger, CA, worker bundle, first inventory revision; return its id.

    Raises:
        Conflict: there is one already, or the folder holds something else.
        BadInput: the inventory cannot be used; nothing was made.
        Unusable: the folder cannot be made, or others may write there.
    """
    _check_folder(home)
    inventory = revisions.check((home.root / settings.inventory).resolve())
    make_folders(home)
    if not settings.database:
        home.database.touch(mode=0o600)  # the home itself may be a folder others can read
    clock = SystemClock()
    ledger = open_ledger(database_url(home, settings), clock, create=True)
    try:
        installation_id = _first_facts(ledger, inventory, clock)
        from vmdirac_py.credentials.ca import Authority  # noqa: PLC0415 - as above

        if not home.ca_certificate.exists():  # it does where a first try was cut off
            Authority.create(home.ca, installation_id=installation_id)
        build(home.static)
        store(home.static, roles_archive()[1])
    finally:
        ledger.close()
    home.settings_file.touch(mode=0o600)  # it may name a database with its password
    home.settings_file.write_text(yaml.safe_dump(settings.model_dump(exclude_unset=True), sort_keys=False))
    return installation_id


def upgrade(home: Home) -> None:
    """Bring the ledger's schema up to this program's."""
    open_ledger(database_url(home, read_settings(home)), SystemClock(), create=True).close()


def make_folders(home: Home) -> None:
    """Make the home and its folders, closed to others; a folder that is there already keeps its mode.

    Raises:
        Conflict: there is an installation already, or the folder holds something else.
        Unusable: the folder cannot be made, or others may write there.
    """
    _check_folder(home)
    for folder in (home.root, home.blobs, home.runs, home.logs, home.static):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            what = f"cannot be made: {error.strerror}"
            raise Unusable(what, where=str(folder), mend="choose another --home") from error


def _check_folder(home: Home) -> None:
    """Refuse a home that is made already, and a folder that is not ours to make one of."""
    where = str(home.root)
    if home.settings_file.exists():
        raise Conflict("there is an installation already", where=where, mend="choose another --home")
    if not home.root.is_dir():
        return
    if home.root.stat().st_mode & stat.S_IWOTH:
        raise Unusable("everybody on this machine may write there", where=where, mend="choose another --home")
    begun = home.database.exists() or home.ca.exists()
    own = {path.name for path in (home.blobs, home.runs, home.logs, home.static, home.quickstart_mark)}
    if not begun and {path.name for path in home.root.iterdir()} - own - HARMLESS:
        raise Conflict("the folder holds something else", where=where, mend="choose a new or empty folder as --home")


def _first_facts(ledger: Ledger, inventory: Inventory, clock: Clock) -> str:
    with ledger.write() as tx:
        known = tx.meta.get("installation_id")
        installation_id = known or new_id("i")
        if not known:
            tx.meta.set("installation_id", installation_id)
            tx.meta.set("created_at", str(clock.now()))
        tx.revisions.add(inventory)
        tx.events.append("installation.made", subject=installation_id, actor=unix_actor())
    return installation_id
