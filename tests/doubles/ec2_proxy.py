"""A fault proxy that adds to moto what it lacks of EC2.

What it adds, as the API documents it: `MaxCount` (as many as there is room for, `MinCount` at least), client tokens
(the first answer again; other parameters under a used token are refused), 16 KiB of user data, a limit of instances,
capacity by subnet, requests that are too old, interruption notices of spot instances, and pages that are small.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

from tests.doubles.fault_proxy import Call, FaultProxy, Reply

MAX_USER_DATA = 16_384
MAX_SKEW = 300.0
NO_ROOM = ("InsufficientInstanceCapacity", 500, "We currently do not have sufficient capacity")
OVER_LIMIT = ("InstanceLimitExceeded", 400, "You have requested more instances than your current instance limit allows")
MISMATCH = ("IdempotentParameterMismatch", 400, "The request uses the same client token as a previous, other request")
Form = dict[str, str]


def form_of(call: Call) -> Form:
    """Return a request's parameters."""
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))


def with_form(call: Call, form: Form) -> Call:
    """Return the request with other parameters."""
    headers = {name: value for name, value in call.headers.items() if name.lower() != "content-length"}
    return replace(call, body=urlencode(form).encode(), headers=headers)


def error(code: str, status: int, message: str = "as ordered") -> Reply:
    """Return an answer that refuses."""
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    return xml(f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>r-1</RequestID></Response>", status)


def xml(body: str, status: int = 200) -> Reply:
    """Return an answer."""
    return Reply(status, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(), {"Content-Type": "text/xml"})


def filters_of(form: Form) -> set[str]:
    """Return the names of the filters a listing has."""
    return {value for name, value in form.items() if name.startswith("Filter.") and name.endswith(".Name")}


def named(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the elements of a name, in whatever namespace."""
    return (element for element in root.iter() if element.tag.rpartition("}")[2] == name)


def text_of(element: ET.Element, name: str) -> str:
    """Return the text of the first such element within."""
    return next((found.text or "" for found in named(element, name)), "")


class Ec2Proxy(FaultProxy):
    """In front of moto.

    Args:
        target: moto's URL.
        max_vms: the account's limit.

    `capacity` is how many more instances a subnet has room for ("" is: any that is not named); `skew` the seconds by
    which the cloud's clock is ahead; `hidden` hides instances younger than so many seconds; `page` is the most
    reservations of a page; `notices` why the cloud takes an instance away; `between` is called before each further
    page; `cut` breaks listings after their first page.
    """

    def __init__(self, target: str, *, max_vms: int) -> None:
        self.max_vms, self.page, self.skew, self.hidden, self.cut = max_vms, 10, 0.0, 0.0, False
        self.capacity: dict[str, int] = {}
        self.refusing = 0
        self.notices: dict[str, str] = {}
        self.between: Callable[[], None] | None = None
        self._first: dict[str, tuple[bytes, Reply]] = {}
        self._closed = False
        self._launching = threading.Lock()
        super().__init__(target)

    def stop(self) -> None:
        """Refuse connections from now on; what still hangs is not sent on any more."""
        self._closed = True
        super().stop()

    def start(self) -> None:
        """Listen again, on the same port."""
        self._closed = False
        super().start()

    def mend(self) -> None:
        """End every fault."""
        self.skew, self.hidden, self.cut, self.between, self.refusing = 0.0, 0.0, False, None, 0
        self.capacity.clear()
        self.notices.clear()
        super().mend()

    def actions(self) -> list[str]:
        """Return the names of the calls that came so far."""
        return [form_of(call).get("Action", "") for call in self.calls]

    def _forward(self, call: Call) -> Reply:
        if self._closed:
            return error("Unavailable", 503)
        form = form_of(call)
        if self._too_old(call):
            return error("RequestExpired", 400, "Request has expired.")
        acts: dict[str, Callable[[Call, Form], Reply]] = {
            "RunInstances": self._run,
            "DescribeInstances": self._describe,
            "DescribeAccountAttributes": self._attributes,
            "DescribeSpotInstanceRequests": self._spot,
        }
        act = acts.get(form.get("Action", ""))
        return act(call, form) if act else super()._forward(call)

    def _too_old(self, call: Call) -> bool:
        sent = next((value for name, value in call.headers.items() if name.lower() == "x-amz-date"), "")
        if not sent or not self.skew:
            return False
        at = datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        return abs(time.time() + self.skew - at) > MAX_SKEW

    def _run(self, call: Call, form: Form) -> Reply:
        if form.get("DryRun") == "true":
            return super()._forward(call)
        if len(base64.b64decode(form.get("UserData", ""))) > MAX_USER_DATA:
            return error("InvalidParameterValue", 400, "User data is limited to 16384 bytes")
        with self._launching:
            body, reply = self._first.get(form["ClientToken"], (b"", None))
            if reply:
                return reply if body == call.body else error(*MISMATCH)
            return self._run_new(call, form)

    def _run_new(self, call: Call, form: Form) -> Reply:
        least, most = int(form["MinCount"]), int(form["MaxCount"])
        allowed = self.max_vms - self._living(call)
        subnet = form.get("SubnetId", "")
        room = self.capacity.get(subnet, self.capacity.get("", most)) if not self.refusing else most - self.refusing
        if min(allowed, room) < least:
            return error(*(OVER_LIMIT if allowed < least else NO_ROOM))
        given = str(min(most, allowed, room))
        reply = super()._forward(with_form(call, form | {"MinCount": given, "MaxCount": given}))
        if reply.status == 200:
            self._first[form["ClientToken"]] = (call.body, reply)
            self._take_room(subnet, int(given))
        return reply

    def _take_room(self, subnet: str, given: int) -> None:
        if self.refusing:
            self.capacity, self.refusing = {"": 0}, 0
        key = subnet if subnet in self.capacity else ""
        if key in self.capacity:
            self.capacity[key] = max(0, self.capacity[key] - given)

    def _living(self, call: Call) -> int:
        states = {f"Filter.1.Value.{n}": state for n, state in enumerate(("pending", "running"), 1)}
        form = {"Action": "DescribeInstances", "Version": "2016-11-15", "MaxResults": "1000"}
        reply = super()._forward(with_form(call, form | {"Filter.1.Name": "instance-state-name"} | states))
        return sum(len(found) for found in named(ET.fromstring(reply.body), "instancesSet"))

    def _describe(self, call: Call, form: Form) -> Reply:
        if form.get("NextToken"):
            if self.cut:
                return error("Unavailable", 503)
            if self.between:
                self.between()
        if "MaxResults" in form:
            form["MaxResults"] = str(1 if self.cut else min(self.page, int(form["MaxResults"])))
        reply = super()._forward(with_form(call, form))
        return reply if reply.status != 200 else self._edited(reply)

    def _edited(self, reply: Reply) -> Reply:
        root = ET.fromstring(reply.body)
        for instances in named(root, "instancesSet"):
            for item in list(instances):
                if self._is_hidden(item):
                    instances.remove(item)
                elif text_of(item, "instanceId") in self.notices:
                    ET.SubElement(item, "instanceLifecycle").text = "spot"
        if self.cut and not list(named(root, "nextToken")):
            ET.SubElement(root, "nextToken").text = "more"
        return replace(reply, body=ET.tostring(root))

    def _is_hidden(self, item: ET.Element) -> bool:
        at = datetime.fromisoformat(text_of(item, "launchTime")).timestamp()
        return bool(self.hidden) and time.time() - at < self.hidden

    def _attributes(self, call: Call, _: Form) -> Reply:
        reply = super()._forward(call)
        root = ET.fromstring(reply.body)
        for attribute in named(root, "item"):
            if text_of(attribute, "attributeName") == "max-instances":
                next(named(attribute, "attributeValue")).text = str(self.max_vms)
        return replace(reply, body=ET.tostring(root))

    def _spot(self, _call: Call, _form: Form) -> Reply:
        """Tell the notices; moto's RunInstances makes no spot requests that it could list."""
        items = "".join(
            f"<item><instanceId>{instance}</instanceId><status><code>marked-for-termination</code>"
            f"<message>{why}</message></status></item>"
            for instance, why in self.notices.items()
        )
        name = "DescribeSpotInstanceRequestsResponse"
        return xml(f"<{name}><spotInstanceRequestSet>{items}</spotInstanceRequestSet></{name}>")
