"""What of an endpoint and its pools would not work, looked up before anything is launched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vmdirac_py.clouds.api import CloudError, CloudLimits, Finding, Instance
from vmdirac_py.clouds.closest import closest
from vmdirac_py.model.inventory import Pool

from .forms import Named
from .options import PoolOptions

Known = Callable[[str, str], Sequence[Named] | None]
KINDS = {"networks": "network", "security_groups": "security group", "key_pair": "key pair", "zone": "zone"}
"""The words that name something, and what."""


def tried(about: str, look: Callable[[], Finding]) -> Finding:
    """Return what a look finds; an error is a finding, too."""
    try:
        return look()
    except CloudError as error:
        return Finding(about, ok=False, text=error.what, mend=error.mend)


def login(instances: Sequence[Instance]) -> Finding:
    """Return the finding that a listing is."""
    return Finding("login", ok=True, text=f"{len(instances)} instances bear the mark of this installation")


def quota(limits: CloudLimits) -> Finding:
    """Return whether there is room for a VM, as far as the cloud tells."""
    pairs = [(limits.used_vms, limits.max_vms, "VMs"), (limits.used_cores, limits.max_cores, "cores")]
    full = any(most is not None and (used or 0) >= most for used, most, _ in pairs)
    text = ", ".join(f"{_told(used)} of {_told(most)} {what} in use" for used, most, what in pairs)
    return Finding("quota", ok=not full, text=text, mend="ask the cloud for more" if full else "")


def named(pool: Pool) -> Iterator[tuple[str, str]]:
    """Yield what a pool names, by kind."""
    yield from (("flavor", pool.flavor), ("image", pool.image))
    said = PoolOptions.model_validate(dict(pool.options)).model_dump()
    for word, kind in KINDS.items():
        values = said[word] if isinstance(said[word], list) else [said[word]]
        yield from ((kind, value) for value in values if value)


def there(pool: Pool, kind: str, name: str, known: Known) -> Finding:
    """Return whether a cloud has what a pool names. Raises CloudError."""
    about, things = f"{kind} of {pool.name}", known(kind, name)
    if things is None:
        return Finding(about, ok=True, text=f"{name!r}: not to be asked for by libcloud, a launch will tell")
    found = {thing.id for thing in things if name in (thing.id, thing.name)}
    if not found:
        mend = closest(name, [thing.name for thing in things])
        return Finding(about, ok=False, text=f"there is no {kind} {name!r}", mend=mend)
    if len(found) > 1:
        mend = f"write an id: {', '.join(sorted(found)[:5])}"
        return Finding(about, ok=False, text=f"{len(found)} {kind}s are called {name!r}", mend=mend)
    return Finding(about, ok=True, text=f"{name!r} is there")


def _told(count: int | None) -> str:
    return "an untold number" if count is None else str(count)
