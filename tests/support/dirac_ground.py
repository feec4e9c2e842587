"""What a VM offers to DIRAC's pilot: files, settings, trust anchors, a proxy, and an installed DIRAC."""

from __future__ import annotations

import json
import pwd
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import room
from tests.testbeds.dirac import Bed, Place
from vmdirac_py.model.resources import Resources
from vmdirac_py.operations.dirac_pilots import worker_pilot

from .context import make_pool

USER = "nobody"
STAND_IN = Path(__file__).parent.parent / "testbeds/dirac/pilot"
QUICK = {"max_cycles": 1000, "polling_seconds": 1, "failed_matches": 1000}
AGENT = "/Systems/WorkloadManagement/Agents/JobAgent"


class Ground:
    """Lies in a folder that everybody can reach."""

    def __init__(self, folder: Path, bed: Bed) -> None:
        self.folder, self.bed = folder, bed
        self.files, self.home, self.flags = folder / "files", folder / "home", folder / "flags"
        self._account = pwd.getpwnam(USER)
        for made in (self.files, self.home, self.flags):
            made.mkdir()
        self.home.chmod(0o711)
        self._own(self.flags, 0o755)
        security = bed.home / "data/grid-security"
        for part in ("certificates", "vomsdir", "vomses"):
            shutil.copytree(security / part, folder / "grid-security" / part, symlinks=True)
        self.proxy, self.tag = folder / "proxy.pem", folder.name
        self._write_script()

    def place(self, vo: str) -> Place:
        """Return where a VO's jobs may run."""
        return self.bed.places[vo]

    def submit(self, vo: str, *arguments: str, **more: object) -> list[int]:
        """Submit a shell's jobs for a VO that no other pilot takes; return their ids."""
        return self.bed.submit([self._jdl(vo, words, more) for words in arguments], f"{vo}_user")

    def pilot(self, vo: str, source: Path = STAND_IN, **options: Any) -> dict[str, Any]:
        """Return `Config.pilot` for a VM of a VO, whose pilot's files are those of `source`."""
        shutil.copytree(source, self.files, dirs_exist_ok=True)
        shutil.copy(self.bed.proxy(f"{vo}_pilot"), self.proxy)
        self._own(self.proxy, 0o600)
        settings = {
            "ConfigurationServers": [self.bed.configuration],
            "Defaults": {"Pilot": {"Version": self.bed.version}},
        }
        (self.files / "pilot.json").write_text(json.dumps(settings))
        return worker_pilot(self._pool(vo, options))

    def inside(self) -> list[str]:
        """Return what the worker's command is started with."""
        shown: Sequence[Path] = (self.bed.venv, Path(sys.base_prefix))
        return room.prefix(self.folder / "room", shown)

    @property
    def drain_file(self) -> Path:
        """DIRAC's drain file of this VM."""
        return self.folder / "room/var-lib/dirac_drain"

    @property
    def said(self) -> str:
        """What the pilot said so far."""
        log = self.folder / "room/var-lib/vmdirac/pilot.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _jdl(self, vo: str, arguments: str, more: dict[str, object]) -> str:
        own = {"CPUTime": 300, "Site": f'"{self.place(vo).site}"', "Tags": f'"{self.tag}"', **more}
        words = "".join(f" {name}={value};" for name, value in own.items())
        return f'Executable="/bin/sh"; Arguments="{arguments}"; StdOutput="out"; StdError="err";{words}'

    def _pool(self, vo: str, options: dict[str, Any]) -> Any:
        place = self.place(vo)
        agent = {f"{AGENT}/SubmissionDelay": 1, **options.pop("options", {})}
        pilot = {
            "flavour": "dirac",
            "folder": str(self.files),
            "home": str(self.home),
            "user": USER,
            "python": sys.executable,
            "site": place.site,
            "ce": place.ce,
            "queue": place.queue,
            "inner_ce": "Pool/InProcess",
            "preinstalled_env": str(self.folder / "diracosrc"),
            "proxy_file": str(self.proxy),
            "options": agent,
            "tags": [self.tag],
            "required_tags": [self.tag],
            **QUICK,
            **options,
        }
        context = {"pilot": pilot, "trust_anchors": {"folder": str(self.folder / "grid-security")}}
        return make_pool("pool-1", vo, resources=Resources(2, 4000, 0, 20), context=context)

    def _write_script(self) -> None:
        # the job wrapper is started with the interpreter its links lead to, and so outside of the environment
        packages = next(self.bed.venv.glob("lib/python*/site-packages"))
        anchors = self.folder / "grid-security"
        (self.folder / "diracosrc").write_text(
            f"export PATH={self.bed.venv}/bin:$PATH PYTHONPATH={packages} PYTHONUNBUFFERED=1\n"
            f"export X509_CERT_DIR={anchors}/certificates\n"
            f"export X509_VOMS_DIR={anchors}/vomsdir X509_VOMSES={anchors}/vomses\n"
        )

    def _own(self, path: Path, mode: int) -> None:
        shutil.chown(path, self._account.pw_uid, self._account.pw_gid)
        path.chmod(mode)
