"""Jobs know what they used; of those there are, nobody knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns."""
    for name, kind in (("used_cpu_seconds", sa.Double()), ("peak_ram_mb", sa.BigInteger())):
        op.add_column("jobs", sa.Column(name, kind, server_default=sa.text("0"), nullable=False))
