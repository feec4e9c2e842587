"""Why something was done or not done: a code and its parameters; words are made in `words.py`."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A code such as `limit.pool_vms` with sorted parameters; equal reasons compare equal."""

    code: str
    params: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def of(cls, code: str, **params: Value) -> Reason:
        """Build a reason from keyword parameters."""
        return cls(code, tuple(sorted(params.items())))

    @property
    def as_dict(self) -> dict[str, Value]:
        """Return the parameters as a dict."""
        return dict(self.params)
