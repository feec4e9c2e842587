"""Whether a site's own web server gives VMs what they will ask it for."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from collections.abc import Iterator

from vmdirac_py.clouds.api import Finding
from vmdirac_py.model.inventory import Endpoint

from .contextualising import Bundle

SECONDS = 20.0
ABOUT = "endpoint_bundle_url"
MEND = "copy the installation's folder `static` there, again after each upgrade"


def looked_at(endpoint: Endpoint, bundle: Bundle) -> Iterator[Finding]:
    """Yield what is found of worker and roles at `endpoint_bundle_url`; nothing where VMs ask the manager."""
    if endpoint.bundle_url:
        yield _finding(endpoint.bundle_url.rstrip("/"), {"worker": bundle.sha256, "roles": bundle.roles_sha256})


def _finding(url: str, wanted: dict[str, str]) -> Finding:
    told = {name: _wrong(f"{url}/{sha256}", sha256) for name, sha256 in wanted.items()}
    wrong = "; ".join(f"{name}: {what}" for name, what in told.items() if what)
    return Finding(ABOUT, ok=not wrong, text=wrong or f"{url} has worker and roles", mend=MEND if wrong else "")


def _wrong(url: str, sha256: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - an inventory has http and https alone
            data = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{url}: {error}"
    return "" if hashlib.sha256(data).hexdigest() == sha256 else f"{url} is another file than its name says"
