"""VMs have a soft end; those there are have none yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("vms", sa.Column("soft_end", sa.Double(), server_default=sa.text("0"), nullable=False))
