"""A VM that boots from our user data in a folder of its own, and a web server for what it fetches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.doubles.manager import ManagerDouble
from tests.doubles.vm import TOKEN
from tests.support.context import make_pool
from vmdirac_py.inventory.bundle import roles_archive
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.operations.contextualising import Bundle
from vmdirac_py.operations.user_data import Cloud, Manager, user_data
from vmdirac_py.worker import boot, bundle


class Web:
    """Serves a folder on 127.0.0.1, and remembers which files were asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                asked.append(self.path)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Booting:
    """A machine whose files lie below `root`; what it fetches lies in `static`."""

    def __init__(self, root: Path, static: Path, manager: ManagerDouble, web: Web) -> None:
        self.root, self._manager, self._web = root, manager, web
        sha256, data = roles_archive()
        self.bundle = Bundle(bundle.build(static), Path(boot.__file__).read_text(), sha256)
        bundle.store(static, data)
        (root / "instance-id").parent.mkdir(parents=True)
        (root / "instance-id").write_text("i-1\n")

    def place(self, context: dict[str, Any], *, boot_deadline: float = 600.0) -> list[str]:
        """Do what cloud-init does: write the files of our user data; return the command it would run."""
        pool = make_pool("p", "alpha", context=context, boot_deadline=boot_deadline, inner_ce="Pool")
        endpoint = Endpoint("north", "local", "S", bundle_url=self._web.url)
        manager = Manager(self._manager.url, self._manager.authority.pem)
        data = user_data(
            pool, endpoint, token=TOKEN, manager=manager, bundle=self.bundle, cloud=Cloud("/instance-id", 65_535)
        )
        document = yaml.safe_load(data)
        for file in document["write_files"]:
            path = Path(f"{self.root}{file['path']}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"])
        command: list[str] = document["runcmd"][0]
        return command

    def run(self, context: dict[str, Any], path: str = "", *, boot_deadline: float = 600.0) -> str:
        """Boot to the worker's end; return what was said on the console."""
        self.place(context, boot_deadline=boot_deadline)
        environment = {"VMDIRAC_ROOT": str(self.root), "PATH": path or own_path()}
        command = [sys.executable, f"{self.root}/var/lib/vmdirac/boot.py"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return done.stdout + done.stderr

    def config(self) -> dict[str, Any]:
        """Return the worker's configuration, as the boot left it."""
        left: dict[str, Any] = json.loads((self.root / "var/lib/vmdirac/worker.json").read_text())
        return left

    @property
    def log(self) -> str:
        """What the roles said."""
        return (self.root / "var/log/vmdirac/contextualise.log").read_text()


def own_path() -> str:
    """Return the search path with this environment's Ansible first."""
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"
