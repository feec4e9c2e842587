"""What libcloud's `Node` tells of an instance."""

from __future__ import annotations

from libcloud.compute.base import Node

from vmdirac_py.clouds.api import Instance, Mark
from vmdirac_py.clouds.marks import from_labels
from vmdirac_py.model.batch import ErrorClass

from .maps import Provider


def mark_of(node: Node, provider: Provider) -> Mark | None:
    """Return the mark an instance bears, if it is one of ours or of another installation."""
    return from_labels(node.extra.get(provider.labels) or {})


def instance_of(node: Node, provider: Provider, mark: Mark) -> Instance:
    """Return an instance with this mark."""
    words = [str(word) for key in provider.state if (word := node.extra.get(key))]
    fault = str((node.extra.get("fault") or {}).get("message") or "")
    return Instance(
        id=str(node.id),
        mark=mark,
        state=words[0] if words else str(node.state),
        terminal=not provider.terminal.isdisjoint(words),
        address=next(iter([*node.public_ips, *node.private_ips]), ""),
        created_at=node.created_at.timestamp() if node.created_at else 0.0,
        fault=fault,
        error_class=None if provider.failed.isdisjoint(words) else _class_of(fault, provider),
    )


def _class_of(fault: str, provider: Provider) -> ErrorClass:
    """Return what a fault means; one nobody knows is the cloud's own."""
    known = provider.known(fault)
    return known.means.error_class if known else ErrorClass.UNAVAILABLE
