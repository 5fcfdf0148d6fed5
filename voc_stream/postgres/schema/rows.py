"""From domain states to rows and back. The column order of each function is that of its COLUMNS."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.customer import CustomerState
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.entities.stated import value_of
from voc_stream.postgres.session.copy_csv import array

if TYPE_CHECKING:
    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.entities.journey import LastMoment, Moments
    from voc_stream.postgres.session.copy_csv import Value

_encoder = msgspec.json.Encoder()

ORDER_COLUMNS = (
    "order_id", "version", "fold_state", "customer_id", "site_id", "product", "current_stage", "promised_at", "delivered_at", "on_time",
    "follow_up_due_at", "followed_up_at", "estimated_amount", "final_amount", "peak_score", "end_score", "memory_score", "mean_score",
    "last_moment_at",
)  # fmt: skip
COMPLAINT_COLUMNS = (
    "complaint_id", "version", "fold_state", "customer_id", "site_id", "order_id", "category", "severity", "state", "opened_at",
    "acknowledged_at", "apologised_at", "resolved_at", "informed_at", "closed_at", "withdrawn_at", "reopened", "minutes_to_resolve",
    "compensation", "handed_to",
)  # fmt: skip
CUSTOMER_COLUMNS = (
    "customer_id", "version", "fold_state", "segment", "region", "annual_value", "lifecycle_stage", "churned_at", "won_back_at",
    "churn_reason", "first_seen_at", "last_seen_at",
)  # fmt: skip
CONTRIBUTION_COLUMNS = (
    "moment", *COLUMNS, "weight", "experience", "value", "expectation", "importance",
)  # fmt: skip

decode_order = msgspec.json.Decoder(OrderState).decode
decode_complaint = msgspec.json.Decoder(ComplaintState).decode
decode_customer = msgspec.json.Decoder(CustomerState).decode


def order_row(state: OrderState, version: int) -> tuple[Value, ...]:
    """A row of repair_order."""
    moments = state.moments
    return (
        state.order_id,
        version,
        _encoder.encode(state).decode(),
        value_of(state.customer_id),
        value_of(state.site_id),
        value_of(state.product),
        state.current_stage,
        value_of(state.promised_at),
        *((None,) * 4 if state.delivered_at is None else _delivery(state)),
        _units(value_of(state.estimated_amount)),
        _units(value_of(state.final_amount)),
        *((None,) * 5 if moments.last is None else _memory(moments, moments.last)),
    )


def _delivery(state: OrderState) -> tuple[Value, ...]:
    return (state.delivered_at, state.on_time, state.follow_up_due_at, state.followed_up_at)


def _memory(moments: Moments, last: LastMoment) -> tuple[Value, ...]:
    return (
        _units(moments.peak),
        last.score / 100,
        _units(moments.memory),
        _units(moments.mean),
        last.at,
    )


def complaint_row(state: ComplaintState, version: int) -> tuple[Value, ...]:
    """A row of complaint."""
    time_to_resolve = state.time_to_resolve
    return (
        state.complaint_id,
        version,
        _encoder.encode(state).decode(),
        value_of(state.customer_id),
        value_of(state.site_id),
        value_of(state.order_id),
        value_of(state.category),
        value_of(state.severity),
        state.state,
        state.opened_at,
        *(
            state.time_of(action)
            for action in (
                "acknowledged",
                "apologised",
                "resolved",
                "informed",
                "closed",
                "withdrawn",
            )
        ),
        state.reopened,
        None if time_to_resolve is None else time_to_resolve.total_seconds() / 60,
        _units(value_of(state.compensation)),
        value_of(state.handed_to),
    )


def customer_row(state: CustomerState, version: int) -> tuple[Value, ...]:
    """A row of customer."""
    return (
        state.customer_id,
        version,
        _encoder.encode(state).decode(),
        value_of(state.segment),
        value_of(state.region),
        _units(value_of(state.annual_value)),
        value_of(state.lifecycle_stage),
        state.churned_at,
        state.won_back_at,
        value_of(state.churn_reason),
        state.first_seen_at,
        state.last_seen_at,
    )


def contribution_row(contribution: Contribution) -> tuple[Value, ...]:
    """A row of contribution; arrays without a single value are left out."""
    measures = contribution.measures
    return (
        contribution.moment,
        *contribution.dimensions,
        contribution.weight,
        _names(tuple([measure.experience for measure in measures])),
        array([measure.value for measure in measures]),
        _optional_array([measure.expectation for measure in measures]),
        _optional_array([measure.importance for measure in measures]),
    )


# The items of a survey come in the same order again and again.
_names = lru_cache(maxsize=4096)(array)


def _optional_array(values: list[int | None]) -> str | None:
    return None if values.count(None) == len(values) else array(values)


def _units(hundredths: float | None) -> float | None:
    return None if hundredths is None else hundredths / 100
