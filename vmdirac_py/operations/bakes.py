"""What was baked into images: the record that a bake leaves in the image, kept in the ledger too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from vmdirac_py.base.errors import BadInput
from vmdirac_py.ledger.api import Transaction

DOCUMENT = "image.bakes"
MEND = "give the file /etc/vmdirac/baked.json of the image, as it is"


class BakeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `/etc/vmdirac/baked.json` says: the revision (a pool's `profile`), when, and the roles' archive by hash."""

    revision: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    roles_sha256: str


@dataclass(frozen=True, slots=True)
class Bake:
    """What an image was made of, when (epoch), and who recorded it."""

    image: str
    revision: str
    at: float
    roles_sha256: str
    actor: str


def read(text: str, *, where: str) -> BakeRecord:
    """Read the record that a bake left.

    Raises:
        BadInput: it is none.
    """
    try:
        return msgspec.json.decode(text, type=BakeRecord)
    except msgspec.DecodeError as error:
        raise BadInput(f"not the record of a bake: {error}", where=where, mend=MEND) from None


def standing(tx: Transaction) -> dict[str, Bake]:
    """Return what is known to be baked, by image."""
    return {told["image"]: Bake(**told) for told in tx.documents.load(DOCUMENT) or ()}


def save(tx: Transaction, bakes: Iterable[Bake]) -> None:
    """Make these all that is known."""
    tx.documents.save(DOCUMENT, [asdict(bake) for bake in bakes])
