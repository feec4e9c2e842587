"""One database transaction, seen through its parts."""

from __future__ import annotations

from sqlalchemy import Connection

from vmdirac_py.base.clock import Clock

from . import api
from .backend import Backend
from .batches import SqlBatches
from .commands import SqlCommands
from .enrolments import SqlEnrolments
from .jobs import SqlJobs
from .meta import SqlDocuments, SqlMeta
from .observations import SqlObservations
from .reasons import SqlReasons
from .revisions import SqlPlans, SqlRevisions
from .vms import SqlVms


class SqlTransaction:
    """Everything the ledger keeps, through `connection`, whose transaction has begun."""

    def __init__(self, connection: Connection, clock: Clock, backend: Backend) -> None:
        self.meta: api.Meta = SqlMeta(connection, clock)
        self.events: api.Events = backend.events(connection, clock)
        self.leases: api.Leases = backend.leases(connection, clock)
        self.revisions: api.Revisions = SqlRevisions(connection, clock)
        self.plans: api.Plans = SqlPlans(connection, clock)
        self.batches: api.Batches = SqlBatches(connection, clock)
        self.vms: api.Vms = SqlVms(connection, clock)
        self.jobs: api.Jobs = SqlJobs(connection, clock)
        self.observations: api.Observations = SqlObservations(connection, clock)
        self.commands: api.Commands = SqlCommands(connection, clock)
        self.reasons: api.Reasons = SqlReasons(connection, clock)
        self.enrolments: api.Enrolments = SqlEnrolments(connection, clock)
        self.documents: api.Documents = SqlDocuments(connection, clock)
