"""References to secrets: resolved late, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmdirac_py.base.errors import BadInput, Unusable, VmdiracError
from vmdirac_py.credentials.references import resolve

SECRET = "hunter2-correct-horse"


def secret_file(folder: Path, content: bytes, mode: int = 0o600) -> str:
    """Return a reference to a new file."""
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return f"file:{path}"


def test_an_environment_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """env:NAME is the variable's value."""
    monkeypatch.setenv("CLOUD_PASSWORD", SECRET)
    assert resolve("env:CLOUD_PASSWORD") == SECRET


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_file_is_read_without_its_line_end(tmp_path: Path, mode: int) -> None:
    """file:PATH is the file's text; its owner and group may read it."""
    assert resolve(secret_file(tmp_path, f"{SECRET}\n".encode(), mode)) == SECRET


def test_a_file_open_to_everybody_is_refused(tmp_path: Path) -> None:
    """A world-readable secret is refused with the command that mends it, and is not shown."""
    with pytest.raises(Unusable, match="chmod 600") as caught:
        resolve(secret_file(tmp_path, SECRET.encode(), 0o644))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 70_000], ids=["empty", "line", "binary", "huge"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty, binary or huge file is said to hold no secret."""
    with pytest.raises(Unusable, match="holds no secret"):
        resolve(secret_file(tmp_path, content))


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file or variable is named by its reference."""
    monkeypatch.delenv("CLOUD_PASSWORD", raising=False)
    for reference in (f"file:{tmp_path}/none", "env:CLOUD_PASSWORD"):
        with pytest.raises(Unusable, match=reference):
            resolve(reference)


@pytest.mark.parametrize("reference", [SECRET, f"plain:{SECRET}", f":{SECRET}", "", "env:", "file:"])
def test_a_secret_in_place_of_a_reference_is_never_shown(reference: str) -> None:
    """What is no reference may be the secret itself: the error does not repeat it."""
    with pytest.raises(BadInput) as caught:
        resolve(reference)
    error: VmdiracError = caught.value
    assert SECRET not in f"{error}{error!r}{error.where}{error.mend}"
