from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.booting import Web
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.operations.bundles import looked_at
from vmdirac_py.operations.contextualising import Bundle
from vmdirac_py.worker.bundle import store


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A web server for the test's folder."""
    server = Web(tmp_path)
    yield server
    server.stop()


def test_what_vms_ask_for_is_there(web: Web, tmp_path: Path) -> None:
    """Both files are fetched and compared with their names."""
    bundle = Bundle(store(tmp_path, b"worker"), "", store(tmp_path, b"roles"))
    (finding,) = looked_at(Endpoint("north", "ec2", "S", bundle_url=web.url), bundle)
    assert finding.ok, finding.text
    assert len(web.asked) == 2


def test_what_is_missing_or_another_is_told(web: Web, tmp_path: Path) -> None:
    """A file that is not there, and one that was changed, are named, and what to do."""
    bundle = Bundle("0" * 64, "", store(tmp_path, b"roles"))
    (tmp_path / bundle.roles_sha256).write_text("other roles")
    (finding,) = looked_at(Endpoint("north", "ec2", "S", bundle_url=web.url), bundle)
    assert not finding.ok
    assert "worker" in finding.text
    assert "404" in finding.text
    assert "another file" in finding.text
    assert "static" in finding.mend


def test_without_an_own_server_nothing_is_asked() -> None:
    """The manager's files are its own business."""
    assert list(looked_at(Endpoint("north", "ec2", "S"), Bundle("0" * 64, ""))) == []
