"""Valid events as dicts, and Hypothesis strategies of them.

The strategies keep the world small on purpose: few people, orders and moments, so that events meet,
tie and contradict each other.
"""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import drawn_values
from drawn_values import (
    amounts,
    identifiers,
    maybe,
    named,
    published,
    published_types,
    times,
)
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable

Event = dict[str, Any]

CATALOGUE_PATH = (
    Path(__file__).parents[1] / "voc_stream" / "catalogue" / "trades" / "automotive.toml"
)
START, RATINGS, scores = drawn_values.START, drawn_values.RATINGS, drawn_values.scores
STAGES = ("appointment", "reception", "work", "delivery", "follow_up")
ACTIONS = (
    "opened",
    "acknowledged",
    "apologised",
    "resolved",
    "informed",
    "reopened",
    "closed",
    "withdrawn",
)
TEXTS = (
    "等了两个小时,没人接待",
    "服务态度不好",
    "Waited two hours, and the bill was too high.",
    "rude",
    "太贵 rude",
    "…",
)
PROCESS_ITEMS = ("advice_given", "followed_up")


def automotive_catalogue() -> dict[str, Any]:
    """The default catalogue as plain TOML values."""
    return tomllib.loads(CATALOGUE_PATH.read_text(encoding="utf-8"))


def at(**duration: float) -> str:
    """A timestamp so long after START: `at(hours=3)`."""
    return (START + timedelta(**duration)).isoformat()


def message(event: Event) -> bytes:
    """The event as a producer would send it."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def messages(events: Iterable[Event]) -> list[bytes]:
    """Each event as a producer would send it."""
    return [message(event) for event in events]


def touchpoint(event_id: str = "t-1", **fields: Any) -> Event:
    """A scored contact; `fields` replace or add to the defaults, None takes one away."""
    return _event(
        "touchpoint", event_id, {"site_id": "s-1", "experience": "overall", "score": 7, **fields}
    )


def callback(event_id: str = "c-1", **fields: Any) -> Event:
    """A completed follow-up call without answers."""
    return _event("callback", event_id, {"site_id": "s-1", "outcome": "completed", **fields})


def complaint(event_id: str = "k-1", **fields: Any) -> Event:
    """A complaint that is opened."""
    return _event(
        "complaint",
        event_id,
        {
            "site_id": "s-1",
            "complaint_id": "q-1",
            "action": "opened",
            "severity": "minor",
            **fields,
        },
    )


def repair_step(event_id: str = "r-1", **fields: Any) -> Event:
    """A vehicle that enters reception."""
    return _event(
        "repair_step",
        event_id,
        {"site_id": "s-1", "order_id": "o-1", "stage": "reception", "edge": "enter", **fields},
    )


def customer(event_id: str = "p-1", **fields: Any) -> Event:
    """A profile that states nothing."""
    return _event("customer", event_id, {"change": "profile", **fields})


def answered_together(count: int = 120) -> list[Event]:
    """Callbacks that rate two experiences: so many that importance can be derived from them.

    A third scores low, a third in between, and a third high.
    """
    return [
        callback(
            f"y-{number}",
            answers=[
                {"item": "overall", "score": (3, 7, 10)[number % 3] - number % 2},
                {"item": "repair_quality", "score": (2, 8, 10)[number % 3]},
            ],
        )
        for number in range(count)
    ]


def retraction(event_id: str = "x-1", *event_ids: str, **fields: Any) -> Event:
    """Takes out the events that it names."""
    named = {"event_ids": list(event_ids) or ["t-1"], "reason": "a test"}
    return _event("retraction", event_id, {"customer_id": None, **named, **fields})


def _event(type_: str, event_id: str, fields: Event) -> Event:
    event = {
        "event_id": event_id,
        "type": type_,
        "occurred_at": at(),
        "customer_id": "u-1",
        **fields,
    }
    return {name: value for name, value in event.items() if value is not None}


def _common() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "occurred_at": times(),
        "customer_id": named("u"),
        "department": maybe(named("d", 2)),
        "employee_id": maybe(named("e", 2)),
        "product": maybe(named("p", 2)),
        "channel": maybe(named("c", 2)),
        "site_id": named("s", 2),
        "order_id": maybe(named("o")),
        "invented_field": maybe(st.just({"kept": [1, 2.5, "…"]})),
    }


def _stated() -> dict[str, st.SearchStrategy[Any]]:
    return {"expectation": maybe(scores()), "importance": maybe(scores())}


def _answers() -> st.SearchStrategy[list[Event]]:
    ratings = st.fixed_dictionaries(
        {"item": st.sampled_from(RATINGS), "score": scores(), **_stated()}
    )
    items = st.fixed_dictionaries(
        {"item": st.sampled_from(PROCESS_ITEMS), "done": st.booleans(), **_stated()}
    )
    silent = st.fixed_dictionaries({"item": st.sampled_from(RATINGS), "expectation": scores()})
    return st.lists(
        (ratings | items | silent).map(_stated_only),
        max_size=4,
        unique_by=lambda answer: answer["item"],
    )


def _stated_only(fields: Event) -> Event:
    return {name: value for name, value in fields.items() if value is not None}


def _fields() -> dict[str, dict[str, st.SearchStrategy[Any]]]:
    """The fields of each type: the common ones, its own, and what else is published of it."""
    said: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "touchpoint": {"experience": st.sampled_from(RATINGS), "score": scores(), **_stated()},
        "callback": {
            "outcome": st.sampled_from(["completed", "no_answer", "refused"]),
            "answers": _answers(),
            "mode": maybe(named("m", 2)),
            "recommend": maybe(st.integers(0, 10)),
            "effort": maybe(scores()),
        },
        "complaint": {
            "complaint_id": named("q", 2),
            "action": st.sampled_from(ACTIONS),
            "severity": st.sampled_from(["minor", "major"]),
            "category": maybe(st.sampled_from(RATINGS)),
            "compensation": maybe(amounts()),
            "handed_to": maybe(named("d", 2)),
            "text": maybe(st.sampled_from(TEXTS)),
        },
        "repair_step": {
            "order_id": named("o"),
            "stage": st.sampled_from(STAGES),
            "edge": st.sampled_from(["enter", "exit"]),
            "promised_at": maybe(times()),
            "estimated_amount": maybe(amounts()),
            "final_amount": maybe(amounts()),
        },
        "customer": {
            "change": st.sampled_from(["profile", "profile", "churned", "won_back"]),
            "segment": maybe(named("g", 2)),
            "region": maybe(named("n", 2)),
            "annual_value": maybe(amounts()),
            "lifecycle_stage": maybe(st.sampled_from(["prospect", "user"])),
            "churn_reason": maybe(st.sampled_from(["moved", "attitude"])),
        },
    }
    return {each: published(each) | _common() | said.get(each, {}) for each in published_types()}


def _bodies() -> st.SearchStrategy[Event]:
    return st.one_of(
        *(
            st.fixed_dictionaries({**fields, "type": st.just(type_)}).map(_stated_only)
            for type_, fields in _fields().items()
        )
    )


def event_lists(max_size: int = 30, min_size: int = 0) -> st.SearchStrategy[list[Event]]:
    """Distinct valid events about few people.

    `event_id` orders them unlike their place in the list.
    """
    return st.lists(_bodies(), min_size=min_size, max_size=max_size).flatmap(
        lambda bodies: st.permutations(range(len(bodies))).map(
            lambda numbers: [
                {"event_id": f"v-{number:03}", **body}
                for number, body in zip(numbers, bodies, strict=True)
            ]
        )
    )


def in_two_spellings(events: Iterable[Event]) -> list[Event]:
    """The events with an accent in every second id, put together in one way or the other.

    To everybody the same id.
    """
    return [
        {
            name: value.replace("-2", ("-\u00e9", "-e\u0301")[place % 2])
            if name in identifiers() and value
            else value
            for name, value in event.items()
        }
        for place, event in enumerate(events)
    ]


def disturbances_of(events: list[Event]) -> st.SearchStrategy[list[Event]]:
    """What may come beside these events.

    Some of them again, some with other content, and retractions of some and of ids unknown.
    """
    if not events:
        return st.just([])
    known = st.sampled_from(events)
    named = st.lists(
        st.sampled_from([event["event_id"] for event in events]) | st.just("v-unknown"),
        min_size=1,
        max_size=5,
    )
    retractions = st.tuples(st.integers(1, 3), named, times()).map(
        lambda drawn: retraction(f"x-{drawn[0]}", *drawn[1], occurred_at=drawn[2])
    )
    return st.lists(known | retractions, max_size=6)


def invalid_messages() -> st.SearchStrategy[bytes]:
    """Messages that are no event."""
    broken: list[Event] = [
        {"event_id": "x" * 65},
        {"occurred_at": "2025-03-01T08:00:00"},
        {"occurred_at": "2199-01-01T00:00:00Z"},
        {"score": 10.01},
        {"score": "7"},
        {"score": None},
        {"experience": "invented"},
        {"experience": "advice_given"},
        {"type": "invented"},
        {"customer_id": " u-1"},
        {"customer_id": "u-1\u200b"},
        {"site_id": "\u202es-1"},
        {"type": "retraction", "reason": "no event is named"},
    ]
    return st.binary(max_size=20) | st.sampled_from(broken).map(_broken_message)


def _broken_message(fields: Event) -> bytes:
    return message({**touchpoint(), **fields})
