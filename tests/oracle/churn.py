"""The risk that a customer leaves: a base hazard times the multipliers of what is wrong now."""

from __future__ import annotations

from datetime import timedelta
from math import exp, log
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.complaints import OPEN_STATES, RESOLVED_STATES
from oracle.customers import has_left

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from oracle.orders import Moment
    from oracle.reading import Row, Table

MEMORY_NEUTRAL = 5
QUICK_MINUTES = 1440


class Known(NamedTuple):
    """All that bears on one customer."""

    customer: Row
    orders: list[tuple[str, Row]]
    complaints: list[tuple[str, Row]]
    scores: list[Moment]


def risk_rows(
    scores: Mapping[str, list[Moment]],
    tables: Mapping[str, Table],
    moments: Mapping[str, Sequence[Moment]],
    model: Mapping[str, Any],
    as_of: datetime,
) -> Table:
    """A row for each customer who has not left.

    `scores` by customer, `moments` by order, `model` the catalogue's `[churn]`.
    """
    known = {
        customer_id: Known(customer, [], [], scores.get(customer_id, []))
        for (customer_id,), customer in tables["customer"].items()
    }
    for (order_id,), order in tables["repair_order"].items():
        known[order["customer_id"]].orders.append((order_id, order))
    for (complaint_id,), complaint in tables["complaint"].items():
        known[complaint["customer_id"]].complaints.append((complaint_id, complaint))
    staying = {
        customer_id: facts for customer_id, facts in known.items() if not has_left(facts.customer)
    }
    return {
        (customer_id,): _assess(facts, moments, model, as_of)
        for customer_id, facts in staying.items()
    }


def _assess(
    facts: Known, moments: Mapping[str, Sequence[Moment]], model: Mapping[str, Any], as_of: datetime
) -> Row:
    base, multipliers = model["base_hazard_per_month"], model["multipliers"]
    active = [signal for signal in _signals(facts, moments, model, as_of) if signal in multipliers]
    hazard = base
    for signal in active:
        hazard *= multipliers[signal]
    risk = 1 - exp(-model["horizon_months"] * hazard)
    value = facts.customer["annual_value"]
    return {
        "risk": risk,
        "band": max(
            (bound, band) for band, bound in {"low": 0.0, **model["bands"]}.items() if bound <= risk
        )[1],
        "drivers": {"base": log(base), **{signal: log(multipliers[signal]) for signal in active}},
        "value_at_risk": None if value is None else risk * float(value),
        "model_version": model["version"],
        "as_of": as_of,
    }


def _signals(
    facts: Known, moments: Mapping[str, Sequence[Moment]], model: Mapping[str, Any], as_of: datetime
) -> Iterator[str]:
    window = timedelta(days=model["signal_days"])
    since = as_of - window  # recent: strictly later
    yield from _complaint_signals(facts.complaints, as_of, since)
    if any(
        order["on_time"] is False and order["delivered_at"] > since for _, order in facts.orders
    ):
        yield "broken_promise"
    for signal, experience in (
        ("low_attitude", model.get("attitude_experience")),
        ("low_outcome", model.get("outcome_experience")),
    ):
        latest = max(
            (score for score in facts.scores if score.experience == experience), default=None
        )
        if latest and latest.occurred_at > since and latest.score < model["low_score"] * 100:
            yield signal
    remembered = max(
        (
            (moments[order_id][-1].occurred_at, order_id, order)
            for order_id, order in facts.orders
            if order_id in moments
        ),
        default=None,
    )
    if remembered and remembered[0] > since and remembered[2]["memory_score"] < MEMORY_NEUTRAL:
        yield "bad_memory"
    heard_at = facts.customer["last_heard_at"]
    longest = next(
        (days for days in (365, 180) if heard_at and as_of - heard_at >= timedelta(days=days)), None
    )
    if longest:
        yield f"inactive_{longest}d"


def _complaint_signals(
    complaints: Sequence[tuple[str, Row]], as_of: datetime, since: datetime
) -> Iterator[str]:
    still_open = [complaint for _, complaint in complaints if complaint["state"] in OPEN_STATES]
    if still_open:
        is_major = any(complaint["severity"] == "major" for complaint in still_open)
        yield f"open_complaint_{'major' if is_major else 'minor'}"
        opened_at = min(
            (complaint["opened_at"] for complaint in still_open if complaint["opened_at"]),
            default=None,
        )
        longest = next(
            (
                hours
                for hours in (168, 72, 24)
                if opened_at and as_of - opened_at >= timedelta(hours=hours)
            ),
            None,
        )
        if longest:
            yield f"complaint_open_{longest}h"
        return
    resolved = [
        (c["resolved_at"], complaint_id, c)
        for complaint_id, c in complaints
        if c["state"] in RESOLVED_STATES and c["resolved_at"]
    ]
    if resolved:
        resolved_at, _, complaint = max(resolved, key=lambda entry: entry[:2])
        if resolved_at > since:
            quickly = (
                complaint["minutes_to_resolve"] is not None
                and complaint["minutes_to_resolve"] <= QUICK_MINUTES
            )
            yield f"resolved_{'quickly' if quickly else 'complaint'}_{complaint['severity']}"
