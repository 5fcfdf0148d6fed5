"""Days are those of the site's time zone, which the catalogue states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "site_calendar",
        sa.Column(
            "site_id",
            sa.Text(),
            nullable=False,
            comment="site; '' for all that have no row / 门店",
        ),
        sa.Column(
            "time_zone",
            sa.Text(),
            nullable=False,
            comment="IANA time zone in which its days are counted / 时区",
        ),
        sa.Column(
            "closed_for_good",
            sa.Date(),
            nullable=True,
            comment="first day on which it does not exist any more / 永久关闭日期",
        ),
        sa.PrimaryKeyConstraint("site_id"),
        schema="voc",
        comment="The calendars of sites as the catalogue states them / 门店日历",
    )
    op.alter_column(
        "experience_cube", "day", comment="day in the time zone of the site", schema="voc"
    )
