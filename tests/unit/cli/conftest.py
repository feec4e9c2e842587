"""Commands on a real installation with a waiting job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from tests.support.context import make_context, submit
from vmdirac_py.cli.main import app

Run = Callable[..., Result]
POOL = {"pool_flavor": "m8", "pool_image": "debian", "pool_cores": 8, "pool_ram_mb": 16000, "pool_idle_seconds": 60}


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """A home where one job of VO astro waits; its pools have 8 cores."""
    folder = tmp_path / "home"
    ctx = make_context(folder)
    submit(ctx)
    ctx.ledger.close()
    (folder / "vmdirac.yml").write_text("inventory: inventory\n")
    return folder


@pytest.fixture
def vmdirac(busy: Path) -> Run:
    """Runs a command in that home; what it raises is raised."""

    def run(*words: object, home: bool = True, **more: object) -> Result:
        where = ["--home", str(busy)] if home else []
        return CliRunner().invoke(app, [*where, *map(str, words)], catch_exceptions=False, **more)  # type: ignore[arg-type]

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes an inventory of pool `astro-8` with changes, and returns its path."""

    def write(name: str, **keys: object) -> Path:
        group = {"endpoint_kind": "local", "endpoint_site": "CLOUD.North.xy", "endpoint_options": {"state": "cloud"}}
        pools = {"astro-8": POOL | keys}
        tree = {
            "all": {
                "children": {
                    "endpoint_north": {"hosts": pools, "vars": group},
                    "vo_astro": {"hosts": {"astro-8": {}}, "vars": {"vo_groups": ["astro_user"]}},
                }
            }
        }
        path = tmp_path / name / "hosts.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(tree))
        return path.parent

    return write
