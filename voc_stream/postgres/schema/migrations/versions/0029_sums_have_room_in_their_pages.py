"""A refresh adds to all rows of a page at once: half of it stays free, so that they stay in it."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for table in ("experience_cube", "pane", "rolling_sum"):
        op.execute(f"ALTER TABLE voc.{table} SET (fillfactor = 50)")
