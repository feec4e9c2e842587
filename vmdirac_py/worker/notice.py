"""The cloud's notice that it takes this VM back soon, where its metadata tells (EC2's spot instances).

EC2 User Guide, "Spot Instance interruption notices": `spot/instance-action` is missing until about two minutes before
the end, then says `{"action": "terminate", "time": "2017-09-18T08:22:00Z"}`; to be looked at each five seconds.
"""

import calendar
import contextlib
import http.client
import json
import threading
import time
from typing import Callable, Dict, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from .backoff import jittered
from .log import say

_SECONDS = 5.0
_TIMEOUT = 2.0
_LONGEST = 10_000  # bytes of an answer
_ACTION, _TOKEN = "/latest/meta-data/spot/instance-action", "/latest/api/token"
_LIVES = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Taking(NamedTuple):
    """What the cloud does with this VM, and when (epoch seconds)."""

    action: str
    at: float


class Notice:
    """Looks again and again in a thread; `taken` is called once, from there.

    Args:
        address: `http://HOST[:PORT]` of the metadata service; empty: nothing is looked at.
        taken: hears of the notice.
    """

    def __init__(self, address: str, taken: Callable[[Taking], None]) -> None:
        self._host, self._taken = urlsplit(address).netloc, taken
        self._token: Dict[str, str] = {}
        self._puzzled = False

    def start(self) -> None:
        """Begin to look."""
        if self._host:
            threading.Thread(target=self._watch, name="notice", daemon=True).start()

    def _watch(self) -> None:
        found = self.look()
        while found is None:
            time.sleep(jittered(_SECONDS))
            found = self.look()
        self._taken(found)

    def look(self) -> Optional[Taking]:
        """Return the notice, or None: there is none, or the service does not tell."""
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            status, text = self._asked("GET", _ACTION, self._token)
            if status == http.client.UNAUTHORIZED:
                status, token = self._asked("PUT", _TOKEN, _LIVES)
                self._token = {"X-aws-ec2-metadata-token": token.strip()} if status == http.client.OK else {}
                status, text = self._asked("GET", _ACTION, self._token)
            return self._read(text) if status == http.client.OK else None
        return None

    def _asked(self, method: str, path: str, headers: Dict[str, str]) -> Tuple[int, str]:
        connection = http.client.HTTPConnection(self._host, timeout=_TIMEOUT)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_LONGEST).decode("ascii", "replace")
        finally:
            connection.close()

    def _read(self, text: str) -> Optional[Taking]:
        try:
            told = json.loads(text)
            return Taking(str(told["action"]), calendar.timegm(time.strptime(told["time"], _TIME)))
        except (ValueError, TypeError, KeyError) as error:
            if not self._puzzled:
                say(f"the cloud's notice is not understood: {type(error).__name__}")
            self._puzzled = True
            return None
