"""What a provider's own module gives the driver, where libcloud has no common word for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from libcloud.compute.base import Node

from vmdirac_py.clouds.api import CloudLimits

from .forms import Named
from .wire import Wire


class UnreadableError(Exception):
    """The cloud answered, and what it answered is no answer to what was asked."""


class Cloud(Protocol):
    """One tenant of one cloud, over one wire; for one thread."""

    region: str

    def create(self, arguments: Mapping[str, Any]) -> Sequence[Node]:
        """Call `create_node`; an empty sequence where libcloud answered with nothing."""

    def listed(self, installation: str) -> Sequence[Node]:
        """Return every instance that may be of this installation: one complete listing."""

    def found(self, instance_ids: Collection[str]) -> Sequence[Node]:
        """Return those of these instances that the cloud still knows, whoever they belong to."""

    def destroy(self, node: Node) -> None:
        """Delete an instance."""

    def limits(self) -> CloudLimits:
        """Return the tenant's limits and use."""

    def console(self, node: Node) -> str:
        """Return what an instance wrote to its console."""

    def known(self, kind: str, name: str) -> Sequence[Named] | None:
        """Return what there is of a kind, that name among it if it is there; None: libcloud cannot ask for it."""

    def find(self, kind: str, name: str) -> Named:
        """Return the thing of that kind with this name or id. Raises BadRequest."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thread's way to the cloud."""

    wire: Wire
    cloud: Cloud


Connect = Callable[[Any, Callable[[str], str], Wire], Cloud]
"""Makes a `Cloud` from a provider's options, a resolver of secrets, and a wire; sends nothing yet."""


def nodes(answer: Any) -> list[Node]:
    """Return what `create_node` answered as a list: it gives a node, a list of them, or nothing."""
    if answer is None:
        return []
    return list(answer) if isinstance(answer, list) else [answer]
