"""Everything at once: random work, faults, deaths and power cuts, and what must hold whatever happens.

A `World` is an installation, a scripted cloud and VMs that speak to the operations as workers do. The machine lets
anything happen in any order; at the end all faults stop, time passes, and everything must have come to rest.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.doubles.cloud import Answer, Die, Killed, Lose, Refuse, ScriptedCloud
from tests.support.acting import act, look
from tests.support.context import TestContext, make_context, make_inventory, make_pool, submit_many, vms_of
from tests.support.keys import make_request
from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.clouds.api import AuthFailed, NoCapacity, QuotaExceeded, Throttled, Unavailable
from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.model.job import BUSY_JOB_STATES, FINAL_JOB_STATES, JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import aging, enrolment, fleet, planning, presence, work
from vmdirac_py.operations.callers import VmGone

IDLE_SECONDS = 600.0
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # thousands of commits: no disk needs to hear of them
POOLS = (
    make_pool("astro-8", "astro", max_vms=6, boot_deadline=900.0),
    make_pool("bio-8", "bio", max_vms=6, boot_deadline=900.0),
)
ERRORS = st.sampled_from([QuotaExceeded, NoCapacity, AuthFailed, Throttled, Unavailable])
FAULTS: st.SearchStrategy[Answer] = st.one_of(
    st.builds(Refuse, ERRORS),
    st.builds(Lose, st.booleans(), st.sampled_from([0.0, 30.0, 200.0, 1500.0, 4000.0])),
    st.builds(Die, st.booleans()),
)


@dataclass
class Worker:
    """What runs on one instance, once it booted."""

    instance: str
    token: str
    vm: str = ""
    jobs: dict[int, int] = field(default_factory=dict)  # job → attempt
    idle_since: float = 0.0


class World:
    """An installation with its cloud and the workers on it."""

    def __init__(self, folder: Path) -> None:
        self.ctx: TestContext = make_context(folder, inventory=make_inventory(*POOLS), max_attempts=50)
        self.cloud = ScriptedCloud(self.ctx.clock)
        self.ctx.endpoints = {"north": self.cloud}
        self.workers: dict[str, Worker] = {}
        self.csr = make_request()
        self.submitted: dict[int, str] = {}
        self.ran: set[tuple[str, str]] = set()  # (VO of a VM, VO of a job it was given)

    def token_of(self, batch: str) -> str:
        """Return the enrolment token in the user data of a batch."""
        request = next(one for one in self.cloud.launches if one.mark.batch == batch)
        config = yaml.safe_load(request.user_data)["write_files"][0]["content"]
        token: str = json.loads(config)["worker"]["token"]
        return token

    def cycle(self) -> None:
        """Do what the daemon does in one round; it may be killed at any call."""
        with suppress(Killed, VmdiracError):
            aging.advance(self.ctx)
            planning.commit(self.ctx, actor="scheduler")
            act(self.ctx)
        look(self.ctx)

    def boot(self) -> None:
        """Let a worker start on each living instance that was made by a launch."""
        living = {one.id: one for one in self.cloud.alive()}
        self.workers = {name: worker for name, worker in self.workers.items() if name in living}
        for name in living.keys() - self.workers.keys():
            self.workers[name] = Worker(name, self.token_of(living[name].mark.batch), idle_since=self.ctx.clock.now())

    def live(self, worker: Worker) -> None:
        """Let a worker do one round: enrol, beat, obey, report, ask for work, or leave."""
        try:
            if worker.vm:
                self._beat(worker)
            else:
                self._enrol(worker)
        except VmGone:
            self.cloud.kill(worker.instance)
        except VmdiracError:
            pass  # a refusal; it tries again

    def _enrol(self, worker: Worker) -> None:
        outcome = enrolment.enrol(self.ctx, token=worker.token, instance_id=worker.instance, csr=self.csr)
        if isinstance(outcome, enrolment.Enrolled):
            worker.vm, worker.idle_since = outcome.vm, self.ctx.clock.now()

    def _beat(self, worker: Worker) -> None:
        now = self.ctx.clock.now()
        beat = {"state": "running", "slots": [{"job": job, "cores": 2, "started_at": now} for job in worker.jobs]}
        answer = presence.heartbeat(self.ctx, worker.vm, beat)
        presence.flush(self.ctx, [Heartbeat(worker.vm, now, beat)])
        for job in answer.kill:
            del worker.jobs[job]
        if {order.verb for order in answer.orders} and not worker.jobs:
            presence.acknowledge(self.ctx, worker.vm, "drain", empty=True)
        self._ask(worker)
        if not worker.jobs and now - worker.idle_since > IDLE_SECONDS and presence.leave(self.ctx, worker.vm, "idle"):
            self.cloud.kill(worker.instance)

    def _ask(self, worker: Worker) -> None:
        free = 8 - 2 * len(worker.jobs)
        claim = work.Claim(8, free, free * 2000, 0, empty=not worker.jobs, seconds_left=1e6)
        found = work.match(self.ctx, worker.vm, claim, ["any"]) if free > 0 else None
        if found:
            worker.jobs[found.job.id] = found.job.attempt
            vo = next(vm.vo for vm in vms_of(self.ctx) if vm.id == worker.vm)
            self.ran.add((vo, found.job.spec.vo))

    def finish(self, worker: Worker, state: str = "Done") -> None:
        """Let a worker end one of its payloads."""
        if not worker.jobs:
            return
        job, attempt = worker.jobs.popitem()
        worker.idle_since = self.ctx.clock.now()
        with suppress(VmdiracError):
            work.report(self.ctx, worker.vm, job, attempt, work.Told(state=state, minor="", exit_code=0, output=""))

    def settle(self) -> None:
        """End all faults, let everything work, and let time pass until nothing can be left to do."""
        self.cloud.answers, self.cloud.unreachable, self.cloud.lag, self.cloud.deaf = [], None, 0.0, False
        for _ in range(400):
            self.ctx.clock.advance(60)
            self.boot()
            for worker in list(self.workers.values()):
                self.live(worker)
                while worker.jobs:
                    self.finish(worker)
            self.cycle()
            if self.is_at_rest():
                return

    def is_at_rest(self) -> bool:
        """Tell whether no VM and no job is alive and nothing is on its way."""
        quiet = not self.cloud.alive() and not self.cloud._pending
        return quiet and all(vm.state is VmState.HALTED for vm in vms_of(self.ctx)) and not self.open_jobs()

    def open_jobs(self) -> list[Any]:
        """Return the jobs that have not ended."""
        with self.ctx.ledger.read() as tx:
            return tx.jobs.find(states=set(JobState) - FINAL_JOB_STATES)


class Machine(RuleBasedStateMachine):
    """Anything may happen; the invariants hold all the time."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="vmdirac-machine-", dir=MEMORY))

    @initialize(count=st.integers(1, 20), faults=st.lists(FAULTS, max_size=2))
    def begin(self, count: int, faults: list[Answer]) -> None:
        """Make the installation, with jobs, and let it launch something: from nothing, little follows."""
        self.world = World(self.folder)
        self.submit("astro", count, 2)
        self.submit("bio", count, 1)
        self.scheduler(faults)
        self.boot_and_live(0)

    @rule(vo=st.sampled_from(["astro", "bio"]), count=st.integers(1, 12), cores=st.sampled_from([1, 2]))
    def submit(self, vo: str, count: int, cores: int) -> None:
        """Somebody submits jobs."""
        for job in submit_many(self.world.ctx, count, vo=vo, cores=cores):
            self.world.submitted[job.id] = vo

    @rule(seconds=st.sampled_from([1.0, 20.0, 60.0, 130.0, 400.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, and nobody does anything."""
        self.world.ctx.clock.advance(seconds)

    @rule(faults=st.lists(FAULTS, max_size=3))
    def scheduler(self, faults: list[Answer]) -> None:
        """The scheduler has its round, on a cloud in that mood."""
        self.world.cloud.answers = faults
        self.world.cycle()

    @rule()
    def scheduler_dies_after_planning(self) -> None:
        """A plan is written, and nobody acts upon it for now."""
        with suppress(VmdiracError):
            planning.commit(self.world.ctx, actor="scheduler")

    @rule(lag=st.sampled_from([0.0, 45.0]), cut=st.booleans(), deaf=st.booleans())
    def weather(self, lag: float, *, cut: bool, deaf: bool) -> None:
        """The cloud lists late, cannot be reached, or does not end what it should."""
        cloud = self.world.cloud
        cloud.lag, cloud.unreachable, cloud.deaf = lag, Unavailable if cut else None, deaf

    @rule(index=st.integers(0, 20))
    def boot_and_live(self, index: int) -> None:
        """Workers boot, and all but one have a round."""
        self.world.boot()
        for number, name in enumerate(sorted(self.world.workers)):
            if number != index:
                self.world.live(self.world.workers[name])

    @rule(index=st.integers(0, 20), state=st.sampled_from(["Done", "Failed"]))
    def payload_ends(self, index: int, state: str) -> None:
        """A payload ends, well or not."""
        if worker := self._worker(index):
            self.world.finish(worker, state)

    @rule(index=st.integers(0, 20), trace=st.booleans())
    def power_cut(self, index: int, *, trace: bool) -> None:
        """An instance dies with all that ran on it, listed as dead or vanished."""
        if worker := self._worker(index):
            (self.world.cloud.kill if trace else self.world.cloud.forget)(worker.instance)
            self.world.boot()

    @rule(index=st.integers(0, 20))
    def drain(self, index: int) -> None:
        """Somebody drains a VM."""
        vms = vms_of(self.world.ctx, *(state for state in VmState if state is not VmState.HALTED))
        if vms:
            fleet.drain(self.world.ctx, [vms[index % len(vms)].id], actor="ann")

    @invariant()
    def no_batch_is_sent_twice(self) -> None:
        """A batch costs one create call at most."""
        assert all(count == 1 for count in self.world.cloud.calls().values())

    @invariant()
    def no_vm_runs_another_vos_job(self) -> None:
        """A VM of one VO is only ever given that VO's jobs."""
        assert all(vm_vo == job_vo for vm_vo, job_vo in self.world.ran)

    @invariant()
    def no_instance_has_two_rows(self) -> None:
        """What the cloud has once, the ledger has once."""
        counts = Counter(vm.instance_id for vm in vms_of(self.world.ctx) if vm.instance_id)
        assert all(count == 1 for count in counts.values())

    @invariant()
    def no_job_is_lost(self) -> None:
        """Every job is Waiting, on a VM that may still live, or final."""
        with self.world.ctx.ledger.read() as tx:
            jobs = {job.id: job for job in tx.jobs.find()}
            halted = {vm.id for vm in tx.vms.in_states((VmState.HALTED,))}
        assert jobs.keys() == self.world.submitted.keys()
        busy = [job for job in jobs.values() if job.state in BUSY_JOB_STATES]
        assert not [job for job in busy if not job.vm or job.vm in halted]

    def teardown(self) -> None:
        """Let everything come to rest: no VM, no instance, no open job is left."""
        try:
            self.world.settle()
            left = [(vm.id, vm.state, vm.instance_id) for vm in vms_of(self.world.ctx) if vm.state != VmState.HALTED]
            assert self.world.is_at_rest(), (left, self.world.cloud.alive(), self.world.open_jobs())
            self.no_batch_is_sent_twice()
            self.no_vm_runs_another_vos_job()
        finally:
            self.world.ctx.ledger.close()
            shutil.rmtree(self.folder)

    def _worker(self, index: int) -> Worker | None:
        names = sorted(self.world.workers)
        return self.world.workers[names[index % len(names)]] if names else None


COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}


@pytest.mark.slow
def test_whatever_happens_nothing_leaks_and_nothing_is_lost() -> None:
    """Random faults, deaths and power cuts: no double launch, no lost job, no leak, and all comes to rest."""
    run_state_machine_as_test(Machine, settings=settings(max_examples=6, stateful_step_count=25, **COMMON))


@pytest.mark.full
def test_whatever_happens_for_longer() -> None:
    """The same, many more times and longer."""
    run_state_machine_as_test(Machine, settings=settings(max_examples=150, stateful_step_count=60, **COMMON))
