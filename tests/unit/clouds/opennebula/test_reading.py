"""VM documents as instances."""

from __future__ import annotations

from typing import Any

import pytest

from vmdirac_py.clouds.opennebula.reading import Unreadable, document, vm_page
from vmdirac_py.clouds.opennebula.states import word

MARKS = "".join(
    f"<VMDIRAC_{key}>{key.lower()}-1</VMDIRAC_{key}>" for key in ("INSTALLATION", "BATCH", "VO", "POOL", "VM")
)


def page(*, state: int = 3, lcm: int = 3, user_template: str = MARKS, template: str = "", **more: Any) -> str:
    """Return a VM_POOL document of one VM."""
    head = f"<ID>7</ID><STATE>{state}</STATE><LCM_STATE>{lcm}</LCM_STATE><STIME>1700000001</STIME>"
    extra = "".join(f"<{key}>{value}</{key}>" for key, value in more.items())
    bodies = f"<TEMPLATE>{template}</TEMPLATE><USER_TEMPLATE>{user_template}</USER_TEMPLATE>"
    return f"<VM_POOL><VM>{head}{extra}{bodies}</VM></VM_POOL>"


def instance(**changes: Any) -> Any:
    """Return the instance of such a page."""
    (seen,) = vm_page(page(**changes))
    assert seen.instance is not None
    return seen.instance


def test_an_instance_is_named_as_its_host_names_it() -> None:
    """The VM 7 is the instance one-7, with our mark and its start."""
    found = instance()
    assert (found.id, found.state, found.created_at) == ("one-7", "ACTIVE/RUNNING", 1700000001.0)
    assert (found.mark.installation, found.mark.vm) == ("installation-1", "vm-1")


@pytest.mark.parametrize(
    ("state", "lcm", "words", "terminal"),
    [
        (1, 0, "PENDING", False),
        (3, 2, "ACTIVE/BOOT", False),
        (3, 36, "ACTIVE/BOOT_FAILURE", False),
        (3, 39, "ACTIVE/PROLOG_FAILURE", False),
        (6, 0, "DONE", True),
        (7, 0, "FAILED", False),
        (8, 0, "POWEROFF", False),
        (11, 0, "CLONING_FAILURE", False),
        (99, 0, "STATE_99", False),
        (3, 99, "ACTIVE/LCM_99", False),
    ],
)
def test_only_done_is_the_end(state: int, lcm: int, words: str, *, terminal: bool) -> None:
    """States are told in OpenNebula's words; whatever failed, or is off, still holds quota and is not terminal."""
    found = instance(state=state, lcm=lcm)
    assert (found.state, found.terminal) == (words, terminal)
    assert word(state, lcm) == words


def test_an_address_is_that_of_the_first_interface_with_one() -> None:
    """IPv4 comes first, IPv6 where there is no other; none is no error."""
    assert instance(template="<NIC><MAC>02:00</MAC></NIC><NIC><IP>10.0.0.9</IP></NIC>").address == "10.0.0.9"
    assert instance(template="<NIC><IP6_GLOBAL>2001:db8::9</IP6_GLOBAL></NIC>").address == "2001:db8::9"
    assert instance().address == ""


def test_the_front_ends_complaint_is_told() -> None:
    """A driver's error, or the scheduler's word on a VM that stays PENDING, is the instance's fault text."""
    assert instance(user_template=f"{MARKS}<ERROR>no space</ERROR>").fault == "no space"
    waiting = instance(
        state=1, lcm=0, user_template=f"{MARKS}<SCHED_MESSAGE>No hosts enabled to run VMs</SCHED_MESSAGE>"
    )
    assert (waiting.fault, waiting.terminal) == ("No hosts enabled to run VMs", False)


@pytest.mark.parametrize("user_template", ["", "<VMDIRAC_BATCH>b</VMDIRAC_BATCH>", "<LABELS>x</LABELS>"])
def test_without_a_whole_mark_it_is_nobodys_instance(user_template: str) -> None:
    """A VM without our mark, or with a part of one, is seen with its number and nothing more."""
    (seen,) = vm_page(page(user_template=user_template))
    assert (seen.number, seen.instance) == (7, None)


HOSTILE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><VM_POOL>&b;</VM_POOL>'


@pytest.mark.parametrize(
    "text", ["", "text", "<html/>", "<VM_POOL><VM>", HOSTILE, "<VM_POOL><VM><ID>x</ID></VM></VM_POOL>", 7, None]
)
def test_what_is_no_pool_is_no_listing(text: object) -> None:
    """Anything but a whole VM_POOL document is refused, entities and document types among it."""
    with pytest.raises(Unreadable):
        vm_page(text)


def test_an_external_entity_is_never_fetched() -> None:
    """A document that refers to a file is refused before anything is read."""
    with pytest.raises(Unreadable):
        document('<!DOCTYPE x SYSTEM "file:///etc/passwd"><VM_POOL/>', "VM_POOL")
