"""What a word's value is made into for `create_node`.

libcloud takes objects for images, sizes, networks and groups, and looks at their `id` and `name` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Named:
    """A thing of the cloud."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone."""

    name: str
    region_name: str


@dataclass(frozen=True, slots=True)
class Location:
    """What EC2's `location` is: a zone within a region."""

    availability_zone: Zone


class Place(Protocol):
    """Where names mean something."""

    region: str

    def find(self, kind: str, name: str) -> Named:
        """Return the thing of that kind (image, flavor, network) with this name or id. Raises BadRequest."""


def as_it_is(value: Any, place: Place) -> Any:
    """Give the value itself."""
    del place
    return value


def as_thing(value: str, place: Place) -> Named:
    """Give a thing whose id and name are the value: the cloud itself understands both, or has one only."""
    del place
    return Named(value, value)


def as_things(values: Sequence[str], place: Place) -> list[Named]:
    """Give a thing for each."""
    return [as_thing(value, place) for value in values]


def as_one_thing(values: Sequence[str], place: Place) -> Named:
    """Give a thing for the only value there is."""
    (value,) = values
    return as_thing(value, place)


def as_image(value: str, place: Place) -> Named:
    """Give the image of this name or id."""
    return place.find("image", value)


def as_flavor(value: str, place: Place) -> Named:
    """Give the flavor of this name or id."""
    return place.find("flavor", value)


def as_networks(values: Sequence[str], place: Place) -> list[Named]:
    """Give the networks of these names or ids."""
    return [place.find("network", value) for value in values]


def as_location(value: str, place: Place) -> Location:
    """Give a zone of the endpoint's region."""
    return Location(Zone(value, place.region))
