"""What a job needs of a machine, from its JDL."""

from __future__ import annotations

import re
from bisect import bisect_left

from vmdirac_py.model.queue import CPU_SEGMENTS, Shape

from .jdl_values import Attributes

MOST_CORES = 1024
MOST_RAM_MB = 16 * 1024 * 1024
MOST_DISK_GB = 1024 * 1024
DEFAULT_CPU_SECONDS = 86400
ANYWHERE = {"any", ""}
WHOLE_NODE, MULTI, GPU = "WholeNode", "MultiProcessor", "GPU"
N_PROCESSORS = re.compile(r"[0-9]{1,9}Processors")
MEANT_AS_NUMBERS = {WHOLE_NODE, MULTI, GPU}


def shape(job: Attributes) -> Shape:
    """Return the shape; raises BadJdl where a number is absurd or contradicts another."""
    tags = job.texts("Tags", "Tag")
    least, most = _cores(job)
    sites, banned = _sites(job)
    return Shape(
        min_cores=least,
        max_cores=most,
        whole_node=WHOLE_NODE in tags or job.flag(WHOLE_NODE),
        ram_mb=_ram(job),
        gpus=1 if GPU in tags else 0,
        cpu_seconds=_cpu_seconds(job),
        tags=tuple(sorted(tag for tag in tags if tag not in MEANT_AS_NUMBERS and not N_PROCESSORS.fullmatch(tag))),
        sites=sites,
        banned_sites=banned,
        disk_gb=job.whole("DiskSpace", 0, least=0, most=MOST_DISK_GB),
        platforms=tuple(name for name in job.texts("Platform") if name.lower() not in ANYWHERE),
    )


def _cores(job: Attributes) -> tuple[int, int]:
    """Return the range of cores: an exact number, or min to max (no max: as many as there are)."""
    if job.has("NumberOfProcessors"):
        exact = job.whole("NumberOfProcessors", 1, least=1, most=MOST_CORES)
        least = job.whole("MinNumberOfProcessors", exact, least=1, most=MOST_CORES)
        most = job.whole("MaxNumberOfProcessors", exact, least=1, most=MOST_CORES)
        if (least, most) != (exact, exact):
            job.refuse("NumberOfProcessors", "contradicts the minimum or maximum", "give the number, or the range")
        return exact, exact
    least = job.whole("MinNumberOfProcessors", _tagged_cores(job), least=1, most=MOST_CORES)
    open_end = MOST_CORES if job.has("MinNumberOfProcessors") and least > 1 else least
    most = job.whole("MaxNumberOfProcessors", open_end, least=1, most=MOST_CORES)
    if least > most:
        job.refuse("MinNumberOfProcessors", f"is more than the maximum: {least} > {most}", "lower it")
    return least, most


def _tagged_cores(job: Attributes) -> int:
    """Return n of a tag `nProcessors`, as DIRAC writes it for an exact number."""
    numbers = [int(tag.removesuffix("Processors")) for tag in job.texts("Tags", "Tag") if N_PROCESSORS.fullmatch(tag)]
    if any(not 1 <= number <= MOST_CORES for number in numbers):
        job.refuse("Tags", f"asks for {max(numbers)} processors", f"1 to {MOST_CORES}")
    return max(numbers, default=1)


def _ram(job: Attributes) -> int:
    """Return the memory it needs at least: MinRAM, else MaxRAM."""
    most = job.whole("MaxRAM", 0, least=0, most=MOST_RAM_MB)
    least = job.whole("MinRAM", most, least=0, most=MOST_RAM_MB)
    if job.has("MaxRAM") and least > most:
        job.refuse("MinRAM", f"is more than MaxRAM: {least} > {most}", "lower it")
    return least


def _cpu_seconds(job: Attributes) -> int:
    """Return the CPU time, rounded up to one of DIRAC's segments."""
    seconds = job.whole("CPUTime", DEFAULT_CPU_SECONDS, least=1, most=CPU_SEGMENTS[-1])
    return CPU_SEGMENTS[bisect_left(CPU_SEGMENTS, seconds)]


def _sites(job: Attributes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    wanted = [site for site in job.texts("Site", "Sites") if site.lower() not in ANYWHERE]
    banned = job.texts("BannedSites", "BannedSite")
    left = [site for site in wanted if site not in banned]
    if wanted and not left:
        job.refuse("Site", "names only banned sites", "change Site or BannedSites")
    return tuple(sorted(left)), tuple(sorted(banned))
