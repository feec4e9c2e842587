"""Baking an image by this checkout's playbook, into a layer over a tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.program import TOP

LAY = 'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/merged"; shift 2; exec "$@"'


def bake(layer: Path, beneath: Path, variables: Mapping[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
    """Bake the merged tree, in a mount namespace of its own and without any network."""
    given = layer / "variables.json"
    given.write_text(json.dumps(variables))
    playbook = [str(Path(sys.prefix, "bin/ansible-playbook")), str(TOP / "playbooks/bake_image.yml")]
    told = ["-e", f"tree={layer}/merged", "-e", f"variables={given}", *options]
    found = {"ANSIBLE_COLLECTIONS_PATH": str(TOP / "collections"), "PYTHONPATH": str(TOP)}
    return subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-euc", LAY, "lay", str(beneath), str(layer), *playbook, *told],
        capture_output=True, text=True, check=False, env=os.environ | found | {"ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
