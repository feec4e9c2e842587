"""The quickstart: a whole installation on this machine, real jobs of three VOs run to the end, VMs retire."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from vmdirac_py.base.errors import Unusable, VmdiracError
from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.base.share import shared
from vmdirac_py.clouds.local.places import server_pid
from vmdirac_py.installation import Installation, init, make_folders, open_installation, unix_actor
from vmdirac_py.model.job import FINAL_JOB_STATES, JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import jobs as job_operations

from .bill import print_bill
from .embedded import EmbeddedClouds, embedded_clouds, running_clouds
from .output import console, errors
from .stack import Stack, only_one, standard_stack, stop_event
from .watch import View, look, screen

MEANT_TO_FAIL = "fails-on-purpose"
UNSERVEABLE = "too-big-for-us"
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Show:
    """One quickstart: where it runs, what ends it early, and where its progress is printed."""

    ctx: Installation
    stop: threading.Event
    until: float
    progress: Console


def quickstart(folder: Path, *, minutes: float, json: bool) -> bool:
    """Make an installation in `folder`, run the example jobs, print the bill; tell whether all ended as it should.

    With `json` standard output has the summary alone; the progress goes to standard error.
    """
    stop = stop_event()
    home = _fresh_home(folder.resolve())
    with open_installation(home) as ctx:
        started = time.monotonic()
        view = _run(Show(ctx, stop, started + 60 * minutes, errors if json else console))
        problems = _verdict(view)
        print_bill(ctx, view, json=json, seconds=time.monotonic() - started)
    for problem in problems:
        errors.print(f"not as it should be: {problem}", style="bold red")
    return not problems


def _fresh_home(root: Path) -> Home:
    """Return a new home in `root`; an earlier quickstart there is removed, anything else is left alone."""
    home = Home(root)
    if root.exists() and any(root.iterdir()):
        if not home.quickstart_mark.exists():
            raise Unusable("not made by an earlier quickstart", where=str(root), mend="choose another --folder")
        with only_one(home):
            _end_earlier(home)
            shutil.rmtree(root)
    make_folders(home)
    home.quickstart_mark.write_text("the next `vmdirac quickstart` in this folder removes it\n")
    vm_port, people_port = _free_ports()
    inventory = str(shared("inventories/quickstart"))
    init(home, Settings(inventory=inventory, vm_port=vm_port, people_port=people_port, cycle_seconds=5.0))
    return home


def _end_earlier(home: Home) -> None:
    """End what an earlier quickstart left running when it was killed."""
    standard_stack(home).stop()
    with suppress(VmdiracError), open_installation(home) as ctx:  # killed while it was made, it has no ledger
        clouds = embedded_clouds(ctx)
        if any(map(server_pid, clouds.states)):
            clouds.end()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _run(show: Show) -> View:
    """Run the stack until all that can be done is done; return the last view."""
    with only_one(show.ctx.home), running_clouds(show.ctx) as clouds:
        stack = standard_stack(show.ctx.home)
        try:
            stack.start()
            ids = _submit_examples(show)
            return _watch(show, (stack, clouds), ids)
        finally:
            stack.stop()


def _submit_examples(show: Show) -> list[int]:
    ids: list[int] = []
    for path in sorted(shared("examples/jobs").glob("*.jdl")):
        submitted = job_operations.submit(
            show.ctx, path.read_text(), folder=path.parent, where=path.name, actor=unix_actor()
        )
        ids.extend(job.id for job in submitted)
    show.progress.print(f"{len(ids)} jobs submitted")
    return ids


def _watch(show: Show, parts: Sequence[Stack | EmbeddedClouds], ids: Sequence[int]) -> View:
    with screen(show.progress) as shown:
        while True:
            for part in parts:
                part.tend()
            view = look(show.ctx, ids)
            shown.show(view)
            if _finished(view):
                return view
            if show.stop.is_set():
                raise VmdiracError("stopped; nothing is left running")
            if time.monotonic() > show.until:
                raise VmdiracError(f"did not finish in time: {view.line}", mend=f"see {show.ctx.home.logs}")
            show.stop.wait(LOOK_SECONDS)


def _finished(view: View) -> bool:
    served = [job for job in view.jobs if job.spec.name != UNSERVEABLE]
    explained = bool(view.notes) or len(served) == len(view.jobs)
    retired = all(vm.state is VmState.HALTED for vm in view.vms)
    return explained and retired and all(job.state in FINAL_JOB_STATES for job in served)


def _verdict(view: View) -> list[str]:
    """Return what is not as a quickstart should end."""
    expected = {MEANT_TO_FAIL: JobState.FAILED, UNSERVEABLE: JobState.WAITING}
    return [
        f"job {job.id} {job.spec.name} is {job.state} ({job.minor})"
        for job in view.jobs
        if job.state is not expected.get(job.spec.name, JobState.DONE)
    ]
