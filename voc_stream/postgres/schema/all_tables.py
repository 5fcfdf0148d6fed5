"""Lists all tables by name, for code that needs all of them."""

from __future__ import annotations

from voc_stream.postgres.schema.tables.columns import metadata
from voc_stream.postgres.schema.tables.complaint import COMPLAINT
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.schema.tables.engine import (
    churn_pending,
    customer_move,
    detector,
    detector_clock,
    evaluation_clock,
    installation,
    late_hour,
    lock,
    outbox,
    profile_change,
    retraction_pending,
    risk_daily,
    site_level,
)
from voc_stream.postgres.schema.tables.events import retracted_event, retraction, touchpoint_event
from voc_stream.postgres.schema.tables.intake import dead_letter, stream_position
from voc_stream.postgres.schema.tables.learned.answers import (
    answer_band,
    answer_product,
    importance_weight,
)
from voc_stream.postgres.schema.tables.learned.churn import churn_model, churn_told
from voc_stream.postgres.schema.tables.learned.histories import (
    churn_cell,
    churn_history,
    churn_walk,
    walk_pending,
)
from voc_stream.postgres.schema.tables.learned.texts import (
    complaint_gram,
    complaint_term,
    complaint_text,
    text_clock,
    text_pending,
    text_suggestion,
)
from voc_stream.postgres.schema.tables.reading import (
    alert,
    churn_risk,
    experience,
    flow_stage,
    site_calendar,
)
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.schema.tables.rolling import (
    cube_cell,
    customer_moment,
    duration_count,
    experience_cube,
    increment,
    merged,
    pane,
    rolling_clock,
    rolling_sum,
)

complaint, customer_state, repair_order = COMPLAINT.table, CUSTOMER.table, REPAIR_ORDER.table

__all__ = [
    "alert",
    "answer_band",
    "answer_product",
    "churn_cell",
    "churn_history",
    "churn_model",
    "churn_pending",
    "churn_risk",
    "churn_told",
    "churn_walk",
    "complaint",
    "complaint_gram",
    "complaint_term",
    "complaint_text",
    "cube_cell",
    "customer_moment",
    "customer_move",
    "customer_state",
    "dead_letter",
    "detector",
    "detector_clock",
    "duration_count",
    "evaluation_clock",
    "experience",
    "experience_cube",
    "flow_stage",
    "importance_weight",
    "increment",
    "installation",
    "late_hour",
    "lock",
    "merged",
    "metadata",
    "outbox",
    "pane",
    "profile_change",
    "repair_order",
    "retracted_event",
    "retraction",
    "retraction_pending",
    "risk_daily",
    "rolling_clock",
    "rolling_sum",
    "site_calendar",
    "site_level",
    "stream_position",
    "text_clock",
    "text_pending",
    "text_suggestion",
    "touchpoint_event",
    "walk_pending",
]
