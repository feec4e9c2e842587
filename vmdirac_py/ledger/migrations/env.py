"""Runs the revisions within the transaction that `vmdirac_py.ledger.migrate` has begun."""

from __future__ import annotations

from alembic import context

from vmdirac_py.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
