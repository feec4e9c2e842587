"""The calls of the embedded cloud: from a message to an answer, with the faults set on purpose in between."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vmdirac_py.clouds.api import BadRequest, CloudError
from vmdirac_py.model.batch import ErrorClass

from .cloud import Cloud
from .faults import Fault, Faults, read_fault
from .garbling import garbled
from .isolation import PROMISES, Isolation
from .launching import Launcher
from .messages import Message, order, public, text

CHANGING: Mapping[str, str] = {"launch": "token", "terminate": "instances"}  # logged, with what they are about
log = logging.getLogger("vmdirac.cloud.local")


class LoseAnswerError(Exception):
    """Ordered by a fault: close the connection without an answer."""


class OrderedRefusalError(CloudError):
    """Ordered by a fault: an error of the class that was asked for."""

    def __init__(self, error_class: ErrorClass) -> None:
        super().__init__("refused, as ordered")
        self.ordered = error_class


@dataclass
class Calls:
    """Answers messages. `stopping` ends hangs early."""

    launcher: Launcher
    cloud: Cloud
    faults: Faults
    isolation: Isolation
    stopping: threading.Event

    def answer(self, message: Message) -> Message:
        """Do what a message asks.

        Raises:
            LoseAnswerError: it was done, and the answer is to be lost.
            GarbledAnswerError: it was done, and its bytes are to be sent instead of the answer.
        """
        try:
            return self._act(message)
        except CloudError as error:
            error_class = error.ordered if isinstance(error, OrderedRefusalError) else error.error_class
            return {"error": {"class": error_class, "what": error.what, "where": error.where, "mend": error.mend}}

    def _act(self, message: Message) -> Message:
        name = text(message, "call")
        call = self._calls().get(name)
        if call is None:
            raise BadRequest(f"no such call: {name[:80]}")
        if name in CHANGING:
            log.info("%s asked for: %.200r", name, message.get(CHANGING[name]))
        self._hang(name, "before")
        if fault := self.faults.take("refuse", call=name):
            raise OrderedRefusalError(fault.error_class)
        answer = call(message)
        self._hang(name, "after")
        if self.faults.take("lose", call=name):
            raise LoseAnswerError
        if fault := self.faults.take("garble", call=name):
            raise garbled(answer, fault.how)
        return answer

    def _calls(self) -> Mapping[str, Callable[[Message], Message]]:
        return {
            "launch": self._launch,
            "list": self._list,
            "terminate": self._terminate,
            "limits": self._limits,
            "console": self._console,
            "user_data": self._user_data,
            "faults": self._faults,
            "stop": self._stop,
        }

    def _hang(self, name: str, when: str) -> None:
        if fault := self.faults.take("hang", call=name, when=when):
            self._wait(fault.seconds)

    def _wait(self, seconds: float) -> None:
        """Hang; a call that still hangs when the server stops dies with it, as if it had been killed."""
        if self.stopping.wait(seconds):
            raise LoseAnswerError

    def _launch(self, message: Message) -> Message:
        launch = self.launcher.launch(order(message))
        return {"instances": [public(record) for record in launch.instances], "refused": launch.refused}

    def _list(self, message: Message) -> Message:
        records, complete = self.cloud.listing(text(message, "installation"))
        return {"instances": [public(record) for record in records], "complete": complete}

    def _terminate(self, message: Message) -> Message:
        instances = message.get("instances")
        if not isinstance(instances, list) or not all(isinstance(item, str) for item in instances):
            raise BadRequest("instances must be a list of ids")
        self.cloud.terminate(text(message, "installation"), instances)
        return {}

    def _limits(self, _: Message) -> Message:
        return {
            **self.cloud.limits(),
            "isolation": self.isolation.kind,
            "promises": PROMISES[self.isolation.kind],
        }

    def _console(self, message: Message) -> Message:
        return {"text": self.cloud.console(text(message, "installation"), text(message, "instance"))}

    def _user_data(self, message: Message) -> Message:
        data = self.cloud.user_data(text(message, "installation"), text(message, "instance"))
        return {"user_data": base64.b64encode(data).decode()}

    def _faults(self, message: Message) -> Message:
        wanted = message.get("set", [])
        if not isinstance(wanted, list):
            raise BadRequest("set must be a list of faults")
        faults = [read_fault(raw) for raw in wanted]
        if message.get("clear"):
            self.faults.clear()
        at_once: dict[str, Callable[[Fault], None]] = {
            "kill": lambda fault: self.cloud.strike(fault.instance),
            "leave": lambda fault: self.cloud.announce(fault.instance),
        }
        for fault in faults:
            at_once.get(fault.kind, self.faults.set)(fault)
        return {}

    def _stop(self, message: Message) -> Message:
        if message.get("terminate"):
            self._end_all()
        return {"stopping": True}

    def _end_all(self) -> None:
        self.launcher.accepts = False
        try:
            self.cloud.terminate_all()
        except CloudError:
            self.launcher.accepts = True
            raise
