"""What a pool's names mean on this cloud, looked up before anything is made."""

from __future__ import annotations

from dataclasses import dataclass

from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.model.inventory import Pool

from . import names
from .client import Client
from .options import PoolOptions


@dataclass(frozen=True, slots=True)
class Place:
    """Ids of a pool's flavor, image and networks; of its security groups and outside network where it needs them."""

    flavor: str
    image: str
    networks: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    outside: str = ""


def place_of(client: Client, pool: Pool, options: PoolOptions) -> Place:
    """Return what a pool's names mean.

    Raises:
        BadRequest: a name is not known; the closest one is named.
        CloudError: they cannot be looked up.
    """
    try:
        return Place(
            names.flavor(client, pool.flavor),
            names.image(client, pool.image),
            tuple(names.network(client, each) for each in options.networks),
            *_outside(client, options),
        )
    except BadRequest as error:
        raise BadRequest(error.what, where=error.where or f"pool {pool.name}", mend=error.mend) from error


def _outside(client: Client, options: PoolOptions) -> tuple[tuple[str, ...], str]:
    """Return what ports of our own need: Nova takes names of security groups, Neutron ids."""
    if not options.floating_network:
        return (), ""
    groups = tuple(names.security_group(client, each) for each in options.security_groups)
    return groups, names.network(client, options.floating_network)
