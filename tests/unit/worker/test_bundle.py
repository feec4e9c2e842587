from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vmdirac_py.worker import bundle


def test_two_builds_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle depends on the sources' content alone: not on file times, modes, folder or umask."""
    first = bundle.build(tmp_path / "a")
    copy = tmp_path / "worker"
    copy.mkdir()
    for path in Path(bundle.__file__).parent.glob("*.py"):
        (copy / path.name).write_bytes(path.read_bytes())
        (copy / path.name).chmod(0o755)
        os.utime(copy / path.name, (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr(bundle, "__file__", str(copy / "bundle.py"))
    assert bundle.build(tmp_path / "b") == first
    assert (tmp_path / "a" / first).read_bytes() == (tmp_path / "b" / first).read_bytes()


def test_name_is_the_hash(tmp_path: Path) -> None:
    """The file is named by its SHA-256, and nothing else is left in the folder."""
    name = bundle.build(tmp_path)
    assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == name
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_source_gives_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed module changes the hash."""
    before = bundle.build(tmp_path)
    (tmp_path / "extra.py").write_text("x = 1\n")
    monkeypatch.setattr(bundle, "runtime_modules", lambda: [tmp_path / "extra.py"])
    assert bundle.build(tmp_path) != before


def test_build_side_is_not_shipped(tmp_path: Path) -> None:
    """The bundle holds the runtime modules and not the builder."""
    with zipfile.ZipFile(tmp_path / bundle.build(tmp_path)) as archive:
        names = archive.namelist()
    assert "vmdirac_worker/main.py" in names
    assert not any("bundle" in name for name in names)


def test_it_starts(tmp_path: Path) -> None:
    """The bundle runs by itself, without any package of this project, and says how it is used."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", tmp_path / bundle.build(tmp_path)], capture_output=True, check=False, cwd="/"
    )
    assert (done.returncode, b"usage" in done.stderr) == (2, True)


@pytest.mark.parametrize("path", bundle.runtime_modules(), ids=lambda path: path.name)
def test_grammar_of_python_3_9(path: Path) -> None:
    """Every module that runs on a VM can be read by Python 3.9."""
    ast.parse(path.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("path", bundle.runtime_modules(), ids=lambda path: path.name)
def test_standard_library_only(path: Path) -> None:
    """Every module imports its own room and the standard library, and nothing heavy."""
    heavy = {"dataclasses", "asyncio", "logging", "argparse", "concurrent", "sqlite3", "urllib.request"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in sys.stdlib_module_names
            assert name not in heavy


def test_many_may_build_at_once(tmp_path: Path) -> None:
    """Builders that meet get the same bundle, whole, and leave nothing else behind."""
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: bundle.build(tmp_path), range(40)))
    (name,) = names
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == name
