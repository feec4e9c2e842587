"""Our mark as the labels (metadata, tags, attributes) a cloud keeps with an instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

from .api import Mark

PREFIX = "vmdirac_"
INSTALLATION = f"{PREFIX}installation"
BATCH = f"{PREFIX}batch"


def to_labels(mark: Mark) -> dict[str, str]:
    """Return a mark as labels; an empty part makes none."""
    return {f"{PREFIX}{name}": value for name, value in asdict(mark).items() if value}


def from_labels(labels: Mapping[str, str]) -> Mark | None:
    """Return the mark that labels hold; None where they hold none of ours, or only a part."""
    parts = {field.name: labels.get(f"{PREFIX}{field.name}", "") for field in fields(Mark)}
    mark = Mark(**parts)
    return mark if mark.installation and mark.batch and mark.vo and mark.pool else None
