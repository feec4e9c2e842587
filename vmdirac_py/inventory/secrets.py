"""Secrets in an inventory are references, resolved later in the acting process only; plain ones are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|vault:.+|\$ANSIBLE_VAULT;.+", re.DOTALL)
MEND = "write env:NAME, file:PATH or an inline `!vault` value instead"

ALWAYS = {"password", "passwd", "passphrase", "secret", "pwd"}
AT_THE_END = ALWAYS | {"token", "key", "credential", "tokens", "keys", "secrets", "passwords"}
HARMLESS_AT_THE_END = {"file", "path", "name", "names", "url", "id", "ids", "type"}


def plain_secrets(key: str, value: Any, *, secret: bool = False) -> Iterator[str]:
    """Yield the dotted names of values that look like secrets and are no references."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from plain_secrets(f"{key}.{name}", entry, secret=names_secret(str(name)))
    elif isinstance(value, list):
        for entry in value:
            yield from plain_secrets(key, entry, secret=secret)
    elif secret and not harmless(value):
        yield key


def names_secret(name: str) -> bool:
    """Tell whether a name such as `api_key` or `clientSecret` calls for a secret."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").split("_")
    if words[-1] in HARMLESS_AT_THE_END or "public" in words:
        return False
    return words[-1] in AT_THE_END or not ALWAYS.isdisjoint(words)


def harmless(value: Any) -> bool:
    """Tell whether a value under a secret's name gives nothing away."""
    if isinstance(value, str):
        return not value or REFERENCE.fullmatch(value) is not None
    return value is None or isinstance(value, bool)
