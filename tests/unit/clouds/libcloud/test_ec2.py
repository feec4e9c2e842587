"""EC2 over libcloud: how requests are made, and what is made of answers libcloud would pass over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.doubles.ec2_proxy import error, form_of, xml
from tests.doubles.fault_proxy import Call, Reply
from tests.unit.clouds.libcloud.conftest import MARK, Scripted, endpoint_of, request_of
from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest, NoCapacity, Unavailable
from vmdirac_py.clouds.libcloud.driver import LibcloudEndpoint
from vmdirac_py.clouds.marks import to_labels

Make = Callable[[str], LibcloudEndpoint]
STRANGE = "http://ec2.example.org/doc/2016-11-15"


def tags() -> str:
    """Return our mark as EC2 lists it."""
    return "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in to_labels(MARK).items())


def instances(*names: str) -> str:
    """Return instances as EC2 describes them."""
    state = "<instanceState><code>16</code><name>running</name></instanceState>"
    when = "<launchTime>2026-11-01T00:00:00.000Z</launchTime>"
    items = "".join(
        f"<item><instanceId>{name}</instanceId>{state}{when}<tagSet>{tags()}</tagSet></item>" for name in names
    )
    return f"<instancesSet>{items}</instancesSet>"


def described(*names: str, token: str = "", namespace: str = STRANGE) -> Reply:
    """Return a page of a listing."""
    inner = f"<reservationSet><item>{instances(*names)}</item></reservationSet>"
    more = f"<nextToken>{token}</nextToken>" if token else ""
    return xml(f'<DescribeInstancesResponse xmlns="{namespace}">{inner}{more}</DescribeInstancesResponse>')


def started(*names: str) -> Reply:
    """Return an answer to RunInstances."""
    return xml(f'<RunInstancesResponse xmlns="{STRANGE}">{instances(*names)}</RunInstancesResponse>')


def signed_by_botocore(call: Call, url: str) -> str:
    """Return the signature another implementation puts under the same request."""
    headers = {name.lower(): value for name, value in call.headers.items()}
    names = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    request = AWSRequest("POST", url + call.path, headers={name: headers[name] for name in names}, data=call.body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = auth.SigV4Auth(Credentials("AKIATEST", "wJalrXUtnFEMI"), "ec2", "eu-west-1")
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def test_requests_are_signed_as_ec2_wants_them(ec2: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature under a posted form is the one botocore puts under the same headers."""
    monkeypatch.setattr(auth, "SIGNED_HEADERS_BLACKLIST", [])
    with Scripted(lambda _: started("i-1")) as cloud:
        ec2(cloud.url).launch(request_of(1))
        (call,) = cloud.calls
    given = next(value for name, value in call.headers.items() if name.lower() == "authorization")
    assert given.rpartition("Signature=")[2] == signed_by_botocore(call, cloud.url)


def test_user_data_is_in_no_url(ec2: Make) -> None:
    """User data travels in the body, where no server's log keeps it."""
    with Scripted(lambda _: started("i-1")) as cloud:
        ec2(cloud.url).launch(request_of(1))
        (call,) = cloud.calls
    assert (call.method, call.path) == ("POST", "/")
    assert form_of(call)["UserData"]


def test_one_call_asks_for_all(ec2: Make) -> None:
    """A launch is one call, for one VM at least and all at most, with a token of its own and the mark as tags."""
    with Scripted(lambda _: started("i-1", "i-2", "i-3")) as cloud:
        result = ec2(cloud.url).launch(request_of(3))
        (form,) = map(form_of, cloud.calls)
    assert (form["MinCount"], form["MaxCount"], len(form["ClientToken"])) == ("1", "3", 64)
    assert set(to_labels(MARK).values()) <= {value for key, value in form.items() if key.startswith("TagSpecification")}
    assert ([instance.id for instance in result.launched], result.refused) == (["i-1", "i-2", "i-3"], ())


def test_an_instance_that_powers_itself_off_is_at_its_end(ec2: Make) -> None:
    """EC2 is told to terminate, not to stop and keep, what shuts itself down."""
    with Scripted(lambda _: started("i-1")) as cloud:
        ec2(cloud.url).launch(request_of(1))
        (form,) = map(form_of, cloud.calls)
    assert form["InstanceInitiatedShutdownBehavior"] == "terminate"


def test_a_silent_shortfall_is_told(ec2: Make) -> None:
    """Where EC2 gives fewer than asked for, the rest is refused for lack of capacity."""
    with Scripted(lambda _: started("i-1")) as cloud:
        result = ec2(cloud.url).launch(request_of(3))
    assert [(refusal.count, refusal.error_class) for refusal in result.refused] == [(2, NoCapacity.error_class)]


def test_an_answer_without_instances_is_an_error(ec2: Make) -> None:
    """An empty yes to a launch is a lost answer: who knows what was started."""
    with Scripted(lambda _: started()) as cloud, pytest.raises(AnswerLost):
        ec2(cloud.url).launch(request_of(2))


@pytest.mark.parametrize("namespace", [STRANGE, STRANGE + "/", "http://ec2.amazonaws.com/doc/2016-11-15/"])
def test_any_namespace_is_read(ec2: Make, namespace: str) -> None:
    """Instances are found in whatever namespace they come; libcloud alone would find none, and say nothing."""
    with Scripted(lambda _: described("i-1", namespace=namespace)) as cloud:
        assert [instance.id for instance in ec2(cloud.url).instances()] == ["i-1"]


def test_pages_are_followed_to_the_end(ec2: Make) -> None:
    """A listing holds what all its pages hold."""
    pages = {"": described("i-1", "i-2", token="a"), "a": described("i-3", token="b"), "b": described("i-4")}
    with Scripted(lambda call: pages[form_of(call).get("NextToken", "")]) as cloud:
        assert [instance.id for instance in ec2(cloud.url).instances()] == ["i-1", "i-2", "i-3", "i-4"]


def test_pages_that_never_end_are_no_listing(ec2: Make) -> None:
    """A listing whose pages go round in a circle is an error."""
    with Scripted(lambda _: described("i-1", token="again")) as cloud, pytest.raises(Unavailable):
        ec2(cloud.url).instances()


@pytest.mark.parametrize(
    "body",
    ["<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>", "<DescribeInstancesResponse/>"],
)
def test_another_answer_is_no_empty_listing(ec2: Make, body: str) -> None:
    """A document that answers another question (another service behind the same address), or none, is an error."""
    pages = iter([described("i-1", token="more"), xml(body)])
    with Scripted(lambda _: next(pages)) as cloud, pytest.raises(Unavailable):
        ec2(cloud.url).instances()


def test_an_error_inside_a_yes_has_its_type(ec2: Make) -> None:
    """An error in the body of a good status is that error."""
    with Scripted(lambda _: Reply(200, error("AuthFailure", 401).body)) as cloud, pytest.raises(AuthFailed):
        ec2(cloud.url).instances()


def test_an_unknown_region_is_told_at_once(tmp_path: Path) -> None:
    """What libcloud cannot be made with is a BadRequest that says so."""
    options = {"provider": "ec2", "region": "nowhere-1", "access_key": "env:a", "secret_access_key": "env:b"}
    with pytest.raises(BadRequest, match="Invalid region"):
        endpoint_of(options, home=tmp_path)
