"""Why something was done or not done: a code and its parameters; words are made in `words.py`."""

from __future__ import annotations

from typing import Any, NoReturn

Param = str | int | float | bool
Params = tuple[tuple[str, Param], ...]


class Reason:
    """A code such as `limit.pool_vms` with sorted parameters; equal reasons compare equal.

    The one value that is no `Value`: in JSON its parameters are an object, which could not be hashed here.
    """

    __slots__ = ("_hash", "code", "params")
    __match_args__ = ("code", "params")

    code: str
    params: Params
    _hash: int

    def __init__(self, code: str, params: Params = ()) -> None:
        put = object.__setattr__
        put(self, "code", code)
        put(self, "params", params)
        put(self, "_hash", hash((code, params)))  # reasons are looked up far more often than made

    @classmethod
    def of(cls, code: str, **params: Param) -> Reason:
        """Build a reason from keyword parameters."""
        return cls(code, tuple(sorted(params.items())))

    @property
    def as_dict(self) -> dict[str, Param]:
        """Return the parameters as a dict."""
        return dict(self.params)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reason):
            return NotImplemented
        return self.code == other.code and self.params == other.params

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Reason(code={self.code!r}, params={self.params!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Reason, (self.code, self.params)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a reason is frozen: {name} stays")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a reason is frozen: {name} stays")
