from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from vmdirac_py.base.errors import Unusable
from vmdirac_py.inventory.api import BadInventory
from vmdirac_py.inventory.load import commit, fingerprint, load
from vmdirac_py.model.resources import Resources

Tree = Callable[..., Path]
QUICKSTART = Path(__file__).parents[3] / "inventories" / "quickstart"


def command_of(pid: Path) -> bytes:
    """Return a process's command line, empty when it is gone."""
    try:
        return (pid / "cmdline").read_bytes()
    except OSError:
        return b""


def test_good_tree(tree: Tree) -> None:
    """A good tree becomes pools on their endpoint and VO, with defaults from the groups around them."""
    inventory = load(tree())
    assert set(inventory.vos) == {"alpha", "beta"}
    assert set(inventory.endpoints) == {"here"}
    small = inventory.pools["small"]
    assert (small.endpoint, small.vo, small.site) == ("here", "alpha", "CLOUD.Here.org")
    assert (small.flavor, small.image, small.resources) == ("m1", "debian", Resources(cores=2))
    assert inventory.vo_of_group("beta_user") == "beta"


def test_quickstart_tree() -> None:
    """The tree that ships for the quickstart is good, serves three VOs, and may never start more than eight VMs."""
    inventory = load(QUICKSTART)
    assert set(inventory.vos) == {"alpha", "beta", "gamma"}
    assert sorted(pool.resources.cores for pool in inventory.pools.values()) == [2, 2, 2, 4, 4, 8]
    assert inventory.endpoints["local"].max_vms == 8


def test_templates(tree: Tree) -> None:
    """Values with braces are computed, for an endpoint from its group's variables, for a pool from the host's."""
    inventory = load(
        tree(
            {
                "host_vars/small.yml": 'pool_cores: 2\nper_core: 3000\npool_ram_mb: "{{ per_core * pool_cores }}"\n',
                "group_vars/endpoint_here.yml": "kind_of_cloud: local\nendpoint_kind: '{{ kind_of_cloud }}'\n"
                "endpoint_site: X\nendpoint_options: {deep: [{'a': '{{ kind_of_cloud }}-1'}]}\n",
            }
        )
    )
    assert inventory.pools["small"].resources.ram_mb == 6000
    assert inventory.endpoints["here"].kind == "local"
    assert inventory.endpoints["here"].options == {"deep": [{"a": "local-1"}]}


def test_text_without_braces_is_left_alone(tree: Tree) -> None:
    """Text that merely looks odd reaches the driver unchanged."""
    inventory = load(tree({"host_vars/small.yml": "pool_cores: 2\npool_options: {shell: 'a { b } %n $x'}\n"}))
    assert inventory.pools["small"].options == {"shell": "a { b } %n $x"}


def test_names_may_be_overridden(tree: Tree) -> None:
    """A VO's name may hold dots and dashes, by its group's name or by vo_name."""
    groups = "endpoint_here: {hosts: {small: , big: }}, vo_vo.a-b.org: {hosts: {small: }}, vo_c: {hosts: {big: }}"
    inventory = load(
        tree(
            {
                "hosts.yml": f"all: {{children: {{{groups}}}}}\n",
                "group_vars/vo_alpha.yml": None,
                "group_vars/vo_beta.yml": None,
                "group_vars/vo_c.yml": "vo_name: c.example.org\n",
            }
        )
    )
    assert set(inventory.vos) == {"vo.a-b.org", "c.example.org"}
    assert inventory.pools["big"].vo == "c.example.org"


def test_ini_hosts(tree: Tree) -> None:
    """Who is where may be written in INI."""
    ini = "[endpoint_here]\nsmall pool_cores=4\nbig\n[vo_alpha]\nsmall\n[vo_beta]\nbig\n"
    inventory = load(tree({"hosts.yml": None, "hosts.ini": ini, "host_vars/small.yml": None}))
    assert inventory.pools["small"].resources.cores == 4


def test_inventory_file_instead_of_folder(tree: Tree) -> None:
    """A file as inventory is read with the group_vars beside it, and its fingerprint covers them."""
    root = tree()
    before = fingerprint(root / "hosts.yml")
    assert load(root / "hosts.yml").pools["small"].resources.cores == 2
    (root / "host_vars" / "small.yml").write_text("pool_cores: 3\n")
    assert fingerprint(root / "hosts.yml") != before


def test_surroundings_do_not_matter(tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reader sees neither the caller's environment and Ansible settings nor files of the current folder."""
    monkeypatch.setenv("SOME_SECRET", "hunter2")
    monkeypatch.setenv("ANSIBLE_INVENTORY_ENABLED", "host_list")
    monkeypatch.setenv("ANSIBLE_JINJA2_NATIVE_WARNING", "x")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("pool_image: wrong\n")
    monkeypatch.chdir(tmp_path)
    changed = tree({"group_vars/all.yml": "pool_image: \"x{{ lookup('env', 'SOME_SECRET') }}\"\npool_flavor: m1\n"})
    assert load(changed).pools["small"].image == "x"


def test_nothing_is_left_behind(tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reading leaves no files in the home, in the temporary folder or in the tree."""
    root = tree()
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = fingerprint(root)
    load(root)
    assert (list(home.iterdir()), list(scratch.iterdir()), fingerprint(root)) == ([], [], before)


def test_fingerprint_follows_content(tree: Tree) -> None:
    """The fingerprint changes with content, name or presence of a file, and with nothing else."""
    root = tree()
    first = fingerprint(root)
    os.utime(root / "hosts.yml", (1, 1))
    assert fingerprint(root) == first
    (root / "host_vars" / "small.yml").rename(root / "host_vars" / "small.yaml")
    second = fingerprint(root)
    (root / "host_vars" / "small.yaml").write_text("pool_cores: 3\n")
    third = fingerprint(root)
    (root / "notes.txt").touch()
    assert len({first, second, third, fingerprint(root)}) == 4


def test_commit(tree: Tree) -> None:
    """The commit is the last one of the tree, `-dirty` once something is changed, and empty outside git."""
    root = tree()
    assert commit(root) == ""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "tree"]):
        subprocess.run([*git, *arguments], cwd=root, check=True)
    clean = commit(root)
    assert len(clean) == 40
    assert load(root).commit == clean
    (root / "notes.txt").touch()
    assert commit(root) == f"{clean}-dirty"


def test_missing_path(tmp_path: Path) -> None:
    """A path that is not there is a bad inventory that names it."""
    with pytest.raises(BadInventory, match="no such file or folder"):
        load(tmp_path / "nowhere")


def test_hanging_reader(tree: Tree) -> None:
    """A tree whose reading does not end is refused at the timeout, and whatever hung is gone."""
    hang = "pool_flavor: m1\npool_image: \"{{ lookup('pipe', 'sleep 61.5') }}\"\n"
    with pytest.raises(BadInventory, match="not read within 2 seconds"):
        load(tree({"group_vars/all.yml": hang}), timeout=2)
    assert not [pid for pid in Path("/proc").glob("[0-9]*") if b"61.5" in command_of(pid)]


def test_broken_reader(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that cannot even start is the machine's fault, not the tree's."""
    monkeypatch.setattr("vmdirac_py.inventory.load.ANSIBLE", {"ANSIBLE_VERBOSITY": "many"})
    with pytest.raises(Unusable, match="the inventory reader failed"):
        load(tree())


def test_fingerprint_follows_roles(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of our roles is another inventory: the same tree means other VMs."""
    root = tree()
    before = fingerprint(root)
    monkeypatch.setattr("vmdirac_py.inventory.load.roles_archive", lambda: ("other", b""))
    assert fingerprint(root) != before
