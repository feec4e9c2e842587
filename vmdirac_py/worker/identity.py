"""Who this VM is: its key, its certificate and their dates, as files in the work folder."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Optional

from .files import write_json, write_whole
from .trust import known
from .wire import Enrolled

_OPENSSL_SECONDS = 60.0


class NoKey(Exception):
    """`openssl` could not make a key; the text says why."""


class Identity(NamedTuple):
    """The VM's id and VO, when to renew its certificate and when that ends, and when the VM was made (epoch seconds).

    `dead_man_seconds` is how long it bears that the manager does not answer. `instance` is its cloud's id of it, empty
    when an older worker enrolled.
    """

    vm: str
    vo: str
    renew_at: float
    not_after: float
    born_at: float
    dead_man_seconds: float
    instance: str = ""


class Keyring:
    """The files `vm.key`, `vm.csr`, `vm.crt` and `vm.json` in `folder`; all of mode 0600."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "vm.key"
        self.certificate = folder / "vm.crt"
        self._request = folder / "vm.csr"
        self._facts = folder / "vm.json"

    def request(self) -> str:
        """Return the signing request (PEM), making key and request on first use.

        The same request serves every try and every renewal: a lost answer is then the same enrolment.

        Raises:
            NoKey: openssl is missing or failed.
        """
        if not self._request.exists():
            self._make()
        return self._request.read_text(encoding="ascii")

    def keep(self, enrolled: Enrolled, instance: str) -> Identity:
        """Store what the manager gave. Raises OSError."""
        identity = Identity(
            enrolled.vm,
            enrolled.vo,
            enrolled.renew_at,
            enrolled.not_after,
            time.time() - enrolled.lived,
            enrolled.dead_man_seconds,
            instance,
        )
        write_whole(self.certificate, enrolled.certificate)
        write_json(self._facts, identity._asdict())
        return identity

    def known(self) -> Optional[Identity]:
        """Return who we are when this VM has enrolled before."""
        if not (self.key.exists() and self.certificate.exists() and self._facts.exists()):
            return None
        return Identity(**known(Identity, json.loads(self._facts.read_text(encoding="utf-8"))))

    def forget(self) -> None:
        """Remove all of it. Raises OSError."""
        # The request first: without its key it would be enrolled for nothing.
        for path in (self._request, self.key, self.certificate, self._facts):
            path.unlink(missing_ok=True)

    def _make(self) -> None:
        temporary = self._request.with_name(".vm.csr.new")
        command = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-subj", "/CN=enrol", "-keyout", str(self.key), "-out", str(temporary)]
        # The site's openssl.cnf may add anything to a request; ours needs nothing from it.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "OPENSSL_CONF": "/dev/null"}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, check=False, timeout=_OPENSSL_SECONDS, umask=0o077
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoKey(f"openssl: {error}") from None
        if done.returncode:
            raise NoKey(f"openssl req: {done.stderr.decode('utf-8', 'replace')[-300:]}")
        temporary.replace(self._request)
