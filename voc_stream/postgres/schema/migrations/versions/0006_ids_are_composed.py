"""Ids are in Unicode's normal form C.

So an id that is composed in another way is the same customer. Only the stored events are changed
here; `voc-stream rebuild` recomputes what is derived from them.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IDENTIFIERS = (
    "customer_id",
    "site_id",
    "department",
    "employee_id",
    "product",
    "channel",
    "order_id",
)


def upgrade() -> None:
    """Apply."""
    composed = ", ".join(f"{name} = normalize({name}, NFC)" for name in IDENTIFIERS)
    differs = " OR ".join(f"{name} IS NOT NFC NORMALIZED" for name in IDENTIFIERS)
    op.execute(f"UPDATE voc.touchpoint_event SET {composed} WHERE {differs}")
