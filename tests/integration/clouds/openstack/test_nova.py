"""What only a real Nova shows of the OpenStack driver."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.endpoints.openstack import OpenStackLab
from tests.support.wait import until
from vmdirac_py.clouds.api import AuthFailed, BadRequest, LaunchRequest, Unavailable
from vmdirac_py.clouds.openstack.driver import NovaEndpoint
from vmdirac_py.model.batch import ErrorClass

pytestmark = pytest.mark.full

Ask = Callable[..., LaunchRequest]
SECONDS = 120.0


def test_a_server_nova_cannot_place_says_why(ours: NovaEndpoint, ask: Ask) -> None:
    """What Nova takes and cannot place is launched, then listed with its fault and class, not terminal."""
    (taken,) = ours.launch(ask(flavor="giant")).launched
    until(lambda: ours.instances()[0].state == "ERROR", seconds=SECONDS, step=0.5, what="ERROR")
    (listed,) = ours.instances()
    assert (listed.id, listed.error_class, listed.terminal) == (taken.id, ErrorClass.NO_CAPACITY, False)
    assert "No valid host" in listed.fault
    ours.terminate([listed.id])
    until(lambda: ours.instances() == (), seconds=SECONDS, step=0.5, what="the end of it")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"flavor": "c11"}, "no flavor 'c11' \\(did you mean"),
        ({"image": "debain-12"}, "no image 'debain-12' \\(did you mean"),
        ({"networks": ["some-net"]}, "no network 'some-net' \\(did you mean"),
        ({"availability_zone": "moon"}, "availability zone"),
        ({"security_groups": ["moon"]}, "security_group"),
        ({"key_pair": "moon"}, "key_name"),
    ],
)
def test_a_wrong_name_is_a_bad_request(ours: NovaEndpoint, ask: Ask, changes: dict[str, str], told: str) -> None:
    """A name the cloud does not know is the pool's fault, and nothing is started."""
    with pytest.raises(BadRequest, match=told):
        ours.launch(ask(**changes))
    assert ours.instances() == ()


def test_a_policys_403_is_no_quota(ours: NovaEndpoint, ask: Ask) -> None:
    """What the policy forbids (choosing a host) is AuthFailed, though Nova answers 403 as it does for a quota."""
    with pytest.raises(AuthFailed, match="olicy"):
        ours.launch(ask(availability_zone="nova:compute1"))


def test_names_serve_as_well_as_ids(lab: OpenStackLab, ours: NovaEndpoint, ask: Ask) -> None:
    """Image and network may be named."""
    image = lab.user.image.get_image(lab.pool.image).name
    request = ask(image=image, networks=[lab.project.network])
    assert [each.mark for each in ours.launch(request).launched] == [request.mark]


def test_a_token_nova_no_longer_takes_is_renewed(ours: NovaEndpoint) -> None:
    """A token that Nova refuses is renewed, once, and the call is made."""
    ours.limits()
    ours._client._auth.auth_ref._auth_token = "worn-out"
    assert ours.limits().used_vms == 0
    assert ours._client._token() != "worn-out"


def test_login_by_password(lab: OpenStackLab) -> None:
    """A user and a password do as well."""
    account = {"username": lab.project.user, "password": f"file:{lab.project.password_file}"}
    assert lab.logged_in("password", **account, project=lab.project.project).limits().used_vms == 0


def test_login_by_token(lab: OpenStackLab, ours: NovaEndpoint, tmp_path: object) -> None:
    """A token of somebody else's login does, for the project it is asked for."""
    file = tmp_path / "token"  # type: ignore[operator]
    file.write_text(lab.user.auth_token)
    assert lab.logged_in("token", token=f"file:{file}", project=lab.project.project).limits() == ours.limits()


def test_wrong_credentials_are_told(lab: OpenStackLab) -> None:
    """A wrong secret is AuthFailed, naming the login and not the secret."""
    account = {"username": lab.project.user, "password": f"file:{lab.project.appcred_secret_file}"}
    with pytest.raises(AuthFailed, match="login") as caught:
        lab.logged_in("password", **account, project=lab.project.project).limits()
    assert lab.project.appcred_secret_file.read_text() not in str(caught.value)


def test_a_wrong_region_is_told(lab: OpenStackLab) -> None:
    """A region the catalog does not have stops the endpoint, naming the key."""
    with pytest.raises(AuthFailed, match="region"):
        lab.endpoint("inst-ours", region="moon", endpoints={}).limits()


def test_a_locked_server_is_told(lab: OpenStackLab, ours: NovaEndpoint, ask: Ask) -> None:
    """A server somebody locked cannot be terminated, and the error names it."""
    (locked,) = ours.launch(ask()).launched
    until(lambda: ours.instances()[0].state == "ACTIVE", seconds=SECONDS, step=0.5, what="a server")
    lab.admin.compute.lock_server(locked.id)
    with pytest.raises(BadRequest, match=f"{locked.id}.*locked"):
        ours.terminate([locked.id])
    lab.admin.compute.unlock_server(locked.id)


def test_a_page_whose_marker_is_gone(lab: OpenStackLab, ours: NovaEndpoint) -> None:
    """Where the last server of a page is deleted before the next page is asked for, there is no listing."""
    lab.many(1200)
    lab.forget_marker()
    with pytest.raises(Unavailable, match="changed while it was read"):
        ours.instances()
    lab.mend()
    assert len(ours.instances()) == 1199
