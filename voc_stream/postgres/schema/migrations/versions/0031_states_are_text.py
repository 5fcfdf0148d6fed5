"""States are stored as text, each whole in one column.

PostgreSQL read every JSON whole to check it, though only the worker reads most of it. The stages of
an order stood apart from the rest of its state, so that each row was encoded in two pieces.
"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLES = ("repair_order", "complaint", "customer_state")


def upgrade() -> None:
    """Apply."""
    # Both are objects: without their braces they are one.
    merged = (
        "left(fold_state::text, -1) || coalesce(',' || nullif(substr(stages::text, 2), '}'), '}')"
    )
    for table in TABLES:
        state = merged if table == "repair_order" else "fold_state::text"
        op.execute(
            f"ALTER TABLE voc.{table} ALTER COLUMN fold_state TYPE text USING {state};"
            f" COMMENT ON COLUMN voc.{table}.fold_state IS"
            " 'what later events may still need of earlier ones, as JSON; not for readers'"
        )
    op.execute("ALTER TABLE voc.repair_order DROP COLUMN stages")
