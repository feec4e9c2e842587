"""The certificates an installation makes, as pure functions: what goes in and what stays out.

Of a signing request only the public key is taken; name, use and lifetime are ours. Keys are EC P-256 throughout:
small, and a VM makes one with `openssl` in a few milliseconds. Times are seconds since the epoch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import quote, unquote, urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vmdirac_py.base.errors import BadInput

SCHEME = "vmdirac"
BACKDATE = 300.0  # clocks of VMs are off by minutes
MAX_REQUEST = 10_000  # characters; a P-256 request has about 500
MAX_NAME = 64  # bytes of a common name (X.520); the identity stands in the alternative name, in full
MEND_REQUEST = (
    "make it with `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=enrol "
    "-keyout KEY -out CSR`"
)


@dataclass(frozen=True, slots=True)
class Issuer:
    """The authority's certificate and private key, in memory."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class VmIdentity:
    """Whom a VM's certificate names, and until when it holds (epoch seconds)."""

    vm: str
    vo: str
    not_after: float


def request_key(csr_pem: str) -> ec.EllipticCurvePublicKey:
    """Return the public key of a PEM signing request.

    Raises:
        BadInput: it is no signing request, its signature is wrong, or its key is not EC P-256.
    """
    try:
        request = x509.load_pem_x509_csr(csr_pem[:MAX_REQUEST].encode())
        signed, key = request.is_signature_valid, request.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput("not a PEM signing request", where="csr", mend=MEND_REQUEST) from None
    if not signed:
        raise BadInput("the signing request's own signature is wrong", where="csr", mend=MEND_REQUEST)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadInput("the signing request's key is not EC P-256", where="csr", mend=MEND_REQUEST)
    return key


def hash_of(key: ec.EllipticCurvePublicKey) -> str:
    """Return the SHA-256 (hex) of the key's SubjectPublicKeyInfo (DER): the name of a key."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def root_certificate(key: ec.EllipticCurvePrivateKey, name: str, *, at: float, until: float) -> x509.Certificate:
    """Return a self-signed root that may sign end certificates and nothing else."""
    subject = _name(name)
    return (
        _builder(subject, key.public_key(), at=at, until=until)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def vm_certificate(
    issuer: Issuer, key: ec.EllipticCurvePublicKey, *, vm: str, vo: str, at: float, until: float
) -> x509.Certificate:
    """Return a client certificate that says: this key belongs to VM `vm` of VO `vo`."""
    uri = x509.UniformResourceIdentifier(f"{SCHEME}://{quote(vo, safe='')}/{quote(vm, safe='')}")
    return _end_certificate(issuer, key, vm, [uri], ExtendedKeyUsageOID.CLIENT_AUTH, at=at, until=until)


def server_certificate(
    issuer: Issuer, key: ec.EllipticCurvePublicKey, *, hosts: Sequence[str], at: float, until: float
) -> x509.Certificate:
    """Return a server certificate for these host names and addresses."""
    names = [host_name(host) for host in hosts]
    return _end_certificate(issuer, key, "manager", names, ExtendedKeyUsageOID.SERVER_AUTH, at=at, until=until)


def host_name(host: str) -> x509.GeneralName:
    """Return a host as a certificate names it: an address where it is one, else a DNS name."""
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def vm_identity(der: bytes) -> VmIdentity:
    """Return whom a VM's certificate (DER, already verified against our root) names.

    Raises:
        BadInput: it names no VM of ours.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        parts = urlsplit(names.get_values_for_type(x509.UniformResourceIdentifier)[0])
    except (ValueError, IndexError, x509.ExtensionNotFound):
        raise BadInput("the certificate names no VM", where="certificate") from None
    vo, vm = unquote(parts.netloc), unquote(parts.path.removeprefix("/"))
    if parts.scheme != SCHEME or not vo or not vm:
        raise BadInput("the certificate names no VM", where="certificate")
    return VmIdentity(vm, vo, certificate.not_valid_after_utc.timestamp())


def _end_certificate(
    issuer: Issuer,
    key: ec.EllipticCurvePublicKey,
    name: str,
    names: Sequence[x509.GeneralName],
    use: x509.ObjectIdentifier,
    *,
    at: float,
    until: float,
) -> x509.Certificate:
    return (
        _builder(_name(name), key, at=at, until=until)
        .issuer_name(issuer.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey, *, at: float, until: float) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(at - BACKDATE, UTC))
        .not_valid_after(datetime.fromtimestamp(until, UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    short = common_name.encode()[:MAX_NAME].decode(errors="ignore")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, short)])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
