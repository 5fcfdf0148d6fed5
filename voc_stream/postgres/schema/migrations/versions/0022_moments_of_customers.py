"""What happened within some days after a moment can be measured: moments of customers.

Of what is stored `rebuild` tells the moments, once the catalogue names such a measure.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
COMMENTS = {
    "customer_id": "customer",
    "kind": "visit, delivered or complaint",
    "moment": "when it was",
    "entity_id": "order or complaint that tells of it",
    "site_id": "site, '' where unknown",
    "department": "department, '' where unknown",
    "employee_id": "employee, '' where unknown",
    "product": "product, '' where unknown",
    "channel": "channel, '' where unknown",
    "mode": "mode of a callback, '' where unknown",
    "segment": "segment, '' where unknown",
    "region": "region, '' where unknown",
}


def upgrade() -> None:
    """Apply."""
    types = {"moment": sa.DateTime(timezone=True)}
    op.create_table(
        "customer_moment",
        *[
            sa.Column(name, types.get(name, KEY), nullable=False, comment=comment)
            for name, comment in COMMENTS.items()
        ],
        sa.PrimaryKeyConstraint("customer_id", "kind", "moment", "entity_id"),
        schema="voc",
        comment="Moments of customers that measures with the source happened_within look at",
    )
