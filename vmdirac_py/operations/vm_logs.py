"""What VMs leave behind when they go: their logs, one archive a VM, kept for `log_days`."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path

from vmdirac_py.base.blobs import BlobStore, Incoming
from vmdirac_py.base.errors import BadInput, UnknownThing

from . import archives
from .api import Context
from .callers import actor_of, caller

TOPIC = "vm.logs"
MOST_LOGS, MOST_TEXT = 100, 50_000_000
"""Logs of one VM, and the bytes in all of them together: an archive may be small and its content huge."""
DAY = 86400.0


def store(ctx: Context, vm_id: str) -> tuple[Incoming, Path]:
    """Return where to write the logs of a VM, and as which file to keep them; newer ones replace older ones.

    Raises:
        UnknownThing: no such VM. VmGone: its life is over. Unusable: the disk refused.
    """
    with ctx.ledger.write() as tx:
        caller(tx, vm_id)
        tx.events.append(TOPIC, subject=vm_id, actor=actor_of(vm_id))
    return BlobStore(ctx.home.vm_logs).incoming(), _path(ctx, vm_id)


def read(ctx: Context, vm_id: str) -> dict[str, str]:
    """Return the logs a VM left behind, by name.

    Raises:
        UnknownThing: no such VM, or it left none, or they are too old to be kept.
        BadInput: what it left cannot be read.
    """
    with ctx.ledger.read() as tx:
        vm = tx.vms.get(vm_id)
    if vm is None:
        raise UnknownThing("no such VM", where=vm_id, mend="see `vmdirac vm list --all`")
    try:
        with archives.opened(_path(ctx, vm.id)) as archive:
            found = archives.members(archive, count=MOST_LOGS, size=MOST_TEXT)
            return {member.name: _text(archive, member) for member in found if member.isreg()}
    except FileNotFoundError:
        what = f"it left no logs, or more than {ctx.settings.log_days:g} days ago"
        raise UnknownThing(what, where=vm_id, mend="its cloud may still show `vmdirac vm console`") from None
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"its logs cannot be unpacked: {error}", where=vm_id) from error


def forget_old(ctx: Context) -> int:
    """Remove logs that were kept for long enough; return how many."""
    before = ctx.clock.now() - ctx.settings.log_days * DAY
    old = [path for path in ctx.home.vm_logs.glob("*.tar.gz") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    BlobStore(ctx.home.vm_logs).forget_abandoned(older_than=before)
    return len(old)


def _path(ctx: Context, vm_id: str) -> Path:
    return ctx.home.vm_logs / f"{vm_id}.tar.gz"


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    return b"".join(archives.pieces(file)).decode(errors="replace") if file else ""
