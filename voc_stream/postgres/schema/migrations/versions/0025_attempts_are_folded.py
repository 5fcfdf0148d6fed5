"""An order tells of the attempts to reach its customer after delivery."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Of orders that are stored, `rebuild` tells the attempts."""
    for name, type_, comment in (
        (
            "follow_up_attempts",
            sa.Integer(),
            (
                "calls from the delivery until one was completed; NULL while it is not delivered"
                " / 回访尝试次数"
            ),
        ),
        (
            "first_attempt_at",
            sa.DateTime(timezone=True),
            "the earliest of these calls / 首次回访尝试时间",
        ),
        (
            "last_attempt_at",
            sa.DateTime(timezone=True),
            "the latest of these calls / 最近回访尝试时间",
        ),
        (
            "last_attempt_outcome",
            sa.Text(),
            "how the latest of them ended: completed, no_answer or refused / 最近回访结果",
        ),
    ):
        op.add_column("repair_order", sa.Column(name, type_, comment=comment), schema="voc")
