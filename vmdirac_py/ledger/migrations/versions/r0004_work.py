"""Batches know what jobs they were launched for, VMs when they got their first payload; of old ones nobody knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("batches", sa.Column("shapes", sa.Text(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column("vms", sa.Column("worked_at", sa.Double(), server_default=sa.text("0"), nullable=False))
