"""An authority, the host's certificate and those of the users, all made by openssl."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.testbeds.common import tools
from tests.testbeds.common.places import write_private

from . import wanted
from .places import Places

USAGE = "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage="
HOST = f"subjectAltName=DNS:{wanted.HOST},IP:127.0.0.1\n{USAGE}serverAuth,clientAuth\n"
USER = f"{USAGE}clientAuth\n"
DAYS = "1000"
KEY = ("-newkey", "rsa:2048", "-nodes", "-sha256")


def make(places: Places, environment: Mapping[str, str]) -> None:
    """Make all of them, fresh."""
    trusted = places.security / "certificates"
    for folder in (trusted, places.security / "vomsdir", places.security / "vomses", places.certificates):
        folder.mkdir(parents=True, exist_ok=True)
    maker = _Maker(places, environment)
    maker.authority(trusted / "bed.pem")
    maker.issue(wanted.HOST, places.security / "hostcert.pem", places.security / "hostkey.pem", HOST)
    for user in wanted.USERS:
        maker.issue(user, places.certificates / f"{user}.pem", places.certificates / f"{user}.key", USER)
    # a pilot ends where one of these folders is empty
    for folder in ("vomsdir", "vomses"):
        (places.security / folder / "none").touch()


class _Maker:
    def __init__(self, places: Places, environment: Mapping[str, str]) -> None:
        self._folder, self._log, self._environment = places.certificates, places.log / "openssl.log", environment
        self._key, self._own = self._folder / "authority.key", self._folder / "authority.pem"

    def authority(self, copy: Path) -> None:
        """Make the authority, and let it be trusted under the name that OpenSSL looks for."""
        rights = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        added = [word for right in rights for word in ("-addext", right)]
        files: list[str | Path] = ["-keyout", self._key, "-out", self._own]
        self._openssl("req", "-x509", *KEY, "-days", DAYS, "-subj", wanted.DN.format("Authority"), *added, *files)
        copy.write_bytes(self._own.read_bytes())
        self._openssl("rehash", copy.parent)

    def issue(self, name: str, certificate: Path, key: Path, extensions: str) -> None:
        """Make a key and have its certificate signed."""
        request, more = self._folder / "request.pem", self._folder / "extensions"
        write_private(more, extensions)
        self._openssl("req", *KEY, "-subj", wanted.DN.format(name), "-keyout", key, "-out", request)
        signer = ["-CA", self._own, "-CAkey", self._key, "-CAcreateserial"]
        how: list[str | Path] = ["-days", DAYS, "-sha256", "-extfile", more, "-out", certificate]
        self._openssl("x509", "-req", "-in", request, *signer, *how)
        key.chmod(0o400)

    def _openssl(self, *words: str | Path) -> None:
        tools.run(["openssl", *words], log=self._log, environment=self._environment)
