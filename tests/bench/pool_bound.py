"""The most core-seconds any schedule could run in a day, for one that knows everything beforehand; by HiGHS.

The bound is a linear program, of a problem that is easier than the real one: jobs may be interrupted, moved and split
among VMs at will, each on at most its cores, after it was submitted (in the slice of the day in which it was, faster);
all lengths are known. So no schedule beats it.
"""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np

from .pool_day import DAY, Job, Scene

STEPS = 48
SLICE = DAY / STEPS


def most(scene: Scene, jobs: Sequence[Job]) -> float:
    """Return the bound in core-seconds."""
    model = highspy.Highs()
    for option, value in {"output_flag": False, "threads": 1}.items():
        model.setOptionValue(option, value)
    none, no_values = np.array([], dtype=np.int32), np.array([], dtype=np.double)
    for job in jobs:
        model.addRow(-highspy.kHighsInf, job.cores * min(job.seconds, DAY - job.at), 0, none, no_values)
    for _ in range(STEPS):
        model.addRow(-highspy.kHighsInf, scene.vms * scene.cores * SLICE, 0, none, no_values)
    _add(model, jobs)
    model.run()
    assert model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(-model.getInfo().objective_function_value)


def _add(model: highspy.Highs, jobs: Sequence[Job]) -> None:
    """Add what each job runs in each slice from its submission on, at most its cores for as long as it is there."""
    uses = [
        (number, step, job.cores * min(SLICE, (step + 1) * SLICE - job.at))
        for number, job in enumerate(jobs)
        for step in range(int(job.at // SLICE), STEPS)
    ]
    size = len(uses)
    rows = np.array([[number, len(jobs) + step] for number, step, _ in uses], dtype=np.int32).ravel()
    bounds = np.array([upper for *_, upper in uses])
    starts = np.arange(0, 2 * size, 2, dtype=np.int32)
    model.addCols(size, -np.ones(size), np.zeros(size), bounds, 2 * size, starts, rows, np.ones(2 * size))
