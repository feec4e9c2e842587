"""The documents of the OpenNebula double, in the shape oned answers them: attributes in CDATA, vectors as elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from tests.doubles.opennebula import Cloud, Group, Template, User, Vm

Body = dict[str, "str | dict[str, str] | list[dict[str, str]]"]


def body_of(text: str) -> Body:
    """Return a template in XML form. Raises ParseError."""
    body: Body = {}
    for child in ET.fromstring(text):
        body[child.tag.upper()] = (
            {part.tag.upper(): part.text or "" for part in child} if len(child) else child.text or ""
        )
    return body


def attributes(name: str, body: Mapping[str, object]) -> str:
    """Return attributes as oned writes them."""
    return f"<{name}>{''.join(_attribute(key, value) for key, value in body.items())}</{name}>"


def _attribute(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_attribute(name, one) for one in value)
    if isinstance(value, dict):
        return attributes(name, value)
    text = str(value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{text}]]></{name}>"


def pool(name: str, entries: Iterable[str]) -> str:
    """Return a pool document."""
    return f"<{name}>{''.join(entries)}</{name}>"


def _head(number: int, name: str, owner: User, group: Group) -> str:
    ids = f"<ID>{number}</ID><UID>{owner.number}</UID><GID>{group.number}</GID>"
    return f"{ids}<UNAME>{owner.name}</UNAME><GNAME>{group.name}</GNAME><NAME>{escape(name)}</NAME>"


PERMISSIONS = "".join(
    f"<{who}_{right}>{int(who == 'OWNER' and right != 'A')}</{who}_{right}>"
    for who in ("OWNER", "GROUP", "OTHER")
    for right in "UMA"
)


def vm(one: Vm) -> str:
    """Return a VM document."""
    return (
        f"<VM>{_head(one.number, one.name, one.owner, one.owner.group)}<PERMISSIONS>{PERMISSIONS}</PERMISSIONS>"
        f"<LAST_POLL>0</LAST_POLL><STATE>{one.state}</STATE><LCM_STATE>{one.lcm_state}</LCM_STATE>"
        f"<PREV_STATE>{one.state}</PREV_STATE><PREV_LCM_STATE>{one.lcm_state}</PREV_LCM_STATE><RESCHED>0</RESCHED>"
        f"<STIME>{int(one.started)}</STIME><ETIME>{int(one.ended)}</ETIME><DEPLOY_ID></DEPLOY_ID><MONITORING/>"
        f"{attributes('TEMPLATE', one.template)}{attributes('USER_TEMPLATE', one.user_template)}"
        "<HISTORY_RECORDS/></VM>"
    )


def template(one: Template) -> str:
    """Return a template document."""
    head = _head(one.number, one.name, one.owner, one.owner.group)
    return f"<VMTEMPLATE>{head}<REGTIME>1700000000</REGTIME>{attributes('TEMPLATE', one.body)}</VMTEMPLATE>"


def named(entry: str, things: Mapping[int, str], owner: User) -> list[str]:
    """Return documents of images or networks."""
    return [f"<{entry}>{_head(number, name, owner, owner.group)}</{entry}>" for number, name in things.items()]


def user(cloud: Cloud, one: User) -> str:
    """Return a user document with its quotas."""
    head = f"<ID>{one.number}</ID><GID>{one.group.number}</GID><GNAME>{one.group.name}</GNAME><NAME>{one.name}</NAME>"
    defaults = f"<DEFAULT_USER_QUOTAS>{_quota(cloud.default_quota)}</DEFAULT_USER_QUOTAS>"
    return f"<USER>{head}<ENABLED>1</ENABLED>{_quota(cloud.used(one.quota, [one]))}{defaults}</USER>"


def group(cloud: Cloud, one: Group) -> str:
    """Return a group document with its quotas."""
    members = [user for user in cloud.users.values() if user.group is one]
    defaults = "<DEFAULT_GROUP_QUOTAS><VM_QUOTA/></DEFAULT_GROUP_QUOTAS>"
    quota = _quota(cloud.used(one.quota, members))
    return f"<GROUP><ID>{one.number}</ID><NAME>{one.name}</NAME>{quota}{defaults}</GROUP>"


def _quota(quota: Mapping[str, float]) -> str:
    vm_quota = attributes("VM", {key: f"{value:g}" for key, value in quota.items()}) if quota else ""
    return f"<DATASTORE_QUOTA/><NETWORK_QUOTA/><VM_QUOTA>{vm_quota}</VM_QUOTA><IMAGE_QUOTA/>"
