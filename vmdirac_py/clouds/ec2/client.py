"""Calls to the EC2 API: explicit timeouts, no retries, nothing read behind the inventory's back, honest errors."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions as sdk
import botocore.session
from botocore.config import Config
from botocore.parsers import ResponseParserError

from vmdirac_py.clouds.api import AnswerLost, BadRequest, CloudError, Resolve, Unavailable
from vmdirac_py.clouds.options import verify

from .errors import NO_API, error_of, first_line
from .options import EndpointOptions

NOT_SENT = (sdk.EndpointConnectionError, sdk.ConnectTimeoutError, sdk.ProxyConnectionError)
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
NO_HANDSHAKE = re.compile(f"{UNTRUSTED}|WRONG_VERSION_NUMBER|HANDSHAKE_FAILURE|UNSUPPORTED_PROTOCOL")
ERROR_INSIDE = re.compile(rb"<Response[^>]*>\s*<Errors>")
NO_FILES = {"config_file": os.devnull, "credentials_file": os.devnull}
LONGEST_LISTING = 5  # timeouts that all pages of a listing may take together
Secrets = tuple[str, str, str]


class Client:
    """Calls to one region of one account.

    Args:
        options: the endpoint's.
        name: the endpoint's name, for errors.
        timeout: seconds one answer may take.
        resolve: turns a reference into a secret; asked anew at each call, so that a renewed session token is used.
        home: where relative paths begin.
    """

    def __init__(self, options: EndpointOptions, *, name: str, timeout: float, resolve: Resolve, home: Path) -> None:
        self.name, self.timeout = name, timeout
        self._options, self._resolve = options, resolve
        self._verify = verify(options, home)
        if isinstance(self._verify, str) and not Path(self._verify).is_file():
            raise BadRequest("no such file", where=self._verify, mend="mend endpoint_options.ca_file")
        self._session = _session()
        self._kept: tuple[Secrets, Any] | None = None

    def read(self, call: str, **params: Any) -> Mapping[str, Any]:
        """Make a call without effect. Raises CloudError, never AnswerLost."""
        return self._call(call, Unavailable, params)

    def change(self, call: str, **params: Any) -> Mapping[str, Any]:
        """Make a call that changes something. Raises CloudError; AnswerLost where it may have had its effect."""
        return self._call(call, AnswerLost, params)

    def pages(self, call: str, key: str, *, size: int | None = None, **params: Any) -> Iterator[Mapping[str, Any]]:
        """Yield all items that the pages of a listing hold under `key`.

        Raises:
            CloudError: a page did not come, or all took too long: then there is no listing.
        """
        until = time.monotonic() + LONGEST_LISTING * self.timeout
        with self.told(call, Unavailable):
            paging = {"PageSize": size} if size else {}
            for page in self._client().get_paginator(call).paginate(**params, PaginationConfig=paging):
                yield from items(page, key, call)
                if page.get("NextToken") and time.monotonic() > until:
                    raise Unavailable(f"{call}: not complete in time", where=self.name)

    def listing(self, call: str, key: str, **params: Any) -> list[Mapping[str, Any]]:
        """Return all that a listing holds, by pages where the API has them. Raises CloudError."""
        if self._client().can_paginate(call):
            return list(self.pages(call, key, **params))
        answer = self.read(call, **params)
        with self.told(call, Unavailable):
            return items(answer, key, call)

    def _call(self, call: str, doubt: type[CloudError], params: Mapping[str, Any]) -> Mapping[str, Any]:
        client = self._client()
        with self.told(call, doubt):
            answer: Mapping[str, Any] = getattr(client, call)(**params)
        return answer

    def _client(self) -> Any:
        """Return boto3's client for the secrets as they are now. Raises CloudError."""
        options = self._options
        token = self._resolve(options.session_token) if options.session_token else ""
        secrets = self._resolve(options.access_key), self._resolve(options.secret_access_key), token
        kept = self._kept
        if kept is None or kept[0] != secrets:
            kept = self._kept = (secrets, self._made(secrets))
        return kept[1]

    def _made(self, secrets: Secrets) -> Any:
        access, secret, token = secrets
        with self.told("client", BadRequest):
            return self._session.client(
                "ec2",
                region_name=self._options.region,
                endpoint_url=self._options.endpoint_url or None,
                aws_access_key_id=access,
                aws_secret_access_key=secret,
                aws_session_token=token or None,
                verify=self._verify,
                config=Config(
                    connect_timeout=self.timeout,
                    read_timeout=self.timeout,
                    retries={"total_max_attempts": 1, "mode": "standard"},  # the scheduler retries
                    proxies={},  # None would have it look into the environment
                ),
            )

    @contextmanager
    def told(self, call: str, doubt: type[CloudError]) -> Iterator[None]:
        """Tell what goes wrong within as our errors; `doubt` where a call may have had its effect.

        The library's own texts and chains are cut: they may hold what was signed.
        """
        try:
            yield
        except sdk.ClientError as error:
            raise error_of(error.response, call, doubt=doubt, where=self.name) from None
        except NOT_SENT as error:
            raise self._error(Unavailable, call, error, mend="mend endpoint_options.endpoint_url or region") from None
        except sdk.SSLError as error:
            kind = Unavailable if NO_HANDSHAKE.search(str(error)) else doubt
            key = "ca_file" if UNTRUSTED in str(error) else "endpoint_url: what answers speaks no TLS that we do"
            raise self._error(kind, call, error, mend=f"mend endpoint_options.{key}") from None
        except (sdk.ParamValidationError, sdk.InvalidRegionError, sdk.NoRegionError) as error:
            raise self._error(BadRequest, call, error) from None
        except sdk.BotoCoreError as error:
            raise self._error(doubt, call, error) from None
        except (ResponseParserError, KeyError, TypeError, ValueError, AttributeError):
            # What could not be parsed or understood is not shown.
            raise doubt(f"{call}: an answer that cannot be read", where=self.name, mend=NO_API) from None

    def _error(self, kind: type[CloudError], call: str, error: Exception, mend: str = "") -> CloudError:
        return kind(f"{call}: {first_line(str(error))}", where=self.name, mend=mend)


def items(answer: Mapping[str, Any], key: str, call: str) -> list[Mapping[str, Any]]:
    """Return the list an answer holds.

    Raises:
        ValueError: it holds none: whatever answered was not the cloud.
    """
    found = answer.get(key)
    if not isinstance(found, list):
        raise ValueError(f"{call}: an answer without {key}")  # noqa: TRY004 -- the peer erred, not our caller
    return found


def _session() -> Any:
    """Return a session that knows no environment variable and no file of the user's."""
    session = botocore.session.Session()
    for name, (_, _, default, convert) in dict(session.session_var_map).items():
        session.session_var_map[name] = (None, None, NO_FILES.get(name, default), convert)
    logging.getLogger("botocore").setLevel(logging.INFO)  # at DEBUG it writes down session tokens
    session.register("before-parse.ec2", _error_inside)
    return boto3.session.Session(botocore_session=session)


def _error_inside(response_dict: dict[str, Any], **_: Any) -> None:
    """Let an error that came with HTTP status 200 be parsed as one."""
    if ERROR_INSIDE.search(response_dict["body"][:500]):
        response_dict["status_code"] = max(response_dict["status_code"], 400)
