"""The oracle: the tables of docs/reference/semantics.md, computed naively.

It reads raw messages.

It shares no code with the pipeline and never imports voc_stream, so a misreading there cannot
repeat itself here. It keeps every event in memory, sorts them all and reads them as the page is
written. Do not use it for anything but tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oracle.churn import risk_rows
from oracle.complaints import add_opening_minutes_to_resolve, complaint_rows
from oracle.customers import customer_rows
from oracle.durations import duration_tables
from oracle.heard import add_last_heard
from oracle.iceberg import iceberg_rows
from oracle.importance import importance_tables
from oracle.orders import (
    add_opening_minutes,
    is_follow_up,
    moments_of_orders,
    order_rows,
    stage_rows,
)
from oracle.reading import flow_stage, is_scored, outcomes, read_events, read_retractions
from oracle.satisfaction import contributions, daily_rows, rolling_rows
from oracle.texts import text_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from oracle.reading import Event, Row, Table

__all__ = ["expected_tables", "outcomes"]

EVENT_COLUMNS = (
    "type",
    "occurred_at",
    "customer_id",
    "site_id",
    "department",
    "employee_id",
    "product",
    "channel",
    "order_id",
    "body",
)


def expected_tables(
    messages: Iterable[bytes | None],
    catalogue: Mapping[str, Any],
    as_of: datetime,
    received_at: datetime | None = None,
    phi: Mapping[tuple[str, str], float] | None = None,
    *,
    fitted: Mapping[str, Any] | None = None,
) -> dict[str, Table]:
    """The rows of every table after `messages`, by table name and key.

    Args:
        messages: Kafka values in any order, invalid, repeated, conflicting and taken back ones
            among them; of one `event_id` the first valid message counts.
        catalogue: the TOML of the catalogue, as tomllib reads it.
        as_of: the time of the last refresh of the rolling tables and of the assessment of risk.
        received_at: when the messages were taken in, `as_of` if absent; an event more than 10
            minutes later is refused.
        fitted: the churn model that decides risks, a row of churn_model; if absent, the catalogue.
        phi: of scopes, by type and name, how many of their scores say as much as one; 1 if absent.

    Returns:
        Tables by name. A key is a tuple of the key columns; a row holds the other columns. Exact
            numbers are `int` or `Decimal`, the
        others `float`.
    """
    messages = list(messages)
    events = read_events(messages, catalogue, received_at or as_of)
    retractions = read_retractions(messages, catalogue, received_at or as_of)
    moments = moments_of_orders(events, catalogue)
    follow_up = flow_stage(catalogue, "follow_up")
    tables = {
        "touchpoint_event": {
            (event["event_id"],): _event_row(event, follow_up) for event in events
        },
        "retraction": {
            (each["event_id"],): {name: each[name] for name in ("occurred_at", "reason", "body")}
            for each in retractions
        },
        "retracted_event": _retracted_rows(retractions),
        "customer": customer_rows(events),
        "repair_stage": stage_rows(events),
        "complaint": complaint_rows(events),
    }
    tables["repair_order"] = order_rows(events, tables["repair_stage"], moments, catalogue)
    add_last_heard(events, tables)
    add_opening_minutes_to_resolve(tables["complaint"], catalogue)
    add_opening_minutes(tables["repair_stage"], tables["repair_order"], catalogue)
    contributed = contributions(events, tables, catalogue)
    tables["experience_daily"] = daily_rows(contributed, catalogue)
    tables["rolling_satisfaction"] = rolling_rows(contributed, catalogue, as_of, phi or {})
    tables |= duration_tables(contributed, catalogue, as_of)
    tables["complaint_iceberg"] = iceberg_rows(
        tables["rolling_satisfaction"], tables["complaint"], as_of
    )
    tables |= importance_tables(events, tables["customer"], catalogue)
    tables |= text_tables(events, tables["complaint"], tables["experience_daily"], catalogue)
    tables["churn_risk"] = risk_rows(events, tables, moments, catalogue, as_of, fitted=fitted)
    return tables


def _retracted_rows(retractions: list[Event]) -> Table:
    """A row for each id that was taken out, by the first retraction that names it.

    `retractions` are in order.
    """
    rows: Table = {}
    for retraction in retractions:
        for event_id in retraction["event_ids"]:
            rows.setdefault(
                (event_id,),
                {
                    "retraction_id": retraction["event_id"],
                    "retracted_at": retraction["occurred_at"],
                },
            )
    return rows


def _event_row(event: Event, follow_up: str | None) -> Row:
    return {column: event.get(column) for column in EVENT_COLUMNS} | {
        "is_scored": is_scored(event["type"]),
        "is_contact": is_follow_up(event, follow_up),
    }
