"""Small facts and named documents."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from . import schema
from .codec import encode
from .part import Part


class SqlMeta(Part):
    """Small facts about the installation."""

    def get(self, key: str) -> str | None:
        """Return a fact, or None."""
        value: str | None = self.connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == key))
        return value

    def set(self, key: str, value: str) -> None:
        """Write a fact."""
        self.put(schema.meta, [{"key": key, "value": value}])


class SqlDocuments(Part):
    """Named JSON documents."""

    def load(self, name: str) -> Any | None:
        """Return a document, or None."""
        body = self.text(name)
        return None if body is None else json.loads(body)

    def text(self, name: str) -> str | None:
        """Return a document as it is kept, or None."""
        table = schema.documents
        body: str | None = self.connection.scalar(select(table.c.body).where(table.c.name == name))
        return body

    def save(self, name: str, document: Any) -> None:
        """Write a document, replacing the one of that name."""
        self.put(schema.documents, [{"name": name, "body": encode(document), "updated_at": self.clock.now()}])
