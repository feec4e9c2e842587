"""Identifiers: short, random, and telling by their prefix what they name."""

from __future__ import annotations

import hashlib
import secrets


def new_id(prefix: str) -> str:
    """Return a fresh id such as `vm-3f9c2a81b04d` (48 random bits behind the prefix)."""
    return f"{prefix}-{secrets.token_hex(6)}"


def new_token() -> str:
    """Return a fresh enrolment token (256 random bits, URL-safe)."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the form in which a token is kept: its SHA-256 as hex."""
    return hashlib.sha256(token.encode()).hexdigest()
