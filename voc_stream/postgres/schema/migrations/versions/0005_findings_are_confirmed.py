"""Alerts start when what was found is found again.

The interval of a drop is that of its own scores.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    found = sa.Column(
        "others_found",
        JSON,
        nullable=False,
        server_default="{}",
        comment="what they found then: an alert of theirs starts with the second time",
    )
    op.add_column("evaluation_clock", found, schema="voc")
    op.alter_column("evaluation_clock", "others_found", server_default=None, schema="voc")
    squares = sa.Column(
        "score_sq_sum",
        sa.Numeric,
        nullable=False,
        server_default="0",
        comment="sum of their squares, in hundredths squared",
    )
    op.add_column("arrival", squares, schema="voc")
    op.alter_column("arrival", "score_sq_sum", server_default=None, schema="voc")
