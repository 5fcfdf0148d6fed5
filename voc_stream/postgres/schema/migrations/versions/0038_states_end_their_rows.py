"""States stand at the end of their rows: an update logs nothing of an end that stays as it was.

Each table is written once, with the old columns empty.
"""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLES = ("repair_order", "complaint", "customer_state")
COMMENTS = {
    "version": "counts the writes of this row; a writer that read an older one starts again",
    "fold_state": "what later events may still need of earlier ones, as JSON; not for readers",
}


def upgrade() -> None:
    """Apply."""
    for table in (f"voc.{name}" for name in TABLES):
        op.execute(
            f"ALTER TABLE {table} RENAME COLUMN version TO old_version;"
            f" ALTER TABLE {table} RENAME COLUMN fold_state TO old_state;"
            f" ALTER TABLE {table} ADD COLUMN version integer, ADD COLUMN fold_state text;"
            f" ALTER TABLE {table} ALTER COLUMN old_version DROP NOT NULL,"
            " ALTER COLUMN old_state DROP NOT NULL,"
            " ALTER COLUMN version TYPE integer USING old_version,"
            " ALTER COLUMN fold_state TYPE text USING old_state,"
            " ALTER COLUMN old_version TYPE integer USING NULL,"
            " ALTER COLUMN old_state TYPE text USING NULL;"
            f" ALTER TABLE {table} ALTER COLUMN version SET NOT NULL,"
            " ALTER COLUMN fold_state SET NOT NULL,"
            " DROP COLUMN old_version, DROP COLUMN old_state"
        )
        for column, comment in COMMENTS.items():
            op.execute(f"COMMENT ON COLUMN {table}.{column} IS '{comment}'")
