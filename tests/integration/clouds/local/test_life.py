"""The life of VMs, in both ways of running them, and over deaths of the server."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.base.errors import Unusable
from vmdirac_py.base.processes import kill_marked, marked
from vmdirac_py.clouds.api import Unavailable
from vmdirac_py.clouds.local import set_faults, start_server, stop_server
from vmdirac_py.clouds.local.places import find_socket

SERVER_THREADS = 2  # one that accepts, one that boots; each call in flight adds one


def test_it_runs_until_its_commands_end(either: Any, until: Callable[..., Any]) -> None:
    """A VM is running while its commands run and stopped afterwards, and its console tells how they ended."""
    (instance,) = either.launch("echo hello; exit 3")
    until(lambda: either.state_of(instance) == "stopped")
    console = either.endpoint.console(instance.id)
    assert "hello\n" in console
    assert "runcmd[0] ended with 3" in console


def test_commands_follow_each_other(either: Any, cloud_config: Callable[..., bytes], until: Callable[..., Any]) -> None:
    """Commands run one after the other, and one that fails or does not exist does not keep the next from running."""
    commands = [["sh", "-c", "sleep 0.2; echo first"], ["no-such-program"], ["false"], ["echo", "last"]]
    (instance,) = either.launch(data=cloud_config(runcmd=commands))
    until(lambda: either.state_of(instance) == "stopped")
    console = either.endpoint.console(instance.id)
    assert console.index("first") < console.index("no-such-program") < console.index("[2] ended with 1")
    assert console.index("[2] ended with 1") < console.index("last")


def test_it_powers_itself_off(either: Any, until: Callable[..., Any]) -> None:
    """Writing /run/poweroff ends a VM with everything in it."""
    (instance,) = either.launch("setsid sleep 600 & echo now >$VMDIRAC_ROOT/run/poweroff; sleep 600")
    until(lambda: either.state_of(instance) == "stopped")
    assert marked(f"VMDIRAC_INSTANCE={instance.id}") == []


def test_terminate_leaves_no_process(either: Any, until: Callable[..., Any]) -> None:
    """After terminate nothing of a VM lives, also not what left its session."""
    instances = either.launch("setsid sleep 600 & (setsid setsid sleep 600 &) ; sleep 600", count=3)
    for instance in instances:
        until(lambda instance=instance: len(marked(f"VMDIRAC_INSTANCE={instance.id}")) >= 4)
    either.endpoint.terminate([instance.id for instance in instances])
    assert [pid for instance in instances for pid in marked(f"VMDIRAC_INSTANCE={instance.id}")] == []


def test_a_console_is_bounded(either: Any, until: Callable[..., Any]) -> None:
    """A VM that prints without end keeps only the newer part of its console."""
    (instance,) = either.launch("seq 1 400000; echo last words")
    until(lambda: either.state_of(instance) == "stopped")
    console = either.endpoint.console(instance.id)
    assert "last words" in console
    assert "\n399999\n" in console
    assert len(console) <= 1 << 20


def test_vms_outlive_the_server(either: Any, until: Callable[..., Any]) -> None:
    """After kill -9 of the server its VMs run on, and the next server knows them and can end them."""
    first, second = either.launch("exec sleep 600", count=2)
    until(lambda: either.booted(first) and either.booted(second))
    before = marked(f"VMDIRAC_INSTANCE={first.id}")
    either.kill_server()
    after = marked(f"VMDIRAC_INSTANCE={first.id}")
    assert after
    assert set(after) <= set(before)  # what its boot still ran may have ended meanwhile
    either.start()
    assert {instance.state for instance in either.endpoint.instances()} == {"running"}
    either.endpoint.terminate([first.id])
    assert (either.state_of(first), either.state_of(second)) == ("terminated", "running")
    assert marked(f"VMDIRAC_INSTANCE={first.id}") == []


def test_a_vm_that_ended_without_a_server_is_stopped(either: Any, until: Callable[..., Any]) -> None:
    """A VM that powered off while no server ran is listed as stopped by the next one."""
    (instance,) = either.launch()
    until(lambda: either.booted(instance))
    either.kill_server()
    assert kill_marked(f"VMDIRAC_INSTANCE={instance.id}")
    either.start()
    assert either.state_of(instance) == "stopped"


def test_a_launch_killed_anywhere_is_one_launch(own_cloud: Any, until: Callable[..., Any]) -> None:
    """With the server killed in the midst of a launch, a repetition tells of the same N VMs, and no other runs."""
    records = own_cloud.state / "records"
    for written in range(5):
        request, before = own_cloud.request(4), len(list(records.glob("*.json")))
        asking = threading.Thread(target=_launch_and_lose, args=(own_cloud, request))
        asking.start()
        until(lambda n=before + written: len(list(records.glob("*.json"))) >= n)
        own_cloud.kill_server()
        asking.join()
        own_cloud.start()
        answer = own_cloud.endpoint.launch(request)
        wanted = {instance.id for instance in answer.launched}
        until(lambda wanted=wanted: {own_cloud.state_of(instance) for instance in wanted} <= {"running", "stopped"})
        assert len(wanted) == 4
        # One whose go-ahead died with the server has ended before it began; none runs that is not of this launch.
        living = {instance.id for instance in own_cloud.endpoint.instances() if not instance.terminal}
        assert living <= wanted
        assert len(living) >= 3
        own_cloud.endpoint.terminate(wanted)


def _launch_and_lose(cloud: Any, request: Any) -> None:
    with contextlib.suppress(Unavailable):
        cloud.endpoint.launch(request)


def test_a_launch_that_hangs_is_not_left_behind(own_cloud: Any, until: Callable[..., Any]) -> None:
    """A launch that still hangs when the cloud is ended with all its VMs starts none afterwards."""
    own_cloud.fault(kind="hang", call="launch", seconds=3600, when="before")
    threads = Path(f"/proc/{own_cloud.pid()}/task")
    until(lambda: len(list(threads.iterdir())) == SERVER_THREADS)
    asking = threading.Thread(target=_launch_and_lose, args=(own_cloud, own_cloud.request(2)))
    asking.start()
    until(lambda: len(list(threads.iterdir())) > SERVER_THREADS)
    stop_server(own_cloud.state, terminate=True)
    asking.join()
    own_cloud.start()
    assert own_cloud.endpoint.instances() == ()


def test_one_server_per_state_directory(own_cloud: Any) -> None:
    """A second server on the same state refuses to start and names the first; the first goes on."""
    with pytest.raises(Unusable, match=f"pid {own_cloud.pid()}"):
        start_server(own_cloud.state)
    assert own_cloud.answers()


def test_a_long_state_path(place: Path) -> None:
    """A state directory whose path is too long for a socket works all the same."""
    state = place / ("x" * 100)
    start_server(state)
    assert len(str(find_socket(state))) < 100
    set_faults(state, clear=True)
    stop_server(state)
    assert not find_socket(state).exists()


def test_faults_at_boot(own_cloud: Any, until: Callable[..., Any]) -> None:
    """Ordered boot faults strike as many VMs as ordered: one stops at once, one waits, one runs, one is killed."""
    set_faults(own_cloud.state, {"kind": "boot_failure"})
    (failing,) = own_cloud.launch()
    set_faults(own_cloud.state, {"kind": "slow_boot", "seconds": 3600})
    (slow,) = own_cloud.launch("echo ran")
    (good,) = own_cloud.launch("echo ran; sleep 600")
    until(lambda: own_cloud.state_of(failing) == "stopped")
    until(lambda: "ran" in own_cloud.endpoint.console(good.id))
    assert "ran" not in own_cloud.endpoint.console(slow.id)
    own_cloud.fault(kind="kill", instance=good.id)
    assert own_cloud.state_of(good) == "stopped"
