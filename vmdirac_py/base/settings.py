"""The installation's home: one folder, one settings file `vmdirac.yml`, and where everything else lies in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from .errors import BadInput, Unusable

SETTINGS_FILE = "vmdirac.yml"
HOME_VARIABLE = "VMDIRAC_HOME"
DEAD_MAN_SHARE, OUTAGE_SHARE = 2 / 3, 1 / 3  # of a certificate's life, as 72, 48 and 24 hours


class Settings(BaseModel):
    """What `vmdirac.yml` may say; paths are relative to the home. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inventory: str = Field(description="path of the Ansible inventory (a folder or file)")
    database: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the home")
    vm_host: str = Field(default="127.0.0.1", description="address the VM listener binds, and VMs reach")
    vm_port: int = Field(default=8443, ge=0, le=65535, description="port of the VM listener")
    people_host: str = Field(default="127.0.0.1", description="address the people's listener binds")
    people_port: int = Field(default=8444, ge=0, le=65535, description="port of the people's listener")
    certificate_hours: float = Field(default=72.0, gt=0, description="life of a VM's certificate; renewed at a third")
    dead_man_hours: float | None = Field(
        default=None,
        gt=0,
        description="a VM that does not hear the manager for so long drains and powers off; empty: two thirds of "
        "`certificate_hours`",
    )
    outage_hours: float | None = Field(
        default=None,
        gt=0,
        description="how long the manager may be away without harm; empty: a third of `certificate_hours`",
    )
    log_days: float = Field(default=30.0, gt=0, description="how long the logs of VMs that are gone are kept")
    cycle_seconds: float = Field(default=60.0, gt=0, description="longest sleep of the scheduler")
    max_attempts: int = Field(default=3, ge=1, description="how often a job is run when its VMs die")
    gather_seconds: float = Field(
        default=15.0, ge=0, description="how long VMs that power themselves off wait to be terminated together"
    )
    max_terminations: int = Field(default=100, ge=1, description="terminations per endpoint and cycle")

    @property
    def dead_man_seconds(self) -> float:
        """Seconds without the manager after which a VM gives up."""
        return 3600 * (DEAD_MAN_SHARE * self.certificate_hours if self.dead_man_hours is None else self.dead_man_hours)

    @property
    def outage_seconds(self) -> float:
        """Seconds the manager may be away."""
        return 3600 * (OUTAGE_SHARE * self.certificate_hours if self.outage_hours is None else self.outage_hours)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """See that VMs outlive an outage, and give up while they can still be heard."""
        if self.outage_seconds < self.dead_man_seconds < 3600 * self.certificate_hours:
            return self
        raise PydanticCustomError("order", "outage_hours < dead_man_hours < certificate_hours does not hold")


@dataclass(frozen=True)
class Home:
    """Where an installation's files lie."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """The settings."""
        return self.root / SETTINGS_FILE

    @property
    def database(self) -> Path:
        """The SQLite ledger."""
        return self.root / "ledger.db"

    @property
    def blobs(self) -> Path:
        """Sandboxes, consoles."""
        return self.root / "blobs"

    @property
    def owner_credentials(self) -> Path:
        """The credentials of jobs' owners, mode 0700."""
        return self.root / "owners"

    @property
    def ca(self) -> Path:
        """The certificate authority's key and certificates, mode 0700."""
        return self.root / "ca"

    @property
    def ca_certificate(self) -> Path:
        """The authority's own certificate (PEM): what VMs and people trust the manager by."""
        return self.ca / "root.pem"

    @property
    def static(self) -> Path:
        """Bundles served to VMs by hash."""
        return self.root / "static"

    @property
    def vm_logs(self) -> Path:
        """What VMs left behind, one archive each."""
        return self.root / "vm-logs"

    @property
    def runs(self) -> Path:
        """Ansible runs in flight."""
        return self.root / "runs"

    @property
    def quickstart_mark(self) -> Path:
        """A file that says: `vmdirac quickstart` made this home, and may remove it."""
        return self.root / "quickstart.made"

    @property
    def logs(self) -> Path:
        """Logs of the processes `vmdirac up` starts."""
        return self.root / "logs"


def find_home(given: str | None = None) -> Home:
    """Return the home: as given, else $VMDIRAC_HOME, else `./.vmdirac`."""
    return Home(Path(given or os.environ.get(HOME_VARIABLE) or ".vmdirac").expanduser().resolve())


def read_settings(home: Home) -> Settings:
    """Read `vmdirac.yml`.

    Raises:
        Unusable: there is no installation here.
        BadInput: the file is not YAML, or a key is unknown or has a wrong value.
    """
    path = home.settings_file
    try:
        raw = yaml.safe_load(path.read_text()) or {}
    except (FileNotFoundError, NotADirectoryError):
        raise Unusable("no installation here", where=str(home.root), mend="run `vmdirac init`") from None
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}", where=str(path), mend="mend the file rights") from error
    except yaml.YAMLError as error:
        raise BadInput("not YAML: " + " ".join(str(error).split()), where=str(path)) from error
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "settings"
        raise BadInput(f"{key}: {first['msg']}", where=str(path), mend="see docs/settings.md") from error
