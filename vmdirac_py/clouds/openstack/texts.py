"""What an answer says, in words that may stand in an error."""

from __future__ import annotations

import re
from typing import Any

TITLE = re.compile(r"<(?:title|h1)[^>]*>\s*(.*?)\s*</", re.IGNORECASE | re.DOTALL)


def text_of(reply: Any) -> str:
    """Return the message in an answer's body, whatever service wrote it; of a page its title.

    What Nova repeats of the request (`Value: ...`) is cut off: it may be our user data.
    """
    try:
        found = _message(reply.json())
    except ValueError:
        found = _of_page(reply.text)
    return found.partition(" Value:")[0].strip() or str(reply.reason or "no text")


def _message(body: Any) -> str:
    """Return the first `message` at the top of a body or one below."""
    if not isinstance(body, dict):
        return ""
    for part in (body, *body.values()):
        if isinstance(part, dict) and isinstance(part.get("message"), str):
            return str(part["message"])
    return ""


def _of_page(text: str) -> str:
    title = TITLE.search(text)
    if title:
        return f"a page: {title.group(1)}"
    return "a page" if "<html" in text.lower() else "neither JSON nor a page"
