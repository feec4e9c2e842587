"""The certificate authority: what it signs, refuses and keeps on disk."""

from __future__ import annotations

import subprocess
from base64 import encodebytes
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from tests.support.keys import make_request
from vmdirac_py.base.errors import BadInput, Conflict, Unusable
from vmdirac_py.credentials.ca import Authority, key_hash_of
from vmdirac_py.credentials.signing import vm_identity

AT = 1_800_000_000.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return a fresh authority."""
    return Authority.create(tmp_path_factory.mktemp("home") / "ca", installation_id="inst-1")


def signed(authority: Authority, csr: str, vm: str = "vm-1", vo: str = "astro") -> x509.Certificate:
    """Return what the authority makes of a request."""
    return x509.load_pem_x509_certificate(authority.sign_vm(csr, vm=vm, vo=vo, hours=72, at=AT).pem.encode())


def test_a_request_made_by_openssl_is_signed(authority: Authority, tmp_path: Path) -> None:
    """The command a VM runs makes a request the authority signs, and openssl itself accepts the chain."""
    make = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=enrol -keyout key -out csr"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    made = authority.sign_vm((tmp_path / "csr").read_text(), vm="vm-1", vo="astro", hours=1, at=AT)
    (tmp_path / "ca.pem").write_text(authority.pem)
    (tmp_path / "vm.pem").write_text(made.pem)
    verify = f"openssl verify -x509_strict -purpose sslclient -attime {int(AT)} -CAfile ca.pem vm.pem"
    assert subprocess.run(verify.split(), cwd=tmp_path, check=False, capture_output=True).returncode == 0


def test_only_the_key_of_a_request_counts(authority: Authority) -> None:
    """Name, CA flag and use asked for in a request do not reach the certificate."""
    made = signed(authority, make_request(name="root", ca=True))
    assert made.subject.rfc4514_string() == "CN=vm-1"
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    use = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_certificate_holds_for_its_hours_and_a_little_before(authority: Authority) -> None:
    """Valid from five minutes ago for the hours asked; to be renewed at a third of its life."""
    csr = make_request()
    answer = authority.sign_vm(csr, vm="vm-1", vo="astro", hours=3, at=AT)
    made = x509.load_pem_x509_certificate(answer.pem.encode())
    assert made.not_valid_before_utc.timestamp() == AT - 300
    assert made.not_valid_after_utc.timestamp() == answer.not_after == AT + 3 * 3600
    assert answer.renew_at == AT + 3600
    assert answer.key_hash == key_hash_of(csr)


@given(vm=st.text(min_size=1, max_size=80), vo=st.text(min_size=1, max_size=80))
def test_identity_survives_the_certificate(authority: Authority, vm: str, vo: str) -> None:
    """Whatever a VM and its VO are called, the certificate tells exactly these two names again."""
    vm, vo = (text.encode("utf-8", "replace").decode() for text in (vm, vo))
    made = signed(authority, make_request(), vm, vo)
    identity = vm_identity(made.public_bytes(Encoding.DER))
    assert (identity.vm, identity.vo) == (vm, vo)


@pytest.mark.parametrize(
    "csr",
    [
        "",
        "not a request",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "x" * 100_000,
        make_request(ec.generate_private_key(ec.SECP384R1())),
        make_request(rsa.generate_private_key(65537, 2048)),
    ],
    ids=["empty", "text", "garbage", "huge", "P-384", "RSA"],
)
def test_a_bad_request_is_refused(authority: Authority, csr: str) -> None:
    """Anything but a P-256 signing request is bad input that says how to make a good one."""
    with pytest.raises(BadInput) as caught:
        authority.sign_vm(csr, vm="vm-1", vo="astro", hours=1, at=AT)
    assert "openssl req" in caught.value.mend


def test_a_request_signed_by_another_key_is_refused(authority: Authority) -> None:
    """A request that does not prove possession of its key is refused."""
    request = bytearray(x509.load_pem_x509_csr(make_request().encode()).public_bytes(Encoding.DER))
    request[-1] ^= 1
    label = "CERTIFICATE REQUEST-----\n"
    pem = f"-----BEGIN {label}{encodebytes(bytes(request)).decode()}-----END {label}"
    with pytest.raises(BadInput, match=r"signature|not a PEM"):
        authority.sign_vm(pem, vm="vm-1", vo="astro", hours=1, at=AT)


def test_the_server_is_not_a_vm(authority: Authority) -> None:
    """The listener's own certificate names no VM."""
    certificate, _ = authority.server("127.0.0.1")
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    with pytest.raises(BadInput, match="names no VM"):
        vm_identity(der)


def test_keys_are_for_the_owner_alone(authority: Authority) -> None:
    """Folder 0700, private keys 0600."""
    _, key = authority.server("127.0.0.1")
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in key.parent.glob("*.key")} == {0o600}


def test_an_authority_is_made_once_and_found_again(tmp_path: Path) -> None:
    """A second create changes nothing; load finds the same root; nothing there is said so."""
    made = Authority.create(tmp_path / "ca")
    with pytest.raises(Conflict):
        Authority.create(tmp_path / "ca")
    assert Authority.load(tmp_path / "ca").pem == made.pem
    with pytest.raises(Unusable, match="vmdirac init"):
        Authority.load(tmp_path / "nowhere")


def test_two_authorities_have_two_names(tmp_path: Path) -> None:
    """Roots of two installations never look alike, even with the same id (a copied home)."""
    names = {
        x509.load_pem_x509_certificate(Authority.create(tmp_path / n, installation_id="inst-1").pem.encode()).subject
        for n in "ab"
    }
    assert len(names) == 2


def test_the_listener_certificate_is_kept_until_the_host_changes(tmp_path: Path) -> None:
    """The same host gets the same files' content; another host, or half a pair, a new certificate."""
    authority = Authority.create(tmp_path)
    certificate, key = authority.server("127.0.0.1")
    first = certificate.read_bytes()
    assert authority.server("127.0.0.1")[0].read_bytes() == first
    second = authority.server("manager.example.org")[0].read_bytes()
    names = x509.load_pem_x509_certificate(second).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["manager.example.org", "localhost"]
    key.unlink()
    assert authority.server("manager.example.org")[0].read_bytes() != second
