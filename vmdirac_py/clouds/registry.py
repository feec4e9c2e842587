"""Finds a driver by its kind: the folder of that name beside this file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from vmdirac_py.model.inventory import Endpoint, Pool

from .api import UNBOUNDED, BadRequest, Driver


def kinds() -> list[str]:
    """Return the kinds of cloud there are drivers for."""
    return sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.ispkg)


def driver(kind: str) -> Driver:
    """Return the driver of a kind.

    Raises:
        BadRequest: no such kind, or its extra is not installed.
    """
    if kind not in kinds():
        raise BadRequest(f"no driver for kind {kind!r}", mend=f"one of: {', '.join(kinds())}")
    try:
        return cast("Driver", importlib.import_module(f"{__package__}.{kind}"))
    except ModuleNotFoundError as error:
        mend = f"pip install 'vmdirac_py[{kind}]'"
        raise BadRequest(f"driver {kind!r} needs {error.name}, which is not installed", mend=mend) from error


def problems_of(endpoint: Endpoint, pools: Sequence[Pool]) -> list[str]:
    """Return what is wrong with an endpoint's and its pools' driver options, in words that name endpoint and key."""
    try:
        found = driver(endpoint.kind)
    except BadRequest as error:
        told = [f"endpoint_kind: {error}"]
    else:
        told = [*found.problems(endpoint, pools), *_more_than_listed(found, endpoint)]
    return [f"endpoint {endpoint.name}, {problem}" for problem in told]


def warnings_of(endpoint: Endpoint) -> list[str]:
    """Return what of an endpoint's options is allowed but unwise; nothing where its driver is not there."""
    try:
        return driver(endpoint.kind).warnings(endpoint)
    except BadRequest:
        return []


def _more_than_listed(found: Driver, endpoint: Endpoint) -> list[str]:
    most = found.LISTS_AT_MOST
    if most == UNBOUNDED or (endpoint.max_vms is not None and endpoint.max_vms <= most):
        return []
    return [f"endpoint_max_vms: must be at most {most}, the most its driver lists without losing sight of any"]
