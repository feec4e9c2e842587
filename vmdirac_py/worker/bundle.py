"""The worker as one zipapp with the same bytes at each build, so that a pinned checksum holds.

Used when an installation is made and by builds; not part of the bundle.
"""

import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import List, Tuple

_PACKAGE = "vmdirac_worker"  # the name inside: the bundle never meets an installed vmdirac_py
_SHEBANG = b"#!/usr/bin/env python3\n"
_NOT_SHIPPED = ("bundle.py", "boot.py")
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_MODE, _UNIX = 0o100644 << 16, 3
_START = f"import sys\n\nfrom {_PACKAGE}.main import main\n\nsys.exit(main())\n"


def build(target_dir: Path) -> str:
    """Write the bundle to `target_dir/SHA256` and return the hash; the folder is made when missing.

    Raises:
        OSError: the disk refused; no half file stays under the name.
    """
    return store(target_dir, _bundle())


def store(target_dir: Path, data: bytes) -> str:
    """Write `data` to `target_dir/SHA256` and return the hash, as `build` does. Raises OSError."""
    name = hashlib.sha256(data).hexdigest()
    if (target_dir / name).exists():
        return name
    target_dir.mkdir(parents=True, exist_ok=True)
    # Several processes may build at once: each under a name of its own, and the last one wins with the same bytes.
    handle, temporary = tempfile.mkstemp(dir=str(target_dir), prefix=".bundle-")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(target_dir / name)
    return name


def runtime_modules() -> List[Path]:
    """Return the files that run on the VM, sorted by name."""
    return sorted(path for path in Path(__file__).parent.glob("*.py") if path.name not in _NOT_SHIPPED)


def _bundle() -> bytes:
    entries: List[Tuple[str, bytes]] = [("__main__.py", _START.encode())]
    entries += [(f"{_PACKAGE}/{path.name}", path.read_bytes()) for path in runtime_modules()]
    return _SHEBANG + _zipped(entries)


def _zipped(entries: List[Tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            # Stored, not deflated: another zlib may compress the same text to other bytes.
            entry.compress_type = zipfile.ZIP_STORED
            archive.writestr(entry, data)
    return buffer.getvalue()
