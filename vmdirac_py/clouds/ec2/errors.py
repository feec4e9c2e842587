"""What the codes of the EC2 API mean to the scheduler.

Codes: "Error codes for the Amazon EC2 API" of its API reference, and the common errors of query APIs; the classes are
those of `clouds.api`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vmdirac_py.clouds.api import (
    AnswerLost,
    AuthFailed,
    BadRequest,
    CloudError,
    NoCapacity,
    QuotaExceeded,
    Throttled,
    Unavailable,
)

CODES: Mapping[type[CloudError], tuple[str, ...]] = {
    QuotaExceeded: (
        "InstanceLimitExceeded",
        "VcpuLimitExceeded",
        "MaxSpotInstanceCountExceeded",
        "VolumeLimitExceeded",
        "MaxIOPSLimitExceeded",
        "NetworkInterfaceLimitExceeded",
        "PrivateIpAddressLimitExceeded",
        "AddressLimitExceeded",
        "InstanceCreditLimitExceeded",
        "ResourceLimitExceeded",
        "ResourceCountExceeded",
    ),
    NoCapacity: (
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientCapacity",
        "InsufficientCapacityOnHost",
        "InsufficientReservedInstanceCapacity",
        "InsufficientVolumeCapacity",
        "InsufficientAddressCapacity",
        "InsufficientFreeAddressesInSubnet",
        "ReservationCapacityExceeded",
        "SpotMaxPriceTooLow",
        "Unsupported",  # this flavor is not offered in this zone: another subnet may be in one where it is
    ),
    AuthFailed: (
        "AuthFailure",
        "AccessDenied",
        "AccessDeniedException",
        "Blocked",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OperationNotPermitted",
        "OptInRequired",
        "PendingVerification",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    ),
    Throttled: (
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
    ),
    Unavailable: (
        "Unavailable",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ConcurrentTagAccess",
        "InvalidPaginationToken",
        "InvalidNextToken",
    ),
    # What was asked differs from what was asked under this token before: so the first request did arrive.
    AnswerLost: ("IdempotentParameterMismatch", "RequestInProgress", "IdempotentInstanceTerminated"),
}
TYPES: Mapping[str, type[CloudError]] = {code: kind for kind, codes in CODES.items() for code in codes}

CLOCK = "compare this machine's clock with the cloud's"
MENDS: Mapping[str, str] = {
    "InvalidAMIID": "mend pool_image",
    "InvalidInstanceType": "mend pool_flavor",
    "InvalidSubnet": "mend pool_options.subnets",
    "InvalidGroup": "mend pool_options.security_groups",
    "InvalidSecurityGroup": "mend pool_options.security_groups",
    "InvalidKeyPair": "mend pool_options.key_pair",
    "InvalidLaunchTemplate": "mend pool_options.launch_template",
    "InvalidIamInstanceProfile": "mend pool_options.instance_profile",
    "NoSuchEntity": "mend pool_options.instance_profile",
    "Unsupported": "name a subnet in another zone, or another pool_flavor",
    "SpotMaxPriceTooLow": "raise pool_options.spot_max_price",
    "UnauthorizedOperation": "allow this call in the account's policy",
    "OperationNotPermitted": "end the instance's termination protection",
    "ExpiredToken": f"renew endpoint_options.session_token, or {CLOCK}",
    "RequestExpired": f"{CLOCK}, or renew endpoint_options.session_token",
    "RequestTimeTooSkewed": CLOCK,
    "SignatureDoesNotMatch": f"mend endpoint_options.secret_access_key, or {CLOCK}",
    "InvalidClientTokenId": "mend endpoint_options.access_key",
    "AuthFailure": f"mend endpoint_options.access_key and secret_access_key, or {CLOCK}",
    "OptInRequired": "let the account's owner opt in to the region",
}
"""What to mend, by how a code begins; the first that fits."""

NO_API = "see whether endpoint_options.endpoint_url is that of an EC2 API, and region one it knows"

OF_ONE_POOL = (
    (r"AuthFailure: Not authorized for images", "mend pool_image, or let its owner share it with the account"),
    (r"OptInRequired: .*Marketplace", "let the account's owner accept the terms of pool_image"),
    (r"UnauthorizedOperation: .*iam:PassRole", "allow iam:PassRole for the role of pool_options.instance_profile"),
    (r"InvalidParameterValue: .*instance profile", "mend pool_options.instance_profile"),
)
"""Refusals (code and message) for what one pool names, whatever their code says: its neighbours may be launched."""

SERVER_ERRORS = 500
MAX_TEXT = 300


def error_of(answer: Mapping[str, Any], call: str, *, doubt: type[CloudError], where: str) -> CloudError:
    """Return a refusal (botocore's parsed answer) as an error of ours.

    `doubt` is what becomes of an answer that does not say whether the call had its effect.
    """
    told = answer.get("Error") or {}
    status = (answer.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0
    code = str(told.get("Code") or "")
    kind = type_of(code, status, doubt)
    message = str(told.get("Message") or "no reason given")
    what = f"{call}: {code or status}: {first_line(message)}"
    if own := _mend_of_one_pool(f"{code}: {message}"):
        return BadRequest(what, where=where, mend=own)
    return kind(what, where=where, mend=mend_of(code) or ("" if _understood(code, status) else NO_API))


def _mend_of_one_pool(said: str) -> str:
    return next((mend for words, mend in OF_ONE_POOL if re.match(words, said, re.IGNORECASE)), "")


def type_of(code: str, status: int, doubt: type[CloudError]) -> type[CloudError]:
    """Return the type of error a code means; one nobody knows is the request's fault below HTTP status 500."""
    if code in TYPES:
        return TYPES[code]
    return BadRequest if status < SERVER_ERRORS and _understood(code, status) else doubt


def _understood(code: str, status: int) -> bool:
    """Tell whether whatever answered is the API, or fails as anything may."""
    return status >= SERVER_ERRORS or (bool(code) and not code.isdigit())


def mend_of(code: str) -> str:
    """Return what to mend where the cloud refused with a code; empty where nobody here can."""
    return next((mend for start, mend in MENDS.items() if code.startswith(start)), "")


def first_line(text: str) -> str:
    """Return how a message begins: what follows may be the signed request, with its session token."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= MAX_TEXT else f"{line[:MAX_TEXT]}..."
