from pathlib import Path

import pytest

from tests.support.replays import pool
from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.replay.scenario import Boot, Foreign, Scenario, read_scenario

YAML = """
boot: {median: 120, sigma: 0.3}
boots: {p: {median: 20}}
deaths_per_hour: 0.01
troubles:
  - {endpoint: e, start: 3600, end: 7200, error: unavailable}
  - {error: quota, probability: 0.1}
slow: [{factor: 10, start: 60}]
quotas: {e: {max_cores: 400, foreign: [{at: 0, cores: 100}, {at: 86400, cores: 10}]}}
spots: {p: {interruptions_per_hour: 0.2}}
"""


def written(folder: Path, text: str) -> Path:
    """A scenario file."""
    path = folder / "scenario.yml"
    path.write_text(text)
    return path


def test_a_scenario_is_read(tmp_path: Path) -> None:
    """A file says what the cloud is like; what it does not say is calm."""
    scenario = read_scenario(written(tmp_path, YAML))
    assert (scenario.boot_of(pool("q")), scenario.boot_of(pool("p"))) == (Boot(120, 0.3), Boot(20))
    assert scenario.troubles[0].error is ErrorClass.UNAVAILABLE
    assert scenario.quotas["e"].foreign_at(90_000) == Foreign(86400, cores=10)
    assert scenario.last_change == 86400
    assert scenario.termination_seconds == 15.0


def test_pools_boot_as_they_say() -> None:
    """Where a scenario is silent, a VM boots for as long as its pool expects."""
    assert Scenario().boot_of(pool(boot_seconds=5.0)) == Boot(5.0)


def test_json_is_yaml(tmp_path: Path) -> None:
    """The same file may be JSON."""
    assert read_scenario(written(tmp_path, '{"act_seconds": 4}')) == Scenario(act_seconds=4)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("bout: {median: 3}", "bout"),
        ("boot: {median: -3}", r"\$\.boot\.median"),
        ("troubles: [{error: moon}]", r"\$\.troubles\[0\]\.error"),
        ("stillborn_share: 2", r"\$\.stillborn_share"),
        ("slow: [{factor: 0.5}]", r"\$\.slow\[0\]\.factor"),
        ("quotas: {e: {max_vms: many}}", r"max_vms|\[\.\.\.\]"),
        ("boot: {median: .nan}", r"\$\.boot\.median"),
        ("deaths_per_hour: .inf", r"\$\.deaths_per_hour"),
        ("boot: [", "expected"),
        ("3", "object"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, named: str) -> None:
    """A field that does not exist or a value that cannot be is told by file and place."""
    path = written(tmp_path, text)
    with pytest.raises(BadInput, match=named) as error:
        read_scenario(path)
    assert error.value.where == str(path)
    assert error.value.mend


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """So is a file that is not there."""
    with pytest.raises(BadInput, match="cannot be read"):
        read_scenario(tmp_path / "none.yml")
