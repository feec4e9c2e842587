"""What libcloud's `Node` tells of an instance."""

from __future__ import annotations

from libcloud.compute.base import Node

from vmdirac_py.clouds.api import Instance, Mark
from vmdirac_py.clouds.marks import from_labels

from .maps import Provider


def mark_of(node: Node, provider: Provider) -> Mark | None:
    """Return the mark an instance bears, if it is one of ours or of another installation."""
    return from_labels(node.extra.get(provider.labels) or {})


def instance_of(node: Node, provider: Provider, mark: Mark) -> Instance:
    """Return an instance with this mark."""
    words = [str(word) for key in provider.state if (word := node.extra.get(key))]
    return Instance(
        id=str(node.id),
        mark=mark,
        state=words[0] if words else str(node.state),
        terminal=not provider.terminal.isdisjoint(words),
        address=next(iter([*node.public_ips, *node.private_ips]), ""),
        created_at=node.created_at.timestamp() if node.created_at else 0.0,
        fault=str((node.extra.get("fault") or {}).get("message") or ""),
    )
