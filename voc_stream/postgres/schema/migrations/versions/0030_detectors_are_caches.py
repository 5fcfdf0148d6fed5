"""Detectors hear whole hours in their order, and are caches of what these say.

What detectors knew is computed anew from hours and days. Open alerts go on, if these bear them out.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)
QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}


def upgrade() -> None:
    """Apply."""
    op.drop_table("arrival", schema="voc")
    op.drop_table("detector", schema="voc")
    _create(
        "late_hour",
        "Settled hours that changed, which the detectors are to hear once more;"
        " emptied by the evaluation",
        _column("site_id", KEY, "site"),
        _column("experience", KEY, "key experience"),
        _column("hour", TIME, "start of the earliest settled hour that changed"),
        postgresql_with=QUEUE,
    )
    _create(
        "detector",
        "The charts that look for drops, one row per key experience and scope; a cache: what is"
        " deleted is computed again",
        _column("scope_type", KEY, "all or site"),
        _column("scope", KEY, "'' for all"),
        _column("experience", KEY, "key experience"),
        _column("baseline_n", sa.BigInteger(), "scores of the eight weeks before it was made"),
        _column("baseline_mean", sa.Double(), "what is usual here, in points"),
        _column("phi", sa.Double(), "how many scores say as much as one independent score"),
        _column("made_at", TIME, "when the baseline was taken"),
        sa.Column(
            "fallen_at",
            TIME,
            comment="the settled hour that announced a drop; NULL while there is none",
        ),
        sa.Column(
            "stale_from",
            TIME,
            comment="what it knows of hours from then on is computed anew; NULL if none",
        ),
        _column(
            "digest", sa.Text(), "digest of what it was made from beside its own hours and days"
        ),
        _column(
            "state",
            sa.JSON(),
            "its last checkpoint: charts and where they stand; not for readers",
        ),
        _column("marks", sa.JSON(), "earlier checkpoints; not for readers"),
        sa.PrimaryKeyConstraint("scope_type", "scope", "experience"),
        postgresql_with={"fillfactor": "50"},
    )
    for name, column, condition in (
        ("detector_stale", "made_at", "stale_from IS NOT NULL"),
        ("detector_fallen", "fallen_at", "fallen_at IS NOT NULL"),
    ):
        op.create_index(
            name, "detector", [column], schema="voc", postgresql_where=sa.text(condition)
        )
    _create(
        "detector_clock",
        "Up to when the detectors have heard; one row",
        _column("clock", KEY, "always detectors"),
        _column("heard_until", TIME, "the detectors know all hours before it"),
        _column("number", sa.BigInteger(), "number of the evaluation"),
        _column(
            "is_look_due",
            sa.Boolean(),
            "whether something older than a day came since the last look",
        ),
        _column("look", sa.JSON(), "what is common to all sites; not for readers"),
        sa.PrimaryKeyConstraint("clock"),
    )
    _create(
        "site_level",
        "The own level of each site, to which detectors of all sites together compare scores",
        _column("site_id", KEY, "site"),
        _column("experience", KEY, "key experience"),
        _column("since", TIME, "first day"),
        _column("until", TIME, "the day after the last one"),
        _column("level", sa.Integer(), "what the site usually scores, in hundredths of a point"),
        sa.PrimaryKeyConstraint("site_id", "experience", "since"),
    )


def _create(name: str, comment: str, *columns: sa.schema.SchemaItem, **more: Any) -> None:
    op.create_table(name, *columns, schema="voc", comment=comment, **more)


def _column(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)
