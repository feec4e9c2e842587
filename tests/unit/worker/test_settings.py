from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.model.inner_ce import InnerCeOptions, wrong_option
from vmdirac_py.model.inventory import INNER_CES
from vmdirac_py.worker.ce import KINDS
from vmdirac_py.worker.options import BadOptions, Options, read_options
from vmdirac_py.worker.settings import BadConfig, forget_token, read_config, read_instance_id
from vmdirac_py.worker.wire import Config

GOOD = Config(
    "https://m:1",
    "PEM",
    "secret",
    "/id",
    4,
    4000,
    0,
    30,
    600.0,
    1e5,
    "Pool",
    "",
    "/w",
    {},
    0,
    failed="",
    gate={},
    ce={},
    pilot={},
    notice="",
)


def written(path: Path, **changes: Any) -> Path:
    """Write a configuration."""
    path.write_text(json.dumps({k: v for k, v in {**GOOD._asdict(), **changes}.items() if v is not None}))
    return path


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """All keys arrive; whole numbers do where fractions may stand."""
    assert read_config(written(tmp_path / "c")) == GOOD


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"cores": "4"}, "cores"), ({"cores": True}, "cores"), ({"ca": None}, "ca"), ({"colour": 1}, "colour")],
)
def test_a_bad_key_is_named(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    """A wrong type, a missing key and an unknown key are named; the token is not shown."""
    with pytest.raises(BadConfig, match=word) as caught:
        read_config(written(tmp_path / "c", **changes))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_no_json_object(tmp_path: Path, text: str) -> None:
    """A file that is no JSON object is told by name."""
    (tmp_path / "c").write_text(text)
    with pytest.raises(BadConfig, match="not"):
        read_config(tmp_path / "c")


def test_the_token_is_forgotten(tmp_path: Path) -> None:
    """The file stays a good configuration of mode 0600, without the token."""
    path = written(tmp_path / "c")
    config = forget_token(path, read_config(path))
    assert read_config(path) == config == GOOD._replace(token="")
    assert path.stat().st_mode & 0o777 == 0o600


def test_instance_id(tmp_path: Path) -> None:
    """The id is read without its line end; a missing or empty file is told by its key."""
    (tmp_path / "id").write_text("i-7\n")
    (tmp_path / "empty").write_text("\n")
    assert read_instance_id(GOOD._replace(instance_id_file=str(tmp_path / "id"))) == "i-7"
    for name in ("none", "empty"):
        with pytest.raises(BadConfig, match="instance_id_file"):
            read_instance_id(GOOD._replace(instance_id_file=str(tmp_path / name)))


def test_an_inventory_may_name_every_inner_ce_there_is() -> None:
    """What the inventory accepts is what the worker can do, or VMs would boot only to end."""
    assert set(INNER_CES) == set(KINDS)


def test_an_inventory_may_set_every_option_there_is() -> None:
    """The inventory knows the worker's options with the same names and defaults."""
    assert InnerCeOptions() == InnerCeOptions(**Options()._asdict())
    assert InnerCeOptions.__struct_fields__ == Options._fields


@pytest.mark.parametrize(
    ("given", "word"), [({"imge": "x"}, "no option imge"), ({"image": 1}, "image"), ({"binds": "/x"}, "binds"),
                        ({"nested": 1}, "nested"), ({"processes": True}, "processes")],
)  # fmt: skip
def test_an_option_that_cannot_be_is_named(given: dict[str, Any], word: str) -> None:
    """Worker and inventory both refuse options that are unknown or of a wrong type, by name."""
    with pytest.raises(BadOptions, match=word):
        read_options(given)
    assert wrong_option(given) != ""


def test_options_keep_their_defaults() -> None:
    """What is not set is as by default; a whole number will do where a fraction may be."""
    assert read_options({"memory_factor": 2, "binds": ["/data"]}) == Options(memory_factor=2, binds=["/data"])
