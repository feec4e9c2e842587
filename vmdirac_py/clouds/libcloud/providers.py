"""The providers there is a map for. A new one is an entry here, its options, and a module that speaks to libcloud."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vmdirac_py.clouds.api import (
    AuthFailed,
    BadRequest,
    CloudError,
    NoCapacity,
    QuotaExceeded,
    Throttled,
    Unavailable,
)

from .forms import as_flavor, as_image, as_it_is, as_location, as_networks, as_one_thing, as_thing, as_things
from .maps import Provider, Refused, Word
from .options import Ec2Options, OpenStackOptions


def _codes(means: type[CloudError], *codes: str, mend: str = "") -> Refused:
    """Return what errors that begin with one of these codes mean."""
    return Refused(re.compile(rf"^(?:{'|'.join(codes)})\b"), means, mend)


def _words(means: type[CloudError], pattern: str, mend: str = "") -> Refused:
    return Refused(re.compile(pattern, re.IGNORECASE), means, mend)


CLOCK = "its clock and ours differ: set this machine's clock by NTP"

EC2 = Provider(
    options=Ec2Options,
    words={
        "name": Word("name", as_it_is),
        "image": Word("image", as_thing),
        "flavor": Word("size", as_thing),
        "user_data": Word("ex_userdata", as_it_is),
        "mark": Word("ex_metadata", as_it_is),
        "least": Word("ex_mincount", as_it_is),
        "most": Word("ex_maxcount", as_it_is),
        "token": Word("ex_clienttoken", as_it_is),
        "networks": Word("ex_subnet", as_one_thing, most=1),
        "security_groups": Word("ex_security_group_ids", as_it_is, needs="networks"),
        "key_pair": Word("ex_keyname", as_it_is),
        "zone": Word("location", as_location),
        "instance_profile": Word("ex_iamprofile", as_it_is),
        "public_address": Word("ex_assign_public_ip", as_it_is),
    },
    fixed={"ex_terminate_on_shutdown": True},  # a VM that powers itself off is at its end, and costs nothing more
    seconds_each=None,
    max_user_data=16_384,
    labels="tags",
    state=("status",),
    terminal=frozenset({"terminated"}),
    failed=frozenset(),
    refusals=(
        _codes(QuotaExceeded, "InstanceLimitExceeded", "VcpuLimitExceeded", "MaxSpotInstanceCountExceeded"),
        _codes(QuotaExceeded, "VolumeLimitExceeded", "NetworkInterfaceLimitExceeded", "AddressLimitExceeded"),
        _codes(NoCapacity, r"Insufficient\w*Capacity", "InsufficientFreeAddressesInSubnet"),
        _codes(Throttled, "RequestLimitExceeded", r"Throttling\w*", "TooManyRequestsException"),
        _codes(AuthFailed, "RequestExpired", "RequestTimeTooSkewed", mend=CLOCK),
        _words(AuthFailed, r"^SignatureDoesNotMatch: Signature (expired|not yet current)", CLOCK),
        _codes(AuthFailed, "AuthFailure", "UnauthorizedOperation", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        _codes(AuthFailed, "OptInRequired", "Blocked", "PendingVerification", r"MissingAuthenticationToken\w*"),
        _codes(AuthFailed, "ExpiredToken", "AccessDenied"),
        _codes(Unavailable, "InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"),
        _codes(BadRequest, r"Invalid\w*", r"Missing\w*", "Unsupported", "IdempotentParameterMismatch"),
    ),
    changing=lambda _, __, body: not {"Action=RunInstances", "Action=TerminateInstances"}.isdisjoint(body.split("&")),
    cloud="ec2:Ec2",
)

OPENSTACK = Provider(
    options=OpenStackOptions,
    words={
        "name": Word("name", as_it_is),
        "image": Word("image", as_image),
        "flavor": Word("size", as_flavor),
        "user_data": Word("ex_userdata", as_it_is),
        "mark": Word("ex_metadata", as_it_is),
        "networks": Word("networks", as_networks),
        "security_groups": Word("ex_security_groups", as_things),
        "key_pair": Word("ex_keyname", as_it_is),
        "zone": Word("ex_availability_zone", as_it_is),
        "config_drive": Word("ex_config_drive", as_it_is),
    },
    fixed={},
    seconds_each=1.0,
    max_user_data=49_149,
    labels="metadata",
    state=("task_state", "vm_state"),
    terminal=frozenset({"deleted", "soft-delete"}),
    failed=frozenset({"error"}),
    refusals=(
        _words(QuotaExceeded, r"quota (?:\w+ )?exceeded|exceeds? (?:\w+ )*quota|Maximum number of (?:ports|volumes)"),
        _words(NoCapacity, r"no valid host|not enough hosts|no available hosts|no more (?:free )?ip addresses"),
        _words(Throttled, r"^429\b|too many requests"),
        _words(Unavailable, r"marker\b.*\b(?:not found|could not be found)"),
    ),
    changing=lambda method, url, _: method == "DELETE" or (method == "POST" and url.endswith("/servers")),
    cloud="openstack:OpenStack",
)

PROVIDERS: Mapping[str, Provider] = {"ec2": EC2, "openstack": OPENSTACK}
