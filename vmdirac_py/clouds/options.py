"""Driver options as pydantic models: read strictly, complained about by key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from vmdirac_py.base.errors import Unusable

from .closest import closest

T = TypeVar("T", bound="Options")


class Options(BaseModel):
    """Base of what a driver understands of `endpoint_options` or `pool_options`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class TlsOptions(Options):
    """How an endpoint's certificate is verified: against the system's authorities, or those of `ca_file` alone."""

    ca_file: str = ""
    insecure_skip_tls_verify: bool = False


def problems_in(model: type[Options], given: Mapping[str, Any], where: str) -> list[str]:
    """Return what is wrong with `given` as `model`, each naming the key below `where`; values are never shown."""
    try:
        model.model_validate(dict(given))
    except ValidationError as error:
        return [_text(model, where, problem["loc"], problem["type"], problem["msg"]) for problem in error.errors()]
    return []


def read(model: type[T], given: Mapping[str, Any], where: str) -> T:
    """Return `given` as `model`.

    Raises:
        Unusable: it is not; `problems_in` says so earlier.
    """
    found = problems_in(model, given, where)
    if found:
        raise Unusable("; ".join(found), where=where, mend="run `vmdirac inventory check`")
    return model.model_validate(dict(given))


def tls_warnings(options: TlsOptions, endpoint: str) -> list[str]:
    """Return the warning an endpoint without verification earns in every cycle."""
    if not options.insecure_skip_tls_verify:
        return []
    return [f"endpoint {endpoint}: certificates are not verified; give endpoint_options.ca_file instead"]


def verify(options: TlsOptions, home: Path) -> bool | str:
    """Return what HTTP libraries call `verify`: True, False, or the path of a file of authorities."""
    if options.insecure_skip_tls_verify:
        return False
    return str(home / options.ca_file) if options.ca_file else True


def _text(model: type[Options], where: str, loc: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join([where, *map(str, loc)])
    if kind == "extra_forbidden":
        return f"{key}: unknown; {closest(str(loc[-1]), model.model_fields)}"
    return f"{key}: {message[0].lower()}{message[1:]}"
