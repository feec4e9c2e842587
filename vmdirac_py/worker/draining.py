"""The file by which everybody on this machine knows that it drains: DIRAC's JobAgent stops asking for jobs."""

from pathlib import Path

from .log import say

NAME = "dirac_drain"


class DrainFile:
    """`/var/lib/dirac_drain`, beside the work folder; a person who makes it drains this VM.

    It also outlives the worker: one that is started again goes on draining.

    Args:
        work_dir: the worker's folder, `/var/lib/vmdirac` below whatever prefix.
    """

    def __init__(self, work_dir: Path) -> None:
        self._path = work_dir.parent / NAME

    @property
    def there(self) -> bool:
        """Whether this machine drains."""
        return self._path.exists()

    def write(self, reason: str) -> None:
        """Make it, unless it is there; a disk that refuses is told of in the log."""
        if self.there:
            return
        try:
            self._path.write_text(f"{reason}\n", encoding="utf-8")
            self._path.chmod(0o644)
        except OSError as error:
            say(f"{self._path}: {error.strerror}")

    def remove(self) -> None:
        """Remove what an image brought along."""
        self._path.unlink(missing_ok=True)
