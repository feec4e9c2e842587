"""What an answer says, in words that may stand in an error."""

from __future__ import annotations

import base64

import pytest
import requests

from vmdirac_py.clouds.openstack.texts import text_of

USER_DATA = base64.b64encode(b"#cloud-config with an enrolment token").decode()


def reply(body: str, *, reason: str = "Bad Request") -> requests.Response:
    """Return an answer with this body."""
    made = requests.Response()
    made.status_code, made.reason, made._content = 400, reason, body.encode()
    return made


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"badRequest": {"code": 400, "message": "No such flavor"}}', "No such flavor"),
        ('{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded", "detail": ""}}', "Quota exceeded"),
        ('{"message": "Not Found", "code": "404"}', "Not Found"),
        ("<html><head><title>502 Bad Gateway</title></head></html>", "a page: 502 Bad Gateway"),
        ("<HTML>nothing more", "a page"),
        ('{"half', "neither JSON nor a page"),
        ("[1]", "Bad Request"),
        ("null", "Bad Request"),
    ],
)
def test_what_is_told(body: str, text: str) -> None:
    """The message of each service is found, a page's title, or what the status is called."""
    assert text_of(reply(body)) == text


def test_what_nova_repeats_is_cut() -> None:
    """Nova's validation repeats what was sent; user data never comes into an error."""
    message = f"Invalid input for field/attribute user_data. Value: {USER_DATA}. '{USER_DATA}' is too long"
    told = text_of(reply(f'{{"badRequest": {{"message": "{message}"}}}}'))
    assert told == "Invalid input for field/attribute user_data."
