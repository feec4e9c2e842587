"""VMs remember the image and profile they were made from; of those there are, nobody knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns."""
    for name in ("image", "profile"):
        op.add_column("vms", sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False))
