"""The customer table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from oracle.reading import grouped, stated_latest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oracle.reading import Event, Row, Table


def customer_rows(events: Sequence[Event]) -> Table:
    """A row for each customer of any event."""
    return {
        (customer_id,): _customer(theirs)
        for customer_id, theirs in grouped(events, "customer_id").items()
    }


def money(amount_hundredths: int | None) -> Decimal | None:
    """An amount as a decimal number with two places."""
    return None if amount_hundredths is None else Decimal(amount_hundredths) / 100


def has_left(customer: Row) -> bool:
    """Whether the customer churned and was not won back later."""
    churned_at, won_back_at = customer["churned_at"], customer["won_back_at"]
    return churned_at is not None and not (won_back_at is not None and won_back_at > churned_at)


def _customer(events: Sequence[Event]) -> Row:
    facts = [event for event in events if event["type"] == "customer"]
    churned = [event for event in facts if event["change"] == "churned"]
    won_back = [event for event in facts if event["change"] == "won_back"]
    return {
        "segment": stated_latest(facts, "segment"),
        "region": stated_latest(facts, "region"),
        "annual_value": money(stated_latest(facts, "annual_value")),
        "lifecycle_stage": stated_latest(facts, "lifecycle_stage"),
        "churned_at": stated_latest(churned, "occurred_at"),
        "won_back_at": stated_latest(won_back, "occurred_at"),
        "churn_reason": stated_latest(churned, "churn_reason"),
        "first_seen_at": events[0]["occurred_at"],
        "last_seen_at": events[-1]["occurred_at"],
    }
