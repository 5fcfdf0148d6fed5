"""The risk that a customer leaves: a base hazard times what is wrong now multiplies it by."""

from __future__ import annotations

from datetime import timedelta
from math import exp, inf, log
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.complaints import OPEN_STATES, RESOLVED_STATES
from oracle.customers import has_left
from oracle.further_signals import (
    FURTHER,
    fading,
    latest_events,
    of_answers,
    of_contacts,
    of_endings,
    of_follow_up,
    of_habits,
)
from oracle.orders import judgements_by_customer
from oracle.reading import grouped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from oracle.orders import Moment
    from oracle.reading import Event, Row, Table

MEMORY_NEUTRAL = 5
MOST_COMPLAINTS = 5
QUICK_MINUTES = 1440


class Known(NamedTuple):
    """All that bears on one customer."""

    customer: Row
    orders: list[tuple[str, Row]]
    complaints: list[tuple[str, Row]]
    scores: list[Moment]
    events: list[Event]

    @property
    def latest(self) -> list[Event]:
        """The latest events."""
        return latest_events(self.events)


def risk_rows(
    events: Sequence[Event],
    tables: Mapping[str, Table],
    moments: Mapping[str, Sequence[Moment]],
    catalogue: Mapping[str, Any],
    as_of: datetime,
    *,
    fitted: Mapping[str, Any] | None = None,
) -> Table:
    """A row for each customer who has not left.

    `moments` by order; `fitted` is the model that decides, a row of churn_model, if one does.
    """
    scores, theirs = judgements_by_customer(events), grouped(events, "customer_id")
    known = {
        customer_id: Known(
            customer, [], [], scores.get(customer_id, []), theirs.get(customer_id, [])
        )
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
        (customer_id,): assess(facts, moments, catalogue, as_of, fitted)
        for customer_id, facts in staying.items()
    }


def signals_at(
    facts: Known,
    moments: Mapping[str, Sequence[Moment]],
    catalogue: Mapping[str, Any],
    as_of: datetime,
) -> set[str]:
    """The names of all signals that are there, with a multiplier or not."""
    model = catalogue["churn"]
    return {
        name
        for name, _ in (
            *_all_complaints(facts, catalogue, as_of),
            *_all_judgements(facts, moments, model, as_of),
            *_all_others(facts, catalogue, as_of),
        )
    }


def assess(
    facts: Known,
    moments: Mapping[str, Sequence[Moment]],
    catalogue: Mapping[str, Any],
    as_of: datetime,
    fitted: Mapping[str, Any] | None = None,
) -> Row:
    """The risk of a customer who has not left."""
    model = catalogue["churn"]
    drivers = (
        _drivers(facts, moments, catalogue, as_of)
        if fitted is None
        else _drivers_of_fitted(facts, moments, catalogue, as_of, fitted)
    )
    hazard = exp(sum(drivers.values()))
    risk = 1 - exp(-model["horizon_months"] * hazard)
    value = facts.customer["annual_value"]
    return {
        "risk": risk,
        "band": max(
            (bound, band) for band, bound in {"low": 0.0, **model["bands"]}.items() if bound <= risk
        )[1],
        "drivers": drivers,
        "value_at_risk": None if value is None else risk * float(value),
        "model_version": model["version"] if fitted is None else fitted["version"],
        "as_of": as_of,
    }


def _drivers_of_fitted(
    facts: Known,
    moments: Mapping[str, Sequence[Moment]],
    catalogue: Mapping[str, Any],
    as_of: datetime,
    fitted: Mapping[str, Any],
) -> dict[str, float]:
    """Each signal that is there counts once and whole; the line of a year makes risks true."""
    model = catalogue["churn"]
    line, multipliers = fitted["calibration"]["365"], fitted["parameters"]["multipliers"]
    hazards = fitted["parameters"]["hazards_per_month"]
    tenure = as_of - facts.customer["first_seen_at"]
    band = max(place for place, days in enumerate((0, 180, 365, 1095)) if tenure.days >= days)
    hazard = hazards[min(band, len(hazards) - 1)]
    months = model["horizon_months"]
    there = signals_at(facts, moments, catalogue, as_of)
    base = line["level"] + line["slope"] * log(hazard * months) - log(months)
    return {"base": base} | {
        name: line["slope"] * log(multipliers[name])
        for name in there & multipliers.keys()
        if name not in FURTHER or multipliers[name] != 1
    }


def _drivers(
    facts: Known,
    moments: Mapping[str, Sequence[Moment]],
    catalogue: Mapping[str, Any],
    as_of: datetime,
) -> dict[str, float]:
    model = catalogue["churn"]
    terms = {
        name: _log_terms(name, model)
        for name, multiplier in model["multipliers"].items()
        if name not in FURTHER or multiplier != 1
    }
    weighed = [
        (_weighed(terms[name], weight), name)
        for name, weight in _all_complaints(facts, catalogue, as_of)
        if name in terms
    ]
    complaints = [(name, exp(each) - 1) for each, name in weighed if each >= 0]
    drivers = {"base": log(model["base_hazard_per_month"])}
    # Each complaint adds what it alone would add to the hazard.
    excess = sum(each for _, each in complaints)
    for name, each in complaints:
        share = each / excess if excess else 0.0
        drivers[name] = drivers.get(name, 0.0) + share * log(1 + excess)
    # Of those that lower the hazard only one counts.
    if lowering := [each for each in weighed if each[0] < 0]:
        lowest, name = min(lowering)
        drivers[name] = drivers.get(name, 0.0) + lowest
    # Of what one visit was worth the strongest counts, of equals the one that is named first.
    judgements = [
        (_weighed(terms[name], weight), name)
        for name, weight in _all_judgements(facts, moments, model, as_of)
        if name in terms
    ]
    if judgements:
        strongest, name = max(judgements, key=lambda each: each[0])
        drivers[name] = strongest
    for name, weight in _all_others(facts, catalogue, as_of):
        if name in terms:
            drivers[name] = _weighed(terms[name], weight)
    return drivers


def _all_complaints(
    facts: Known, catalogue: Mapping[str, Any], as_of: datetime
) -> Iterator[tuple[str, float]]:
    yield from _complaints(facts.complaints, catalogue, as_of)
    yield from of_endings(facts.latest, facts.complaints, catalogue["churn"], as_of)


def _all_judgements(
    facts: Known, moments: Mapping[str, Sequence[Moment]], model: Mapping[str, Any], as_of: datetime
) -> Iterator[tuple[str, float]]:
    yield from _judgements(facts, moments, model, as_of)
    yield from of_answers(facts.latest, model, as_of)


def _all_others(
    facts: Known, catalogue: Mapping[str, Any], as_of: datetime
) -> Iterator[tuple[str, float]]:
    yield from _others(facts, catalogue["churn"], as_of)
    yield from of_habits(facts.events, len(facts.orders), as_of)
    yield from of_contacts(facts.latest, catalogue, as_of)
    yield from of_follow_up(facts.latest, facts.orders, catalogue["churn"], as_of)


def _log_terms(signal: str, model: Mapping[str, Any]) -> tuple[float, float]:
    """The logarithm of the multiplier at weight 0 and at weight 1."""
    multipliers = model["multipliers"]
    start = signal.replace("open_complaint", "resolved_complaint")
    least = multipliers.get(start, 1.0) if start != signal else 1.0
    return log(least), log(multipliers[signal])


def _weighed(ends: tuple[float, float], weight: float) -> float:
    return ends[0] * (1 - weight) + ends[1] * weight


def _complaints(
    complaints: Sequence[tuple[str, Row]], catalogue: Mapping[str, Any], as_of: datetime
) -> Iterator[tuple[str, float]]:
    """A signal with its weight for each complaint that counts."""
    window = timedelta(days=catalogue["churn"]["signal_days"])
    for severity in ("major", "minor"):
        waiting = sorted(
            (c["opened_at"].timestamp() if c["opened_at"] else inf, complaint_id, c)
            for complaint_id, c in complaints
            if c["state"] in OPEN_STATES and c["severity"] == severity
        )
        limit = timedelta(minutes=resolve_minutes(catalogue)[severity])
        for _, _, complaint in waiting[:MOST_COMPLAINTS]:
            opened_at = complaint["opened_at"]
            quarters = [limit * part / 4 for part in range(1, 5)] if opened_at else []
            passed = sum(as_of >= opened_at + quarter for quarter in quarters)
            yield f"open_complaint_{severity}", passed / 4
    resolved = sorted(
        (c["resolved_at"], complaint_id, c)
        for complaint_id, c in complaints
        if c["state"] in RESOLVED_STATES and c["resolved_at"]
    )
    for resolved_at, _, complaint in resolved[-MOST_COMPLAINTS:]:
        weight = fading(resolved_at, window, as_of)
        minutes = complaint["minutes_to_resolve"]
        how = "quickly" if minutes is not None and minutes <= QUICK_MINUTES else "complaint"
        if weight > 0:
            yield f"resolved_{how}_{complaint['severity']}", weight


def resolve_minutes(catalogue: Mapping[str, Any]) -> Mapping[str, float]:
    """Within how many minutes a complaint of each severity is to be resolved."""
    stated: Mapping[str, float] = catalogue.get("limits", {}).get(
        "resolve_minutes", {"major": 1440, "minor": 4320}
    )
    return stated


def _judgements(
    facts: Known, moments: Mapping[str, Sequence[Moment]], model: Mapping[str, Any], as_of: datetime
) -> Iterator[tuple[str, float]]:
    window = timedelta(days=model["signal_days"])
    low = model["low_score"] * 100
    attitude, outcome = (
        max((each for each in facts.scores if each.experience == experience), default=None)
        for experience in (model.get("attitude_experience"), model.get("outcome_experience"))
    )
    if outcome and outcome.score < low:
        weight = fading(outcome.occurred_at, window, as_of)
        if weight > 0 and not _complained(facts.complaints, outcome.occurred_at - window):
            yield "silent_unhappy", weight
    if attitude and attitude.score < low:
        weight = fading(attitude.occurred_at, window, as_of)
        if weight > 0:
            yield "low_attitude", weight
    if outcome and outcome.score < low:
        weight = fading(outcome.occurred_at, window, as_of)
        if weight > 0:
            yield "low_outcome", weight
    remembered = max(
        (
            (moments[order_id][-1].occurred_at, order_id, order)
            for order_id, order in facts.orders
            if order_id in moments
        ),
        default=None,
    )
    if remembered and remembered[2]["memory_score"] < MEMORY_NEUTRAL:
        weight = fading(remembered[0], window, as_of)
        if weight > 0:
            yield "bad_memory", weight


def _complained(complaints: Sequence[tuple[str, Row]], since: datetime) -> bool:
    """Whether a complaint is open, or was resolved after that moment."""
    return any(
        complaint["state"] in OPEN_STATES
        or (
            complaint["state"] in RESOLVED_STATES
            and complaint["resolved_at"] is not None
            and complaint["resolved_at"] > since
        )
        for _, complaint in complaints
    )


def _others(facts: Known, model: Mapping[str, Any], as_of: datetime) -> Iterator[tuple[str, float]]:
    window = timedelta(days=model["signal_days"])
    late = max(
        (order["delivered_at"] for _, order in facts.orders if order["on_time"] is False),
        default=None,
    )
    if late and fading(late, window, as_of) > 0:
        yield "broken_promise", fading(late, window, as_of)
    heard_at = facts.customer["last_heard_at"]
    longest = next(
        (days for days in (365, 180) if heard_at and as_of - heard_at >= timedelta(days=days)), None
    )
    if longest:
        yield f"inactive_{longest}d", 1.0
