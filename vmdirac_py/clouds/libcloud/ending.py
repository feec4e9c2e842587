"""Instances are deleted by a call each; one that is refused keeps nobody else."""

from __future__ import annotations

from collections.abc import Iterable

from libcloud.compute.base import Node

from vmdirac_py.clouds.api import AuthFailed, CloudError, Throttled, Unavailable

from .cloud import Line
from .errors import told_of_change
from .maps import Provider

STOPPING = (AuthFailed, Throttled, Unavailable)
"""Errors that the next instance would meet as well."""


def destroy(nodes: Iterable[Node], line: Line, provider: Provider, where: str) -> None:
    """Delete all of them that can be. Raises CloudError: the first refusal."""
    refused = [_destroy(node, line, provider, where) for node in nodes]
    for error in filter(None, refused):
        raise error


def _destroy(node: Node, line: Line, provider: Provider, where: str) -> CloudError | None:
    """Delete one; return how it was refused. Raises CloudError: the others would be refused as well."""
    line.wire.watch(provider.changing)
    try:
        line.cloud.destroy(node)
    except Exception as error:  # noqa: BLE001 - libcloud stumbles in any way over what it does not expect
        meant = told_of_change(error, provider, where, line.wire.changed)
        if isinstance(meant, STOPPING):
            raise meant from None
        return meant
    return None
