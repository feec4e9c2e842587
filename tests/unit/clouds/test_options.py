"""Driver options: read strictly, complained about by key, never showing a value."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from vmdirac_py.base.errors import Unusable
from vmdirac_py.clouds.options import Options, TlsOptions, problems_in, read, tls_warnings, verify

WHERE = "endpoint_options"


class Login(Options):
    """A part of its own."""

    user: str
    method: Literal["password", "token"] = "password"


class Some(Options):
    """What a driver may take."""

    region: str
    networks: list[str] = Field(default_factory=list)
    login: Login | None = None


def test_sound_options_have_no_problems() -> None:
    """What the model takes is read as it is."""
    given = {"region": "north", "networks": ["a", "b"], "login": {"user": "jane"}}
    assert problems_in(Some, given, WHERE) == []
    assert read(Some, given, WHERE) == Some(region="north", networks=["a", "b"], login=Login(user="jane"))


def test_a_missing_key_is_named() -> None:
    """A required key that is not given is named in full."""
    assert problems_in(Some, {}, WHERE) == ["endpoint_options.region: field required"]


def test_an_unknown_key_is_named_with_the_nearest() -> None:
    """An unknown key is named, with the one that was probably meant."""
    (told,) = problems_in(Some, {"region": "north", "netwoks": []}, WHERE)
    assert told == "endpoint_options.netwoks: unknown; did you mean 'networks'?"


def test_a_wrong_value_is_named_and_never_shown() -> None:
    """A value of the wrong type is complained about by its key, however deep, and not repeated: it may be a secret."""
    given = {"region": 17_17, "login": {"user": "jane", "method": "hunter2"}}
    told = problems_in(Some, given, WHERE)
    assert [text.partition(":")[0] for text in told] == ["endpoint_options.region", "endpoint_options.login.method"]
    assert "hunter2" not in " ".join(told)
    assert "1717" not in " ".join(told)


def test_texts_are_not_numbers() -> None:
    """Nothing is converted: a number where text is due is a problem."""
    assert problems_in(Some, {"region": 1}, WHERE)


def test_reading_what_is_wrong_is_unusable() -> None:
    """A driver made of wrong options raises, with all problems and what to run."""
    with pytest.raises(Unusable, match=r"region.*more: unknown") as caught:
        read(Some, {"more": 1}, WHERE)
    assert caught.value.mend == "run `vmdirac inventory check`"


def test_options_are_frozen() -> None:
    """What was read does not change."""
    options = read(Some, {"region": "north"}, WHERE)
    with pytest.raises(ValueError, match="frozen"):
        options.region = "south"


def test_certificates_are_verified_unless_said_otherwise(tmp_path: Path) -> None:
    """By default the system's authorities verify; a file is found from the home; opting out is by name."""
    assert verify(TlsOptions(), tmp_path) is True
    assert verify(TlsOptions(ca_file="ca.pem"), tmp_path) == str(tmp_path / "ca.pem")
    assert verify(TlsOptions(ca_file="/etc/ca.pem"), tmp_path) == "/etc/ca.pem"
    assert verify(TlsOptions(insecure_skip_tls_verify=True), tmp_path) is False


def test_opting_out_of_verification_is_warned_of() -> None:
    """An endpoint without verification earns a warning that names it and the key to give; no other does."""
    (warning,) = tls_warnings(TlsOptions(insecure_skip_tls_verify=True), "north")
    assert "north" in warning
    assert "endpoint_options.ca_file" in warning
    assert tls_warnings(TlsOptions(), "north") == []
