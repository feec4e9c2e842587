"""Small Debian packages, and a flat repository of them: what apt and dpkg are tried on without any mirror."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """A package; `files` are programs and texts by path, all of mode 0755."""

    name: str
    version: str = "1.0"
    files: Mapping[str, str] = field(default_factory=dict)

    def build(self, folder: Path) -> Path:
        """Make `NAME_VERSION_all.deb` in `folder`."""
        root, deb = folder / f"{self.name}-{self.version}", folder / f"{self.name}_{self.version}_all.deb"
        for path, text in self.files.items():
            file = root / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        (root / "DEBIAN").mkdir(parents=True)
        (root / "DEBIAN/control").write_text(self.control)
        command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, deb]
        subprocess.run(command, check=True, capture_output=True)
        return deb

    @property
    def control(self) -> str:
        """What dpkg is told of it."""
        lines = (
            f"Package: {self.name}",
            f"Version: {self.version}",
            "Architecture: all",
            "Maintainer: nobody <nobody@example.org>",
        )
        return "\n".join([*lines, f"Description: stands in for {self.name}", ""])


def repository(folder: Path, packages: Iterable[Package]) -> Path:
    """Make a flat repository of the packages in `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    stanzas = [_stanza(package, package.build(folder)) for package in packages]
    (folder / "Packages").write_text("\n".join(stanzas))
    return folder


def _stanza(package: Package, deb: Path) -> str:
    data = deb.read_bytes()
    where = [f"Filename: ./{deb.name}", f"Size: {len(data)}", f"SHA256: {hashlib.sha256(data).hexdigest()}", ""]
    return package.control + "\n".join(where)
