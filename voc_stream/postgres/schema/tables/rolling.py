"""Declares what is not yet merged, and the sums that readers see through views."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Identity,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
)

from voc_stream.domain.dimensions import CUBE, DIMENSIONS
from voc_stream.postgres.schema.tables.columns import (
    ADDED_IN_PLACE,
    KEY,
    QUEUE,
    SCORE_BINS,
    TIME,
    column,
    metadata,
    required,
)


def _sums() -> list[Column[Any]]:
    return [
        required("n", BigInteger, "contributions / 样本数"),
        required(
            "score_sum",
            BigInteger,
            "sum of values, in hundredths of a point (of a minute for timings)"
            " / 分值之和（百分之一分）",
        ),
        required(
            "score_sq_sum", Numeric, "sum of squared values, in hundredths squared / 分值平方和"
        ),
        required(
            "expectation_n",
            BigInteger,
            "contributions with a stated expectation / 有期望值的样本数",
        ),
        required(
            "expectation_sum", BigInteger, "sum of stated expectations, in hundredths / 期望值之和"
        ),
        required(
            "importance_n", BigInteger, "contributions with a stated importance / 有重要度的样本数"
        ),
        required(
            "importance_sum", BigInteger, "sum of stated importances, in hundredths / 重要度之和"
        ),
    ]


def _boxes() -> list[Column[Any]]:
    return [
        required("top_n", BigInteger, "values of 9 points or more"),
        required("bottom_n", BigInteger, "values of 6 points or less"),
    ]


increment = Table(
    "increment",
    metadata,
    required("topic", KEY, "topic of the batch; '~histories' or '~retractions' of what corrects"),
    required("partition", Integer, "its partition"),
    required("number", BigInteger, "in the order in which those of a partition are committed"),
    required("measures", Integer, "how many values it holds"),
    required("earliest", TIME, "the earliest moment of which it says something"),
    required("data", LargeBinary, "columns of integers, and the names they stand for"),
    PrimaryKeyConstraint("topic", "partition", "number"),
    comment="What a batch adds to sums and takes back, until every level has merged it; deleted by"
    " the chores",
    postgresql_with=QUEUE,
)


merged = Table(
    "merged",
    metadata,
    required("level", KEY, "sites or details: which sums"),
    required("topic", KEY, "topic of increments"),
    required("partition", Integer, "its partition"),
    required("number", BigInteger, "the number of the last increment that is in the sums"),
    PrimaryKeyConstraint("level", "topic", "partition"),
    comment="Which increments the sums of a level hold: those up to a number of each partition",
)


cube_cell = Table(
    "cube_cell",
    metadata,
    required("cell", Integer, "number of the cell", Identity(always=True)),
    *(required(each.column, KEY, each.comment) for each in CUBE),
    PrimaryKeyConstraint("cell"),
    UniqueConstraint(*(each.column for each in CUBE), name="cube_cell_dimensions"),
    comment="Every combination of dimensions that ever occurred, with the number that stands for"
    " it in experience_cube",
)


# Most rows have samples in one or two bins only, and a NULL takes no room.
experience_cube = Table(
    "experience_cube",
    metadata,
    required("day", Date, "day in the time zone of the site"),
    required("cell", Integer, "combination of dimensions, of cube_cell"),
    required("experience", KEY, "experience"),
    *_sums(),
    *(
        column(f"bin_{number}", BigInteger, f"count of histogram bin {number}; NULL for none")
        for number in range(SCORE_BINS)
    ),
    PrimaryKeyConstraint("day", "cell", "experience"),
    comment="What experience_daily shows with its dimensions; read that view instead",
    postgresql_with=ADDED_IN_PLACE,
)


duration_count = Table(
    "duration_count",
    metadata,
    required("day", Date, "day in the time zone of the site"),
    required("site_id", KEY, "site, '' where unknown"),
    required("experience", KEY, "a measure in minutes"),
    required("bucket", SmallInteger, "which durations: a bucket is a twentieth of its edge wide"),
    required("n", BigInteger, "how many durations"),
    PrimaryKeyConstraint("day", "site_id", "experience", "bucket"),
    comment="Durations counted for percentiles; read duration_daily and duration_rolling instead",
    postgresql_with={"fillfactor": "90"},
)


pane = Table(
    "pane",
    metadata,
    required("resolution", SmallInteger, "5 (minutes), 60 (an hour) or 1440 (a day)"),
    required("start", TIME, "start of the pane"),
    required("scope_type", KEY, "all, or the name of a dimension"),
    required("scope", KEY, "'' for all"),
    required("experience", KEY, "experience"),
    *_sums(),
    *_boxes(),
    PrimaryKeyConstraint("resolution", "start", "scope_type", "scope", "experience"),
    comment="Merged sums by time pane and scope: what enters and leaves the horizons",
    postgresql_with=ADDED_IN_PLACE,
)


rolling_sum = Table(
    "rolling_sum",
    metadata,
    required("horizon", KEY, "1h, 24h, 7d, 30d or 90d"),
    required("scope_type", KEY, "all, or the name of a dimension"),
    required("scope", KEY, "'' for all"),
    required("experience", KEY, "experience"),
    *_sums(),
    *_boxes(),
    PrimaryKeyConstraint("horizon", "scope_type", "scope", "experience"),
    comment="Sums over the closed panes of each horizon, all but the newest;"
    " read the view rolling_satisfaction instead",
    postgresql_with=ADDED_IN_PLACE,
)


rolling_clock = Table(
    "rolling_clock",
    metadata,
    required("refresh", KEY, "sites (scope types all and site) or details (the others)"),
    required("as_of", TIME, "the moment at which their horizons end"),
    PrimaryKeyConstraint("refresh"),
    comment="The moment of the last refresh of the rolling tables",
)


customer_moment = Table(
    "customer_moment",
    metadata,
    required("customer_id", KEY, "customer"),
    required("kind", KEY, "visit, delivered or complaint"),
    required("moment", TIME, "when it was"),
    required("entity_id", KEY, "order or complaint that tells of it"),
    *(required(each.column, KEY, each.comment) for each in DIMENSIONS),
    PrimaryKeyConstraint("customer_id", "kind", "moment", "entity_id"),
    comment="Moments of customers that measures with the source happened_within look at",
)
