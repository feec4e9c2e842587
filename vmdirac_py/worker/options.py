"""What an operator may set for inner CEs: the field `ce` of the configuration."""

from typing import Any, Dict, NamedTuple, Sequence


class BadOptions(Exception):
    """An option is unknown or of a wrong type; the text names it."""


class Options(NamedTuple):
    """All options with their defaults; sizes in MB, times in seconds.

    `accounts` is what the slots' unix accounts are called, followed by `_NN`; with `create_accounts` the worker makes
    those that are missing. `processes` is the most a payload may have at once. `memory_factor` times the memory set
    aside for a payload is its limit. `disk_mb` for each core is how much disk a payload may fill that asked for none
    (0: all there is), `stream_mb` how long its standard output and error may become.

    Containers: `runtime` is a program (empty: Apptainer, else Singularity, from the PATH), `image` what payloads run
    in that ask for none, `user_images` patterns of the images they may ask for. `binds` are `SOURCE[:TARGET[:ro]]`,
    `environment` names or beginnings of names that are passed on from the worker's environment beside DIRAC's.
    `nested` lets payloads start containers of their own.
    """

    accounts: str = "vmdirac_payload"
    create_accounts: bool = True
    processes: int = 4096
    memory_factor: float = 1.0
    disk_mb: int = 0
    stream_mb: int = 1000
    credential_seconds: float = 600.0
    runtime: str = ""
    image: str = ""
    user_images: Sequence[str] = ()
    binds: Sequence[str] = ("/cvmfs",)
    environment: Sequence[str] = ()
    nested: bool = False


_DEFAULTS = Options()


def read_options(given: Dict[str, Any]) -> Options:
    """Return the options with their defaults filled in.

    Raises:
        BadOptions: one is unknown or of a wrong type.
    """
    for name, value in given.items():
        if name not in Options._fields:
            raise BadOptions(f"ce: there is no option {name}; known are {', '.join(Options._fields)}")
        if not _fits(value, getattr(_DEFAULTS, name)):
            raise BadOptions(f"ce: {name} has the wrong type")
    return Options(**given)


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))
