"""The manager as a process: two listeners, one event loop, and what is done each second and each hour."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import uvloop
from anyio import to_thread

from vmdirac_py.base.log import logger
from vmdirac_py.operations import job_credentials, pulse, vm_logs
from vmdirac_py.operations.api import Context

from . import people, vms
from .beats import Beats, write
from .listeners import bind, server, url_of
from .tls import mutual_context, server_context

FLUSH_SECONDS = 1.0
CERTIFICATE_SECONDS = 3600.0
TIDY_SECONDS = 3600.0
ABANDONED_SECONDS = 86400.0

log = logger("manager")


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the manager listens, as URLs."""

    vms: str
    people: str

    def __str__(self) -> str:
        """Render as one line."""
        return f"manager ready: VMs at {self.vms}, people at {self.people}"


OnReady = Callable[[Ready], None]


def serve(ctx: Context, *, ready: OnReady | None = None) -> None:
    """Serve VMs and people until SIGTERM or SIGINT; requests in flight get a few seconds.

    Raises:
        Unusable: a port is in use, or the certificate authority is missing.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(listener) for listener in _bind(ctx)]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_signal(ctx, sockets, ready))


async def run(ctx: Context, sockets: Sequence[socket.socket], *, stop: asyncio.Event, ready: OnReady | None) -> None:
    """Serve on two listening sockets (VMs, people) until `stop` is set."""
    beats = Beats()
    contexts = _contexts(ctx)
    servers = [server(app, tls) for app, tls in zip((vms.build(ctx, beats), people.build(ctx)), contexts, strict=True)]
    async with asyncio.TaskGroup() as group:
        for one, listener in zip(servers, sockets, strict=True):
            group.create_task(one.serve(sockets=[listener]))
        chores = [
            group.create_task(_every(FLUSH_SECONDS, partial(_flush, ctx, beats))),
            group.create_task(_every(pulse.PERIOD, partial(to_thread.run_sync, pulse.beat, ctx))),
            group.create_task(_every(TIDY_SECONDS, partial(to_thread.run_sync, _tidy, ctx))),
            group.create_task(_every(CERTIFICATE_SECONDS, partial(_keep_certificate, ctx, contexts))),
        ]
        for one in servers:
            await one.up.wait()
        _announce(Ready(*map(url_of, sockets)), ready)
        await stop.wait()
        for one in servers:
            one.should_exit = True
        for chore in chores:
            chore.cancel()
    await _flush(ctx, beats)


def _bind(ctx: Context) -> Sequence[socket.socket]:
    settings = ctx.settings
    first = bind(settings.vm_host, settings.vm_port, who="vm")
    try:
        return first, bind(settings.people_host, settings.people_port, who="people")
    except BaseException:
        first.close()
        raise


async def _until_signal(ctx: Context, sockets: Sequence[socket.socket], ready: OnReady | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(ctx, sockets, stop=stop, ready=ready)


def _contexts(ctx: Context) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    certificate, key = ctx.authority.server(ctx.settings.vm_host, ctx.settings.people_host)
    return mutual_context(certificate, key, authority=ctx.authority.pem), server_context(certificate, key)


def _announce(where: Ready, ready: OnReady | None) -> None:
    log.info(str(where))
    if ready is not None:
        ready(where)


async def _every(seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await chore()
        except Exception:  # one failure must not end the chore
            log.exception("a chore of the manager failed and will be tried again")


async def _flush(ctx: Context, beats: Beats) -> None:
    taken = beats.take()
    try:
        await to_thread.run_sync(write, ctx, taken)
    except Exception:
        beats.put_back(taken)
        raise


def _tidy(ctx: Context) -> None:
    """Forget uploads that were cut off so long ago that they cannot still go on, ended jobs' credentials, old logs."""
    job_credentials.tidy(ctx)
    ctx.blobs.forget_abandoned(older_than=ctx.clock.now() - ABANDONED_SECONDS)
    vm_logs.forget_old(ctx)


async def _keep_certificate(ctx: Context, contexts: Sequence[ssl.SSLContext]) -> None:
    certificate, key = await to_thread.run_sync(ctx.authority.server, ctx.settings.vm_host, ctx.settings.people_host)
    for context in contexts:
        context.load_cert_chain(certificate, key)
