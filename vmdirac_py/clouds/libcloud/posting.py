"""How EC2 is asked: by POST, page after page, for answers that are what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from libcloud.common.base import Response
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.drivers.ec2 import NAMESPACE, EC2Connection, EC2Response

from .cloud import UnreadableError

PAGE = "1000"


class Answer(EC2Response):
    """An answer in whatever namespace: libcloud finds nothing in one that is not exactly its own, and says nothing."""

    def parse_body(self) -> Any:
        """Return the document, its elements in the namespace libcloud looks for."""
        document = super().parse_body()
        for element in document.iter() if hasattr(document, "iter") else ():
            element.tag = f"{{{NAMESPACE}}}{_local(element.tag)}"
        return document

    def parse_error(self) -> str:
        """Return the errors in it as `code: message`."""
        return _errors(super().parse_body())


class Posting(EC2Connection):
    """Sends what libcloud would put into a URL as a form: user data does not belong into servers' logs."""

    responseCls = Answer  # noqa: N815 - libcloud's name

    def request(self, action: str, params: Mapping[str, Any] | None = None, **_: Any) -> Response:  # type: ignore[override]
        """Make a call and all its pages."""
        asked = dict(params or {})
        if asked["Action"] != "DescribeInstances":
            return self._post(action, asked)
        return self._paged(action, asked)

    def _paged(self, path: str, asked: Mapping[str, Any]) -> Response:
        first = page = self._post(path, {**asked, "MaxResults": PAGE})
        seen: set[str] = set()
        while token := _text(page.object, "nextToken"):
            if token in seen:
                raise UnreadableError("the pages of a listing go round in a circle")
            seen.add(token)
            page = self._post(path, {**asked, "MaxResults": PAGE, "NextToken": token})
            _set_of(first.object).extend(_set_of(page.object))
        return first

    def _post(self, path: str, asked: Mapping[str, Any]) -> Response:
        form = urlencode({**asked, "Version": self.version})
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        answer: Response = super().request(path, data=form, headers=headers, method="POST")
        _check(answer, str(asked["Action"]))
        return answer


def _check(answer: Response, action: str) -> None:
    """Refuse an answer to something else: in a strange document libcloud finds no instances, and calls that none."""
    document: Any = answer.object
    root = _local(getattr(document, "tag", ""))
    if root == f"{action}Response":
        return
    if errors := (_errors(document) if root else ""):
        raise BaseHTTPError(answer.status, errors)
    raise UnreadableError(f"what came is no answer to {action}")


def _errors(document: Any) -> str:
    found = document.findall(".//{*}Errors/{*}Error") if hasattr(document, "findall") else []
    return "; ".join(f"{error.findtext('{*}Code')}: {error.findtext('{*}Message')}" for error in found)


def _set_of(document: Any) -> Any:
    found = document.find(f"{{{NAMESPACE}}}reservationSet")
    if found is None:
        raise UnreadableError("a listing without its instances")
    return found


def _text(document: Any, name: str) -> str:
    return document.findtext(f"{{{NAMESPACE}}}{name}") or ""


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
