"""The engine's own tables of schema `voc`: what is not yet merged, and the sums that readers see through views."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from voc_stream.domain.dimensions import CUBE, CUBE_KEY, DIMENSIONS
from voc_stream.postgres.schema.reader_tables import (
    KEY,
    SCORE_BINS,
    TIME,
    column,
    dead_letter,
    metadata,
    required,
)

__all__ = [
    "arrival",
    "churn_pending",
    "contribution",
    "customer_move",
    "detail_contribution",
    "detector",
    "evaluation_clock",
    "experience_cube",
    "installation",
    "lock",
    "metadata",
    "outbox",
    "pane",
    "retraction_pending",
    "risk_daily",
    "rolling_clock",
    "rolling_sum",
]

# A queue is emptied again and again: vacuum it by its churn, not by its size.
_QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}


def _sums() -> list[Column[Any]]:
    return [
        required("n", BigInteger, "contributions / 样本数"),
        required(
            "score_sum",
            BigInteger,
            "sum of values, in hundredths of a point (of a minute for timings) / 分值之和（百分之一分）",
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


def _contribution() -> list[Column[Any]]:
    return [
        required("moment", TIME, "when it counts"),
        *(required(each.column, Text, each.comment) for each in DIMENSIONS),
        required("weight", SmallInteger, "1 adds, -1 takes back"),
        required("experience", ARRAY(Text), "experiences"),
        required("value", ARRAY(Integer), "their values, in hundredths"),
        column(
            "expectation",
            ARRAY(Integer),
            "stated expectations, in hundredths; NULL where none was stated",
        ),
        column(
            "importance",
            ARRAY(Integer),
            "stated importances, in hundredths; NULL where none was stated",
        ),
    ]


contribution = Table(
    "contribution",
    metadata,
    *_contribution(),
    required("number", BigInteger, "in the order of arrival", Identity()),
    comment="What has been accepted and not yet merged into the scopes all and site of pane and rolling_sum; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

detail_contribution = Table(
    "detail_contribution",
    metadata,
    *_contribution(),
    required("number", BigInteger, "in the order of arrival"),
    comment="What has not yet been merged into the other scopes and into experience_cube; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

experience_cube = Table(
    "experience_cube",
    metadata,
    required("day", Date, "day in the time zone of the site"),
    required("experience", KEY, "experience"),
    *(required(each.column, KEY, each.comment) for each in CUBE),
    *_sums(),
    *(
        required(f"bin_{number}", BigInteger, f"count of histogram bin {number}")
        for number in range(SCORE_BINS)
    ),
    PrimaryKeyConstraint(*CUBE_KEY),
    comment="Merged part of experience_daily; read that view instead",
    postgresql_with={"fillfactor": "80"},
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
    postgresql_with={"fillfactor": "80"},
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
    comment="Sums over the closed panes of each horizon, all but the newest; read the view rolling_satisfaction instead",
    postgresql_with={"fillfactor": "70"},
)

rolling_clock = Table(
    "rolling_clock",
    metadata,
    required("refresh", KEY, "sites (scope types all and site) or details (the others)"),
    required("as_of", TIME, "the moment at which their horizons end"),
    required("turn", Integer, "which part of sites and employees is next where the queue is long"),
    PrimaryKeyConstraint("refresh"),
    comment="The moment of the last refresh of the rolling tables",
)

customer_move = Table(
    "customer_move",
    metadata,
    required("customer_id", KEY, "customer who has stated another segment or region"),
    PrimaryKeyConstraint("customer_id"),
    comment="Customers whose earlier events and orders are still counted under another profile, in part; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

churn_pending = Table(
    "churn_pending",
    metadata,
    required("part", SmallInteger, "which part of the customers they belong to"),
    required("customer_ids", ARRAY(KEY), "customers of one batch whose risk may have changed"),
    comment="Customers whose risk is to be assessed again; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

retraction_pending = Table(
    "retraction_pending",
    metadata,
    required("number", BigInteger, "in the order of arrival", Identity()),
    required("event_ids", ARRAY(KEY), "events that one retraction named"),
    comment="Events that are still to be taken out of the tables; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

arrival = Table(
    "arrival",
    metadata,
    required("scope_type", KEY, "all or site"),
    required("scope", KEY, "'' for all"),
    required("experience", KEY, "key experience"),
    required("hour", TIME, "start of the hour in which they count"),
    required("n", BigInteger, "scores that arrived; those taken back count against it"),
    required("score_sum", BigInteger, "their sum, in hundredths"),
    required("score_sq_sum", Numeric, "sum of their squares, in hundredths squared"),
    comment="Scores of key experiences that the detectors have not seen; emptied by the evaluator",
    postgresql_with=_QUEUE,
)

detector = Table(
    "detector",
    metadata,
    required("scope_type", KEY, "all or site"),
    required("scope", KEY, "'' for all"),
    required("experience", KEY, "key experience"),
    required("baseline_n", BigInteger, "scores of the eight weeks before it was made"),
    required("baseline_mean", Double, "what is usual here, in points"),
    required("made_at", TIME, "when the baseline was taken"),
    required("state", JSON, "charts and where they stand; not for readers"),
    PrimaryKeyConstraint("scope_type", "scope", "experience"),
    comment="The charts that look for drops, one row per key experience and scope",
    postgresql_with={"fillfactor": "50"},
)

evaluation_clock = Table(
    "evaluation_clock",
    metadata,
    required("evaluator", KEY, "always alerts"),
    required("as_of", TIME, "the moment of which the alerts are"),
    required("evaluated_at", TIME, "when drops were last looked for"),
    column("others_at", TIME, "when the other rules were last judged"),
    required(
        "others_found", JSON, "what they found then: an alert of theirs starts with the second time"
    ),
    PrimaryKeyConstraint("evaluator"),
    comment="The moment of the last evaluation of the alerts",
)

installation = Table(
    "installation",
    metadata,
    required("installation_id", KEY, "made by init, for ever"),
    column("trade", Text, "trade of the catalogue that rules; NULL until a worker has started"),
    column("catalogue_version", Integer, "its version"),
    column("catalogue_digest", Text, "digest of what it says"),
    column("ruled_since", TIME, "when it took over"),
    PrimaryKeyConstraint("installation_id"),
    comment="Which installation this database is, and which catalogue rules it; one row",
)

outbox = Table(
    "outbox",
    metadata,
    required("number", BigInteger, "order of the messages", Identity(always=True)),
    required("kind", Text, "alert or dead_letter: which topic it goes to"),
    column("alert_id", KEY, "alert that started or ended"),
    column("message", Text, "what goes to the topic of alerts, in JSON"),
    column("dead_letter_id", BigInteger, "refused message that goes to the topic of dead letters"),
    column("claimed_at", TIME, "when a worker took it to send it"),
    column("claimed_by", Text, "the worker that took it"),
    PrimaryKeyConstraint("number"),
    ForeignKeyConstraint(
        ["dead_letter_id"], [dead_letter.c.dead_letter_id], name="outbox_letter", ondelete="CASCADE"
    ),
    Index("outbox_kind", "kind", "number"),
    Index(
        "outbox_dead_letter", "dead_letter_id", postgresql_where=text("dead_letter_id IS NOT NULL")
    ),
    Index("outbox_claimed", "kind", postgresql_where=text("claimed_at IS NOT NULL")),
    comment="Messages that still have to go to a topic of Kafka",
    postgresql_with=_QUEUE,
)

lock = Table(
    "lock",
    metadata,
    required(
        "name", KEY, "histories, sites, details, assessment, evaluation, outbox or retractions"
    ),
    PrimaryKeyConstraint("name"),
    comment="What one worker does at a time; whoever does it locks the row",
)

risk_daily = Table(
    "risk_daily",
    metadata,
    required("day", Date, "day (UTC)"),
    required("customers", BigInteger, "customers with a risk / 客户数"),
    required("at_risk", BigInteger, "of them in the bands high and critical / 高风险客户数"),
    required("model_version", Text, "version of the model in the catalogue / 模型版本"),
    required("counted_at", TIME, "when they were counted last / 统计时间"),
    PrimaryKeyConstraint("day"),
    comment="How many customers were at risk, by day / 每日流失风险",
)
