"""Declares the engine's own tables: work that waits, clocks, detectors and locks."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from voc_stream.postgres.schema.tables.columns import (
    KEY,
    QUEUE,
    TIME,
    column,
    metadata,
    required,
)
from voc_stream.postgres.schema.tables.intake import dead_letter

customer_move = Table(
    "customer_move",
    metadata,
    required("customer_id", KEY, "customer who has stated another segment or region"),
    PrimaryKeyConstraint("customer_id"),
    comment="Customers whose earlier events and orders are still counted under another profile,"
    " in part; emptied by the chores",
    postgresql_with=QUEUE,
)


profile_change = Table(
    "profile_change",
    metadata,
    required("number", BigInteger, "in the order of the commits", Identity()),
    column(
        "customer_id",
        KEY,
        "customer who has another profile since, or is gone; NULL for all customers",
    ),
    PrimaryKeyConstraint("number"),
    comment="The latest changes of profiles: whose profile batches must read anew",
    postgresql_with=QUEUE,
)


churn_pending = Table(
    "churn_pending",
    metadata,
    required("part", SmallInteger, "which part of the customers they belong to"),
    required("customer_ids", ARRAY(KEY), "customers of one batch whose risk may have changed"),
    comment="Customers whose risk is to be assessed again; emptied by the chores",
    postgresql_with=QUEUE,
)


retraction_pending = Table(
    "retraction_pending",
    metadata,
    required("number", BigInteger, "in the order of arrival", Identity()),
    required("event_ids", ARRAY(KEY), "events that one retraction named"),
    comment="Events that are still to be taken out of the tables; emptied by the chores",
    postgresql_with=QUEUE,
)


late_hour = Table(
    "late_hour",
    metadata,
    required("site_id", KEY, "site"),
    required("experience", KEY, "key experience"),
    required("hour", TIME, "start of the earliest settled hour that changed"),
    comment="Settled hours that changed, which the detectors are to hear once more;"
    " emptied by the evaluation",
    postgresql_with=QUEUE,
)


detector = Table(
    "detector",
    metadata,
    required("scope_type", KEY, "all or site"),
    required("scope", KEY, "'' for all"),
    required("experience", KEY, "key experience"),
    required("baseline_n", BigInteger, "scores of the eight weeks before it was made"),
    required("baseline_mean", Double, "what is usual here, in points"),
    required("phi", Double, "how many scores say as much as one independent score"),
    required("made_at", TIME, "when the baseline was taken"),
    column("fallen_at", TIME, "the settled hour that announced a drop; NULL while there is none"),
    column(
        "stale_from", TIME, "what it knows of hours from then on is computed anew; NULL if none"
    ),
    required("digest", Text, "digest of what it was made from beside its own hours and days"),
    required("state", JSON, "its last checkpoint: charts and where they stand; not for readers"),
    required("marks", JSON, "earlier checkpoints; not for readers"),
    PrimaryKeyConstraint("scope_type", "scope", "experience"),
    # Few rows are ever in them, and both are asked for by every evaluation.
    Index("detector_stale", "made_at", postgresql_where=text("stale_from IS NOT NULL")),
    Index("detector_fallen", "fallen_at", postgresql_where=text("fallen_at IS NOT NULL")),
    comment="The charts that look for drops, one row per key experience and scope; a cache: what is"
    " deleted is computed again",
    postgresql_with={"fillfactor": "50"},
)


detector_clock = Table(
    "detector_clock",
    metadata,
    required("clock", KEY, "always detectors"),
    required("heard_until", TIME, "the detectors know all hours before it"),
    required("number", BigInteger, "number of the evaluation"),
    required("is_look_due", Boolean, "whether something older than a day came since the last look"),
    required("look", JSON, "what is common to all sites; not for readers"),
    PrimaryKeyConstraint("clock"),
    comment="Up to when the detectors have heard; one row",
)


site_level = Table(
    "site_level",
    metadata,
    required("site_id", KEY, "site"),
    required("experience", KEY, "key experience"),
    required("since", TIME, "first day"),
    required("until", TIME, "the day after the last one"),
    required("level", Integer, "what the site usually scores, in hundredths of a point"),
    PrimaryKeyConstraint("site_id", "experience", "since"),
    comment="The own level of each site, to which detectors of all sites together compare scores",
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
    postgresql_with=QUEUE,
)


lock = Table(
    "lock",
    metadata,
    required(
        "name",
        KEY,
        "histories, sites, details, assessment, evaluation, outbox, retractions, texts,"
        " importance, churn_model or walks",
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
    required("model_version", Text, "version of the model: fitted, or of the catalogue / 模型版本"),
    required("counted_at", TIME, "when they were counted last / 统计时间"),
    PrimaryKeyConstraint("day"),
    comment="How many customers were at risk, by day / 每日流失风险",
)
