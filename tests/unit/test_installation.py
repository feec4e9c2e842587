"""Making an installation: what folder may become a home, and what is done to it."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tests.support.program import TOP
from vmdirac_py import installation
from vmdirac_py.base.errors import BadInput, Conflict, Unusable
from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.clouds.api import AuthFailed
from vmdirac_py.installation import init, open_installation

SETTINGS = Settings(inventory=str(TOP / "inventories/quickstart"))


def mode(path: Path) -> int:
    """Return the rights on a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_it_makes_is_closed_to_others(tmp_path: Path) -> None:
    """In a folder that was not there nobody else reads anything."""
    home = Home(tmp_path / "home")
    init(home, SETTINGS)
    assert {mode(path) for path in (home.root, home.blobs, home.runs, home.logs, home.static, home.ca)} == {0o700}
    assert {mode(path) for path in (home.database, home.settings_file)} == {0o600}


def test_an_empty_folder_keeps_its_mode(tmp_path: Path) -> None:
    """A folder somebody else made may become a home, and its rights stay theirs; what is secret in it is closed."""
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.root.chmod(0o755)
    init(home, SETTINGS)
    assert mode(home.root) == 0o755
    assert {mode(path) & 0o077 for path in (home.database, home.settings_file, home.ca, home.runs)} == {0}


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    """A folder that holds other things is an error that says what to do, and nothing in it changes."""
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(Conflict, match="new or empty folder"):
        init(Home(tmp_path), SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert mode(tmp_path) == 0o755


def test_a_folder_where_all_may_write_is_refused(tmp_path: Path) -> None:
    """A folder like /tmp is no home, not even an empty one."""
    tmp_path.chmod(0o1777)
    with pytest.raises(Unusable, match=f"{tmp_path}: everybody .*--home"):
        init(Home(tmp_path), SETTINGS)
    assert mode(tmp_path) == 0o1777
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ledger", [True, False])
@pytest.mark.parametrize("authority", [True, False])
def test_a_half_made_home_is_made_whole(tmp_path: Path, *, ledger: bool, authority: bool) -> None:
    """Where a first try was cut off before its settings were written, the next one goes well."""
    home = Home(tmp_path / "home")
    init(home, SETTINGS)
    home.settings_file.unlink()
    if not authority:
        shutil.rmtree(home.ca)
    if not ledger:
        home.database.unlink()
    (home.root / ".ansible").mkdir()
    init(home, SETTINGS)
    with open_installation(home) as ctx:
        assert ctx.inventory().pools


def test_a_bad_inventory_leaves_nothing(tmp_path: Path) -> None:
    """What cannot be used makes no home."""
    with pytest.raises(BadInput):
        init(Home(tmp_path / "home"), Settings(inventory=str(tmp_path / "none")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reference", ["env:VMDIRAC_NO_SUCH_SECRET", "plain"])
def test_a_secret_that_cannot_be_resolved_is_told_as_a_cloud_error(reference: str) -> None:
    """Whoever makes a driver hears `AuthFailed`."""
    with pytest.raises(AuthFailed):
        installation._secret(reference)


INVENTORY = """
all:
  vars: {pool_image: image, pool_flavor: "1", pool_cores: 1, pool_ram_mb: 1024}
  children:
    vo_astro: {hosts: {astro-1: }}
    endpoint_one:
      hosts: {astro-1: }
      vars:
        endpoint_kind: opennebula
        endpoint_site: CLOUD.Here.xy
        endpoint_options: {url: "http://127.0.0.1:9/RPC2", session: "file:%s"}
"""


def test_a_renewed_secret_makes_a_new_driver(tmp_path: Path) -> None:
    """A driver is kept as long as its secrets are the same: a renewed login is used without restarting anything."""
    session, hosts = tmp_path / "session", tmp_path / "hosts.yml"
    hosts.write_text(INVENTORY % session)
    session.touch(mode=0o600)
    session.write_text("user:old-token")
    home = Home(tmp_path / "home")
    init(home, Settings(inventory=str(hosts)))
    with open_installation(home) as ctx:
        first = ctx.endpoint("one")
        assert ctx.endpoint("one") is first
        session.write_text("user:new-token")
        assert ctx.endpoint("one") is not first
