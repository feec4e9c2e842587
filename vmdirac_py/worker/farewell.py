"""The last words of a worker whose monitor never ran, or broke."""

import http.client
import time
from pathlib import Path

from . import parting, policy
from .client import Client
from .log import say
from .trust import Refused, TalkError
from .wire import Leave, Leaving

_TRIES, _PAUSE = 3, 1.0


def farewell(client: Client, work_dir: Path, reason: str, detail: str) -> bool:
    """Try to tell the manager that this VM stops, and to leave it the logs; return whether it knows.

    The logs come first: of a VM that has Failed nothing more is taken.
    """
    parting.hand_over(client, work_dir)
    return _told(client, Leave(reason, detail, policy.code(reason, worked=False)))


def _told(client: Client, leave: Leave) -> bool:
    for _ in range(_TRIES):
        try:
            client.post("leave", leave, Leaving)
        except Refused as error:
            say(f"leave: {error}")
            return error.status == http.client.GONE
        except TalkError as error:
            say(f"leave: {error}")
            time.sleep(_PAUSE)
        else:
            return True
    return False
