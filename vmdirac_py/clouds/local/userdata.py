"""User data, understood for exactly what this project emits; everything else is refused by name.

A `#cloud-config` document with `write_files` (path, content, permissions, owner, encoding) and `runcmd`
(a list of argument lists), in the meaning cloud-init gives them.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from vmdirac_py.clouds.api import BadRequest

MAX_BYTES = 65_535
HEADER = "#cloud-config"
TOP_KEYS = frozenset({"write_files", "runcmd"})
FILE_KEYS = frozenset({"path", "content", "permissions", "owner", "encoding"})
PERMISSIONS = re.compile(r"0?[0-7]{3}")
MEND = "the embedded cloud understands write_files and runcmd as vmdirac_py emits them, nothing else"


@dataclass(frozen=True, slots=True)
class File:
    """A file to write; `mode` is its permission bits."""

    path: str
    content: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class Script:
    """What a VM does: write the files, then run the commands one after the other."""

    files: tuple[File, ...]
    commands: tuple[tuple[str, ...], ...]


def parse(data: bytes) -> Script:
    """Read user data.

    Raises:
        BadRequest: it is too long, no UTF-8, no cloud-config, or asks for something not understood here.
    """
    if len(data) > MAX_BYTES:
        raise _refusal(f"{len(data)} bytes of user data, at most {MAX_BYTES} are taken")
    document = _document(data)
    _known(document, TOP_KEYS, "")
    return Script(
        tuple(_file(item, f"write_files[{n}]") for n, item in enumerate(_list(document, "write_files"))),
        tuple(_command(item, f"runcmd[{n}]") for n, item in enumerate(_list(document, "runcmd"))),
    )


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _refusal("not UTF-8") from error
    if text.partition("\n")[0].rstrip() != HEADER:
        raise _refusal(f"the first line must be {HEADER}")
    document = _yaml(text)
    if not isinstance(document, dict):
        raise _refusal("the document must be a mapping")
    return document


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _refusal("not YAML: " + " ".join(str(error).split())) from error
    except (RecursionError, ValueError) as error:
        raise _refusal("not YAML that can be read") from error


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key, [])
    if not isinstance(value, list):
        raise _refusal(f"{key} must be a list")
    return value


def _file(item: Any, where: str) -> File:
    if not isinstance(item, dict):
        raise _refusal(f"{where} must be a mapping")
    _known(item, FILE_KEYS, f"{where}.")
    if item.get("owner", "root:root") != "root:root":
        raise _refusal(f"{where}.owner must be root:root")
    return File(_path(item, where), _content(item, where), _mode(item, where))


def _path(item: Mapping[str, Any], where: str) -> str:
    path = _text(item.get("path"), f"{where}.path")
    if not path.startswith("/") or path != posixpath.normpath(path) or path == "/":
        raise _refusal(f"{where}.path must be an absolute, plain path")
    return path


def _content(item: Mapping[str, Any], where: str) -> bytes:
    content = item.get("content")
    if not isinstance(content, str):
        raise _refusal(f"{where}.content must be text")
    if "encoding" not in item:
        return content.encode()
    if item["encoding"] != "b64":
        raise _refusal(f"{where}.encoding must be b64 or left out")
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refusal(f"{where}.content is not base64") from error


def _mode(item: Mapping[str, Any], where: str) -> int:
    permissions = item.get("permissions", "0644")
    if not isinstance(permissions, str) or not PERMISSIONS.fullmatch(permissions):
        raise _refusal(f'{where}.permissions must be an octal string such as "0644"')
    return int(permissions, 8)


def _command(item: Any, where: str) -> tuple[str, ...]:
    if not isinstance(item, list) or not item:
        raise _refusal(f"{where} must be a list of arguments")
    return tuple(_text(argument, f"{where}[{n}]", empty=n > 0) for n, argument in enumerate(item))


def _text(value: Any, where: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or "\0" in value or not (value or empty):
        raise _refusal(f"{where} must be text")
    return value


def _known(mapping: Mapping[Any, Any], keys: frozenset[str], where: str) -> None:
    for key in mapping:
        if key not in keys:
            raise _refusal(f"unknown key {where}{str(key)[:80]}")


def _refusal(what: str) -> BadRequest:
    return BadRequest(what, where="user data", mend=MEND)
