"""An order knows what was promised first, and how often another moment was promised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Of orders that are stored, `rebuild` tells the first promise."""
    for name, type_, comment in (
        (
            "first_promised_at",
            sa.DateTime(timezone=True),
            "promised delivery, as stated first / 首次承诺交车时间",
        ),
        (
            "promise_moves",
            sa.Integer(),
            (
                "how many other moments were promised beside the first; NULL without a promise"
                " / 改约次数"
            ),
        ),
        (
            "on_time_first",
            sa.Boolean(),
            "delivered_at <= first_promised_at; NULL while either is unknown / 是否按首次承诺交车",
        ),
    ):
        op.add_column("repair_order", sa.Column(name, type_, comment=comment), schema="voc")
    op.execute(
        "COMMENT ON COLUMN voc.experience.unit IS 'score (0-10), minutes, percent or count / 单位'"
    )
