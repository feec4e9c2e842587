"""Which folder a quickstart may make anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.program import TOP
from vmdirac_py.base.errors import Unusable
from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.cli.quickstart import _fresh_home
from vmdirac_py.installation import init, open_installation


def installation_id(home: Home) -> str:
    """Return which installation lies in a home."""
    with open_installation(home) as ctx:
        return ctx.installation_id


def test_an_installation_of_somebodys_own_is_left_alone(tmp_path: Path) -> None:
    """A home that `vmdirac init` made is refused, whole as it was."""
    home = Home(tmp_path / "home")
    made = init(home, Settings(inventory=str(TOP / "inventories/quickstart")))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Unusable, match="--folder"):
        _fresh_home(home.root)
    assert sorted(tmp_path.rglob("*")) == before
    assert installation_id(home) == made


def test_an_earlier_quickstart_is_made_anew(tmp_path: Path) -> None:
    """What a quickstart made the next one removes, even when it was cut off before its ledger was there."""
    home = _fresh_home(tmp_path / "home")
    first = installation_id(home)
    second = installation_id(_fresh_home(home.root))
    assert second != first
    for path in (home.settings_file, home.database):
        path.unlink()
    assert installation_id(_fresh_home(home.root)) not in {first, second}
