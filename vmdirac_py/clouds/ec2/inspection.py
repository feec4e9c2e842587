"""What of an account and its pools would not work, found without launching anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vmdirac_py.clouds.api import CloudError, CloudLimits, Finding, Instance, LaunchRequest, Mark, Unavailable
from vmdirac_py.clouds.closest import closest
from vmdirac_py.model.inventory import Pool

from .client import Client
from .options import PoolOptions, pool_options
from .orders import parameters

WOULD_WORK = "DryRunOperation"
SAMPLE = b"#cloud-config\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing pools name: `call` lists them under `key`, and any of `names` is what a pool may write.

    `title`: what a person calls it, which a pool may not write. `filtered`: the filter by which the wanted ones alone
    are asked for, where there are too many to list them all (which takes `all_params`).
    """

    about: str
    option: str
    wanted: Callable[[Pool, PoolOptions], Iterable[str]]
    call: str
    key: str
    names: tuple[str, ...]
    title: str = "Name"
    filtered: str = ""
    all_params: Mapping[str, Any] | None = None


KINDS = (
    Kind(
        "image",
        "pool_image",
        lambda pool, _: [pool.image],
        "describe_images",
        "Images",
        ("ImageId",),
        filtered="image-id",
        all_params={"Owners": ["self"]},
    ),
    Kind(
        "flavor",
        "pool_flavor",
        lambda pool, _: [pool.flavor],
        "describe_instance_types",
        "InstanceTypes",
        ("InstanceType",),
        filtered="instance-type",
    ),
    Kind("subnet", "subnets", lambda _, options: options.subnets, "describe_subnets", "Subnets", ("SubnetId",)),
    Kind(
        "security group",
        "security_groups",
        lambda _, options: options.security_groups,
        "describe_security_groups",
        "SecurityGroups",
        ("GroupId",),
        title="GroupName",
    ),
    Kind("key pair", "key_pair", lambda _, options: [options.key_pair], "describe_key_pairs", "KeyPairs", ("KeyName",)),
    Kind(
        "launch template",
        "launch_template",
        lambda _, options: [options.launch_template],
        "describe_launch_templates",
        "LaunchTemplates",
        ("LaunchTemplateId", "LaunchTemplateName"),
    ),
)


class Looked(Protocol):
    """What of the driver is looked at."""

    def limits(self) -> CloudLimits:
        """Return limits and use."""

    def instances(self) -> tuple[Instance, ...]:
        """Return ours."""


def inspect(client: Client, endpoint: Looked, pools: Sequence[Pool]) -> list[Finding]:
    """Return a finding for login, quota, marks, and each thing each pool names; after a failed login nothing else."""
    login = _tried("login", lambda: _login(client))
    if not login.ok:
        return [login]
    named = [(pool, pool_options(pool)) for pool in pools]
    found = [finding for kind in KINDS for finding in _findings(client, kind, named)]
    account = [
        _tried("quota", lambda: _quota(endpoint.limits())),
        _tried("marks", lambda: _marks(endpoint.instances())),
    ]
    return [login, *account, *found, *(_dry_run(client, pool, options) for pool, options in named)]


def _tried(about: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except CloudError as error:  # where: the endpoint, or the file a secret should be in
        return Finding(about, ok=False, text=f"{error.where}: {error.what}", mend=error.mend)


def _login(client: Client) -> Finding:
    client.listing("describe_regions", "Regions", AllRegions=False)
    return Finding("login", ok=True, text="the credentials are taken")


def _quota(told: CloudLimits) -> Finding:
    """Return everybody's use; the API tells no quota, but the one attribute an endpoint may trust."""
    full = told.max_vms is not None and (told.used_vms or 0) >= told.max_vms
    most = "no limit is told" if told.max_vms is None else f"at most {told.max_vms} VMs"
    cores = "" if told.used_cores is None else f" with {told.used_cores} cores"
    text = f"{told.used_vms} VMs{cores} are used in the region, {most}"
    return Finding("quota", ok=not full, text=text, mend="end some VMs, or ask for a larger quota" if full else "")


def _marks(instances: Sequence[Instance]) -> Finding:
    living = sum(not instance.terminal for instance in instances)
    return Finding("marks", ok=True, text=f"{living} living instances bear the mark of this installation")


def _findings(client: Client, kind: Kind, named: Sequence[tuple[Pool, PoolOptions]]) -> list[Finding]:
    wanted = [(pool, name) for pool, options in named for name in kind.wanted(pool, options) if name]
    if not wanted:
        return []
    try:
        known = _known(client, kind, sorted({name for _, name in wanted}))
        missing = any(name not in known for _, name in wanted)
        there = _known(client, kind, []) if missing and kind.filtered else known
    except CloudError as error:
        return [Finding(kind.about, ok=False, text=error.what, mend=error.mend)]
    return [_finding(kind, pool, name, known, there) for pool, name in wanted]


def _known(client: Client, kind: Kind, wanted: Sequence[str]) -> dict[str, str]:
    """Return what there is, by the names a pool may write; all of it where none is wanted."""
    by_filter = {"Filters": [{"Name": kind.filtered, "Values": list(wanted)}]}
    params = by_filter if wanted and kind.filtered else dict(kind.all_params or {})
    found = client.listing(kind.call, kind.key, **params)
    with client.told(kind.call, Unavailable):
        return {str(item[name]): str(item.get(kind.title) or "") for item in found for name in kind.names}


def _finding(kind: Kind, pool: Pool, name: str, known: Mapping[str, str], there: Mapping[str, str]) -> Finding:
    about = f"{kind.about} of {pool.name}"
    if name in known:
        return Finding(about, ok=True, text=name)
    by_title = next((key for key, title in there.items() if title == name), "")
    mend = f"did you mean {by_title!r}?" if by_title else closest(name, there)
    return Finding(about, ok=False, text=f"there is no {kind.about} {name!r}", mend=f"{kind.option}: {mend}")


def _dry_run(client: Client, pool: Pool, options: PoolOptions) -> Finding:
    """Let the cloud say whether it would launch one: policy, instance profile and what else only it knows."""
    about = f"launch of {pool.name}"
    request = LaunchRequest(Mark("inspection", "inspection", pool.vo, pool.name), pool, ["inspection"], SAMPLE)
    subnet = next(iter(options.subnets), "")
    try:
        client.change("run_instances", DryRun=True, **parameters(request, options, count=1, turn=0, subnet=subnet))
    except CloudError as error:
        would = WOULD_WORK in error.what
        text = "the cloud would take it" if would else error.what
        return Finding(about, ok=would, text=text, mend="" if would else error.mend)
    return Finding(about, ok=False, text="the cloud did not understand that this was a question only")
