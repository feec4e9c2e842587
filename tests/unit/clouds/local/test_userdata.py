"""User data: what is emitted is understood, everything else is refused by name."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.clouds.local.userdata import MAX_BYTES, File, Script, parse

ARGUMENTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def config(**document: Any) -> bytes:
    """Return a cloud-config document."""
    return f"#cloud-config\n{yaml.safe_dump(document)}".encode()


def with_file(**changes: Any) -> bytes:
    """Return a document with one file; a value of None leaves its key out."""
    entry = {"path": "/opt/x", "content": "text", **changes}
    return config(write_files=[{key: value for key, value in entry.items() if value is not None}])


def test_everything_we_emit() -> None:
    """A document with every key we emit is understood."""
    files = [
        {"path": "/opt/a", "content": "text\n", "permissions": "0755", "owner": "root:root"},
        {"path": "/opt/b", "content": base64.b64encode(b"\0\xff").decode(), "encoding": "b64"},
    ]
    script = parse(config(write_files=files, runcmd=[["sh", "/opt/a"], ["true"]]))
    assert script == Script(
        (File("/opt/a", b"text\n", 0o755), File("/opt/b", b"\0\xff", 0o644)), (("sh", "/opt/a"), ("true",))
    )


@given(content=st.binary(max_size=300), arguments=st.lists(ARGUMENTS, min_size=1))
def test_any_content_and_arguments(content: bytes, arguments: list[str]) -> None:
    """Whatever bytes a file holds and whatever text the arguments are, they arrive unchanged."""
    files = [{"path": "/opt/b", "content": base64.b64encode(content).decode(), "encoding": "b64"}]
    script = parse(config(write_files=files, runcmd=[arguments]))
    assert script.files[0].content == content
    assert script.commands == (tuple(arguments),)


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    """Bytes that are no cloud-config raise BadRequest, never anything else."""
    with pytest.raises(BadRequest):
        parse(data)


@given(st.text(max_size=200))
def test_noise_below_the_header_is_refused_or_understood(text: str) -> None:
    """Any text below the right first line is understood or raises BadRequest."""
    try:
        script = parse(f"#cloud-config\n{text}".encode(errors="surrogatepass"))
    except BadRequest:
        return
    assert isinstance(script, Script)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "#cloud-config"),
        (b"#!/bin/sh\n", "#cloud-config"),
        (b"#cloud-config\n\xff", "UTF-8"),
        (b"#cloud-config\n[1]", "mapping"),
        (b"#cloud-config\n", "mapping"),
        (b"#cloud-config\na: [", "YAML"),
        (b"#cloud-config\na: " + b"[" * 5000, "YAML"),
        (config(packages=["x"]), "packages"),
        (config(runcmd="ls"), "runcmd"),
        (config(runcmd=["ls"]), "runcmd[0]"),
        (config(runcmd=[[]]), "runcmd[0]"),
        (config(runcmd=[["ls", 1]]), "runcmd[0][1]"),
        (config(runcmd=[["ls", "a\0b"]]), "runcmd[0][1]"),
        (config(write_files=[1]), "write_files[0]"),
        (with_file(append=True), "write_files[0].append"),
        (with_file(path=None), "write_files[0].path"),
        (with_file(path="opt/x"), "write_files[0].path"),
        (with_file(path="/opt/../x"), "write_files[0].path"),
        (with_file(content=None), "write_files[0].content"),
        (with_file(content=7), "write_files[0].content"),
        (with_file(permissions=755), "write_files[0].permissions"),
        (with_file(permissions="4755"), "write_files[0].permissions"),
        (with_file(owner="daemon:daemon"), "write_files[0].owner"),
        (with_file(encoding="gzip"), "write_files[0].encoding"),
        (with_file(encoding="b64", content="%"), "write_files[0].content"),
    ],
)
def test_a_refusal_names_the_key(data: bytes, named: str) -> None:
    """What is not understood is refused by the name of its key."""
    with pytest.raises(BadRequest, match=re.escape(named)):
        parse(data)


def test_the_size_is_bounded() -> None:
    """The largest size is taken, one byte more is refused."""
    largest = b"#cloud-config\n{}\n#".ljust(MAX_BYTES, b"x")
    assert parse(largest) == Script((), ())
    with pytest.raises(BadRequest, match="bytes"):
        parse(largest + b"x")
