"""What a front end has for pools to be made of: templates, images, networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vmdirac_py.clouds.api import BadRequest, Unavailable
from vmdirac_py.clouds.closest import closest
from vmdirac_py.model.inventory import Pool

from .deadline import Deadline
from .reading import Template, Unreadable, names, templates
from .rpc import Rpc

ALL = (-2, -1, -1)
"""Of a pool: whatever the user may see, without paging."""


class Catalogue:
    """The templates, images and networks the user of a front end may see."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def template(self, pool: Pool, deadline: Deadline) -> Template:
        """Return the template a pool's flavor names.

        Raises:
            BadRequest: there is none, or more than one, or its first disk holds another image than the pool's.
            CloudError: the front end does not tell.
        """
        found = chosen(pool, self.templates(deadline), self._rpc.where)
        self.check_image(pool, found, deadline)
        return found

    def templates(self, deadline: Deadline) -> list[Template]:
        """Return all templates. Raises CloudError."""
        text = self._rpc.read(deadline, "one.templatepool.info", *ALL)
        try:
            return templates(text)
        except Unreadable as error:
            raise self._unreadable(error) from error

    def check_image(self, pool: Pool, template: Template, deadline: Deadline) -> None:
        """Check that a template's first disk holds the pool's image, by name or number.

        Raises:
            BadRequest: it does not.
            CloudError: the front end does not tell.
        """
        disk: Mapping[str, str] = template.disks[0] if template.disks else {}
        own = {disk.get("IMAGE", ""), disk.get("IMAGE_ID", "")} - {""}
        if pool.image in own or pool.image in self._other_names(own, deadline):
            return
        mend = f"the image is the template's: {' or '.join(sorted(own)) or 'give it a disk with an image'}"
        what = f"template {template.name!r} does not boot pool_image {pool.image!r}"
        raise BadRequest(what, where=_place(self._rpc.where, pool), mend=mend)

    def _other_names(self, own: set[str], deadline: Deadline) -> set[str]:
        images = self.images(deadline)
        return {other for number, name in images.items() if own & {number, name} for other in (number, name)}

    def images(self, deadline: Deadline) -> dict[str, str]:
        """Return the images by number. Raises CloudError."""
        return self._names(self._rpc.read(deadline, "one.imagepool.info", *ALL), "IMAGE_POOL", "IMAGE")

    def networks(self, deadline: Deadline) -> dict[str, str]:
        """Return the networks by number. Raises CloudError."""
        return self._names(self._rpc.read(deadline, "one.vnpool.info", *ALL), "VNET_POOL", "VNET")

    def _names(self, text: Any, root: str, entry: str) -> dict[str, str]:
        try:
            return names(text, root, entry)
        except Unreadable as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Unreadable) -> Unavailable:
        return Unavailable(f"an answer that cannot be read: {error}", where=self._rpc.where)


def chosen(pool: Pool, found: list[Template], where: str) -> Template:
    """Return the template a pool's flavor names, by number or name.

    Raises:
        BadRequest: there is none, or more than one.
    """
    by_number = [one for one in found if str(one.number) == pool.flavor]
    fitting = by_number or [one for one in found if one.name == pool.flavor]
    if len(fitting) == 1:
        return fitting[0]
    place = _place(where, pool)
    if fitting:
        mend = f"write its number: {', '.join(f'{one.number} (of {one.owner})' for one in fitting)}"
        raise BadRequest(f"more than one template is named {pool.flavor!r}", where=place, mend=mend)
    mend = closest(pool.flavor, [one.name for one in found])
    raise BadRequest(f"no template {pool.flavor!r}", where=place, mend=mend)


def _place(where: str, pool: Pool) -> str:
    return f"{where}, pool {pool.name}"
