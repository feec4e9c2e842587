"""The few HTTP calls the bed makes itself: no library, no proxy, always a timeout."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.testbeds.common.errors import Broke

from .values import Account

TIMEOUT_S = 60.0
GONE = 404
FIRST_ERROR, FIRST_FAILURE = 400, 500
Answer = tuple[int, http.client.HTTPMessage, bytes]


def ask(method: str, url: str, *, body: object = None, token: str = "") -> Answer:
    """Make one call."""
    to = urlsplit(url)
    headers = {"Content-Type": "application/json", "X-Auth-Token": token}
    connection = http.client.HTTPConnection(to.hostname or "", to.port, timeout=TIMEOUT_S)
    try:
        path = f"{to.path or '/'}?{to.query}" if to.query else to.path or "/"
        connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def answers(url: str) -> bool:
    """Say whether an API answers sensibly."""
    try:
        return ask("GET", url)[0] < FIRST_FAILURE
    except (OSError, http.client.HTTPException):
        return False


class Client:
    """An account's calls, with a token taken once."""

    def __init__(self, auth_url: str, account: Account) -> None:
        self._token = _token(auth_url, account)

    def call(self, method: str, url: str, body: object = None) -> Any:
        """Make a call and return what was answered; what is gone already is None.

        Raises:
            Broke: the cloud refused.
        """
        status, _, text = ask(method, url, body=body, token=self._token)
        if status == GONE:
            return None
        if status >= FIRST_ERROR:
            raise Broke(f"{method} answered {status}: {text.decode(errors='replace')[:500]}", where=url)
        return msgspec.json.decode(text) if text else None


def _token(auth_url: str, account: Account) -> str:
    domain = {"name": account.domain}
    user = {"name": account.user, "domain": domain, "password": account.password}
    scope = {"project": {"name": account.project, "domain": domain}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    status, headers, _ = ask("POST", f"{auth_url}/auth/tokens", body=body)
    if status >= FIRST_ERROR:
        raise Broke(f"user {account.user} got no token: {status}", where=auth_url)
    return headers["X-Subject-Token"]
