"""Measures are declared in the catalogue: kinds and units are more than three and two."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "COMMENT ON COLUMN voc.experience.kind IS"
        " 'rating, process, timing, share, nps or ratio; never averaged together / 类型';"
        " COMMENT ON COLUMN voc.experience.unit IS"
        " 'score (0-10), minutes, percent or count / 单位'"
    )
