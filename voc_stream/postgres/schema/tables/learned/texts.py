"""Declares the tables of what complaints say."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Date, Double, Index, PrimaryKeyConstraint, Table, text
from sqlalchemy import Text as AnyText
from sqlalchemy.dialects.postgresql import ARRAY

from voc_stream.postgres.schema.tables.columns import KEY, QUEUE, column, metadata, required

text_pending = Table(
    "text_pending",
    metadata,
    required(
        "complaint_ids", ARRAY(KEY), "complaints whose texts or stated category may have changed"
    ),
    comment="Complaints to be read by the chore read_texts, a row for each batch; emptied by it",
    postgresql_with=QUEUE,
)


complaint_text = Table(
    "complaint_text",
    metadata,
    required("complaint_id", KEY, "complaint"),
    required("month", Date, "first day of the month of its first text, in the time of the site"),
    column("category", KEY, "the category that was stated; NULL if none was"),
    required("texts", ARRAY(AnyText), "its first ten texts, each up to 2,000 characters"),
    PrimaryKeyConstraint("complaint_id"),
    Index("complaint_text_unsorted", "complaint_id", postgresql_where=text("category IS NULL")),
    comment="One row per complaint with a text: what complaint_gram counts of it",
)


complaint_gram = Table(
    "complaint_gram",
    metadata,
    required("month", Date, "first day of a month"),
    required("category", KEY, "the stated category; '' for complaints without one"),
    required(
        "gram", KEY, "pair of Chinese characters, or a word or a pair of words of other languages"
    ),
    required("n", BigInteger, "complaints of the month and category that say it"),
    PrimaryKeyConstraint("month", "category", "gram"),
    comment="How many complaints say a gram, by month and stated category",
)


text_suggestion = Table(
    "text_suggestion",
    metadata,
    required("complaint_id", KEY, "complaint without a stated category / 投诉编号"),
    required("category", KEY, "what its texts are about, as far as can be told / 建议类别"),
    required("margin", Double, "how much more speaks for it than for the next / 领先幅度"),
    required("reasons", ARRAY(AnyText), "up to three grams that speak for it most / 依据"),
    PrimaryKeyConstraint("complaint_id"),
    comment="What complaints without a stated category seem to be about;"
    " read complaint_suggestion instead",
)


complaint_term = Table(
    "complaint_term",
    metadata,
    required("month", Date, "first day of the month / 月份"),
    required("gram", KEY, "what complaints of the month say / 用语"),
    required("n", BigInteger, "complaints of the month that say it / 本月投诉数"),
    required("complaints", BigInteger, "complaints of the month with a text / 本月有文本投诉数"),
    required("n_before", BigInteger, "complaints of the three months before that say it / 前三月"),
    required(
        "complaints_before", BigInteger, "complaints of those months with a text / 前三月总数"
    ),
    required("p_value", Double, "how probable so many are if nothing has changed / P值"),
    required("is_new", Boolean, "whether it is new, with 5 % false discoveries / 是否新出现"),
    PrimaryKeyConstraint("month", "gram"),
    comment="Terms of the last two months with complaints, against the quarter before each: those"
    " that at least three complaints of the month say / 投诉新词",
)


text_clock = Table(
    "text_clock",
    metadata,
    required("clock", KEY, "always texts"),
    required("changed", BigInteger, "how many complaints have been counted or taken back"),
    PrimaryKeyConstraint("clock"),
    comment="How much the counts of complaint_gram have changed; one row",
)
