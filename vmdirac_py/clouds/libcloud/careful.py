"""OpenStack's connections: logins anew, addresses by type, answers that hold something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libcloud.common.base import Response
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import LibcloudError

from vmdirac_py.clouds.api import BadRequest

from .cloud import UnreadableError
from .lines import Once

UNAUTHORIZED = 401
HELD: Mapping[str, str] = {
    "/servers/detail": "servers",
    "/flavors/detail": "flavors",
    "/limits": "limits",
    "/v2/images": "images",
    "/v2.0/networks": "networks",
}
"""What an answer must hold: where it is missing libcloud reads an empty list."""


class Careful:
    """Mixed into every connection of the driver."""

    # a catalog is searched by type, and region where one is given; the names in it are anybody's
    service_name = None
    service_region = None

    def request(self, action: str, *args: Any, **kwargs: Any) -> Response:
        """Ask, and see that the answer holds what was asked for."""
        answer = self._ask(action, *args, **kwargs)
        held = HELD.get(action.partition("?")[0])
        if held and not (isinstance(answer.object, dict) and held in answer.object):
            raise UnreadableError(f"an answer without {held}")
        return answer

    def _ask(self, action: str, *args: Any, **kwargs: Any) -> Response:
        """Ask once more where a token ended before its time: libcloud has let go of it and logs in anew."""
        try:
            return super().request(action, *args, **kwargs)  # type: ignore[misc, no-any-return]
        except BaseHTTPError as error:
            if error.code != UNAUTHORIZED:
                raise
        return super().request(action, *args, **kwargs)  # type: ignore[misc, no-any-return]

    def get_endpoint(self) -> str:
        """Return a service's address. Raises BadRequest: the catalog has none, or several."""
        try:
            return str(super().get_endpoint())  # type: ignore[misc]
        except (ValueError, LibcloudError) as error:
            mend = "see endpoint_options.region"
            raise BadRequest("the catalog does not have exactly one such service there", mend=mend) from error

    def get_auth_class(self) -> Any:
        """Return what logs in; it asks once, too."""
        login = super().get_auth_class()  # type: ignore[misc]
        login.retryCls = Once
        return login
