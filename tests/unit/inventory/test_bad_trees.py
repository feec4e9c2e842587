from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vmdirac_py.inventory.api import Problem
from vmdirac_py.inventory.load import load

Problems = Callable[[dict[str, str | None]], list[Problem]]
Tree = Callable[..., Path]

ENDPOINT = "group_vars/endpoint_here.yml"
SMALL = "host_vars/small.yml"


def only(problems: list[Problem]) -> Problem:
    """Return the single problem."""
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def hosts(**groups: list[str]) -> str:
    """Return a hosts file with these groups of hosts."""
    children = ", ".join(
        f"{group}: {{hosts: {{{', '.join(f'{name}: ' for name in names)}}}}}" for group, names in groups.items()
    )
    return f"all: {{children: {{{children}}}}}\n"


def test_unknown_key(problems: Problems) -> None:
    """An unknown key is named with file, line and the key that was probably meant."""
    found = only(problems({SMALL: "pool_cores: 2\npool_flavour: m2\n"}))
    assert (found.file, found.line, found.key, found.mend) == (SMALL, 2, "pool_flavour", "did you mean pool_flavor?")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("group_vars/vo_alpha.yml", "endpoint_max_vms: 3"),
        ("group_vars/all.yml", "endpoint_max_vms: 3"),
        (SMALL, "endpoint_max_vms: 3"),
        (ENDPOINT, "vo_max_vms: 3"),
        ("group_vars/all.yml", "vo_max_vms: 3"),
        (SMALL, "vo_max_vms: 3"),
    ],
)
def test_key_in_wrong_kind_of_group(problems: Problems, good: dict[str, str], file: str, line: str) -> None:
    """An endpoint's key outside an endpoint group, or a VO's outside a VO group, is refused where it stands."""
    found = only(problems({file: good[file] + line + "\n"}))
    assert (found.file, found.key) == (file, line.split(":", maxsplit=1)[0])
    assert "does not belong to" in found.what


@pytest.mark.parametrize(
    ("key", "file", "rest"),
    [
        ("pool_flavor", "group_vars/all.yml", "pool_image: debian\n"),
        ("pool_image", "group_vars/all.yml", "pool_flavor: m1\n"),
    ],
)
def test_pool_without(problems: Problems, key: str, file: str, rest: str) -> None:
    """A pool without flavor or image is told for each pool, at the line of its host."""
    found = problems({file: rest})
    assert {(problem.file, problem.line, problem.key) for problem in found} == {("hosts.yml", 5, key)}
    assert len(found) == 2


def test_pool_without_cores(problems: Problems) -> None:
    """A pool without cores is refused."""
    assert only(problems({SMALL: "pool_gpus: 0\n"})).key == "pool_cores"


def test_pool_in_two_endpoints(problems: Problems) -> None:
    """A pool in two endpoint groups is refused, naming both."""
    layout = hosts(endpoint_here=["small", "big"], endpoint_there=["small"], vo_alpha=["small"], vo_beta=["big"])
    there = "endpoint_kind: local\nendpoint_site: Y\nendpoint_options: {state: y}\n"
    found = only(problems({"hosts.yml": layout, "group_vars/endpoint_there.yml": there}))
    assert "pool small is in endpoint_here and endpoint_there" in found.what


def test_pool_in_no_endpoint(problems: Problems) -> None:
    """A pool in no endpoint group is refused."""
    layout = hosts(endpoint_here=["big"], vo_alpha=["small"], vo_beta=["big"])
    assert "pool small is in no group endpoint_" in only(problems({"hosts.yml": layout})).what


def test_pool_in_two_vos(problems: Problems) -> None:
    """A pool in two VO groups is refused."""
    layout = hosts(endpoint_here=["small", "big"], vo_alpha=["small"], vo_beta=["big", "small"])
    assert "pool small is in vo_alpha and vo_beta" in only(problems({"hosts.yml": layout})).what


def test_pool_in_no_vo(problems: Problems) -> None:
    """A pool in no VO group is refused."""
    layout = hosts(endpoint_here=["small", "big"], vo_alpha=[], vo_beta=["big"])
    assert "pool small is in no group vo_" in only(problems({"hosts.yml": layout})).what


def test_two_endpoints_on_one_tenant(problems: Problems) -> None:
    """Two endpoints with equal kind and equal options after templating are refused."""
    layout = hosts(endpoint_here=["small"], endpoint_there=["big"], vo_alpha=["small"], vo_beta=["big"])
    there = "endpoint_kind: local\nendpoint_site: Y\nletter: x\nendpoint_options: {state: '{{ letter }}'}\n"
    found = only(problems({"hosts.yml": layout, "group_vars/endpoint_there.yml": there}))
    assert (found.file, found.line) == ("group_vars/endpoint_there.yml", 4)
    assert "the same tenant as endpoint_here" in found.what


def test_one_key_in_two_files(problems: Problems) -> None:
    """One group's key in two files is refused, naming both, although Ansible would take the last."""
    found = only(
        problems(
            {
                ENDPOINT: None,
                "group_vars/endpoint_here/a.yml": "endpoint_kind: local\nendpoint_site: X\n",
                "group_vars/endpoint_here/b.yml": "endpoint_ramp: 3\nendpoint_site: Y\n",
            }
        )
    )
    assert (found.file, found.line, found.key) == ("group_vars/endpoint_here/b.yml", 2, "endpoint_site")
    assert "group_vars/endpoint_here/a.yml:2" in found.what


def test_one_key_in_hosts_file_and_group_vars(problems: Problems) -> None:
    """A key of a group in the hosts file and in group_vars is one key in two files."""
    layout = hosts(endpoint_here=["small", "big"], vo_alpha=["small"], vo_beta=["big"])
    found = only(problems({"hosts.yml": layout, "more.yml": "all: {vars: {pool_image: other}}\n"}))
    assert found.key == "pool_image"
    assert "more.yml:1" in found.file + found.what


def test_file_beside_folder(problems: Problems) -> None:
    """A file that Ansible passes over because a folder has the same name is told."""
    found = only(problems({"group_vars/all/x.yml": "pool_image: debian\npool_flavor: m1\n"}))
    assert (found.file, "passes over" in found.what) == ("group_vars/all.yml", True)


def test_vars_of_nobody(problems: Problems) -> None:
    """A group_vars file for a group that does not exist is told, with the group that was probably meant."""
    found = only(problems({"group_vars/vo_gama.yml": "vo_max_vms: 1\n", "group_vars/vo_alpha.yml": None}))
    assert (found.file, found.what) == ("group_vars/vo_gama.yml", "there is no group vo_gama")


def test_templating_error(problems: Problems) -> None:
    """A template with an undefined variable is told once, with its line, however many pools use it."""
    found = only(problems({"group_vars/all.yml": "pool_flavor: m1\npool_image: '{{ imgae }}'\n"}))
    assert (found.file, found.line, found.key) == ("group_vars/all.yml", 2, "pool_image")
    assert "imgae" in found.what


def test_template_syntax_error(problems: Problems) -> None:
    """A template that cannot be parsed is told with its line."""
    assert only(problems({SMALL: "pool_cores: '{{ 1 + }}'\n"})).key == "pool_cores"


def test_yaml_errors_of_all_files(problems: Problems) -> None:
    """Every file that is not YAML is told with its line, and no excerpt is shown."""
    found = problems({SMALL: "pool_cores: 2\npassword: {{ hunter2 }}\n", ENDPOINT: "a: 1\na: 2\n"})
    assert [(problem.file, problem.line) for problem in found] == [(ENDPOINT, 2), (SMALL, 2)]
    assert "hunter2" not in str(found)


def test_broken_ini(problems: Problems) -> None:
    """An INI file Ansible cannot read is told in Ansible's words."""
    found = problems({"hosts.yml": None, "hosts.ini": "[endpoint_here\nsmall\n"})
    assert any(problem.file == "hosts.ini" for problem in found)


def test_file_that_is_a_list(problems: Problems) -> None:
    """A variables file that holds no mapping is told."""
    assert only(problems({SMALL: "- pool_cores\n"})).what == "not a mapping of names to values"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0", "between 1 and 4096, not 0"),
        ("-4", "between 1 and 4096, not -4"),
        ("100000", "not 100000"),
        ("'4'", "wants a whole number, has text '4'"),
        ("2.5", "wants a whole number, has 2.5"),
        ("true", "wants a whole number, has True"),
        ("[4]", "wants a whole number, has a list"),
        ("null", "wants a whole number, has nothing"),
        ("9" * 5000, "5000 digits"),
    ],
)
def test_bad_cores(problems: Problems, value: str, words: str) -> None:
    """Cores of a wrong type, zero, negative or absurd are refused at their line."""
    found = only(problems({SMALL: f"pool_gpus: 0\npool_cores: {value}\n"}))
    assert found.file == SMALL
    assert words in found.what


@pytest.mark.parametrize(
    "line",
    [
        "pool_price: .nan", "pool_price: -1", "pool_tags: one", "pool_tags: [1]", "pool_kill_busy: 1",
        "pool_options: x",
        "pool_max_vms: -1", "pool_idle_seconds: .inf", "pool_image: ''", "pool_platform: 7",
    ],
)  # fmt: skip
def test_wrong_values(problems: Problems, line: str) -> None:
    """A value that does not fit its field names the key."""
    assert only(problems({SMALL: f"pool_cores: 2\n{line}\n"})).key == line.split(":", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("pool_min_vms: 3\npool_max_vms: 2", "pool_min_vms"),
        ("pool_boot_seconds: 60\npool_boot_deadline: 30", "pool_boot_seconds"),
        ("pool_max_life: 1800\npool_boot_deadline: 1800", "pool_max_life"),
        ("pool_heartbeat_seconds: 60\npool_stalled_after: 60", "pool_heartbeat_seconds"),
    ],
)
def test_numbers_that_contradict(problems: Problems, lines: str, key: str) -> None:
    """Two numbers of a pool that cannot both hold are told at one of them."""
    assert only(problems({SMALL: f"pool_cores: 2\n{lines}\n"})).key == key


def test_empty_inventory(problems: Problems) -> None:
    """An inventory without hosts is refused."""
    changes = dict.fromkeys(("host_vars/small.yml", "host_vars/big.yml"))
    found = problems({"hosts.yml": hosts(endpoint_here=[], vo_alpha=[], vo_beta=[]), **changes})
    assert only(found).what == "the inventory has no hosts"


def test_dirac_group_in_two_vos(problems: Problems) -> None:
    """A DIRAC group that belongs to two VOs is refused."""
    found = only(problems({"group_vars/vo_beta.yml": "vo_groups: [alpha_user]\n"}))
    assert "alpha_user belongs to vo_alpha too" in found.what


def test_two_vos_of_one_name(problems: Problems) -> None:
    """Two groups that end up with one VO name are refused."""
    found = only(problems({"group_vars/vo_beta.yml": "vo_name: alpha\n"}))
    assert (found.file, found.what) == ("group_vars/vo_beta.yml", "group vo_alpha is vo alpha too")


def test_bad_name(problems: Problems) -> None:
    """A name that could not go into marks and certificates is refused."""
    assert only(problems({"group_vars/vo_beta.yml": "vo_name: 'a b/c'\n"})).key == "vo_name"


def test_reserved_name(problems: Problems) -> None:
    """A variable with a name of Ansible's own is refused: Ansible only warns."""
    found = only(problems({SMALL: "pool_cores: 2\npoll: 3\n"}))
    assert (found.line, found.key) == (2, "poll")


def test_unexpected_group_section(problems: Problems) -> None:
    """A misspelt section of a group, which Ansible skips, is told."""
    found = problems({"hosts.yml": "all: {children: {endpoint_here: {host: {small: }}}}\n"})
    assert any(problem.key == "host" and problem.mend == "did you mean hosts?" for problem in found)


def test_all_problems_at_once(problems: Problems) -> None:
    """Problems of different kinds in different files are all told together, in order of files and lines."""
    found = problems(
        {
            SMALL: "pool_cores: 0\npool_flavour: x\n",
            "group_vars/all.yml": "pool_image: '{{ nope }}'\npool_flavor: m1\npoll: 1\n",
            ENDPOINT: "endpoint_kind: local\nvo_groups: []\n",
        }
    )
    assert [(problem.file, problem.key) for problem in found] == [
        ("group_vars/all.yml", "pool_image"),
        ("group_vars/all.yml", "poll"),
        (ENDPOINT, "vo_groups"),
        (SMALL, "pool_cores"),
        (SMALL, "pool_flavour"),
        ("hosts.yml", "endpoint_site"),
    ]


def test_bad_tree_changes_nothing(tree: Tree, problems: Problems) -> None:
    """A tree that is mended after a refusal loads."""
    problems({SMALL: "pool_cores: 0\n"})
    assert load(tree()).pools["small"].resources.cores == 2
