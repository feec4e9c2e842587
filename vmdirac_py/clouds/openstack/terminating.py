"""Deleting servers: ours only, many at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest
from vmdirac_py.clouds.marks import INSTALLATION

from .client import Client
from .errors import NotThere, unreadable
from .login import CONNECTIONS

T = TypeVar("T")


def terminate(client: Client, installation: str, instance_ids: Collection[str]) -> None:
    """Delete these servers; one that is gone is success.

    Raises:
        AuthFailed: one of them does not bear our mark; none was touched.
        CloudError: one could not be deleted; those after it may not have been tried.
    """
    wanted = sorted(set(instance_ids))
    owners = each(lambda server: _owner(client, server), wanted)
    foreign = [server for server, owner in zip(wanted, owners, strict=True) if owner not in {installation, None}]
    if foreign:
        told = f"not ours: {', '.join(foreign[:5])}; none was terminated"
        raise AuthFailed(told, where=client.name, mend="name only instances of this installation")
    living = [server for server, owner in zip(wanted, owners, strict=True) if owner is not None]
    each(lambda server: _delete(client, server), living)


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


def _owner(client: Client, server: str) -> str | None:
    """Return the installation a server belongs to, empty where nobody marked it; None where it is gone."""
    try:
        answer = client.get("compute", f"/servers/{server}/metadata")
        return str(answer["metadata"].get(INSTALLATION, ""))
    except NotThere:
        return None
    except (KeyError, TypeError, AttributeError) as error:
        raise unreadable("no metadata", where=client.name, acts=False) from error


def _delete(client: Client, server: str) -> None:
    try:
        client.delete("compute", f"/servers/{server}")
    except NotThere:
        return
    except BadRequest as error:
        raise BadRequest(error.what, where=f"{client.name}, server {server}", mend="is it locked?") from error
