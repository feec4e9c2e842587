"""The tables, as the program needs them; `migrations/` makes them, and a test holds both together.

Times are seconds since the epoch, 0.0 where not reached. Whole numbers are 64 bits wide on both databases.
Documents (inventories, plans, payloads ...) are JSON text, written and read by `codec.py`.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from vmdirac_py.model.batch import BatchKind, BatchState, ErrorClass
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState

REVISION = "0005"
"""The newest migration; a test holds it to what `migrations/` says."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Word(TypeDecorator[StrEnum]):
    """One word of an enumeration, kept as its text."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the text to store."""
        return None if value is None else value.value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the word that was stored."""
        return None if value is None else self.words(value)


class Texts(TypeDecorator[tuple[str, ...]]):
    """Some texts, kept as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the text to store."""
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[str, ...] | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the texts that were stored."""
        return None if value is None else tuple(json.loads(value))


def _text(name: str, **options: Any) -> Column[Any]:
    return Column(name, Text, nullable=False, **options)


def _whole(name: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False)


def _real(name: str) -> Column[Any]:
    return Column(name, Double, nullable=False)


def _serial(name: str) -> Column[Any]:
    # SQLite numbers rows by itself only in a column declared exactly INTEGER.
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _word(name: str, words: type[StrEnum], *, nullable: bool = False) -> Column[Any]:
    return Column(name, Word(words), nullable=nullable)


def _serial_table(name: str, *parts: Any) -> Table:
    # AUTOINCREMENT: a number once given is never given again.
    return Table(name, metadata, *parts, sqlite_autoincrement=True)


def _unique_where(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


meta = Table("meta", metadata, _text("key", primary_key=True), _text("value"))

events = _serial_table(
    "events",
    _serial("seq"),
    _real("at"),
    _text("topic"),
    _text("subject"),
    _text("actor"),
    _text("data"),
    Index(None, "topic", "seq"),
)

leases = Table(
    "leases", metadata, _text("name", primary_key=True), _text("owner"), _whole("token"), _real("expires_at")
)

revisions = _serial_table("revisions", _serial("seq"), _text("fingerprint"), _real("added_at"), _text("body"))

plans = _serial_table(
    "plans",
    _serial("seq"),
    _text("id", unique=True),
    _real("at"),
    _whole("base_seq"),
    _text("revision"),
    _text("body"),
)

batches = Table(
    "batches",
    metadata,
    _text("id", primary_key=True),
    _word("kind", BatchKind),
    _text("endpoint"),
    _text("pool"),
    _text("vo"),
    _whole("wanted"),
    _text("plan"),
    _text("actor"),
    _real("created_at"),
    _real("deadline"),
    _word("state", BatchState),
    _text("claimed_by"),
    _text("token_hash"),
    _real("token_deadline"),
    _whole("launched"),
    _whole("refused"),
    _word("error_class", ErrorClass, nullable=True),
    _text("error_text"),
    _real("updated_at"),
    Column("shapes", Texts, nullable=False, server_default=text("'[]'")),
    Index(None, "state"),
    Index(None, "token_hash"),
)

vms = Table(
    "vms",
    metadata,
    _text("id", primary_key=True),
    _text("batch"),
    _text("endpoint"),
    _text("pool"),
    _text("vo"),
    _whole("cores"),
    _whole("ram_mb"),
    _whole("gpus"),
    _whole("disk_gb"),
    _word("state", VmState),
    _real("state_since"),
    _real("created_at"),
    _real("deadline"),
    _text("instance_id"),
    _text("address"),
    _real("last_seen"),
    _whole("missed_listings"),
    _text("retire_batch"),
    Column("image", Text, nullable=False, server_default=text("''")),
    Column("profile", Text, nullable=False, server_default=text("''")),
    Column("reason", Text),
    Column("soft_end", Double, nullable=False, server_default=text("0")),
    Column("worked_at", Double, nullable=False, server_default=text("0")),
    Index(None, "state", "endpoint"),
    Index(None, "vo", "pool", "state"),
    Index(None, "batch"),
    Index(None, "retire_batch"),
    _unique_where("uq_vms_endpoint_instance_id", "endpoint", "instance_id", where="instance_id <> ''"),
)

vm_transitions = _serial_table(
    "vm_transitions",
    _serial("seq"),
    Column("vm", Text, ForeignKey("vms.id"), nullable=False, index=True),
    _real("at"),
    _word("was", VmState, nullable=True),
    _word("state", VmState),
    _text("actor"),
    _text("reason"),
)

task_queues = Table(
    "task_queues",
    metadata,
    _text("id", primary_key=True),
    _text("vo"),
    _text("owner"),
    _text("owner_group"),
    _text("shape"),
    _whole("ram_mb"),
    _whole("gpus"),
    _real("priority"),
)

jobs = _serial_table(
    "jobs",
    _serial("id"),
    _text("name"),
    Column("queue", Text, ForeignKey("task_queues.id"), nullable=False),
    _text("payload"),
    _text("jdl"),
    _word("state", JobState),
    _real("submitted_at"),
    _whole("attempt"),
    _text("vm"),
    _whole("cores"),
    _real("matched_at"),
    _real("started_at"),
    _real("ended_at"),
    Column("exit_code", BigInteger),
    _text("minor"),
    _text("output"),
    Column("used_cpu_seconds", Double, nullable=False, server_default=text("0")),
    Column("peak_ram_mb", BigInteger, nullable=False, server_default=text("0")),
    Index(None, "state", "queue", "submitted_at", "id"),
    Index(None, "vm", "state"),
)

job_transitions = _serial_table(
    "job_transitions",
    _serial("seq"),
    Column("job", BigInteger, ForeignKey("jobs.id"), nullable=False, index=True),
    _real("at"),
    _word("state", JobState),
    _text("vm"),
    _text("minor"),
)

heartbeats = Table("heartbeats", metadata, _text("vm", primary_key=True), _real("at"), _text("data"))

listings = Table(
    "listings",
    metadata,
    _text("endpoint", primary_key=True),
    _real("at"),
    _real("complete_at"),
    _whole("count"),
    _text("error"),
)

sightings = Table(
    "sightings",
    metadata,
    _text("endpoint", primary_key=True),
    _text("instance_id", primary_key=True),
    _text("batch"),
    _real("first_seen"),
    _real("last_seen"),
    _whole("listings"),
)

UNACKNOWLEDGED = "acked_at = 0"

commands = _serial_table(
    "commands",
    _serial("id"),
    _text("vm", index=True),
    _text("verb"),
    _real("at"),
    _real("deadline"),
    _text("actor"),
    _real("acked_at"),
    _unique_where("uq_commands_unacknowledged", "vm", "verb", where=UNACKNOWLEDGED),
)

reasons = _serial_table(
    "reasons",
    _serial("seq"),
    _text("kind"),
    _text("subject", index=True),
    _text("reason"),
    _real("since"),
    _real("until"),
    Index(None, "until", "kind"),
)

enrolments = Table(
    "enrolments",
    metadata,
    _text("batch", primary_key=True),
    _text("instance_id", primary_key=True),
    _text("vm"),
    _text("key_hash"),
    _real("at"),
)

documents = Table("documents", metadata, _text("name", primary_key=True), _text("body"), _real("updated_at"))
