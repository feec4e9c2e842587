"""Calling the collection's modules in this process, as Ansible would in one of its own."""

from __future__ import annotations

import importlib
import io
import json
from contextlib import redirect_stdout
from typing import Any

from ansible.module_utils import basic

MODULES = "ansible_collections.vmdirac.cloud.plugins.modules"


def call(name: str, *, check: bool = False, **params: Any) -> dict[str, Any]:
    """Run a module's `main` with these parameters and return what it gives back; `failed` tells whether it failed."""
    given = {**params, "_ansible_check_mode": check, "_ansible_diff": True}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    printed = io.StringIO()
    with redirect_stdout(printed):
        try:
            importlib.import_module(f"{MODULES}.{name}").main()
        except SystemExit as ended:
            code = ended.code
    result: dict[str, Any] = json.loads(printed.getvalue().strip().splitlines()[-1])
    assert bool(code) == bool(result.get("failed")), "a module's exit code says whether it failed"
    return result
