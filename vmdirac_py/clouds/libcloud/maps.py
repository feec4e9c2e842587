"""The map of each provider: which of our words becomes which argument of libcloud's `create_node`, in which form.

Only data and its types, without libcloud: an inventory is checked where libcloud is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vmdirac_py.clouds.api import CloudError

from .forms import Place
from .options import ProviderOptions

ALWAYS = ("name", "image", "flavor", "user_data", "mark")
"""What every launch says, and every map must have a word for: above all the mark, in the very call that creates."""
AT_ONCE = ("least", "most", "token")
"""What a launch says besides where one call may make many VMs."""
OPTIONAL = ("networks", "security_groups", "key_pair", "zone", "config_drive", "instance_profile", "public_address")
"""What `pool_options` may say."""


@dataclass(frozen=True, slots=True)
class Word:
    """How one of our words reaches `create_node`: as this keyword, made into this form.

    `most`: how many values it may have; `needs`: another word without which this one means nothing there.
    """

    keyword: str
    form: Callable[[Any, Place], Any]
    most: int | None = None
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal known by a pattern in its text: what it means, and how it is mended."""

    pattern: re.Pattern[str]
    means: type[CloudError]
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """All that is particular to one provider.

    Args:
        options: what its `endpoint_options` may say.
        words: the map itself.
        fixed: arguments of every launch, whatever a pool says.
        seconds_each: how long the creation of one VM may be reckoned with where each is a call of its own; None where
            one call makes many.
        max_user_data: bytes.
        labels: where in `Node.extra` the mark comes back.
        state: where in `Node.extra` the cloud's own word for the state stands, the first that is set.
        terminal: the words among them that mean an end.
        failed: the words among them that mean it will never run, and still holds something.
        refusals: known texts of refusals, the first that fits.
        changing: tells by method, URL and body whether a request creates or deletes an instance.
        cloud: `module:class` of what speaks to libcloud for it, below this folder.
    """

    options: type[ProviderOptions]
    words: Mapping[str, Word]
    fixed: Mapping[str, Any]
    seconds_each: float | None
    max_user_data: int
    labels: str
    state: tuple[str, ...]
    terminal: frozenset[str]
    failed: frozenset[str]
    refusals: tuple[Refused, ...]
    changing: Callable[[str, str, str], bool]
    cloud: str

    def known(self, text: str) -> Refused | None:
        """Return what a refusal's or fault's text is known to mean."""
        return next((refused for refused in self.refusals if refused.pattern.search(text)), None)
