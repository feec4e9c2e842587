"""VMs as process groups, where namespaces are forbidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_it_says_so(plain_cloud: Any) -> None:
    """Without namespaces the cloud promises nothing, and says so."""
    assert plain_cloud.endpoint.promises().endswith("nothing is isolated or limited")


def test_files_lie_below_a_private_root(
    plain_cloud: Any, cloud_config: Callable[..., bytes], until: Callable[..., Any]
) -> None:
    """Files are written below $VMDIRAC_ROOT, and a command's argument that names one finds it there."""
    files = [{"path": "/opt/test/name", "content": "content\n"}]
    commands = [["cat", "/opt/test/name"], ["sh", "-c", "cat $VMDIRAC_ROOT/opt/test/name"]]
    (instance,) = plain_cloud.launch(data=cloud_config(write_files=files, runcmd=commands))
    until(lambda: plain_cloud.state_of(instance) == "stopped")
    assert plain_cloud.endpoint.console(instance.id).count("content\n") == 2


def test_it_finds_its_id_below_the_root(plain_cloud: Any) -> None:
    """The instance's id file is where the driver says, below $VMDIRAC_ROOT."""
    console = plain_cloud.run(f"cat $VMDIRAC_ROOT{plain_cloud.endpoint.instance_id_file}; echo $HOME $VMDIRAC_ROOT")
    (instance,) = plain_cloud.endpoint.instances()
    shown = console.splitlines()
    assert shown[1] == instance.id
    assert shown[2] == " ".join([str(plain_cloud.state / "disks" / instance.id / "root")] * 2)
