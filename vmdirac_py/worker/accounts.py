"""Unix users of slots: one for each, so that no payload can touch another's files or processes."""

import contextlib
import fcntl
import os
import pwd
import subprocess
from pathlib import Path
from typing import IO, Dict, List, NamedTuple

from .ce import ACCOUNTS
from .leavings import remove_files_of, remove_ipc_of
from .processes import END_SECONDS, end_all, kill_each, of_user
from .walls import Command

_HELD: Dict[Path, IO[bytes]] = {}  # the locks of this process, held until it ends
_SECONDS = 60.0


class NoAccount(Exception):
    """A slot has no unix user; the text says why."""


class Account(NamedTuple):
    """A unix user."""

    name: str
    uid: int
    gid: int


class Accounts:
    """The users of this machine's slots: `BASE_00`, `BASE_01` ...

    Args:
        base: what they are called.
        create: whether missing ones are made.
        locks: the folder where workers of one machine see who has them.
    """

    def __init__(self, base: str, *, create: bool, locks: Path = Path("/run")) -> None:
        self._base, self._create = base, create
        self._lock_file = locks / f"{base}.lock"

    def problems(self) -> List[str]:
        """Return why payloads cannot have users of their own here, and keep other workers from taking these."""
        try:
            self._reserve()
            account = self.of(0)
        except NoAccount as error:
            return [str(error)]
        done = subprocess.run(
            [*dropped(account), "true"], capture_output=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
        return [f"setpriv to {account.name}: {done.stderr.decode(errors='replace')[-200:]}"] if done.returncode else []

    def of(self, slot: int) -> Account:
        """Return the user of a slot. Raises NoAccount."""
        name = f"{self._base}_{slot:02}"
        if slot >= ACCOUNTS:
            raise NoAccount(f"there are no more than {ACCOUNTS} accounts for payloads")
        with contextlib.suppress(KeyError):
            return _found(name)
        if not self._create:
            raise NoAccount(f"there is no unix user {name}, and create_accounts is off")
        return self._made(name)

    def all(self) -> List[Account]:
        """Return those that exist."""
        found = []
        for slot in range(ACCOUNTS):
            with contextlib.suppress(KeyError):
                found.append(_found(f"{self._base}_{slot:02}"))
        return found

    def _made(self, name: str) -> Account:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", name]
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoAccount(f"useradd {name}: {error}") from None
        try:
            return _found(name)
        except KeyError:
            raise NoAccount(f"useradd {name}: {done.stderr.decode(errors='replace')[-200:]}") from None

    def _reserve(self) -> None:
        """Hold a lock for as long as this process lives: whoever cleans up ends all processes of a user."""
        if self._lock_file in _HELD:
            return
        try:
            file = self._lock_file.open("wb")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            why = "another worker of this machine uses them" if isinstance(error, BlockingIOError) else error.strerror
            raise NoAccount(f"accounts {self._base}_NN: {why}") from None
        _HELD[self._lock_file] = file


class Dropped:
    """Another user, who may gain no rights.

    Args:
        account: who.
        sealed: whether programs with more rights than their caller lose them (a setuid container runtime needs them).
    """

    def __init__(self, account: Account, *, sealed: bool = True) -> None:
        self._account, self._sealed = account, sealed

    def around(self, command: Command) -> Command:
        """Become the user."""
        known = command.knowing(USER=self._account.name, LOGNAME=self._account.name)
        return known.within(*dropped(self._account, sealed=self._sealed))

    def stands(self) -> bool:
        """Say that it does: it was tried before the first payload."""
        return True

    def strike(self) -> bool:
        """End every process of the user, by one word to the kernel that no fork escapes."""
        return end_account(self._account)

    def clear(self) -> None:
        """Remove what the user left in public places."""
        clear_account(self._account)


def dropped(account: Account, *, sealed: bool = True) -> List[str]:
    """Return the beginning of a command line that becomes this user."""
    seal = ["--no-new-privs"] if sealed else []
    ids = ["--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups"]
    return ["setpriv", *ids, "--inh-caps=-all", *seal, "--"]


def end_account(account: Account) -> bool:
    """End every process of a user; return whether none is left."""

    def kill_all(found: List[int]) -> None:
        if found:
            command = [*dropped(account), "/bin/sh", "-c", "kill -KILL -1"]
            # A machine full of processes may have no place for this one: then one by one, and again.
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=END_SECONDS)
                return
            kill_each(found)

    return end_all(lambda: of_user(account.uid), kill_all)


def clear_account(account: Account) -> None:
    """Remove the files and the shared memory a user left in public places."""
    remove_files_of(account.uid)
    remove_ipc_of(account.uid)


def own(path: Path, account: Account) -> None:
    """Give a folder with all in it to a user. Raises OSError."""
    for root, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(os.path.join(root, name), account.uid, account.gid, follow_symlinks=False)  # noqa: PTH118 -- follows no link
    os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _found(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(name, entry.pw_uid, entry.pw_gid)
