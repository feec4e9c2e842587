"""`python -m tests.support.rootless FOLDER`: one payload in a container of a worker that is not root; prints JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.support.payloads import SECONDS, Bench, container_options
from tests.support.wait import until
from vmdirac_py.worker.ce import SINGULARITY, SUDO
from vmdirac_py.worker.options import Options
from vmdirac_py.worker.wire import Credential


def main() -> None:
    """Run a payload that looks for the VM's key, and say what it printed and what was left."""
    folder = Path(sys.argv[1])
    bench = Bench(folder, SINGULARITY, Options(**container_options(folder)))
    bench.owner = Credential("1", "", "token-of-the-owner")
    (folder / "vm.key").write_text("PRIVATE")
    script = f"id -u; cat $BEARER_TOKEN_FILE; cat {folder}/vm.key; (setsid sleep 1000 &)"
    run = bench.start("sh", f"-c '{script}'", credential=True)
    until(lambda: run.poll() is not None, seconds=SECONDS, what="the payload cleaned up")
    told = {
        "uid": os.geteuid(),
        "problems": bench.ce.problems(),
        "sudo": Bench(folder, SUDO).ce.problems(),
        "output": bench.output(),
        "left": bench.processes(),
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
