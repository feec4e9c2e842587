"""First steps on a fresh VM: fetch the worker bundle, check it, become it.

The user data carries this file as it is. Standard library only, Python 3.9+. `VMDIRAC_ROOT` is a prefix for
all paths where the "VM" has no root file system of its own (the local cloud without namespaces).

Usage: vmdirac-boot BUNDLE_SHA256
"""

import hashlib
import http.client
import json
import os
import ssl
import sys
import time
import urllib.parse

CONFIG = "/etc/vmdirac/worker.json"
ADDRESS = "/run/vmdirac-address"
WORK = "/var/lib/vmdirac"
GIVE_UP = 1800.0  # seconds of trying to reach the manager


def fetch(config, sha256):
    """Return the bundle's bytes, or raise when the manager cannot be reached or sends something else."""
    url = urllib.parse.urlsplit(config["manager"])
    context = ssl.create_default_context(cadata=config["ca"])
    source = (config["bind_address"], 0) if config["bind_address"] else None
    connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=context, source_address=source)
    try:
        connection.request("GET", "/static/" + sha256)
        answer = connection.getresponse()
        body = answer.read(50_000_000)
        if answer.status != 200:
            raise OSError("manager answered %d" % answer.status)
        if hashlib.sha256(body).hexdigest() != sha256:
            raise OSError("bundle does not have the promised checksum")
        return body
    finally:
        connection.close()


def fetch_patiently(config, sha256):
    """Fetch with growing pauses until it works or `GIVE_UP` seconds have passed."""
    pause, until = 0.5, time.monotonic() + GIVE_UP
    while True:
        try:
            return fetch(config, sha256)
        except (OSError, http.client.HTTPException) as error:
            print("vmdirac-boot: %s" % error, file=sys.stderr, flush=True)
            if time.monotonic() > until:
                raise
            time.sleep(pause)
            pause = min(30.0, pause * 2)


def write(path, data, mode):
    """Write a file that was never readable by others."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def main():
    """Read the configuration, fetch the bundle, and replace this process by the worker."""
    sha256 = sys.argv[1]
    root = os.environ.get("VMDIRAC_ROOT", "")
    with open(root + CONFIG) as file:
        config = json.load(file)
    if os.path.exists(root + ADDRESS):
        with open(root + ADDRESS) as file:
            config["bind_address"] = file.read().strip()
    config["work_dir"] = root + WORK
    config["instance_id_file"] = root + config["instance_id_file"]
    bundle = root + WORK + "/worker.pyz"
    write(bundle, fetch_patiently(config, sha256), 0o700)
    write(root + WORK + "/worker.json", json.dumps(config).encode(), 0o600)
    os.unlink(root + CONFIG)
    os.execv(sys.executable, [sys.executable, "-I", bundle, root + WORK + "/worker.json"])


if __name__ == "__main__":
    main()
