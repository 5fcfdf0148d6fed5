"""The catalogue's copy says what the numbers of a measure are, and which stages an order passes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], str], ...] = (
    (
        "scale",
        sa.Text(),
        "points, share, nps, minutes, percent or count: what its numbers are / 数值类型",
    ),
    (
        "shown_times",
        sa.Double(),
        "what a stored number is multiplied by to be shown / 显示倍数",
    ),
    ("shown_unit", sa.Text(), "the unit of a number that is shown / 显示单位"),
    ("difference_unit", sa.Text(), "the unit of a difference that is shown / 差值单位"),
)
COMMENTS = {
    "contribution": "What has been accepted and not yet merged into the scopes all and site of"
    " pane and rolling_sum; emptied by the chores",
    "detail_contribution": "What has not yet been merged into the other scopes and into"
    " experience_cube; emptied by the chores",
    "customer_move": "Customers whose earlier events and orders are still counted under another"
    " profile, in part; emptied by the chores",
    "churn_pending": "Customers whose risk is to be assessed again; emptied by the chores",
    "retraction_pending": "Events that are still to be taken out of the tables; emptied by the"
    " chores",
    "arrival": "Scores of key experiences that the detectors have not seen; emptied by the"
    " evaluation",
    "experience": "The experiences and measures of the catalogue, for joins / 体验项目录",
}


def upgrade() -> None:
    """Apply. The first worker writes what the catalogue says."""
    for name, type_, comment in COLUMNS:
        op.add_column(
            "experience", sa.Column(name, type_, nullable=True, comment=comment), schema="voc"
        )
    # Also of those that the catalogue no longer names.
    op.execute(
        "UPDATE voc.experience SET (scale, shown_times, shown_unit, difference_unit) = ("
        "SELECT s.scale, s.times, s.unit, s.difference FROM (VALUES"
        " ('points', 1, 'points', 'points'), ('share', 10, '%', 'percentage points'),"
        " ('nps', 100, 'NPS', 'NPS points'), ('minutes', 1, 'min', 'minutes'),"
        " ('percent', 1, '%', 'percentage points'), ('count', 1, 'times', 'times'))"
        " AS s (scale, times, unit, difference) WHERE s.scale = CASE WHEN experience.unit <>"
        " 'score' THEN experience.unit WHEN experience.kind = 'nps' THEN 'nps'"
        " WHEN experience.kind = 'rating' THEN 'points' ELSE 'share' END)"
    )
    for name, _, _ in COLUMNS:
        op.alter_column("experience", name, nullable=False, schema="voc")
    op.create_table(
        "flow_stage",
        sa.Column("stage", KEY, nullable=False, comment="stage of the trade's flow / 环节"),
        sa.Column(
            "place",
            sa.Integer(),
            nullable=False,
            comment="1 for the first; stages follow each other / 顺序",
        ),
        sa.Column("label_en", sa.Text(), nullable=False, comment="English label"),
        sa.Column("label_zh", sa.Text(), nullable=False, comment="中文名称"),
        sa.Column(
            "is_after_delivery",
            sa.Boolean(),
            nullable=False,
            comment="it follows the end of the visit / 是否在交付之后",
        ),
        sa.PrimaryKeyConstraint("stage"),
        schema="voc",
        comment="The stages of the catalogue's flow, in their order / 流程环节",
    )
    for table, comment in COMMENTS.items():
        op.execute(f"COMMENT ON TABLE voc.{table} IS '{comment}'")
