"""The PoolCE's book-keeping: slots in cores, memory and GPUs, and which jobs to wish for."""

import itertools
from typing import Dict, List, NamedTuple, Set

from .wire import Slot, Work

WHOLE_NODE, ALL_FREE, MULTI, ANY = "WholeNode", "nProcessors", "MultiProcessor", "any"


class DoesNotFit(Exception):
    """The manager gave a job that is larger than what is free; the text says what is missing."""


class RunsAlready(Exception):
    """The manager gave a job that runs here already."""


class Free(NamedTuple):
    """What is free: cores, memory (MB), GPUs."""

    cores: int
    ram_mb: int
    gpus: int


class Pool:
    """Slots of one VM. Not thread-safe: the pilot holds its lock around it.

    Args:
        total: everything there is.
        max_slots: most payloads at once; 1 is a VM without PoolCE.
    """

    def __init__(self, total: Free, max_slots: int) -> None:
        self.total = total
        self._max_slots = max_slots
        self._slots: Dict[int, Slot] = {}
        self._held: Dict[int, Work] = {}

    @property
    def slots(self) -> List[Slot]:
        """The busy slots, oldest first."""
        return list(self._slots.values())

    @property
    def empty(self) -> bool:
        """Whether no payload runs."""
        return not self._slots

    @property
    def free(self) -> Free:
        """What no payload holds; nothing when all slots are busy."""
        if len(self._slots) >= self._max_slots:
            return Free(0, 0, 0)
        held = self._held.values()
        return Free(
            self.total.cores - sum(work.cores for work in held),
            self.total.ram_mb - sum(work.ram_mb for work in held),
            self.total.gpus - sum(work.gpus for work in held),
        )

    def wishes(self) -> List[str]:
        """Return the kinds of job to ask for, in the order of DIRAC's PoolComputingElement.

        Mended against it: WholeNode only on an empty node, and each request is its own.
        """
        cores = self.free.cores
        if cores < 1:
            return []
        whole = [WHOLE_NODE] if self.empty else []
        return whole + ([ALL_FREE, MULTI] if cores > 1 else []) + [ANY]

    def take(self, work: Work, at: float) -> Slot:
        """Set resources aside for a job.

        Raises:
            DoesNotFit: more than is free; nothing was set aside.
            RunsAlready: the job holds a slot; it keeps it.
        """
        if work.job in self._slots:
            raise RunsAlready(f"job {work.job} runs here already")
        wanted, free = Free(work.cores, work.ram_mb, work.gpus)._asdict(), self.free._asdict()
        short = [f"{name} {wanted[name]} of {free[name]}" for name in free if wanted[name] > free[name]]
        if short or work.cores < 1:
            raise DoesNotFit(f"job {work.job} does not fit: {', '.join(short) or 'no cores'}")
        ends_by = at + work.cpu_seconds if work.cpu_seconds else 0.0
        number, gpu_ids = self._number(), self._gpus(work.gpus)
        self._slots[work.job] = Slot(work.job, work.cores, at, number, gpu_ids, ends_by)
        self._held[work.job] = work
        return self._slots[work.job]

    def _number(self) -> int:
        return _lowest_free(1, {slot.number for slot in self._slots.values()})[0]

    def _gpus(self, wanted: int) -> List[int]:
        return _lowest_free(wanted, {gpu for slot in self._slots.values() for gpu in slot.gpu_ids})

    def release(self, job: int) -> None:
        """Give back what a job held."""
        self._slots.pop(job, None)
        self._held.pop(job, None)


def _lowest_free(wanted: int, taken: Set[int]) -> List[int]:
    free = (number for number in itertools.count() if number not in taken)
    return list(itertools.islice(free, wanted))
