"""OpenNebula's methods over XML-RPC: asked once, answered in time, and parsed without trust."""

from __future__ import annotations

from typing import Any, cast
from xml.parsers.expat import ExpatError
from xmlrpc.client import Error, Fault, Unmarshaller, dumps

from defusedxml.xmlrpc import DefusedExpatParser

from vmdirac_py.clouds.api import AnswerLost, Unavailable

from .connection import Connections
from .deadline import Deadline
from .errors import PATH, Answer, fault, not_ok, refusal

OK = 200
UNREADABLE = (Error, ExpatError, ValueError, TypeError, LookupError, AttributeError)
"""What parsing something that is no XML-RPC response may end in."""


class Rpc:
    """The methods of one front end, for one session.

    Args:
        connections: to the front end.
        session: `user:password` or `user:token`, told to the front end alone.
        where: the endpoint, for errors.
    """

    def __init__(self, connections: Connections, session: str, where: str) -> None:
        self._connections, self._session, self.where = connections, session, where

    def read(self, deadline: Deadline, method: str, *params: object) -> Any:
        """Return what a method that changes nothing answers.

        Raises:
            CloudError: it refuses; `Unavailable` too where its answer was lost, since nothing was changed by it.
        """
        try:
            answer = self.change(deadline, method, *params)
        except AnswerLost as error:
            raise Unavailable(error.what, where=error.where, mend=error.mend) from error
        if answer.code:
            raise refusal(answer, self.where, otherwise=Unavailable)
        return answer.value

    def change(self, deadline: Deadline, method: str, *params: object) -> Answer:
        """Return the answer of a method, also where that is a refusal.

        Raises:
            AnswerLost: it may have had its effect.
            CloudError: it had none.
        """
        body = dumps((self._session, *cast("tuple[Any, ...]", params)), method).encode()
        reply = self._connections.post(body, deadline)
        if reply.status != OK:
            raise not_ok(reply.status, self.where)
        try:
            return _answer(method, _values(reply.body))
        except Fault as error:
            raise fault(error.faultCode, error.faultString, self.where) from error
        except ValueError as error:
            raise AnswerLost("an answer that cannot be read", where=self.where, mend=PATH) from error


def _values(body: bytes) -> Any:
    """Return what an XML-RPC response holds. Raises Fault, ValueError."""
    target = Unmarshaller()
    parser = DefusedExpatParser(target, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
        return target.close()
    except Fault:
        raise
    except UNREADABLE as error:
        raise ValueError("not an XML-RPC response") from error


def _answer(method: str, values: Any) -> Answer:
    """Return an answer `[success, value or message, code, ...]`. Raises ValueError."""
    match values:
        case [[bool(success), value, int(code), *_]]:
            return Answer(method, value, 0 if success else code or -1)
    raise ValueError("not an answer of OpenNebula")
