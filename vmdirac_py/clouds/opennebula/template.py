"""What is added to a template when it is instantiated, as OpenNebula's XML form of a template.

Its text form needs its own quoting of quotes, backslashes and line ends; XML needs none but XML's. A vector such as
CONTEXT replaces the template's own as a whole, so that is given again with ours in it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from xml.sax.saxutils import escape

from vmdirac_py.clouds.api import Mark
from vmdirac_py.clouds.marks import to_labels
from vmdirac_py.model.inventory import Pool

from .reading import PREFIX

ENVIRONMENT_STRING = 131_072  # bytes; Linux's longest (MAX_ARG_STRLEN), and context packages export each variable
MAX_USER_DATA = (ENVIRONMENT_STRING - len("USER_DATA=") - 1) // 4 * 3
USER_DATA_KEYS = frozenset({"USER_DATA", "USERDATA", "USER_DATA_ENCODING", "USERDATA_ENCODING"})

Attributes = Mapping[str, str | Mapping[str, str]]


def attributes(context: Mapping[str, str], mark: Mark, user_data: bytes, resized: Pool | None) -> Attributes:
    """Return what one VM gets beyond its template: context, mark, and the sizes of `resized`."""
    labels = {name.upper(): value for name, value in to_labels(mark).items()}
    return {"CONTEXT": _context(context, user_data), **labels, **(_sizes(resized) if resized else {})}


def _context(own: Mapping[str, str], user_data: bytes) -> dict[str, str]:
    """Return the template's own context with our user data, and the host name by which a VM knows its instance id."""
    kept = {name: value for name, value in own.items() if name not in USER_DATA_KEYS}
    ours = {
        "USER_DATA": base64.b64encode(user_data).decode(),
        "USER_DATA_ENCODING": "base64",
        "SET_HOSTNAME": f"{PREFIX}$VMID",
    }
    return kept | ours


def _sizes(pool: Pool) -> dict[str, str]:
    cores = str(pool.resources.cores)
    return {"CPU": cores, "VCPU": cores, "MEMORY": str(pool.resources.ram_mb)}


def write(given: Attributes) -> str:
    """Return attributes as XML; each value comes back as it was given."""
    return f"<TEMPLATE>{_elements(given)}</TEMPLATE>"


def _elements(given: Attributes) -> str:
    return "".join(f"<{name}>{_content(value)}</{name}>" for name, value in given.items())


def _content(value: str | Mapping[str, str]) -> str:
    if isinstance(value, str):
        return escape(value, {"\r": "&#13;"})  # a bare carriage return would be read as a line feed
    return _elements(value)
