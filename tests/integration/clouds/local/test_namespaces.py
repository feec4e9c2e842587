"""What a namespace VM has of its own, and what it cannot see."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.base.processes import marked


@pytest.fixture(autouse=True)
def _namespaces(request: Any) -> None:
    """These promises are made where namespaces are allowed; elsewhere the server says so, and so do we."""
    for name in ("cloud", "own_cloud"):
        if name in request.fixturenames:
            promises = request.getfixturevalue(name).endpoint.promises()
            if not promises.startswith("namespaces"):
                pytest.skip(promises)


def test_own_id_hostname_and_address(cloud: Any) -> None:
    """A VM finds its id where the driver says, has it as host name, and knows its address."""
    console = cloud.run(f"cat {cloud.endpoint.instance_id_file}; hostname; cat /run/vmdirac-address")
    (instance,) = cloud.endpoint.instances()
    assert console.splitlines()[1:4] == [instance.id, instance.id, instance.address]
    assert instance.address.startswith("127.77.")


def test_own_process_tree(cloud: Any) -> None:
    """A VM sees its own processes alone: its init is number 1, and there are few."""
    console = cloud.run("tr '\\0' ' ' </proc/1/cmdline; echo; ls /proc | grep -c '^[0-9]'")
    assert "/run/vm/init.py" in console
    assert int(console.splitlines()[2]) < 10


def test_the_host_is_not_changed(cloud: Any) -> None:
    """A VM writes to /etc, /usr, /usr/local, /var and replaces files there; the host keeps its own."""
    before = Path("/etc/passwd").read_bytes()
    places = "/etc /usr /usr/local /var /var/lib /var/log /var/cache /opt /run /tmp"
    console = cloud.run(
        f"for place in {places}; do echo written >$place/vmdirac-test && cat $place/vmdirac-test; done\n"
        "cp /etc/passwd /etc/passwd.new && echo x:x:1:1::/: >>/etc/passwd.new && mv -f /etc/passwd.new /etc/passwd\n"
        "tail -1 /etc/passwd",
    )
    assert console.splitlines()[1:12] == ["written"] * 10 + ["x:x:1:1::/:"]
    assert Path("/etc/passwd").read_bytes() == before
    assert [place for place in places.split() if Path(place, "vmdirac-test").exists()] == []


def test_files_arrive_byte_for_byte(cloud: Any, cloud_config: Callable[..., bytes], until: Callable[..., Any]) -> None:
    """write_files gives exactly the bytes and permissions, as text and as base64, also over a file of the host."""
    raw = bytes(range(256))
    files = [
        {"path": "/opt/a/text", "content": "Grüße ✓\n", "permissions": "0640", "owner": "root:root"},
        {"path": "/etc/hostname", "content": base64.b64encode(raw).decode(), "encoding": "b64"},
    ]
    show = [
        ["stat", "-c", "%a", "/opt/a/text", "/etc/hostname"],
        ["sha256sum", "/etc/hostname"],
        ["cat", "/opt/a/text"],
    ]
    (instance,) = cloud.launch(data=cloud_config(write_files=files, runcmd=show))
    until(lambda: cloud.state_of(instance) == "stopped")
    console = cloud.endpoint.console(instance.id)
    assert "\n640\n644\n" in console
    assert "40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880" in console
    assert "Grüße ✓\n" in console


def test_a_clean_environment(cloud: Any) -> None:
    """A VM inherits no environment of the server: only what its init gives it."""
    console = cloud.run("env | cut -d= -f1 | sort | tr '\\n' ' '")
    assert console.splitlines()[1] == "HOME LANG PATH PWD VMDIRAC_INSTANCE vmdirac: runcmd[0] ended with 0"


def test_private_places_cannot_be_seen(cloud: Any, place: Path) -> None:
    """The state directory, an installation's home under /tmp, and the operator's home are not there in a VM."""
    home = place / "home"
    (home / "ca").mkdir(parents=True)
    for name in ("ledger.db", "ca/key.pem"):
        (home / name).write_text("secret")
        (home / name).chmod(0o644)
    home.chmod(0o755)
    paths = f"{home} {home}/ledger.db {home}/ca/key.pem {cloud.state} {cloud.state}/records"
    console = cloud.run(f"ls -d {paths}; ls -A {Path.home()} /home /root /mnt /tmp | grep -v '^/' ; echo end")
    assert "No such file" in console
    shown = [line for line in console.splitlines() if not line.startswith(("ls:", "vmdirac:"))]
    assert [line for line in shown if line] == ["end"]


def test_a_named_directory_is_hidden(own_cloud: Any) -> None:
    """A directory the server was told to hide is empty in a VM, wherever it lies."""
    hidden = next(path for path in sorted(Path("/usr/share").iterdir()) if path.is_dir() and any(path.iterdir()))
    assert "entries" not in own_cloud.run(f"ls -A {hidden} | grep -q . || echo nothing").splitlines()
    own_cloud.kill_server()
    own_cloud.start(hidden=[hidden])
    assert "nothing" in own_cloud.run(f"ls -A {hidden} | grep -q . || echo nothing").splitlines()


def test_what_is_hidden_stays_hidden(cloud: Any) -> None:
    """A VM's root can unmount nothing that hides the host, also not from namespaces of its own."""
    console = cloud.run("umount /home || echo no; umount -l /mnt || echo no; unshare -Urm umount /home || echo no")
    assert console.splitlines().count("no") == 3


def test_it_is_not_the_hosts_root(cloud: Any, until: Callable[..., Any]) -> None:
    """Outside, a VM's processes belong to an unprivileged user, whoever started the server."""
    (instance,) = cloud.launch()
    until(lambda: cloud.booted(instance))
    assert 0 not in {Path(f"/proc/{pid}").stat().st_uid for pid in marked(f"VMDIRAC_INSTANCE={instance.id}")}


def test_reached_from_the_host_at_its_own_address(cloud: Any, until: Callable[..., Any]) -> None:
    """Several VMs listen on the same port, each on its own address, and the host reaches each."""
    serve = (
        "exec python3 -c 'import socket;"
        's = socket.create_server((open("/run/vmdirac-address").read().strip(), 7077));'
        'c, _ = s.accept(); c.sendall(open("/var/lib/cloud/data/instance-id", "rb").read()); c.close()\''
    )
    for instance in cloud.launch(serve, count=3):
        assert until(lambda address=instance.address: _read(address)) == f"{instance.id}\n"


def _read(address: str) -> str:
    try:
        with socket.create_connection((address, 7077), timeout=5) as sock:
            return sock.makefile().read()
    except ConnectionRefusedError:
        return ""
