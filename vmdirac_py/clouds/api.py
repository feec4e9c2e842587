"""The contract of an endpoint driver, and the errors it may raise.

    CloudError                 .error_class     what the scheduler does next
    ├── QuotaExceeded          quota            waits for use to drop
    ├── NoCapacity             no_capacity      tries another pool, backs off
    ├── AuthFailed             auth             stops this endpoint and tells a person
    ├── BadRequest             bad_request      stops this pool: it is misconfigured
    ├── Throttled              throttled        slows down
    └── Unavailable            unavailable      retries with backoff
        └── AnswerLost         lost             asks the listing what became of the request

`Unavailable` means the request certainly did not reach the cloud; `AnswerLost` that it may have.

A driver is a folder `vmdirac_py/clouds/KIND/` whose `__init__` offers:

* `connect(endpoint, *, installation_id, resolve, home) -> CloudEndpoint`: make a driver; no network traffic yet;
* `problems(endpoint, pools) -> list[str]`: what is wrong with its options, in words that name the key;
* `warnings(endpoint) -> list[str]`: what is allowed but unwise (no TLS verification ...), told again in every cycle;
* `LISTS_AT_MOST`: how many instances its listing is proved complete for.

Only `connect` may import the cloud's library: an inventory is checked where the extra is not installed.

`resolve` turns a secret's reference into the secret (`vmdirac_py.installation`), in the acting process only.
Relative paths in options are relative to `home`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool


class CloudError(VmdiracError):
    """Root of what a driver may raise; nothing else leaves it."""

    error_class: ClassVar[ErrorClass] = ErrorClass.UNAVAILABLE


class QuotaExceeded(CloudError):
    """The tenant's quota is used up."""

    error_class = ErrorClass.QUOTA


class NoCapacity(CloudError):
    """The cloud has no room for this flavor now."""

    error_class = ErrorClass.NO_CAPACITY


class AuthFailed(CloudError):
    """The credentials are wrong, expired or not allowed."""

    error_class = ErrorClass.AUTH


class BadRequest(CloudError):
    """The cloud does not understand this pool (image, flavor, network, user data ...)."""

    error_class = ErrorClass.BAD_REQUEST


class Throttled(CloudError):
    """Too many calls."""

    error_class = ErrorClass.THROTTLED


class Unavailable(CloudError):
    """The cloud could not be reached; the request certainly had no effect."""

    error_class = ErrorClass.UNAVAILABLE


class AnswerLost(Unavailable):
    """The request was sent and its answer never came; it may have had, or still get, its effect."""

    error_class = ErrorClass.LOST


@dataclass(frozen=True, slots=True)
class Mark:
    """What every instance of ours bears; `vm` only where one call makes one VM."""

    installation: str
    batch: str
    vo: str
    pool: str
    vm: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """The cloud's thing, as listed. `state` is the cloud's own word.

    `terminal`: it will never run (again) and holds nothing any more. An instance that is only shut off still holds
    quota, is not terminal, and must be terminated. `leaving`: why the cloud is about to take it away (spot
    interruption, host maintenance), in the cloud's words; empty: it is not. `error_class`: why it will never
    run although the cloud took it and it still holds something; then `fault` says so in the cloud's words.
    """

    id: str
    mark: Mark
    state: str
    terminal: bool = False
    address: str = ""
    created_at: float = 0.0
    fault: str = ""
    leaving: str = ""
    error_class: ErrorClass | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """`count` of the wanted VMs were refused."""

    count: int
    error_class: ErrorClass
    text: str


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """N alike VMs of one pool; `vms` are our ids for them, in order."""

    mark: Mark
    pool: Pool
    vms: Sequence[str]
    user_data: bytes


@dataclass(frozen=True, slots=True)
class LaunchResult:
    """What became of a launch: partial success is a result, not an error."""

    launched: tuple[Instance, ...]
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class CloudLimits:
    """The tenant's limits and total use, ours and foreign; None: the cloud does not tell."""

    max_vms: int | None = None
    max_cores: int | None = None
    used_vms: int | None = None
    used_cores: int | None = None


class CloudEndpoint(Protocol):
    """One tenant of one cloud, seen through one installation. Every call ends within its explicit timeouts."""

    name: str
    instance_id_file: str
    """Where a VM reads its own instance id (a file path inside the VM)."""
    max_user_data: int
    """The longest user data the cloud takes, in bytes."""

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Ask for instances, once; never waits for a boot. Raises CloudError."""

    def instances(self) -> tuple[Instance, ...]:
        """Return one complete listing of the instances bearing our installation's mark. Raises CloudError."""

    def terminate(self, instance_ids: Collection[str]) -> None:
        """Delete instances of ours; one already gone is success. Raises CloudError."""

    def limits(self) -> CloudLimits:
        """Return limits and use, foreign included. Raises CloudError."""


class WithConsole(Protocol):
    """Capability: the text an instance wrote to its console."""

    def console(self, instance_id: str) -> str:
        """Return the console text, possibly empty. Raises CloudError."""


class WithSweep(Protocol):
    """Capability: instances may leave something behind (addresses, ports, volumes) that costs or counts."""

    def sweep(self) -> Sequence[str]:
        """Delete what bears our mark and belongs to no instance; return it in words. Raises CloudError."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at on a cloud: `about` (login, quota, flavor of POOL ...), and what to mend."""

    about: str
    ok: bool
    text: str
    mend: str = ""


class WithInspection(Protocol):
    """Capability: tell what of an endpoint and its pools would not work, before anything is launched."""

    def inspect(self, pools: Sequence[Pool]) -> Sequence[Finding]:
        """Look at login, quota, images, flavors, networks and marks; a finding for each. Never raises CloudError."""


Resolve = Callable[[str], str]
UNBOUNDED = 1_000_000
"""`LISTS_AT_MOST` of a driver that pages until the cloud says there is no more."""


class Driver(Protocol):
    """What a driver's folder offers (a module satisfies it)."""

    LISTS_AT_MOST: int

    def connect(self, endpoint: Endpoint, *, installation_id: str, resolve: Resolve, home: Path) -> CloudEndpoint: ...
    def problems(self, endpoint: Endpoint, pools: Sequence[Pool]) -> list[str]: ...
    def warnings(self, endpoint: Endpoint) -> list[str]: ...
