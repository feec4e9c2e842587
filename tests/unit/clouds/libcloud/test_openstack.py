"""OpenStack over libcloud: logins, names, pages, and answers that libcloud would pass over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.doubles.fault_proxy import Call, Reply
from tests.unit.clouds.libcloud.conftest import MARK, Scripted, Stack, as_json, endpoint_of, request_of, server
from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest, LaunchRequest, NoCapacity, Unavailable
from vmdirac_py.clouds.libcloud.driver import LibcloudEndpoint
from vmdirac_py.model.batch import ErrorClass

Make = Callable[[str], LibcloudEndpoint]
CREATE, LIST = "POST /c/servers", "GET /c/servers/detail"


@pytest.fixture
def stack() -> Stack:
    """Return a script of answers."""
    return Stack()


@pytest.fixture
def cloud(stack: Stack) -> Iterator[Scripted]:
    """Return the server that follows the script."""
    with Scripted(stack) as made:
        stack.url = made.url
        yield made


def accepting(stack: Stack) -> None:
    """Let every create be accepted, and its server be shown."""
    numbers = count(1)

    def create(call: Call) -> Reply:
        number, asked = next(numbers), json.loads(call.body)["server"]
        shown = server(number, name=asked["name"], metadata=asked["metadata"])
        stack.routes[f"GET /c/servers/server-{number}"] = as_json({"server": shown})
        return as_json({"server": {"id": f"server-{number}"}}, 202)

    stack.routes[CREATE] = create


def test_each_vm_is_a_call_of_its_own(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """Each create bears the whole mark, with the VM it is for, from its first moment."""
    accepting(stack)
    launched = nova(cloud.url).launch(request_of(3)).launched
    asked = [json.loads(call.body)["server"] for call in cloud.calls if call.path == "/c/servers"]
    assert [one["metadata"]["vmdirac_vm"] for one in asked] == ["vm-1", "vm-2", "vm-3"]
    assert {one["metadata"]["vmdirac_batch"] for one in asked} == {MARK.batch}
    assert [instance.mark.vm for instance in launched] == ["vm-1", "vm-2", "vm-3"]


def refusing_from(stack: Stack, nth: int, status: int, message: str) -> None:
    """Let creates be accepted until the n-th, which is refused."""
    accepting(stack)
    accept, numbers = stack.routes[CREATE], count(1)
    assert callable(accept)
    no = as_json({"no": {"code": status, "message": message}}, status)
    stack.routes[CREATE] = lambda call: no if next(numbers) >= nth else accept(call)


def test_who_refuses_one_is_not_asked_for_the_rest(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """A refusal in the middle is a partial success, and ends the asking."""
    refusing_from(stack, 3, 403, "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances")
    result = nova(cloud.url).launch(request_of(5))
    assert len(result.launched) == 2
    assert [(refusal.count, refusal.error_class) for refusal in result.refused] == [(3, ErrorClass.QUOTA)]
    assert len([call for call in cloud.calls if call.path == "/c/servers"]) == 3


def test_a_refusal_of_the_first_is_an_error(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """Where nothing was launched, the refusal itself is raised."""
    refusing_from(stack, 1, 400, "No valid host was found.")
    with pytest.raises(NoCapacity):
        nova(cloud.url).launch(request_of(2))


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_server_nobody_can_show_may_be_there(stack: Stack, cloud: Scripted, nova: Make, status: int) -> None:
    """Once a create was accepted, any error of what libcloud asks next leaves the answer lost."""
    accepting(stack)
    accept = stack.routes[CREATE]
    assert callable(accept)

    def accepted(call: Call) -> Reply:
        reply = accept(call)
        stack.routes["GET /c/servers/server-1"] = as_json({"no": {"code": status, "message": "no"}}, status)
        return reply

    stack.routes[CREATE] = accepted
    with pytest.raises(AnswerLost):
        nova(cloud.url).launch(request_of(1))


@pytest.mark.parametrize(
    ("status", "error"), [(500, AnswerLost), (502, AnswerLost), (504, AnswerLost), (503, Unavailable)]
)
def test_what_a_broken_gateway_says_decides_nothing(
    stack: Stack, cloud: Scripted, nova: Make, status: int, error: type[Exception]
) -> None:
    """After a 500, 502 or 504 the create may have been done; after a 503 it was not."""
    stack.routes[CREATE] = Reply(status, b"<html>oops</html>", {"Content-Type": "text/html"})
    with pytest.raises(error) as caught:
        nova(cloud.url).launch(request_of(1))
    assert type(caught.value) is error


def test_a_token_that_ended_early_is_renewed_once(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """One 401 costs a login; a second one is an error of the credentials."""
    seen: list[str] = []

    def listing(call: Call) -> Reply:
        seen.append(call.headers["X-Auth-Token"])
        return as_json({"servers": []}) if seen[-1] == "token-2" else as_json({"no": {"message": "no"}}, 401)

    stack.routes[LIST] = listing
    endpoint = nova(cloud.url)
    assert endpoint.instances() == ()
    assert seen == ["token-1", "token-2"]
    stack.routes[LIST] = as_json({"no": {"message": "no"}}, 401)
    with pytest.raises(AuthFailed):
        endpoint.instances()
    assert stack.tokens == 3


def test_pages_are_followed_to_the_end(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """A listing holds what all its pages hold."""
    more = {"servers_links": [{"rel": "next", "href": f"{cloud.url}/c/servers/detail?marker=server-2"}]}
    first, last = {"servers": [server(1), server(2)]} | more, {"servers": [server(3)]}
    stack.routes[LIST] = lambda call: as_json(last if "marker=" in call.path else first)
    assert [instance.id for instance in nova(cloud.url).instances()] == ["server-1", "server-2", "server-3"]


@pytest.mark.parametrize("body", [{}, [], "text", {"servers": None}, {"servers": [{"id": "outline"}]}])
def test_another_answer_is_no_empty_listing(stack: Stack, cloud: Scripted, nova: Make, body: object) -> None:
    """An answer without servers, or with servers in outline only, is an error."""
    stack.routes[LIST] = as_json(body)
    with pytest.raises(Unavailable):
        nova(cloud.url).instances()


def test_a_page_that_lost_its_mark_is_no_fault_of_the_endpoint(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """Where a page's last server went meanwhile Nova calls the request bad; it is only no listing now."""
    stack.routes[LIST] = as_json({"badRequest": {"code": 400, "message": "marker [server-2] not found"}}, 400)
    with pytest.raises(Unavailable):
        nova(cloud.url).instances()


def test_a_failed_server_says_why(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """A server in error is not at its end, and its fault has a class."""
    failed = {"OS-EXT-STS:vm_state": "error", "fault": {"code": 500, "message": "No valid host was found. "}}
    stack.routes[LIST] = as_json({"servers": [server(1, **failed)]})
    (instance,) = nova(cloud.url).instances()
    assert (instance.state, instance.terminal, instance.error_class) == ("error", False, ErrorClass.NO_CAPACITY)
    assert instance.fault == "No valid host was found. "


def with_image(image: str) -> LaunchRequest:
    """Return a request for this image."""
    request = request_of(1)
    return LaunchRequest(request.mark, replace(request.pool, image=image), request.vms, request.user_data)


def test_names_are_looked_up(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """An image's name becomes its id; a wrong one names the closest, and one of two is not guessed."""
    accepting(stack)
    known = [{"id": f"i-{n}", "name": name, "status": "active"} for n, name in enumerate(["alma-9", "twin", "twin"])]

    def images(call: Call) -> Reply:
        asked = call.path.partition("name=")[2]
        return as_json({"images": [one for one in known if not asked or one["name"] == asked]})

    stack.routes["GET /i/v2/images"] = images
    endpoint = nova(cloud.url)
    endpoint.launch(with_image("alma-9"))
    created = next(json.loads(call.body) for call in cloud.calls if call.path == "/c/servers")
    assert created["server"]["imageRef"] == "i-0"
    with pytest.raises(BadRequest, match="2 images"):
        endpoint.launch(with_image("twin"))


def test_a_login_is_tried_once(stack: Stack, cloud: Scripted, nova: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that asks libcloud for retries gets none for logins either."""
    del stack
    monkeypatch.setenv("LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS", "1")
    cloud.answering = lambda _: Reply(429, b"{}", {"Content-Type": "application/json", "Retry-After": "1"})
    with pytest.raises(Exception, match=r"429|Rate") as caught:
        nova(cloud.url).instances()
    assert caught.typename == "Throttled"
    assert len(cloud.calls) == 1


def test_a_region_that_is_not_in_the_catalog_is_named(cloud: Scripted, tmp_path: Path) -> None:
    """Where the catalog has no Nova in a region, the option is named."""
    login = {"application_credential_id": "id", "application_credential_secret": "env:secret", "region": "Q"}
    endpoint = endpoint_of({"provider": "openstack", "auth_url": cloud.url} | login, home=tmp_path)
    with pytest.raises(BadRequest, match=r"endpoint_options\.region"):
        endpoint.instances()


@pytest.mark.parametrize("status", [200, 500])
def test_only_a_yes_ends_an_instance(stack: Stack, cloud: Scripted, nova: Make, status: int) -> None:
    """An answer to a deletion that is no yes is an error; one already gone is none."""
    stack.routes[LIST] = as_json({"servers": [server(1)]})
    endpoint = nova(cloud.url)
    endpoint.terminate(["server-1"])  # Nova does not know it (any more)
    stack.routes["DELETE /c/servers/server-1"] = as_json({"fault": {"message": "no"}}, status)
    with pytest.raises(AnswerLost):
        endpoint.terminate(["server-1"])


def test_a_login_between_is_no_yes(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """A deletion refused before and after a new login is an error of the credentials, and nothing was deleted."""
    stack.routes[LIST] = as_json({"servers": [server(1)]})
    stack.routes["DELETE /c/servers/server-1"] = as_json({"no": {"message": "no"}}, 401)
    with pytest.raises(AuthFailed):
        nova(cloud.url).terminate(["server-1"])
    assert stack.tokens == 2


def test_one_refused_keeps_nobody_else(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """A deletion that is refused is told, after all others were made."""
    stack.routes[LIST] = as_json({"servers": [server(1), server(2)]})
    stack.routes["DELETE /c/servers/server-1"] = as_json({"conflict": {"message": "locked"}}, 409)
    stack.routes["DELETE /c/servers/server-2"] = Reply(204)
    with pytest.raises(BadRequest, match="locked"):
        nova(cloud.url).terminate(["server-1", "server-2"])
    assert "/c/servers/server-2" in [call.path for call in cloud.calls]


@pytest.mark.parametrize("status", [404, 409])
def test_a_server_without_a_host_has_written_nothing(stack: Stack, cloud: Scripted, nova: Make, status: int) -> None:
    """The console of a server that is not placed yet is empty; a refusal is still one."""
    stack.routes[LIST] = as_json({"servers": [server(1)]})
    endpoint = nova(cloud.url)
    stack.routes["POST /c/servers/server-1/action"] = as_json({"no": {"message": "Instance not ready"}}, status)
    assert endpoint.console("server-1") == ""
    stack.routes["POST /c/servers/server-1/action"] = as_json({"no": {"message": "no"}}, 403)
    with pytest.raises(AuthFailed):
        endpoint.console("server-1")


def test_no_limit_is_no_number(stack: Stack, cloud: Scripted, nova: Make) -> None:
    """Nova's -1, and what it does not tell, is None."""
    told = {"maxTotalInstances": -1, "maxTotalCores": 40, "totalInstancesUsed": 3}
    stack.routes["GET /c/limits"] = as_json({"limits": {"absolute": told}})
    limits = nova(cloud.url).limits()
    assert (limits.max_vms, limits.max_cores, limits.used_vms, limits.used_cores) == (None, 40, 3, None)
