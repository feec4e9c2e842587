"""Where everything of one bed lies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TextIO, TypeVar

import msgspec

from .errors import Cannot

Say = Callable[[str], None]
BedT = TypeVar("BedT")


def cache_of(variable: str, name: str) -> Path:
    """Return the folder a variable names, else one of this name in the user's cache."""
    given = os.environ.get(variable)
    return Path(given or Path.home() / ".cache/vmdirac_py" / name).expanduser().resolve()


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files of one bed; all of it is its owner's alone."""

    home: Path
    MARK: ClassVar[str] = "bed"

    @property
    def etc(self) -> Path:
        """Configuration, written anew at each `up`."""
        return self.home / "etc"

    @property
    def data(self) -> Path:
        """What the servers keep between two runs."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """One log or more of each program."""
        return self.home / "log"

    @property
    def run(self) -> Path:
        """Sockets and locks of the servers."""
        return self.home / "run"

    @property
    def socket(self) -> Path:
        """Where MariaDB listens for its administrator."""
        return self.run / "mariadb.sock"

    @property
    def secrets(self) -> Path:
        """One secret a file."""
        return self.home / "secrets"

    @property
    def users(self) -> Path:
        """One file for each test process that uses the bed."""
        return self.home / "users"

    @property
    def held(self) -> Path:
        """Is there while a person holds the bed up: then no test session takes it down."""
        return self.users / "held"

    @property
    def mark(self) -> Path:
        """Says that this folder is a bed: what is not one is neither filled nor removed."""
        return self.home / self.MARK

    @property
    def made(self) -> Path:
        """Names the recipe once the first `up` came to its end: schemas and seed are complete."""
        return self.data / "made"

    @property
    def bed(self) -> Path:
        """The bed that is up, as JSON; it is there only while the bed is complete."""
        return self.home / "bed.json"

    @property
    def kept_folders(self) -> tuple[Path, ...]:
        """What is thrown away where it is half made or of another recipe."""
        return (self.data, self.etc, self.run, self.log)

    def make(self) -> None:
        """Make the folders; raise `Cannot` where something else lies, or nothing can be written."""
        with writable(self.home):
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.check()
            self.mark.touch()
            for folder in (*self.kept_folders, self.secrets, self.users):
                folder.mkdir(exist_ok=True, mode=0o700)

    def check(self) -> None:
        """Raise `Cannot` if the folder holds something that is no bed."""
        if self.home.exists() and not self.mark.exists() and any(self.home.iterdir()):
            raise Cannot("this folder holds something else", where=str(self.home), mend="name a new or empty one")

    def cleared(self, recipe: str) -> bool:
        """Drop data that is half made or of another recipe; say whether there is none now."""
        if self.made.exists() and self.made.read_text() == recipe:
            return False
        for folder in self.kept_folders:
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def remove(self) -> None:
        """Remove all of it; raise `Cannot` where something else lies."""
        self.check()
        shutil.rmtree(self.home, ignore_errors=True)


@contextlib.contextmanager
def writable(place: Path) -> Iterator[None]:
    """Raise `Cannot` where this user, or this machine, cannot write."""
    try:
        yield
    except OSError as error:
        mend = "let the bed's variable of its cache ($VMDIRAC_..._CACHE) name a folder of yours"
        raise Cannot(f"cannot write: {error.strerror}", where=str(place), mend=mend) from error


def _opened(file: Path) -> TextIO:
    with writable(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return file.open("a")


@contextlib.contextmanager
def locked(file: Path, say: Say) -> Iterator[None]:
    """Hold a file's lock, waiting for whoever holds it; it is given back even if we are killed."""
    with _opened(file) as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that holds {file}")
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def lock_of(home: Path) -> Path:
    """Return the lock of a bed, beside it: it outlives a wipe."""
    return home.parent / f"{home.name}.lock"


def write_private(file: Path, text: str | bytes) -> None:
    """Write a whole file at once that its owner alone may read."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.touch(mode=0o600)
    new.write_bytes(text.encode() if isinstance(text, str) else text)
    new.replace(file)


def written(bed: object) -> bytes:
    """Return a bed as JSON."""
    return msgspec.json.format(msgspec.json.encode(bed, enc_hook=str), indent=2)


def read(file: Path, kind: type[BedT]) -> BedT | None:
    """Return the bed that was written; None: there is none, another version wrote it, or it was cut off."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind, dec_hook=_path)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _path(kind: type[Any], value: Any) -> Any:
    return kind(value)
