"""Deleting servers: ours only, many at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import NamedTuple, TypeVar

from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest, CloudError
from vmdirac_py.clouds.marks import INSTALLATION

from .client import Client
from .errors import NotThere, unreadable
from .floating import release, release_again
from .launching import VOLUME
from .listing import Server
from .login import CONNECTIONS
from .sweep import mark_volumes

T = TypeVar("T")


class End(NamedTuple):
    """What came of deleting one server: why Nova refuses it, or what of its network is left."""

    refused: BadRequest | None = None
    left: Sequence[str] = ()


def terminate(client: Client, installation: str, instance_ids: Collection[str]) -> None:
    """Delete these servers; one that is gone is success.

    Raises:
        AuthFailed: one of them does not bear our mark; none was touched.
        BadRequest: Nova refuses one (it is locked ...); all others were deleted.
        CloudError: one could not be deleted; those after it may not have been tried.
    """
    wanted = sorted(set(instance_ids))
    servers = {server["id"]: server for server in each(lambda name: _shown(client, name), wanted) if server}
    foreign = [name for name, server in servers.items() if server["metadata"].get(INSTALLATION) != installation]
    if foreign:
        told = f"not ours: {', '.join(foreign[:5])}; none was terminated"
        raise AuthFailed(told, where=client.name, mend="name only instances of this installation")
    ends = each(lambda name: _delete(client, installation, servers[name]), list(servers))
    release_again(client, [path for end in ends for path in end.left])
    for end in ends:
        if end.refused:
            raise end.refused


def each(act: Callable[[str], T], names: Sequence[str]) -> list[T]:
    """Do something for each name, a few at a time; after the first error nothing more is begun.

    Raises:
        CloudError: the first error, in the order of the names; a lost answer before any other.
    """
    if not names:
        return []
    with ThreadPoolExecutor(min(CONNECTIONS, len(names))) as pool:
        futures = [pool.submit(act, name) for name in names]
        wait(futures, return_when=FIRST_EXCEPTION)
        pool.shutdown(cancel_futures=True)
    _raise(futures)
    return [future.result() for future in futures]


def _raise(futures: Sequence[Future[T]]) -> None:
    errors = [error for future in futures if not future.cancelled() and (error := future.exception())]
    lost = [error for error in errors if isinstance(error, AnswerLost)]
    if errors:
        raise (lost or errors)[0]


def _shown(client: Client, server: str) -> Server | None:
    """Return a server; None where it is gone.

    Its metadata alone would be a shorter answer, but Nova gives none of a server that still waits to be placed.
    """
    try:
        shown = client.get("compute", f"/servers/{server}")["server"]
        return {**shown, "id": server, "metadata": dict(shown["metadata"])}
    except NotThere:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable("no server", where=client.name, acts=False) from error


def _delete(client: Client, installation: str, server: Server) -> End:
    """Delete a server, with what was made for it. Raises CloudError: the others would fail as well."""
    if VOLUME in server["metadata"]:
        with suppress(CloudError):  # only the sweep needs the mark, and only where Nova fails to delete the volume
            mark_volumes(client, installation, server)
    try:
        client.delete("compute", f"/servers/{server['id']}")
    except BadRequest as error:
        return End(BadRequest(error.what, where=f"{client.name}, server {server['id']}", mend="is it locked?"))
    return End(left=release(client, server["metadata"]))
