"""The entry of EC2: moto behind a proxy that adds what moto lacks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.doubles.ec2_proxy import Ec2Proxy, error, filters_of, form_of
from tests.doubles.fault_proxy import Call, Fault, Reply
from tests.doubles.moto import kept
from vmdirac_py.clouds.api import CloudEndpoint, Mark
from vmdirac_py.clouds.ec2 import connect
from vmdirac_py.clouds.marks import INSTALLATION, to_labels
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

REGION, IMAGE, FLAVOR = "eu-west-1", "ami-03cf127a", "t2.micro"
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
REFUSALS = {
    ErrorClass.QUOTA: ("VcpuLimitExceeded", 400),
    ErrorClass.NO_CAPACITY: ("InsufficientInstanceCapacity", 500),
    ErrorClass.AUTH: ("AuthFailure", 401),
    ErrorClass.BAD_REQUEST: ("InvalidAMIID.NotFound", 400),
    ErrorClass.THROTTLED: ("RequestLimitExceeded", 503),
    ErrorClass.UNAVAILABLE: ("Unavailable", 503),
}
ACTIONS = {"launch": "RunInstances", "terminate": "TerminateInstances", "console": "GetConsoleOutput"}
FILTERS = {"list": f"tag:{INSTALLATION}", "limits": "instance-state-name", "terminate": "instance-id"}


def is_call(name: str, *, look: bool = False) -> Callable[[Call], bool]:
    """Return whether a request is such a call; `look`: or what is looked at before."""

    def matches(call: Call) -> bool:
        form = form_of(call)
        if name in ACTIONS and not look:
            return form.get("Action") == ACTIONS[name]
        listing = form.get("Action") == "DescribeInstances" and FILTERS.get(name) in filters_of(form)
        return listing or form.get("Action") == ACTIONS.get(name)

    return matches


class Ec2Lab:
    """An account of its own at a moto server."""

    can = frozenset(
        {f"refuse:{error_class}" for error_class in REFUSALS}
        | {"refuse_some", "hang", "lose", "lag", "cut", "stop", "limits", "user_data", "foreign", "garble", "many"}
        | {"shift", "console", "skew", "leave"}
    )
    max_vms = 100
    max_user_data = 16_384
    idempotent = True
    slow = False
    pool = Pool("pool-1", "ec2", "vo-1", "site", FLAVOR, IMAGE, Resources(cores=1, ram_mb=1024))

    def __init__(self, proxy: Ec2Proxy, direct: Any, home: Path) -> None:
        self.proxy, self.direct, self._home = proxy, direct, home

    def endpoint(self, installation: str, *, timeout: float = 30.0) -> CloudEndpoint:
        """Return the driver as an installation has it."""
        options = {
            "region": REGION,
            "endpoint_url": self.proxy.url,
            "access_key": "AKIATEST",
            "secret_access_key": "secret-of-the-lab",
            "trust_max_instances": True,
        }
        described = Endpoint("ec2", "ec2", "site", client_timeout=timeout, options=options)
        return connect(described, installation_id=installation, resolve=str, home=self._home)

    def refuse(self, call: str, error_class: ErrorClass) -> None:
        """Let the next such call fail with this class."""
        self.proxy.order(Fault(is_call(call, look=True), reply=error(*REFUSALS[error_class])))

    def refuse_some(self, refused: int) -> None:
        """Let the next launch refuse so many for lack of capacity."""
        self.proxy.refusing = refused

    def hang(self, call: str, seconds: float, *, when: str) -> None:
        """Let the next such call wait, before or after acting."""
        self.proxy.order(Fault(is_call(call), seconds=seconds, before=when == "before"))

    def lose_answer(self, call: str) -> None:
        """Let the next such call act and give no answer."""
        self.proxy.order(Fault(is_call(call), lose=True))

    def lag(self, seconds: float) -> None:
        """Hide instances younger than this from listings."""
        self.proxy.hidden = seconds

    def cut_listing(self) -> None:
        """Let listings promise a further page that does not come."""
        self.proxy.cut = True

    def garble(self, call: str, how: str) -> None:
        """Let the next such call be answered with nonsense."""
        self.proxy.order(Fault(is_call(call), edit=GARBLED[how]))

    def skew(self, seconds: float) -> None:
        """Let the cloud's clock differ from ours."""
        self.proxy.skew = seconds

    def leave(self, instance: str) -> None:
        """Let the cloud announce that it interrupts a spot instance."""
        self.proxy.notices[instance] = "Your Spot instance is marked for termination"

    def shift(self) -> None:
        """Let instances come and go between the pages of listings."""
        self.proxy.between = self._come_and_go

    def _come_and_go(self) -> None:
        (gone,) = self._run(1)
        self.direct.terminate_instances(InstanceIds=[gone])
        self._run(1)

    def mend(self) -> None:
        """End every fault."""
        self.proxy.mend()

    def stop(self) -> None:
        """Make the cloud unreachable."""
        self.proxy.stop()

    def foreign(self, count: int) -> set[str]:
        """Start instances that bear no mark of ours."""
        return self._run(count, {"Name": "somebody's"})

    def many(self, count: int) -> int:
        """Put so many instances of ours into the cloud, a hundred a reservation."""
        parts = [min(100, count - start) for start in range(0, count, 100)]
        return sum(len(self._run(part)) for part in parts)

    def _run(self, count: int, labels: dict[str, str] | None = None) -> set[str]:
        labels = labels or to_labels(Mark("inst-ours", "batch-many", "vo-1", self.pool.name))
        tags = [{"Key": key, "Value": value} for key, value in labels.items()]
        given = self.direct.run_instances(
            ImageId=IMAGE,
            InstanceType=FLAVOR,
            MinCount=count,
            MaxCount=count,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        return {item["InstanceId"] for item in given["Instances"]}

    def user_data_of(self, endpoint: CloudEndpoint, instance: str) -> bytes:
        """Return the user data the cloud gave this instance."""
        del endpoint
        told = self.direct.describe_instance_attribute(InstanceId=instance, Attribute="userData")
        return base64.b64decode(told["UserData"]["Value"])


def _half(_: Call, reply: Reply) -> Reply:
    return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)


GARBLED: dict[str, Callable[[Call, Reply], Reply]] = {
    "html": lambda _, __: Reply(200, PAGE, {"Content-Type": "text/html"}),
    "half": _half,
    "error_inside": lambda _, __: Reply(200, error("Unavailable", 503).body, {"Content-Type": "text/xml"}),
}


@contextmanager
def lab(folder: Path) -> Iterator[Ec2Lab]:
    """Return an empty account; at the end the proxy is gone, and whatever hung in it."""
    url = kept(folder / "moto")
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    direct = boto3.client("ec2", endpoint_url=url, region_name=REGION, **keys)
    with Ec2Proxy(url, max_vms=Ec2Lab.max_vms) as proxy:
        yield Ec2Lab(proxy, direct, folder)
