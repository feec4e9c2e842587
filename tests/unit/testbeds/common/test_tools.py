"""Programs that are run to their end."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.support.wait import until
from tests.testbeds.common import tools
from tests.testbeds.common.errors import Broke


def test_a_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    """Whoever reads the error needs not look for the reason."""
    with pytest.raises(Broke, match=r"sh ended with 3\nno such table") as broke:
        tools.run(["sh", "-c", "echo no such table; exit 3"], log=tmp_path / "log", environment=os.environ)
    assert broke.value.where == str(tmp_path / "log")


def test_a_program_is_given_a_text_and_answers(tmp_path: Path) -> None:
    """What stands on standard input is on no command line."""
    assert tools.answer(["tr", "a", "b"], given="banana", log=tmp_path / "log", environment=os.environ) == "bbnbnb"


def test_a_chain_ends_at_its_first_failure(tmp_path: Path) -> None:
    """The program after the one that failed is not run."""
    chains = tools.Chains(os.environ)
    with pytest.raises(Broke):
        chains.run([["false"], ["touch", str(tmp_path / "made")]], tmp_path / "log")
    assert not (tmp_path / "made").exists()


def test_stopped_chains_end_and_begin_nothing(tmp_path: Path) -> None:
    """Neither the program that runs goes on nor the next one starts."""
    chains, up, failed = tools.Chains(os.environ), tmp_path / "up", []

    def run() -> None:
        try:
            chains.run(
                [["sh", "-c", f"echo > {up}; exec sleep 600"], ["touch", str(tmp_path / "next")]], tmp_path / "log"
            )
        except Broke as broke:
            failed.append(broke)

    thread = threading.Thread(target=run)
    thread.start()
    until(up.exists)
    chains.stop()
    thread.join()
    assert failed
    assert not (tmp_path / "next").exists()
    with pytest.raises(Broke, match="something else failed"):
        chains.run([["true"]], tmp_path / "log")
