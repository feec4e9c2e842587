"""The credentials of a payload's owner: files that its slot alone can read, renewed while it runs, destroyed after."""

import contextlib
import os
import threading
from pathlib import Path
from typing import Callable, Dict, Optional

from .accounts import Account
from .wire import Credential

PROXY, TOKEN = "proxy", "token"
_LONGEST = 65_536  # bytes: far more than any credential has
VARIABLES = {PROXY: "X509_USER_PROXY", TOKEN: "BEARER_TOKEN_FILE"}

Get = Callable[[str], Credential]
"""Ask for a credential that is another than the given version."""


class Credentials:
    """The files of one payload.

    Args:
        folder: only the worker may change what is in it.
        account: who reads them; None: the worker's own user.
        get: asks the manager.
    """

    def __init__(self, folder: Path, account: Optional[Account], get: Get) -> None:
        self._folder, self._account, self._get = folder, account, get
        self._version = ""
        self._lock, self._destroyed = threading.Lock(), False

    def renew(self) -> bool:
        """Fetch what is new; return whether something was. Raises what `get` raises, and OSError."""
        found = self._get(self._version)
        with self._lock:
            if self._destroyed or found.version == self._version:
                return False
            for name, text in ((PROXY, found.proxy), (TOKEN, found.token)):
                if text:
                    self._write(self._folder / name, text)
            self._version = found.version
            return True

    def variables(self) -> Dict[str, str]:
        """Return where the payload finds them."""
        return {
            variable: str(self._folder / name) for name, variable in VARIABLES.items() if (self._folder / name).exists()
        }

    def destroy(self) -> None:
        """Overwrite and delete them; an answer that comes later is not written. Raises OSError."""
        with self._lock:
            self._destroyed = True
            destroy(self._folder)

    def _write(self, path: Path, text: str) -> None:
        temporary = path.with_name(f".{path.name}.new")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if self._account:
                os.fchown(handle, self._account.uid, self._account.gid)
            file.write(text)
        temporary.replace(path)


def destroy(folder: Path) -> None:
    """Overwrite and delete the credentials in a folder. Raises OSError."""
    with contextlib.ExitStack() as each:  # from the last to the first, and whatever became of the one before
        for name in VARIABLES:
            each.enter_context(contextlib.suppress(FileNotFoundError))
            each.callback((folder / name).unlink)
            each.callback(_overwrite, folder / name)


def _overwrite(path: Path) -> None:
    """Write zeros over a plain file, whatever its reader, whose file it is, made of it."""
    if path.is_symlink() or not path.is_file():
        return
    path.chmod(0o600)
    with path.open("r+b") as file:
        length = min(path.stat().st_size, _LONGEST)
        file.truncate(length)
        file.write(b"\0" * length)
        file.flush()
        os.fsync(file.fileno())
