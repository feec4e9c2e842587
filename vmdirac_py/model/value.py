"""The base of all values, and the kinds of number their fields have."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]
"""A whole number that is never negative."""

Seconds = Annotated[float, Meta(ge=0)]
"""A duration, or a moment since the epoch, in seconds; never negative."""

Amount = Annotated[float, Meta(ge=0)]
"""A quantity that is neither time nor a whole number, such as a price; never negative."""


class Value(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A frozen value: compared by its fields, hashable where they are, read strictly and written without defaults.

    What a field may be is checked when JSON is read, not when a value is made by the program itself.
    """
