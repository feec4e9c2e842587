"""The installation's certificate authority: a folder with a root key, signing VMs and the manager's listener."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from vmdirac_py.base.clock import SystemClock
from vmdirac_py.base.errors import Conflict, Unusable

from .signing import Issuer, hash_of, host_name, request_key, root_certificate, server_certificate, vm_certificate

HOUR = 3600.0
DAY = 24 * HOUR
ROOT_DAYS = 3650
SERVER_DAYS = 397
SERVER_RENEWAL_DAYS = 60  # a listener certificate with less than this left is made anew
LOOPBACK = ("localhost", "127.0.0.1")
ROOT, SERVER = "root", "server"  # file names, with .key (private) and .pem (certificate)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A VM's service certificate; times in epoch seconds, `key_hash` as in `key_hash_of`."""

    pem: str
    not_after: float
    renew_at: float
    key_hash: str


def key_hash_of(csr: str) -> str:
    """Return the SHA-256 (hex) of the SubjectPublicKeyInfo in a PEM signing request. Raises BadInput."""
    return hash_of(request_key(csr))


class Authority:
    """A root certificate and its key. Made by `create`, opened by `load`."""

    def __init__(self, folder: Path, issuer: Issuer) -> None:
        self._folder = folder
        self._issuer = issuer
        self.pem = _pem(issuer.certificate)

    @classmethod
    def create(cls, folder: Path, *, installation_id: str = "") -> Authority:
        """Make a new root: key 0600 in a folder 0700, named at random and after the installation.

        Raises:
            Conflict: there is one already.
            Unusable: the folder cannot be written.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = f"vmdirac {installation_id} {secrets.token_hex(4)}"
        at = SystemClock().now()
        root = root_certificate(key, name, at=at, until=at + ROOT_DAYS * DAY)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            _write_new(folder / f"{ROOT}.key", _key_pem(key), 0o600)
            _write_new(folder / f"{ROOT}.pem", _pem(root).encode(), 0o644)
        except FileExistsError:
            raise Conflict("there is a certificate authority already", where=str(folder)) from None
        except OSError as error:
            raise Unusable(f"cannot write the certificate authority: {error.strerror}", where=str(folder)) from error
        return cls(folder, Issuer(root, key))

    @classmethod
    def load(cls, folder: Path) -> Authority:
        """Open the authority in `folder`.

        Raises:
            Unusable: it is missing, broken, or key and certificate do not belong together.
        """
        issuer = _read_pair(folder, ROOT)
        if issuer is None:
            raise Unusable(
                "no usable certificate authority here", where=str(folder), mend="restore the folder, or `vmdirac init`"
            )
        return cls(folder, issuer)

    def sign_vm(self, csr_pem: str, *, vm: str, vo: str, hours: float, at: float) -> Certificate:
        """Return a certificate for the key of a signing request, good for `hours` from `at` (epoch seconds).

        Raises:
            BadInput: the request is broken or its key is not EC P-256.
        """
        key = request_key(csr_pem)
        until = float(int(at + hours * HOUR))  # certificates count whole seconds
        signed = vm_certificate(self._issuer, key, vm=vm, vo=vo, at=at, until=until)
        return Certificate(_pem(signed), until, at + (until - at) / 3, hash_of(key))

    def server(self, *hosts: str) -> tuple[Path, Path]:
        """Return the files (certificate, key) of the listeners' certificate for `hosts` and loopback.

        They are kept until less than 60 days are left, or a host is new.
        """
        at = SystemClock().now()
        pair = _read_pair(self._folder, SERVER)
        if pair is None or not self._serves(pair.certificate, hosts, at):
            self._make_server(hosts, at)
        return self._folder / f"{SERVER}.pem", self._folder / f"{SERVER}.key"

    def _serves(self, certificate: x509.Certificate, hosts: Sequence[str], at: float) -> bool:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        left = certificate.not_valid_after_utc.timestamp() - at
        ours = certificate.issuer == self._issuer.certificate.subject
        return ours and all(host_name(host) in names for host in hosts) and left > SERVER_RENEWAL_DAYS * DAY

    def _make_server(self, hosts: Sequence[str], at: float) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        names = list(dict.fromkeys((*hosts, *LOOPBACK)))
        made = server_certificate(self._issuer, key.public_key(), hosts=names, at=at, until=at + SERVER_DAYS * DAY)
        _replace(self._folder / f"{SERVER}.key", _key_pem(key), 0o600)
        _replace(self._folder / f"{SERVER}.pem", _pem(made).encode(), 0o644)


def _read_pair(folder: Path, name: str) -> Issuer | None:
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
        key = load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    except (OSError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return Issuer(certificate, key)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_new(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _write_new(temporary, data, mode)
    temporary.replace(path)
