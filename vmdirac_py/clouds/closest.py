"""The name somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(wanted: str, known: Iterable[str]) -> str:
    """Return what to mend where `wanted` is not among the `known` names: the closest match, or what there is."""
    names = sorted(set(known))
    by_folded = {name.casefold(): name for name in names}
    near = get_close_matches(wanted.casefold(), by_folded, n=1, cutoff=0.5)
    if near:
        return f"did you mean {by_folded[near[0]]!r}?"
    return f"there are: {', '.join(names[:20])}" if names else "there are none"
