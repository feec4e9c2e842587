"""The messages between worker and manager: JSON objects with these fields.

The worker builds and reads them as they are; the manager validates against the same classes (pydantic
reads a NamedTuple's annotations). `VERSION` is in every path: `/vm/v1/...`.

    POST /vm/v1/enrol         Enrol      → Enrolled, or 202 RetryAfter      (server TLS only)
    GET  /static/SHA256                  → the worker bundle                (server TLS only)
    POST /vm/v1/time          {}         → Time                             (mutual TLS, as all below)
    POST /vm/v1/heartbeat     Beat       → Orders
    POST /vm/v1/acknowledge   Ack        → {}
    POST /vm/v1/match         MatchAsk   → MatchAnswer
    POST /vm/v1/credential    CredentialAsk → Credential
    POST /vm/v1/report        Report     → {}
    POST /vm/v1/renew         Renew      → Enrolled
    POST /vm/v1/leave         Leave      → Leaving
    GET  /vm/v1/sandbox/JOB              → tar.gz, the input sandbox of a job of this VM
    PUT  /vm/v1/output/JOB               ← tar.gz, stdout, stderr and output sandbox; answer {"blob": SHA256}
    PUT  /vm/v1/log                      ← tar.gz, what the VM leaves behind; answer {}

Fields with defaults came later: a VM may be older than its manager, and the other way round. For the same reason both
sides leave out fields they do not know.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

VERSION = 1
MAX_BODY = 1_000_000  # bytes, every JSON request
MAX_OUTPUT = 100_000_000  # bytes, one job's output
MAX_LOG = 10_000_000  # bytes, one VM's logs

_NOTHING: Dict[str, Any] = {}  # never written to


class Enrol(NamedTuple):
    """Token from the user data, the instance's own id, and a PEM signing request (EC P-256)."""

    token: str
    instance_id: str
    csr: str


class RetryAfter(NamedTuple):
    """The manager does not know this instance yet; ask again after so many seconds."""

    retry_after: float


class Enrolled(NamedTuple):
    """The VM's id, its certificate (PEM), and when to renew (epoch seconds).

    `lived` is its age in seconds; after `dead_man_seconds` without an answer of the manager it drains and powers off.
    """

    vm: str
    vo: str
    certificate: str
    renew_at: float
    not_after: float
    lived: float = 0.0
    dead_man_seconds: float = 172800.0


class Time(NamedTuple):
    """The manager's clock (epoch seconds); asking is no sign of life."""

    at: float


class Slot(NamedTuple):
    """One running payload: when it began and must have ended (epoch, 0.0: unbounded), and its CPU seconds so far.

    `number` is the lowest that was free; `gpu_ids` are the GPUs it may use.
    """

    job: int
    cores: int
    started_at: float
    ends_by: float = 0.0
    cpu_seconds: float = 0.0
    number: int = 0
    gpu_ids: Sequence[int] = ()


class Beat(NamedTuple):
    """A sign of life. `idle_seconds` is how long no slot has been busy, `failed_matches` in a row.

    `cpu` is how many cores the machine has used since the last beat, `quiet_seconds` for how long almost none;
    `health` says of each thing that is probed "ok" or what is wrong with it, `versions` what runs here. `undelivered`
    are the jobs of which a report is still on its way.
    """

    at: float
    state: str  # "running" or "draining"
    load: float
    uptime: float
    cores: int
    free_cores: int
    ram_mb: int
    disk_free_mb: int
    slots: List[Slot]
    idle_seconds: float
    failed_matches: int
    version: str
    ram_free_mb: int = 0
    cpu: float = 0.0
    quiet_seconds: float = 0.0
    health: Dict[str, str] = _NOTHING
    versions: Dict[str, str] = _NOTHING
    undelivered: Sequence[int] = ()


class Order(NamedTuple):
    """A command: `drain` (finish what runs, take no more) or `halt` (stop now); deadline in epoch seconds."""

    id: int
    verb: str
    deadline: float


class Orders(NamedTuple):
    """The answer to a heartbeat: what to do, which jobs to end unreported, and the period to beat at from now on.

    `stop_policies` (`policy.Terms`) and `idle_seconds` say when to stop by oneself.
    """

    orders: List[Order]
    kill: List[int]
    heartbeat_seconds: float
    idle_seconds: float
    stop_policies: Dict[str, Any] = _NOTHING


class Ack(NamedTuple):
    """`verb` is obeyed; `empty`: nothing runs here any more."""

    verb: str
    empty: bool


class MatchAsk(NamedTuple):
    """What is free, and the kinds of job wanted in order (`vmdirac_py.model.fit.Wish` values).

    `empty`: no payload runs, and the manager has heard what became of all that did.
    """

    cores: int
    free_cores: int
    free_ram_mb: int
    free_gpus: int
    empty: bool
    seconds_left: float
    wishes: List[str]


class Work(NamedTuple):
    """A job to run; `input_sandbox` and `credential` tell whether there is one to fetch.

    `image` is the container image its user wants, `disk_mb` the disk it asked for; empty and 0: none.
    """

    job: int
    attempt: int
    cores: int
    executable: str
    arguments: str
    stdout: str
    stderr: str
    input_sandbox: bool
    output_sandbox: List[str]
    environment: Dict[str, str]
    cpu_seconds: int  # wall-clock bound of the payload; 0: none
    ram_mb: int = 0  # set aside for the job while it runs
    gpus: int = 0
    disk_mb: int = 0
    image: str = ""
    credential: bool = False


class MatchAnswer(NamedTuple):
    """A job, or none."""

    work: Optional[Work]


class CredentialAsk(NamedTuple):
    """The credential of a job's owner is wanted, if it is another than `version` (empty: any)."""

    job: int
    attempt: int
    version: str


class Credential(NamedTuple):
    """What a job's owner proves to be with: a proxy (PEM) and a token; all but `version` empty when it is the same."""

    version: str
    proxy: str
    token: str


class Report(NamedTuple):
    """What became of a job.

    `state` is `Running`, `Done`, `Failed`; or, for a job that waits again, `Lost`: it was cut off here, or `Returned`:
    it never started, because it does not fit here or this machine cannot begin it.
    `output` is the blob of an uploaded output. `cpu_seconds` and `peak_ram_mb` are what all its processes used; 0
    where that is not known.
    """

    job: int
    attempt: int
    state: str
    minor: str
    exit_code: Optional[int]
    output: str
    cpu_seconds: float = 0.0
    peak_ram_mb: int = 0


class Renew(NamedTuple):
    """A new signing request with the same or a new key."""

    csr: str


class Leave(NamedTuple):
    """The worker wants to stop its VM, for a reason of `policy`; `code` is the HEPiX shutdown code it stands for."""

    reason: str
    detail: str
    code: int = 0


class Leaving(NamedTuple):
    """`go`: power off now. Otherwise stay (the pool keeps a minimum of VMs)."""

    go: bool


class Config(NamedTuple):
    """The worker's configuration file, written by the user data (JSON, mode 0600)."""

    manager: str  # https://HOST:PORT
    ca: str  # PEM of the installation's CA
    token: str
    instance_id_file: str
    cores: int
    ram_mb: int
    gpus: int
    heartbeat_seconds: float
    idle_seconds: float
    max_life: float
    inner_ce: str
    bind_address: str  # source address for connections, "" for the system's choice
    work_dir: str
    stop_policies: Dict[str, Any]  # of `policy.Terms`; what is left out is as by default
    hs06: float  # HEP-SPEC06 of this machine, 0: not known
    failed: str  # why the machine could not be contextualised; "" when it was, or had not to be
    gate: Dict[str, Any]  # what must hold before jobs are asked for (`worker/gate.py`); empty: nothing
    ce: Dict[str, Any]  # options of the inner CE (`worker/options.py`)
    pilot: Dict[str, Any]  # flavour, and how DIRAC's own is started (`worker/launch.py`); empty: the embedded one
    notice: str  # http://HOST[:PORT] whose metadata say when the cloud takes this VM back; "": none does
