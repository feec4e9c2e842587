from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from vmdirac_py.inventory.api import Problem
from vmdirac_py.inventory.load import load
from vmdirac_py.inventory.secrets import names_secret, plain_secrets

ENDPOINT = "group_vars/endpoint_here.yml"
BASE = "endpoint_kind: local\nendpoint_site: X\n"
Problems = Callable[[dict[str, str | None]], list[Problem]]
Tree = Callable[..., Path]


def encrypted(text: str) -> str:
    """Return `text` as ansible-vault would write it."""
    vault = VaultLib([("default", VaultSecret(b"pass-of-the-vault"))])
    return vault.encrypt(text, vault.secrets[0][1]).decode()


def test_plain_password_is_refused_without_showing_it(problems: Problems) -> None:
    """A password in plain text is refused at its own line, with words on how to mend it, and is not repeated."""
    found = problems({ENDPOINT: BASE + "endpoint_options:\n  auth:\n    password: hunter2\n"})
    assert [(entry.file, entry.line, entry.key) for entry in found] == [(ENDPOINT, 5, "endpoint_options.auth.password")]
    assert "env:NAME" in found[0].mend
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("value", ["env:OS_PASSWORD", "file:/etc/vmdirac/password", "vault:abc"])
def test_references_stay_references(tree: Tree, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference is kept as it is, whatever it would mean here."""
    monkeypatch.setenv("OS_PASSWORD", "hunter2")
    inventory = load(tree({ENDPOINT: BASE + f"endpoint_options: {{password: '{value}'}}\n"}))
    assert inventory.endpoints["here"].options == {"password": value}


def test_vaulted_value_stays_closed(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encrypted value becomes a reference with its ciphertext, even when the vault's password is at hand."""
    (tmp_path / "pass").write_text("pass-of-the-vault")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "pass"))
    cipher = "".join(f"    {line}\n" for line in encrypted("hunter2").splitlines())
    inventory = load(tree({ENDPOINT: BASE + f"endpoint_options:\n  password: !vault |\n{cipher}"}))
    reference = inventory.endpoints["here"].options["password"]
    assert reference.startswith("vault:$ANSIBLE_VAULT;1.1;AES256\n")
    assert "hunter2" not in str(inventory)


def test_template_cannot_open_a_vaulted_value(
    problems: Problems, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A template that would open an encrypted value is refused."""
    (tmp_path / "pass").write_text("pass-of-the-vault")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "pass"))
    cipher = "".join(f"    {line}\n" for line in encrypted("hunter2").splitlines())
    text = BASE + f"mine: !vault |\n{cipher}endpoint_options: {{a: 'x{{{{ mine }}}}'}}\n"
    found = problems({ENDPOINT: text})
    assert [entry.what for entry in found] == ["a template cannot use an encrypted value"]


def test_file_encrypted_as_a_whole(problems: Problems) -> None:
    """A wholly encrypted file is refused: opened here, its values would be stored in plain text."""
    found = problems({ENDPOINT: encrypted(BASE)})
    assert [(entry.file, entry.what) for entry in found] == [(ENDPOINT, "encrypted as a whole")]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "os_password",
        "clientSecret",
        "token",
        "api_key",
        "private-key",
        "key",
        "application_credential_secret",
    ],
)
def test_names_of_secrets(name: str) -> None:
    """These names call for a reference."""
    assert names_secret(name)


@pytest.mark.parametrize(
    "name", ["key_name", "keypair", "public_key", "password_file", "token_url", "monkey", "tokenize", "secret_id"]
)
def test_harmless_names(name: str) -> None:
    """These names do not."""
    assert not names_secret(name)


def test_lists_of_secrets() -> None:
    """Secrets in lists and deep mappings are found; empty values and flags are none."""
    value = {"a": [{"tokens": ["env:A", "plain"]}], "password": "", "token": None, "secret": True}
    assert list(plain_secrets("o", value)) == ["o.a.tokens"]


def test_child_shows_no_ciphertext_as_plain_text(tree: Tree) -> None:
    """What the child process writes holds no decrypted value."""
    cipher = "".join(f"    {line}\n" for line in encrypted("hunter2").splitlines())
    root = tree({ENDPOINT: BASE + f"endpoint_options:\n  password: !vault |\n{cipher}"})
    done = subprocess.run(
        [sys.executable, "-m", "vmdirac_py.inventory.child", str(root)], capture_output=True, text=True, check=True
    )
    assert "hunter2" not in done.stdout + done.stderr
