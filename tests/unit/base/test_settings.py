"""The settings file: what it may say, and how it complains."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmdirac_py.base.errors import BadInput, Unusable
from vmdirac_py.base.settings import HOME_VARIABLE, SETTINGS_FILE, Home, find_home, read_settings


def written(folder: Path, text: str) -> Home:
    """Return a home with these settings."""
    (folder / SETTINGS_FILE).write_text(text)
    return Home(folder)


def test_defaults_fill_what_is_not_said(tmp_path: Path) -> None:
    """An inventory is all that must be said."""
    settings = read_settings(written(tmp_path, "inventory: inv\n"))
    assert (settings.inventory, settings.vm_port, settings.max_attempts) == ("inv", 8443, 3)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("inventory: inv\ncolour: red\n", "colour"),
        ("inventory: inv\nvm_port: 99999\n", "vm_port"),
        ("inventory: inv\ncycle_seconds: soon\n", "cycle_seconds"),
        ("inventory: [\n", SETTINGS_FILE),
        ("vm_port: 1\n", "inventory"),
    ],
)
def test_a_wrong_file_is_refused_by_key(tmp_path: Path, text: str, names: str) -> None:
    """The error names the file and the key."""
    with pytest.raises(BadInput) as refused:
        read_settings(written(tmp_path, text))
    assert names in str(refused.value)
    assert SETTINGS_FILE in str(refused.value)


def test_a_folder_without_settings_is_no_installation(tmp_path: Path) -> None:
    """The error says how to make one."""
    with pytest.raises(Unusable, match="vmdirac init"):
        read_settings(Home(tmp_path))


def test_the_home_is_as_given_else_as_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--home` wins over the variable, and that over `./.vmdirac`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    assert find_home().root == tmp_path / ".vmdirac"
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "a"))
    assert find_home().root == tmp_path / "a"
    assert find_home(str(tmp_path / "b")).root == tmp_path / "b"


def test_a_vm_outlives_an_outage_and_gives_up_before_it_is_mute(tmp_path: Path) -> None:
    """Three days, two and one by default; whoever sets the certificate's life alone sets all three."""
    by_default = read_settings(written(tmp_path, "inventory: inv\n"))
    assert (by_default.dead_man_seconds, by_default.outage_seconds) == (48 * 3600, 24 * 3600)
    short = read_settings(written(tmp_path, "inventory: inv\ncertificate_hours: 3\n"))
    assert (short.dead_man_seconds, short.outage_seconds) == (2 * 3600, 3600)


@pytest.mark.parametrize("line", ["dead_man_hours: 72", "dead_man_hours: 24", "outage_hours: 48", "dead_man_hours: 80"])
def test_another_order_is_refused(tmp_path: Path, line: str) -> None:
    """A dead man older than his certificate, or younger than the outage he shall bear, is refused by file and rule."""
    with pytest.raises(BadInput) as refused:
        read_settings(written(tmp_path, f"inventory: inv\n{line}\n"))
    assert "outage_hours < dead_man_hours < certificate_hours" in str(refused.value)
    assert SETTINGS_FILE in str(refused.value)
