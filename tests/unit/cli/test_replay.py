"""`vmdirac replay`, alone, of rules, and as a gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from vmdirac_py.base.errors import BadInput, UnknownThing, VmdiracError
from vmdirac_py.replay import rules
from vmdirac_py.replay.rules import Production

HEAD = "submit,vo,owner,run_seconds,cores\n"
ROWS = "".join(f"{60 * n},astro,ann,1800,{1 + n % 2}\n" for n in range(12))


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a trace and returns its path."""

    def write(rows: str = ROWS, head: str = HEAD) -> Path:
        path = tmp_path / "trace.csv"
        path.write_text(head + rows)
        return path

    return write


Csv = Callable[..., Path]
Written = Callable[..., Path]


def test_a_trace_is_replayed(vmdirac: Run, csv: Csv, written: Written, tmp_path: Path) -> None:
    """Figures for people and programs, and a report; no installation is needed, twice the same comes out."""
    words = ("replay", csv(), "-i", written("new"))
    told = [vmdirac(*words, "--json", "--report", tmp_path / "report", home=False).stdout for _ in range(2)]
    assert told[0] == told[1]
    (result,) = json.loads(told[0])["results"]
    assert (result["jobs"], result["unserved"], result["rule"]) == (12, 0, "production")
    assert json.loads((tmp_path / "report/result.json").read_text())[0]["cost"] == result["cost"]
    assert "paid / used" in vmdirac(*words, home=False).stdout


def test_the_active_inventory_is_the_default(vmdirac: Run, csv: Csv) -> None:
    """Without `-i` the installation's pools are used."""
    assert json.loads(vmdirac("replay", csv(), "--json").stdout)["results"][0]["unserved"] == 0


def test_what_is_wrong_with_rows_is_told(vmdirac: Run, csv: Csv) -> None:
    """Missing run times and rows out of order are counted; both for people and for programs."""
    file = csv(ROWS + "5,astro,ann,60,1\n9,astro,ann,,1\n")
    done = vmdirac("replay", file, "--json")
    notes = json.loads(done.stdout)["notes"]
    assert len(notes) == 2
    assert all(note in done.stderr.splitlines() for note in notes)


@pytest.mark.parametrize(
    ("rows", "head", "told"),
    [
        ("0,astro,ann,60,-1\n", HEAD, "line 2, column cores: cannot be '-1'"),
        ("0,astro,ann,-60,1\n", HEAD, "line 2, column run_seconds: cannot be '-60'"),
        ("0,astro,ann,60,1\n99999999999,astro,ann,60,1\n", HEAD, "the clock jumps"),
        ("0,astro,60,1\n", "submit,vo,run_seconds,colour\n", "colour"),
        ("0,astro,ann,,1\n", HEAD, "no job that ran"),
    ],
)
def test_a_trace_that_cannot_be_is_refused(vmdirac: Run, csv: Csv, rows: str, head: str, told: str) -> None:
    """The error names line and column."""
    with pytest.raises(BadInput, match=told):
        vmdirac("replay", csv(rows, head))


@pytest.mark.parametrize(
    ("option", "text", "told"),
    [
        ("--scenario", "surprise: 1", "unknown field `surprise`"),
        ("--scenario", "quotas: {north: {max_vms: -1}}", r">= 0"),
        ("--scenario", "boots: {nobody: {median: 1}}", "no such pool: nobody"),
        ("--scenario", "{", "expected"),
        ("--overlay", "surprise: 1", "unknown field `surprise`"),
        ("--overlay", "users: -1", "users"),
    ],
)
def test_files_that_cannot_be_are_refused(
    vmdirac: Run, csv: Csv, tmp_path: Path, option: str, text: str, told: str
) -> None:
    """Scenarios and overlays say what is wrong with them."""
    (tmp_path / "more.yml").write_text(text)
    with pytest.raises(BadInput, match=told):
        vmdirac("replay", csv(), option, tmp_path / "more.yml")


def test_wrong_words_are_refused(vmdirac: Run, csv: Csv, tmp_path: Path) -> None:
    """Unknown rules, files, VOs, times and shares, and a cut that leaves nothing."""
    wrong: list[tuple[type[VmdiracError], str, tuple[Any, ...]]] = [
        (BadInput, "no such rule", ("--rule", "magic")),
        (BadInput, "no pool to copy", ("--like", "nobody")),
        (BadInput, "no time", ("--from", "soon")),
        (BadInput, "no job is left", ("--from", "9d")),
        (BadInput, "no share", ("--gate", "--max-cost-rise", "much")),
    ]
    for error, told, more in wrong:
        with pytest.raises(error, match=told):
            vmdirac("replay", csv(ROWS + "9,geo,bob,60,1\n"), *more)
    with pytest.raises(UnknownThing):
        vmdirac("replay", tmp_path / "none.csv")
    for more in (("--gate",), ("--max-unserved", "1"), ("--rule", "a", "--rule", "b", "--against", tmp_path)):
        assert vmdirac("replay", csv(), *more).exit_code == 2


def test_vos_without_pools_are_told_and_can_be_given_some(vmdirac: Run, csv: Csv) -> None:
    """Their jobs never run; with `--like` they do; a trace of strangers alone is an error."""
    words = ("replay", csv(ROWS + "9,geo,bob,60,1\n"))
    told = vmdirac(*words, "--json")
    assert json.loads(told.stdout)["without_pools"] == {"geo": 1}
    assert json.loads(told.stdout)["results"][0]["unserved"] == 1
    assert "VO geo has no pool" in told.stderr
    served = json.loads(vmdirac(*words, "--like", "astro", "--json").stdout)
    assert (served["without_pools"], served["results"][0]["unserved"]) == ({}, 0)
    with pytest.raises(BadInput, match="no VO of the trace has a pool: geo"):
        vmdirac("replay", csv("9,geo,bob,60,1\n"))


def test_a_queue_no_pool_can_serve_is_told(vmdirac: Run, csv: Csv) -> None:
    """The replay ends, counts the job and names the reason."""
    (result,) = json.loads(vmdirac("replay", csv(ROWS + "9,astro,ann,60,64\n"), "--json").stdout)["results"]
    assert result["unserved"] == 1
    assert result["reasons"]["unserved.no_pool"] > 0


def test_a_part_of_a_trace_under_an_overlay(vmdirac: Run, csv: Csv, tmp_path: Path) -> None:
    """First the cut, then the overlay."""
    (tmp_path / "over.yml").write_text("stretch: 2")
    words = ("replay", csv(), "--from", "2min", "--until", "6min", "--json")
    assert json.loads(vmdirac(*words).stdout)["results"][0]["jobs"] == 4
    over = json.loads(vmdirac(*words, "--overlay", tmp_path / "over.yml").stdout)["results"][0]
    assert over["jobs"] == 4


def test_rules_are_compared(vmdirac: Run, csv: Csv, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule is a row, and the report has a picture of all."""
    monkeypatch.setattr(rules, "RULES", {name: lambda _: Production() for name in ("production", "again")})
    told = vmdirac("replay", csv(), "--rule", "production", "--rule", "again", "--json").stdout
    assert [result["rule"] for result in json.loads(told)["results"]] == ["production", "again"]


class Interrupted(Production):
    """Somebody presses Ctrl-C at its first plan."""

    name = "interrupted"

    def step(self, *_: Any) -> Any:
        """Press it."""
        raise KeyboardInterrupt


def test_ctrl_c_ends_cleanly(vmdirac: Run, csv: Csv, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came to its end is shown and reported, the exit code is the shell's."""
    monkeypatch.setattr(rules, "RULES", {"production": lambda _: Production(), "interrupted": lambda _: Interrupted()})
    words = ("replay", csv(), "--rule", "production", "--rule", "interrupted")
    done = vmdirac(*words)
    assert done.exit_code == 130
    assert "production" in done.stdout
    assert "1 of 2 replays" in done.stderr


def test_the_gate_is_open_for_what_changes_nothing(vmdirac: Run, csv: Csv, written: Written) -> None:
    """Without any margin the same inventory passes; prices of zero are no obstacle."""
    new = written("new")
    words = ("replay", csv(), "--gate", "-i", new, "--against", new, "--max-cost-rise", "0%", "--max-wait-rise", "0")
    done = vmdirac(*words, home=False)
    assert (done.exit_code, "too much" in done.stdout) == (0, False)


def test_the_gate_closes_with_a_sentence(vmdirac: Run, csv: Csv, written: Written) -> None:
    """What costs more than the margin allows ends with 1, and says by how much; a wider margin lets it pass."""
    old, new = written("old", pool_price=1.0), written("new", pool_price=1.1)
    words = ("replay", csv(), "--gate", "-i", new, "--against", old)
    closed = vmdirac(*words, home=False)
    assert closed.exit_code == 1
    assert "gate: the cost rises by 10 %" in closed.stderr
    assert "too much" in closed.stdout
    told = json.loads(vmdirac(*words, "--json", home=False).stdout)
    assert (told["ok"], len(told["failures"])) == (False, 1)
    assert [one["name"] for one in told["measures"] if one["fails"]] == ["the cost"]
    assert vmdirac(*words, "--max-cost-rise", "15%", home=False).exit_code == 0


def test_two_inventories_are_compared_without_verdict(vmdirac: Run, csv: Csv, written: Written) -> None:
    """`--against` alone shows both and never fails; the installation's active one may be one of them."""
    done = vmdirac("replay", csv(), "-i", written("new", pool_max_vms=0))
    assert "unserved" in done.stdout
    compared = vmdirac("replay", csv(), "-i", written("new", pool_price=9.0), "--json", "--against", written("old"))
    told = json.loads(compared.stdout)
    assert [result["rule"] for result in told["results"]] == ["production, old inventory", "production, new inventory"]
    assert "ok" not in told
    against_active = vmdirac("replay", csv(), "--gate", "-i", written("shut", pool_max_vms=0))
    assert (against_active.exit_code, "never ran rises by 12" in against_active.stderr) == (1, True)
