import re
from pathlib import Path

import pytest

import vmdirac_py
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.words import WORDS, words

PACKAGE = Path(vmdirac_py.__file__).parent
SOURCES = [PACKAGE / "model/fit.py", *(PACKAGE / "lifecycle").glob("*.py"), *(PACKAGE / "planner").rglob("*.py")]
ACTING = list((PACKAGE / "operations").glob("*.py"))
FAMILIES = (
    "misfit|unserved|demand|launch|limit|quota|budget|campaign|pool|over|observed|heartbeat|deadline|life|failed|alarm"
    "|leak|retire|hold"
)
GIVEN = re.compile(r'Reason\.of\(\s*"([^"]+)"')
CODES = sorted(
    {code for source in SOURCES for code in re.findall(rf'"((?:{FAMILIES})\.\w+)"', source.read_text())}
    | {code for source in ACTING for code in GIVEN.findall(source.read_text())}
)


def test_codes_are_found() -> None:
    """The scan sees reasons of all four rooms."""
    assert {"misfit.cores", "deadline.boot", "unserved.no_pool", "limit.pool", "batch.lost"} <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_words(code: str) -> None:
    """No reason that planner, lifecycle or operations give is shown as a bare code."""
    assert code in WORDS or {f"{code}_vms", f"{code}_cores"} <= WORDS.keys()


def test_every_reason_in_the_sources_belongs_to_a_scanned_family() -> None:
    """A new family of codes cannot slip past the scan."""
    given = {code for source in SOURCES for code in re.findall(r'Reason\.of\("([^"]+)"', source.read_text())}
    assert given <= set(CODES)


def test_params_are_filled_in() -> None:
    """Words carry the numbers."""
    assert words(Reason.of("limit.pool_vms", pool="atlas-8", max=20)) == "pool atlas-8 is at its limit of 20 VMs"


def test_times_are_readable() -> None:
    """Epoch seconds are shown as UTC."""
    assert "1970-01-02 00:00:00 UTC" in words(Reason.of("leak.batch_young", until=86400))


def test_an_unknown_code_is_shown_as_it_is() -> None:
    """A reason from a newer version is still told."""
    assert words(Reason.of("moon.phase", full=True)) == "moon.phase full=True"


def test_a_missing_param_does_not_break_the_words() -> None:
    """An old stored reason is shown even where the template learned a parameter."""
    assert words(Reason.of("limit.pool_vms", pool="p")) == "pool p is at its limit of {max} VMs"
