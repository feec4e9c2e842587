"""OpenNebula's XML as values. Answers are not trusted: entities and document types are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from vmdirac_py.clouds.api import Instance
from vmdirac_py.clouds.marks import from_labels
from vmdirac_py.model.batch import ErrorClass

from .states import NEVER_RAN, TERMINAL, word

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PREFIX = "one-"
"""An instance's id is `one-N` for the VM with the number N, as its host calls it (DEPLOY_ID)."""


class Unreadable(ValueError):
    """An answer is not the XML it should be."""


def instance_id(number: int) -> str:
    """Return the instance id of the VM with this number."""
    return f"{PREFIX}{number}"


def document(text: object, root: str) -> Element:
    """Return the document `text` holds.

    Raises:
        Unreadable: it is not well-formed, or its root is another one.
    """
    try:
        found: Element = fromstring(str(text), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Unreadable(f"not a {root} document") from error
    if found.tag != root:
        raise Unreadable(f"a {found.tag} document instead of {root}")
    return found


@dataclass(frozen=True, slots=True)
class Sighted:
    """A VM as listed: its number and, where it bears a whole mark of ours or another installation's, its instance."""

    number: int
    instance: Instance | None


def vm_page(text: object) -> list[Sighted]:
    """Return the VMs of a VM_POOL document, in its order. Raises Unreadable."""
    return [_sighted(vm) for vm in document(text, "VM_POOL").iterfind("VM")]


def _sighted(vm: Element) -> Sighted:
    number = whole(vm, "ID")
    mark = from_labels({name.lower(): value for name, value in texts(vm.find("USER_TEMPLATE")).items()})
    if mark is None:
        return Sighted(number, None)
    state = word(whole(vm, "STATE"), whole(vm, "LCM_STATE"))
    instance = Instance(
        id=instance_id(number),
        mark=mark,
        state=state,
        terminal=state in TERMINAL,
        address=_address(vm),
        created_at=float(whole(vm, "STIME")),
        fault=_fault(vm),
        error_class=ErrorClass.UNAVAILABLE if state in NEVER_RAN else None,
    )
    return Sighted(number, instance)


def _address(vm: Element) -> str:
    nics = [texts(nic) for nic in vm.iterfind("TEMPLATE/NIC")]
    found = (nic.get(key, "") for key in ("IP", "IP6_GLOBAL", "IP6") for nic in nics)
    return next(filter(None, found), "")


def _fault(vm: Element) -> str:
    """Return what a driver, or the scheduler of a VM that stays PENDING, complains about."""
    return vm.findtext("USER_TEMPLATE/ERROR") or vm.findtext("USER_TEMPLATE/SCHED_MESSAGE") or ""


@dataclass(frozen=True, slots=True)
class Template:
    """A VM template: its sizes, and the parts of its CONTEXT, disks and network interfaces."""

    number: int
    name: str
    owner: str
    cores: float
    ram_mb: float
    context: Mapping[str, str]
    disks: tuple[Mapping[str, str], ...]
    nics: tuple[Mapping[str, str], ...]


def templates(text: object) -> list[Template]:
    """Return the templates of a VMTEMPLATE_POOL document. Raises Unreadable."""
    return [_template(one) for one in document(text, "VMTEMPLATE_POOL").iterfind("VMTEMPLATE")]


def _template(one: Element) -> Template:
    body = one.find("TEMPLATE")
    single = texts(body)
    vectors = [] if body is None else [(part.tag, texts(part)) for part in body]
    return Template(
        number=whole(one, "ID"),
        name=one.findtext("NAME") or "",
        owner=one.findtext("UNAME") or "",
        cores=_size(single, "VCPU", "CPU"),
        ram_mb=_size(single, "MEMORY"),
        context=next((parts for tag, parts in vectors if tag == "CONTEXT"), {}),
        disks=tuple(parts for tag, parts in vectors if tag == "DISK"),
        nics=tuple(parts for tag, parts in vectors if tag == "NIC"),
    )


def _size(single: Mapping[str, str], *keys: str) -> float:
    """Return the first of these attributes that is there; 0 where none is. Raises Unreadable."""
    text = next((single[key] for key in keys if key in single), "0")
    try:
        return float(text)
    except ValueError as error:
        raise Unreadable(f"{keys[0]} is no number") from error


def names(text: object, root: str, entry: str) -> dict[str, str]:
    """Return number and name of each entry of a pool (images, networks). Raises Unreadable."""
    found = document(text, root).iterfind(entry)
    return {str(whole(one, "ID")): one.findtext("NAME") or "" for one in found}


def texts(element: Element | None) -> dict[str, str]:
    """Return the children of an element that hold text, by name."""
    return {} if element is None else dict(_texts(element))


def _texts(element: Element) -> Iterator[tuple[str, str]]:
    for child in element:
        if len(child) == 0 and child.text:
            yield child.tag, child.text


def whole(element: Element, name: str) -> int:
    """Return the whole number a child holds. Raises Unreadable."""
    text = element.findtext(name) or ""
    try:
        return int(text)
    except ValueError as error:
        raise Unreadable(f"no number in {name}") from error
