"""What one worker does at a time is a row, which only roles of this program can lock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "lock",
        sa.Column(
            "name",
            sa.Text(collation="C"),
            primary_key=True,
            comment="sites, details, assessment, evaluation or outbox",
        ),
        schema="voc",
        comment="What one worker does at a time; whoever does it locks the row",
    )
