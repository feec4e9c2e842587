from __future__ import annotations

from pathlib import Path

from vmdirac_py.worker.files import remove_tree


def test_a_tree_goes_whatever_rights_were_taken_away(tmp_path: Path) -> None:
    """Folders that may not be entered go with all that is in them."""
    inner = tmp_path / "top/inner"
    inner.mkdir(parents=True)
    inner.joinpath("file").write_text("x")
    inner.chmod(0o000)
    remove_tree(tmp_path / "top")
    assert not (tmp_path / "top").exists()


def test_a_link_in_place_of_a_folder_goes_alone(tmp_path: Path) -> None:
    """Rights and contents of what it leads to stay, whether the link is the folder or lies in it."""
    victim, top = tmp_path / "victim", tmp_path / "top"
    (victim / "inner").mkdir(parents=True)
    victim.chmod(0o755)
    (victim / "inner").chmod(0o750)
    top.symlink_to(victim)
    remove_tree(top)
    assert not top.is_symlink()
    top.mkdir()
    (top / "link").symlink_to(victim)
    remove_tree(top)
    assert not top.exists()
    assert [oct(path.stat().st_mode & 0o777) for path in (victim, victim / "inner")] == ["0o755", "0o750"]
