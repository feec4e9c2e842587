"""What it means that no answer came, or no login."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import requests
from keystoneauth1 import exceptions
from urllib3.exceptions import MaxRetryError, NewConnectionError

from vmdirac_py.clouds.api import AuthFailed, CloudError, Throttled, Unavailable

from .errors import LONGEST
from .texts import text_of

LOGIN_BY_STATUS: Mapping[int, type[CloudError]] = MappingProxyType(
    {400: AuthFailed, 401: AuthFailed, 403: AuthFailed, 404: AuthFailed, 413: Throttled, 429: Throttled}
)
LOGIN_MEND = "check endpoint_options.auth_url and the credentials"
AWAY_MEND = "see whether the cloud is up; its address is endpoint_options.auth_url"
TLS_MEND = "name its authorities by endpoint_options.ca_file"


def unsent(error: Exception) -> bool:
    """Tell whether a request that failed certainly never reached the cloud."""
    cause = error.__context__
    if isinstance(cause, requests.exceptions.SSLError):
        return "certificate" in str(cause).lower()
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    reason = cause.args[0] if cause is not None and cause.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)


def words_of(error: Exception) -> str:
    """Return what a request that failed says, in place of the library's names for its own parts the reason alone."""
    cause = error.__context__
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    if isinstance(reason, NewConnectionError):
        return f"{str(error).partition(': HTTP')[0]}: {str(reason).rpartition(': ')[2]}"[:LONGEST]
    return str(error)[:LONGEST]


def mend_of(error: Exception) -> str:
    """Return what to mend where a certificate is not believed."""
    return TLS_MEND if isinstance(error, exceptions.SSLError) else ""


def login_error(error: Exception, *, where: str) -> CloudError:
    """Return the error that a failed login is; never one that may have had an effect."""
    if isinstance(error, exceptions.HttpError):
        found = LOGIN_BY_STATUS.get(error.http_status, Unavailable)
        said = text_of(error.response) if error.response is not None else str(error)
        mend = LOGIN_MEND if found is AuthFailed else ""
        return found(f"HTTP {error.http_status}: {said[:LONGEST]}", where=where, mend=mend)
    if isinstance(error, exceptions.CatalogException | exceptions.AuthorizationFailure):
        return AuthFailed(str(error)[:LONGEST], where=where, mend=LOGIN_MEND)
    if isinstance(error, exceptions.ConnectionError):
        return Unavailable(words_of(error), where=where, mend=mend_of(error) or AWAY_MEND)
    if isinstance(error, OSError):
        return AuthFailed(f"cannot read the proxy: {error.strerror or error}", where=where, mend="renew it")
    return Unavailable("an answer to the login that cannot be read", where=where)
