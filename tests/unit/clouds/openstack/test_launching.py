"""The request that makes servers."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.clouds.api import BadRequest, LaunchRequest, Mark
from vmdirac_py.clouds.marks import from_labels
from vmdirac_py.clouds.openstack.launching import MAX_USER_DATA, body_of, check_user_data
from vmdirac_py.clouds.openstack.options import PoolOptions
from vmdirac_py.clouds.openstack.placing import Place
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.resources import Resources

POOL = Pool("pool-1", "cloud", "vo-1", "site", "m1", "debian", Resources(cores=1))
MARK = Mark("inst-1", "b-1", "vo-1", "pool-1")
PLACE = Place("flavor-id", "image-id", ("net-id",))


def server(data: bytes = b"#cloud-config\n", vms: int = 3, place: Place = PLACE, **options: Any) -> dict[str, Any]:
    """Return what is sent for a pool with these options."""
    request = LaunchRequest(MARK, POOL, [f"vm-{n}" for n in range(vms)], data)
    return dict(body_of(request, PoolOptions(**options), place)["server"])


def test_as_many_as_the_quota_has_room_for() -> None:
    """A batch is one call for one to N servers that answers with a reservation."""
    sent = server(vms=7)
    assert (sent["min_count"], sent["max_count"], sent["return_reservation_id"]) == (1, 7, True)


def test_the_mark_is_sent_with_it() -> None:
    """The metadata holds the whole mark: no server is ever without."""
    assert from_labels(server()["metadata"]) == MARK


@given(st.binary(min_size=1, max_size=2000))
def test_user_data_is_what_was_given(data: bytes) -> None:
    """Decoded, the user data is what was given, byte for byte."""
    assert base64.b64decode(server(data)["user_data"]) == data


def test_without_networks_nova_chooses() -> None:
    """A pool that names no network takes the project's only one."""
    assert server(place=Place("f", "i"))["networks"] == "auto"


def test_what_a_pool_says_is_sent() -> None:
    """Networks, groups, zone, key pair and config drive are sent as Nova calls them."""
    sent = server(security_groups=["ssh"], availability_zone="z1", key_pair="debug", config_drive=False)
    assert sent["networks"] == [{"uuid": "net-id"}]
    assert sent["security_groups"] == [{"name": "ssh"}]
    assert (sent["availability_zone"], sent["key_name"], sent["config_drive"]) == ("z1", "debug", False)


def test_what_a_pool_leaves_open_is_not_sent() -> None:
    """Nothing is sent for what a pool does not say."""
    assert not {"security_groups", "availability_zone", "key_name", "block_device_mapping_v2"} & server().keys()


def test_boot_from_volume() -> None:
    """A boot volume is made of the image, goes with its server, and takes the image's place."""
    sent = server(boot_volume_gb=30, boot_volume_type="ssd")
    (volume,) = sent["block_device_mapping_v2"]
    assert (volume["uuid"], volume["volume_size"], volume["volume_type"]) == ("image-id", 30, "ssd")
    assert volume["delete_on_termination"] is True
    assert "imageRef" not in sent


def test_the_largest_user_data() -> None:
    """The largest user data makes no more base64 than Nova's column holds; the next length would."""
    check_user_data(b"x" * MAX_USER_DATA)
    assert len(base64.b64encode(b"x" * MAX_USER_DATA)) <= 65_535 < len(base64.b64encode(b"x" * (MAX_USER_DATA + 1)))


def test_one_byte_more() -> None:
    """One byte more is refused here, before anything is sent."""
    with pytest.raises(BadRequest, match="49149"):
        check_user_data(b"x" * (MAX_USER_DATA + 1))
