"""Secrets do not reach the log, whatever key or text carries them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from vmdirac_py.base.log import redact

KEY = "-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize("key", ["token", "db_password", "client_secret", "Authorization", "private_key"])
def test_values_of_secret_keys_are_blanked(key: str) -> None:
    """A key whose name says that it is secret shows stars."""
    assert redact(None, "info", {key: "hush"})[key] == "***"


@pytest.mark.parametrize("text", [f"found {KEY} there", "postgresql://ann:hush@db/ledger"])
def test_secrets_inside_texts_are_blanked(text: str) -> None:
    """Key material and passwords in URLs are cut out of any text; the rest stays."""
    shown = redact(None, "info", {"event": text})["event"]
    assert "abc" not in shown
    assert "hush" not in shown
    assert "***" in shown


def test_what_is_no_secret_stays() -> None:
    """Ordinary texts and numbers are logged as they are."""
    event = {"event": "planned", "vms": 3, "where": "https://host:8443/path"}
    assert redact(None, "info", dict(event)) == event


LIBRARY = f"""
import logging
from vmdirac_py.base.log import configure
configure()
told = logging.getLogger("library")
told.info("chatter")
try:
    raise ValueError({KEY!r})
except ValueError:
    told.exception("lost %s", "postgresql://ann:hush@db/ledger")
"""


def test_what_libraries_say_is_redacted_too() -> None:
    """A line through `logging` comes out as one JSON line like ours, from WARNING on, its traceback included."""
    done = subprocess.run([sys.executable, "-c", LIBRARY], capture_output=True, text=True, check=True)
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["event"], line["level"], line["logger"]) == ("lost postgresql://ann:***@db/ledger", "error", "library")
    assert "ValueError" in line["exception"]
    assert "abc" not in line["exception"]
