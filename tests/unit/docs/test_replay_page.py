"""What the page about the replay shows can be used as it stands."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.docs.pages import FENCE, ROOT
from vmdirac_py.replay.overlay import Overlay
from vmdirac_py.replay.overlay import read as read_overlay
from vmdirac_py.replay.scenario import Scenario, read_scenario


def shown(key: str) -> str:
    """Return the YAML on the page that begins with a key."""
    text = (ROOT / "docs/replay.md").read_text()
    blocks = (block[0].strip("`").removeprefix("yaml\n") for block in FENCE.finditer(text))
    return next(block for block in blocks if block.startswith(f"{key}:"))


def test_the_scenario_shown_has_all_keys(tmp_path: Path) -> None:
    """It is a scenario, and there is no key that it does not name."""
    (tmp_path / "cloud.yml").write_text(shown("boot"))
    read_scenario(tmp_path / "cloud.yml")
    assert set(yaml.safe_load(shown("boot"))) == set(Scenario.__struct_fields__)


def test_the_overlay_shown_has_all_keys(tmp_path: Path) -> None:
    """It is an overlay, and there is no key that it does not name."""
    (tmp_path / "mix.yml").write_text(shown("seed"))
    read_overlay(tmp_path / "mix.yml")
    assert set(yaml.safe_load(shown("seed"))) == set(Overlay.__struct_fields__)
