"""The worker's configuration file (`wire.Config` as JSON)."""

import json
from pathlib import Path
from typing import Any, Dict, Tuple, get_origin

from . import gate
from .files import write_json
from .wire import Config

_NUMBERS = (int, float)


def _types(kind: Any) -> Tuple[type, ...]:
    return _NUMBERS if kind is float else (get_origin(kind) or kind,)


_KINDS: Dict[str, Tuple[type, ...]] = {name: _types(kind) for name, kind in Config.__annotations__.items()}


class BadConfig(Exception):
    """The configuration file cannot be used; the text names the file and key."""


def read_config(path: Path) -> Config:
    """Read and check the file the user data wrote.

    Raises:
        BadConfig: it is missing, not JSON, or a key is missing, unknown or of a wrong type.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from None
    except ValueError:
        raise BadConfig(f"{path}: not JSON") from None
    return _checked(path, raw)


def forget_token(path: Path, config: Config) -> Config:
    """Take the used token out of the file and out of memory. Raises OSError."""
    without = config._replace(token="")
    write_json(path, without._asdict())
    return without


def read_instance_id(config: Config) -> str:
    """Return the instance's own id, as its cloud gave it.

    Raises:
        BadConfig: the file is missing or empty.
    """
    try:
        text = Path(config.instance_id_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConfig(f"instance_id_file {config.instance_id_file}: {error.strerror}") from None
    if not text:
        raise BadConfig(f"instance_id_file {config.instance_id_file}: empty")
    return text


def _checked(path: Path, raw: Any) -> Config:
    if not isinstance(raw, dict):
        raise BadConfig(f"{path}: not a JSON object")
    wrong = sorted(set(raw) ^ set(_KINDS))
    if wrong:
        raise BadConfig(f"{path}: missing or unknown keys: {', '.join(wrong)}")
    unknown = sorted(set(raw["gate"]) - set(gate.KEYS)) if isinstance(raw["gate"], dict) else []
    if unknown:
        raise BadConfig(f"{path}: gate: unknown keys: {', '.join(unknown)}")
    for name, kinds in _KINDS.items():
        if not isinstance(raw[name], kinds) or isinstance(raw[name], bool):
            raise BadConfig(f"{path}: {name} has the wrong type")
    return Config(**raw)
