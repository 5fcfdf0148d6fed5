"""Signals of the risk of leaving that look at more than orders, complaints and latest scores.

Each is a name with its weight, if it counts at `as_of`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from oracle.orders import moments_of
from oracle.reading import stated_latest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from oracle.reading import Event, Row

MOST_EVENTS = 200
VISITS = {"visits_1": (1, 1), "visits_2": (2, 3), "visits_4": (4, 7), "visits_8": (8, 10**9)}
TENURES = {
    "tenure_0d": (0, 90),
    "tenure_90d": (90, 365),
    "tenure_365d": (365, 730),
    "tenure_730d": (730, 10**6),
}
OF_EVENTS = (
    "failures_8",
    "contacts_3",
    "unresolved_complaint",
    "price_complaint",
    "compensation",
    "missed_follow_up",
    "unanswered_survey",
    "nps_detractor",
    "high_effort",
)
FURTHER = {*VISITS, *TENURES, *OF_EVENTS}
"""At a multiplier of 1 they are no drivers."""


def fading(moment: datetime, window: timedelta, as_of: datetime) -> float:
    """What is left of something of that moment: a sixth less after each sixth of the window."""
    return 1 - sum(as_of >= moment + window * part / 6 for part in range(1, 7)) / 6


def latest_events(events: Sequence[Event]) -> list[Event]:
    """The latest of a customer's events, with all of the same moment; the first comes first."""
    latest = events[-MOST_EVENTS:]
    return [event for event in events if event["occurred_at"] >= latest[0]["occurred_at"]]


def of_habits(events: Sequence[Event], orders: int, as_of: datetime) -> Iterator[tuple[str, float]]:
    """How often the customer came, and since when there is one."""
    for name, (least, most) in VISITS.items():
        if least <= orders <= most:
            yield name, 1.0
    since = stated_latest(
        [
            event
            for event in events
            if event["type"] == "customer"
            and event.get("customer_since")
            and event["customer_since"] <= event["occurred_at"]
        ],
        "customer_since",
    )
    for name, (least, most) in TENURES.items():
        if since and timedelta(days=least) <= as_of - since < timedelta(days=most):
            yield name, 1.0


def of_contacts(
    events: Sequence[Event], catalogue: Mapping[str, Any], as_of: datetime
) -> Iterator[tuple[str, float]]:
    """What the latest events tell by themselves."""
    window = timedelta(days=catalogue["churn"]["signal_days"])
    low = catalogue["churn"]["low_score"] * 100
    complained = [event for event in events if event.get("action") in ("opened", "reopened")]
    touched = [event for event in events if event["type"] == "touchpoint"]
    failed = [
        event
        for event in events
        if event in complained or any(moment.score < low for moment in moments_of(event))
    ]
    for name, least, found in (
        ("failures_8", 8, failed),
        ("contacts_3", 3, complained + touched),
    ):
        times = sorted(event["occurred_at"] for event in found)
        if len(times) >= least and times[-least] <= as_of < times[-least] + window:
            yield name, 1.0
    calls = [event for event in events if event["type"] == "callback"]
    prices = [
        key
        for key, experience in catalogue["experience"].items()
        if experience.get("factor") == "price"
    ]
    latest = {
        "unanswered_survey": [call for call in calls[-1:] if call["outcome"] != "completed"],
        "price_complaint": [event for event in events if event.get("category") in prices],
        "compensation": [event for event in events if event.get("compensation", 0) > 0],
    }
    for name, found in latest.items():
        weight = fading(found[-1]["occurred_at"], window, as_of) if found else 0.0
        if weight > 0:
            yield name, weight


def of_answers(
    events: Sequence[Event], model: Mapping[str, Any], as_of: datetime
) -> Iterator[tuple[str, float]]:
    """What the latest callbacks said of the visit, besides scores."""
    window = timedelta(days=model["signal_days"])
    for name, field, bound in (
        ("nps_detractor", "recommend", 7),
        ("high_effort", "effort", model["low_score"] * 100),
    ):
        said = [event for event in events if event.get(field) is not None]
        if said and said[-1][field] < bound:
            weight = fading(said[-1]["occurred_at"], window, as_of)
            if weight > 0:
                yield name, weight


def of_follow_up(
    events: Sequence[Event],
    orders: Sequence[tuple[str, Row]],
    model: Mapping[str, Any],
    as_of: datetime,
) -> Iterator[tuple[str, float]]:
    """Nobody called after the last delivery."""
    named = {event.get("order_id") for event in events if event["type"] != "customer"}
    due = [
        (order["follow_up_due_at"], order_id, order["followed_up_at"])
        for order_id, order in orders
        if order_id in named and order["follow_up_due_at"]
    ]
    if due:
        due_at, _, followed_up_at = max(due, key=lambda each: each[:2])
        weight = fading(due_at, timedelta(days=model["signal_days"]), as_of)
        if followed_up_at is None and due_at <= as_of and weight > 0:
            yield "missed_follow_up", weight


def of_endings(
    events: Sequence[Event],
    complaints: Sequence[tuple[str, Row]],
    model: Mapping[str, Any],
    as_of: datetime,
) -> Iterator[tuple[str, float]]:
    """Each complaint that ended without a resolution."""
    named = {event.get("complaint_id") for event in events}
    for complaint_id, complaint in complaints:
        state = complaint["state"]
        if complaint_id in named and state in ("closed", "withdrawn"):
            weight = fading(complaint[f"{state}_at"], timedelta(days=model["signal_days"]), as_of)
            if complaint["resolved_at"] is None and weight > 0:
                yield "unresolved_complaint", weight
