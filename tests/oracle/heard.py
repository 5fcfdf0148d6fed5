"""When customers last acted themselves: what they did, and not what was done to reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.orders import moments_of
from oracle.reading import grouped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from oracle.reading import Event, Table

ACTS = ("opened_at", "reopened_at", "withdrawn_at")


def add_last_heard(events: Sequence[Event], tables: Mapping[str, Table]) -> None:
    """Let each row of the customer table say when the customer was heard last; None for never.

    Orders and complaints belong to the customer in their row.
    """
    acts = [event for event in events if is_act(event)]
    heard: dict[str, list[datetime]] = {
        customer_id: [act["occurred_at"] for act in theirs if not act.get("order_id")]
        for customer_id, theirs in grouped(acts, "customer_id").items()
    }
    for order_id, theirs in grouped(acts, "order_id").items():
        owner = tables["repair_order"][order_id,]["customer_id"]
        heard.setdefault(owner, []).extend(act["occurred_at"] for act in theirs)
    for complaint in tables["complaint"].values():
        moments = [complaint[act] for act in ACTS if complaint[act]]
        heard.setdefault(complaint["customer_id"], []).extend(moments)
    for (customer_id,), row in tables["customer"].items():
        row["last_heard_at"] = max(heard.get(customer_id, ()), default=None)


def is_act(event: Event) -> bool:
    """Whether the customer came, answered or said something; complaints are judged apart."""
    return (
        event["type"] == "repair_step"
        or event.get("outcome") == "completed"
        or bool(moments_of(event))
    )
