"""Stands where DIRAC's pilot does: takes its arguments, and from them configures and starts DIRAC's own JobAgent.

It installs and benchmarks nothing. Standard library only; DIRAC is what `--preinstalledEnv` sets up.
"""

import getopt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SHORT = "F:N:Q:n:y:P:t:o:M:d"
LONG = ["preinstalledEnv=", "wnVO=", "pilotUUID=", "PollingTime=", "requiredTag=", "StopAfterFailedMatches="]
AGENT = "/Systems/WorkloadManagement/Agents/JobAgent"
ELEMENT = "/Resources/Computing/CEDefaults"
BENCHMARK, SECONDS = 10.0, 86400


def main() -> int:
    """Register, run the JobAgent to its end, and end as it does."""
    pairs, rest = getopt.getopt(sys.argv[1:], SHORT, LONG)
    if rest:
        sys.exit(f"unknown arguments: {rest}")
    given = dict(pairs)
    settings = json.loads(Path(given["-F"]).read_text())
    environment = installed(given["--preinstalledEnv"])
    write(Path("etc/dirac.cfg"), options(pairs, given, settings))
    Path("pilot.cfg").symlink_to("etc/dirac.cfg")  # where a PoolCE keeps the limits of its jobs
    stamp = os.environ.get("DIRAC_PILOT_STAMP", given["--pilotUUID"])
    add = ["dirac-admin-add-pilot", given["--pilotUUID"], given["--wnVO"], "DIRAC", stamp, "--status=Running"]
    subprocess.run(add, env=environment, check=True)
    return subprocess.run(["dirac-agent", "WorkloadManagement/JobAgent"], env=environment, check=False).returncode


def installed(script: str) -> dict[str, str]:
    """Return the environment that a script sets up, with this folder as DIRAC's root."""
    sourced = ["bash", "-c", '. "$0" && env -0', script]
    text = subprocess.run(sourced, stdout=subprocess.PIPE, check=True).stdout.decode()
    found = dict(pair.split("=", 1) for pair in text.split("\0") if pair)
    return {**found, "DIRAC_ROOT_PATH": str(Path.cwd())}


def options(pairs: list[tuple[str, str]], given: dict[str, str], settings: dict[str, Any]) -> dict[str, str]:
    """Return DIRAC's options by their paths."""
    tags, required = ([value for name, value in pairs if name == word] for word in ("-t", "--requiredTag"))
    found = {
        "/DIRAC/Configuration/Servers": ", ".join(settings["ConfigurationServers"]),
        "/DIRAC/Security/UseServerCertificate": "no",
        "/LocalSite/Site": given["-n"],
        "/LocalSite/GridCE": given["-N"],
        "/LocalSite/CEQueue": given["-Q"],
        "/LocalSite/LocalCE": given["-y"],
        "/LocalSite/PilotReference": given["--pilotUUID"],
        "/LocalSite/CPUNormalizationFactor": str(BENCHMARK),
        "/LocalSite/CPUTimeLeft": str(BENCHMARK * SECONDS),
        f"{ELEMENT}/VirtualOrganization": given["--wnVO"],
        f"{ELEMENT}/NumberOfProcessors": given["-P"],
        f"{AGENT}/MaxCycles": given["-M"],
        f"{AGENT}/PollingTime": given["--PollingTime"],
        f"{AGENT}/StopAfterFailedMatches": given["--StopAfterFailedMatches"],
    }
    if tags:
        found[f"{ELEMENT}/Tag"] = ", ".join(tags)
    if required:
        found[f"{ELEMENT}/RequiredTag"] = ", ".join(required)
    found.update(value.split("=", 1) for name, value in pairs if name == "-o")  # type: ignore[arg-type]
    return found


def write(file: Path, found: dict[str, str]) -> None:
    """Write options as DIRAC reads them."""
    tree: dict[str, Any] = {}
    for path, value in found.items():
        *sections, name = path.strip("/").split("/")
        section = tree
        for one in sections:
            section = section.setdefault(one, {})
        section[name] = value
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines(tree)))


def lines(tree: dict[str, Any]) -> list[str]:
    """Return a section's lines."""
    found = []
    for name, value in tree.items():
        found += [name, "{", *lines(value), "}"] if isinstance(value, dict) else [f"{name} = {value}"]
    return found


if __name__ == "__main__":
    sys.exit(main())
