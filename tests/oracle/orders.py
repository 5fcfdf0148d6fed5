"""Repair orders: the flow, the promise, the follow-up, and what is remembered."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.calendar import has_hours, opening_minutes
from oracle.customers import money
from oracle.reading import flow_stage, grouped, plausible, stages_of, stated_latest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from oracle.reading import Event, Row, Table

FOLLOW_UP_WITHIN = timedelta(hours=72)
NEUTRAL_HUNDREDTHS = 500
MOST_PROMISES = 100
MOST_FAILED = 20


class Moment(NamedTuple):
    """A score that a customer gave; moments sort by `(occurred_at, event_id, place)`."""

    occurred_at: datetime
    event_id: str
    place: int
    experience: str
    score: int


def moments_of(event: Event) -> list[Moment]:
    """The scores in one event, in their order."""
    at, event_id = event["occurred_at"], event["event_id"]
    if "experience" in event:
        return [Moment(at, event_id, 0, event["experience"], event["score"])]
    answers = enumerate(event.get("answers") or ())
    return [
        Moment(at, event_id, place, answer["item"], answer["score"])
        for place, answer in answers
        if "score" in answer
    ]


def moments_of_orders(
    events: Sequence[Event], catalogue: Mapping[str, Any]
) -> dict[str, list[Moment]]:
    """The moments of each order that has any, first to last.

    Those of one event follow each other by the stage that they are about; those about none come
    last. Of one stage the lower score stays.
    """
    flow = stages_of(catalogue)

    def place(moment: Moment) -> tuple[datetime, str, int, int]:
        stage = catalogue["experience"].get(moment.experience, {}).get("stage")
        at_stage = flow.index(stage) if stage in flow else len(flow)
        return moment.occurred_at, moment.event_id, at_stage, -moment.score

    groups = grouped(_of_orders(events), "order_id")
    moments = {
        order_id: [moment for event in group for moment in moments_of(event)]
        for order_id, group in groups.items()
    }
    return {order_id: sorted(theirs, key=place) for order_id, theirs in moments.items() if theirs}


def judgements_by_customer(events: Sequence[Event]) -> dict[str, list[Moment]]:
    """The scores that each customer gave, about an order or not."""
    return {
        customer_id: [moment for event in group for moment in moments_of(event)]
        for customer_id, group in grouped(events, "customer_id").items()
    }


def _of_orders(events: Sequence[Event]) -> list[Event]:
    """A customer's profile may name an order, and is not about it."""
    return [event for event in events if event["type"] != "customer"]


def stage_rows(events: Sequence[Event]) -> Table:
    """A row for each stage that an order entered or left."""
    rows: Table = {}
    for order_id, steps in grouped(events, "order_id", "repair_step").items():
        for stage, passes in grouped(steps, "stage").items():
            entered_at = min(
                (step["occurred_at"] for step in passes if step["edge"] == "enter"), default=None
            )
            exited_at = max(
                (step["occurred_at"] for step in passes if step["edge"] == "exit"), default=None
            )
            rows[order_id, stage] = {
                "entered_at": entered_at,
                "exited_at": exited_at,
                "minutes": minutes_between(entered_at, exited_at),
            }
    return rows


def minutes_between(start: datetime | None, end: datetime | None) -> float | None:
    """Minutes from start to end; None if one is unknown or the end lies before the start."""
    if start is None or end is None or end < start:
        return None
    return (end - start) / timedelta(minutes=1)


def add_opening_minutes(stages: Table, orders: Table, catalogue: Mapping[str, Any]) -> None:
    """How much of each stage's minutes the site of the order was open; None if nobody knows."""
    for (order_id, _), row in stages.items():
        site_id = orders[order_id,]["site_id"]
        row["opening_minutes"] = (
            opening_minutes(catalogue, site_id, row["entered_at"], row["exited_at"])
            if row["minutes"] is not None and has_hours(catalogue, site_id)
            else None
        )


def order_rows(
    events: Sequence[Event],
    stages: Table,
    moments: Mapping[str, Sequence[Moment]],
    catalogue: Mapping[str, Any],
) -> Table:
    """A row for each order that anything but a customer event names."""
    groups = grouped(_of_orders(events), "order_id")
    delivered = flow_stage(catalogue, "delivered")
    deliveries = {order_id: row for (order_id, stage), row in stages.items() if stage == delivered}
    return {
        (order_id,): _order(
            group, deliveries.get(order_id, {}), moments.get(order_id, ()), catalogue
        )
        for order_id, group in groups.items()
    }


def _order(
    events: Sequence[Event], delivery: Row, moments: Sequence[Moment], catalogue: Mapping[str, Any]
) -> Row:
    longest_promise = timedelta(days=plausible(catalogue, "longest_promise_days"))
    flow = stages_of(catalogue)
    steps = [event for event in events if event["type"] == "repair_step"]
    others = [event for event in events if event["type"] != "repair_step"]
    promising = sorted(
        (step for step in steps if _promises_something(step, longest_promise)),
        key=lambda step: (step["occurred_at"], step["event_id"]),
    )
    promised_at = stated_latest(promising, "promised_at")
    first_promised_at = promising[0]["promised_at"] if promising else None
    promises = {step["promised_at"] for step in promising}
    delivered_at = delivery.get("exited_at")
    followed_up_at = delivered_at and _followed_up_at(
        events, delivered_at, flow_stage(catalogue, "follow_up")
    )
    last_step = max(steps, key=lambda step: _place_in_flow(step, flow), default=None)
    return {
        **{
            field: stated_latest(steps, field) or stated_latest(others, field)
            for field in ("customer_id", "site_id", "product")
        },
        "current_stage": last_step and last_step["stage"],
        "in_stage_since": last_step and _in_stage_since(steps, last_step["stage"]),
        "promised_at": promised_at,
        "delivered_at": delivered_at,
        "on_time": delivered_at <= promised_at if delivered_at and promised_at else None,
        "first_promised_at": first_promised_at,
        "on_time_first": delivered_at <= first_promised_at
        if delivered_at and first_promised_at
        else None,
        "promise_moves": min(MOST_PROMISES, len(promises)) - 1 if promises else None,
        "follow_up_due_at": delivered_at and delivered_at + FOLLOW_UP_WITHIN,
        "followed_up_at": followed_up_at,
        **_attempts(events, delivered_at, followed_up_at),
        "estimated_amount": money(stated_latest(steps, "estimated_amount")),
        "final_amount": money(stated_latest(steps, "final_amount")),
        **_memory(moments),
    }


def _in_stage_since(steps: Sequence[Event], stage: str) -> datetime | None:
    """The earliest entry into a stage; None if it is unknown, or the stage was left."""
    of_stage = [step for step in steps if step["stage"] == stage]
    if any(step["edge"] == "exit" for step in of_stage):
        return None
    return min((step["occurred_at"] for step in of_stage), default=None)


def _promises_something(step: Event, longest: timedelta) -> bool:
    """Whether a step states a promise that is no placeholder, such as 9999-12-31.

    It must not be of a wrong clock either.
    """
    promised_at = step.get("promised_at")
    return promised_at is not None and abs(promised_at - step["occurred_at"]) <= longest


def _place_in_flow(step: Event, flow: Sequence[str]) -> tuple[datetime, bool, int, str]:
    """A stage that the flow does not have any more comes before all that it has."""
    stage = step["stage"]
    place = flow.index(stage) if stage in flow else -1
    return step["occurred_at"], step["edge"] == "enter", place, stage


def _followed_up_at(
    events: Sequence[Event], delivered_at: datetime, follow_up: str | None
) -> datetime | None:
    return min(
        (
            event["occurred_at"]
            for event in events
            if event["occurred_at"] > delivered_at and is_follow_up(event, follow_up)
        ),
        default=None,
    )


def _attempts(
    events: Sequence[Event], delivered_at: datetime | None, followed_up_at: datetime | None
) -> Row:
    """The calls from the delivery until one was completed, which is the last of them.

    Of very many that failed only the latest are looked at.
    """
    names = ("follow_up_attempts", "first_attempt_at", "last_attempt_at", "last_attempt_outcome")
    if delivered_at is None:
        return dict.fromkeys(names)
    failed = sorted(
        (event["occurred_at"], event["outcome"])
        for event in events
        if event["type"] == "callback" and event["outcome"] != "completed"
    )
    calls = [
        (at, outcome)
        for at, outcome in failed[-MOST_FAILED:]
        if at > delivered_at and (followed_up_at is None or at < followed_up_at)
    ]
    if followed_up_at is not None:
        calls.append((followed_up_at, "completed"))
    if not calls:
        return {**dict.fromkeys(names), "follow_up_attempts": 0}
    return dict(zip(names, (len(calls), calls[0][0], *calls[-1]), strict=True))


def is_follow_up(event: Event, follow_up: str | None) -> bool:
    """Whether the customer was spoken to; `follow_up` is the stage whose end says so."""
    if event["type"] == "callback":
        return bool(event["outcome"] == "completed")
    return bool(
        event["type"] == "repair_step" and event["stage"] == follow_up and event["edge"] == "exit"
    )


def _memory(moments: Sequence[Moment]) -> Row:
    """Kahneman's peak-end rule: what is remembered is the peak and the end.

    It does not matter what lay between, or how long it took.
    """
    if not moments:
        return dict.fromkeys(("peak_score", "end_score", "memory_score", "mean_score", "moments_n"))
    scores = [moment.score for moment in moments]
    peak = max(scores, key=lambda score: (abs(score - NEUTRAL_HUNDREDTHS), -score))
    end = scores[-1]
    return {
        "peak_score": Decimal(peak) / 100,
        "end_score": Decimal(end) / 100,
        "memory_score": Decimal(peak + end) / 200,
        "mean_score": sum(scores) / len(scores) / 100,
        "moments_n": len(scores),
    }
