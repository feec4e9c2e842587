"""The credentials of job owners, kept from submission until the job has ended: files nobody else may read, never rows.

Where they come from is not decided here: today a user gives a file; whoever obtains or renews one (VOMS, OAuth)
calls `Owners.put` with it, and running payloads get it at their next question.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vmdirac_py.base.errors import BadInput, UnknownThing, Unusable

MAX_BYTES = 65_536
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{8,}")
_CERTIFICATE, _KEY = "-----BEGIN CERTIFICATE-----", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


@dataclass(frozen=True, slots=True)
class Owned:
    """What a job's owner proves to be with; `version` differs whenever the rest does. Its `repr` shows no secret."""

    proxy: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def version(self) -> str:
        """A text that tells two credentials apart and says nothing of them."""
        return hashlib.sha256(f"{self.proxy}\0{self.token}".encode()).hexdigest()[:16]


def read_file(path: Path) -> Owned:
    """Return the proxy (PEM with a private key) or the token in a file. No error shows what is in it.

    Raises:
        BadInput: the file cannot be read, others may read it, or it is neither.
    """
    where = str(path)
    try:
        with path.open("rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=where, mend="mend its path or rights") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadInput("others may read or write this credential", where=where, mend=f"chmod 600 {path}")
    return _recognised(content.decode("ascii", "replace"), where)


def _recognised(text: str, where: str) -> Owned:
    if len(text) <= MAX_BYTES and _CERTIFICATE in text and _KEY.search(text):
        return Owned(proxy=text)
    if len(text) <= MAX_BYTES and TOKEN.fullmatch(text.strip()):
        return Owned(token=text.strip())
    raise BadInput("neither a proxy (PEM with its key) nor a token", where=where, mend="name a credential's file")


class Owners:
    """A folder of mode 0700 with a file of mode 0600 for each job that has a credential."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, job_id: int, owned: Owned) -> None:
        """Keep a job's credential, in place of an older one. Raises Unusable when the disk refuses."""
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            # mkstemp makes files of mode 0600
            handle, temporary = tempfile.mkstemp(dir=self._root, prefix=".new-")
            with os.fdopen(handle, "w") as file:
                json.dump({"proxy": owned.proxy, "token": owned.token}, file)
            Path(temporary).replace(self._path(job_id))
        except OSError as error:
            raise Unusable(f"cannot keep a credential: {error.strerror}", where=str(self._root)) from None

    def get(self, job_id: int) -> Owned:
        """Return a job's credential. Raises UnknownThing."""
        try:
            return Owned(**json.loads(self._path(job_id).read_text()))
        except FileNotFoundError:
            raise UnknownThing(
                "its credential is gone", where=f"job {job_id}", mend=f"vmdirac job credential {job_id} FILE"
            ) from None

    def has(self, job_id: int) -> bool:
        """Tell whether a job has a credential."""
        return self._path(job_id).is_file()

    def forget(self, job_id: int) -> None:
        """Overwrite and delete a job's credential, if there is one."""
        path = self._path(job_id)
        try:
            with path.open("r+b") as file:
                file.write(b"\0" * path.stat().st_size)
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            return

    def kept(self, *, older_than: float) -> Iterator[int]:
        """Yield the jobs whose credential was put before a moment (epoch seconds)."""
        for path in self._root.glob("[0-9]*"):
            if path.stat().st_mtime < older_than:
                yield int(path.name)

    def _path(self, job_id: int) -> Path:
        return self._root / str(job_id)
