"""What complaints say is counted, and suggests a category where none is stated.

Complaints whose texts are stored already are put into the queue.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}
WITH_TEXT = (
    "SELECT DISTINCT normalize(body ->> 'complaint_id', NFC) AS complaint_id"
    " FROM voc.touchpoint_event WHERE type = 'complaint' AND body ->> 'text' IS NOT NULL"
)


def upgrade() -> None:
    """Apply."""
    _create(
        "text_pending",
        "Complaints to be read by the chore read_texts, a row for each batch; emptied by it",
        _column(
            "complaint_ids",
            ARRAY(KEY),
            "complaints whose texts or stated category may have changed",
        ),
        postgresql_with=QUEUE,
    )
    _create(
        "complaint_text",
        "One row per complaint with a text: what complaint_gram counts of it",
        _column("complaint_id", KEY, "complaint"),
        _column(
            "month",
            sa.Date(),
            "first day of the month of its first text, in the time of the site",
        ),
        sa.Column("category", KEY, comment="the category that was stated; NULL if none was"),
        _column("texts", ARRAY(sa.Text()), "its first ten texts, each up to 2,000 characters"),
        sa.PrimaryKeyConstraint("complaint_id"),
    )
    op.create_index(
        "complaint_text_unsorted",
        "complaint_text",
        ["complaint_id"],
        schema="voc",
        postgresql_where=sa.text("category IS NULL"),
    )
    _create(
        "complaint_gram",
        "How many complaints say a gram, by month and stated category",
        _column("month", sa.Date(), "first day of a month"),
        _column("category", KEY, "the stated category; '' for complaints without one"),
        _column(
            "gram",
            KEY,
            "pair of Chinese characters, or a word or a pair of words of other languages",
        ),
        _column("n", sa.BigInteger(), "complaints of the month and category that say it"),
        sa.PrimaryKeyConstraint("month", "category", "gram"),
    )
    _create(
        "text_suggestion",
        "What complaints without a stated category seem to be about;"
        " read complaint_suggestion instead",
        _column("complaint_id", KEY, "complaint without a stated category / 投诉编号"),
        _column("category", KEY, "what its texts are about, as far as can be told / 建议类别"),
        _column("margin", sa.Double(), "how much more speaks for it than for the next / 领先幅度"),
        _column("reasons", ARRAY(sa.Text()), "up to three grams that speak for it most / 依据"),
        sa.PrimaryKeyConstraint("complaint_id"),
    )
    _create(
        "complaint_term",
        "Terms of the last two months with complaints, against the quarter before each: those"
        " that at least three complaints of the month say / 投诉新词",
        _column("month", sa.Date(), "first day of the month / 月份"),
        _column("gram", KEY, "what complaints of the month say / 用语"),
        _column("n", sa.BigInteger(), "complaints of the month that say it / 本月投诉数"),
        _column(
            "complaints", sa.BigInteger(), "complaints of the month with a text / 本月有文本投诉数"
        ),
        _column(
            "n_before",
            sa.BigInteger(),
            "complaints of the three months before that say it / 前三月",
        ),
        _column(
            "complaints_before",
            sa.BigInteger(),
            "complaints of those months with a text / 前三月总数",
        ),
        _column("p_value", sa.Double(), "how probable so many are if nothing has changed / P值"),
        _column(
            "is_new", sa.Boolean(), "whether it is new, with 5 % false discoveries / 是否新出现"
        ),
        sa.PrimaryKeyConstraint("month", "gram"),
    )
    _create(
        "text_clock",
        "How much the counts of complaint_gram have changed; one row",
        _column("clock", KEY, "always texts"),
        _column("changed", sa.BigInteger(), "how many complaints have been counted or taken back"),
        sa.PrimaryKeyConstraint("clock"),
    )
    op.execute(
        "COMMENT ON COLUMN voc.lock.name IS"
        " 'histories, sites, details, assessment, evaluation, outbox, retractions or texts'"
    )
    op.execute(
        "UPDATE voc.complaint SET fold_state = left(fold_state, -1) || ',\"has_text\"\\:true}'"
        f" WHERE complaint_id IN ({WITH_TEXT})"
    )
    op.execute(
        "INSERT INTO voc.text_pending SELECT array_agg(complaint_id) FROM"
        f" (SELECT complaint_id, row_number() OVER () / 1000 AS part FROM ({WITH_TEXT}) w) p"
        " GROUP BY part"
    )


def _create(name: str, comment: str, *columns: sa.schema.SchemaItem, **more: Any) -> None:
    op.create_table(name, *columns, schema="voc", comment=comment, **more)


def _column(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)
