"""Valid events as dicts, and Hypothesis strategies of them.

The strategies keep the world small on purpose: few people, orders and moments, so that events meet,
tie and contradict each other.
"""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable

Event = dict[str, Any]

CATALOGUE_PATH = (
    Path(__file__).parents[1] / "voc_stream" / "catalogue" / "trades" / "automotive.toml"
)
START = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
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
_IDENTIFIERS = frozenset(
    [
        "customer_id",
        "site_id",
        "department",
        "employee_id",
        "product",
        "order_id",
        "complaint_id",
        "handed_to",
        "segment",
        "region",
        "channel",
        "mode",
    ]
)
RATINGS = ("overall", "advisor_service", "reception_wait", "repair_quality")
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


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def _times() -> st.SearchStrategy[str]:
    """Moments of a few weeks, some equal, in several offsets.

    Some are an instant around the 72nd hour and the day's end.
    """
    steps = st.sampled_from(
        [0, 1, 5, 59, 60, 119, 600, 1439, 1440, 4319, 4320, 4321, 10_080, 40_000]
    )
    instants = st.sampled_from(
        [timedelta(0), timedelta(microseconds=1), timedelta(seconds=0.3), timedelta(seconds=31)]
    )
    offsets = st.sampled_from([0, 480, -210])
    return st.builds(
        lambda minutes, instant, offset: _moment(
            START + timedelta(minutes=minutes) + instant, offset
        ),
        steps,
        instants,
        offsets,
    )


def _moment(moment: datetime, offset_minutes: int) -> str:
    shifted = moment + timedelta(minutes=offset_minutes)
    sign, minutes = "-" if offset_minutes < 0 else "+", abs(offset_minutes)
    return shifted.replace(tzinfo=None).isoformat() + (
        f"{sign}{minutes // 60:02}:{minutes % 60:02}" if minutes else "Z"
    )


def scores() -> st.SearchStrategy[float]:
    """Scores at the edges of boxes and bins, and halves of a hundredth, which round up."""
    return st.sampled_from(
        [0, 10, 5, 6, 6.0, 6.01, 8.99, 8.995, 9, 7.125, 1.005, 4.99]
    ) | st.integers(0, 10_000).map(lambda n: n / 1000)


def _amounts() -> st.SearchStrategy[float]:
    return st.sampled_from([0, 12, 1250.5, 99.995]) | st.integers(0, 10**7).map(lambda n: n / 100)


def _named(prefix: str, count: int = 3) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{prefix}-{number}" for number in range(1, count + 1)])


def _common() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "occurred_at": _times(),
        "customer_id": _named("u"),
        "department": _maybe(_named("d", 2)),
        "employee_id": _maybe(_named("e", 2)),
        "product": _maybe(_named("p", 2)),
        "channel": _maybe(_named("c", 2)),
        "site_id": _named("s", 2),
        "order_id": _maybe(_named("o")),
        "invented_field": _maybe(st.just({"kept": [1, 2.5, "…"]})),
    }


def _stated() -> dict[str, st.SearchStrategy[Any]]:
    return {"expectation": _maybe(scores()), "importance": _maybe(scores())}


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
    """The fields of each type beside the common ones."""
    return {
        "touchpoint": {"experience": st.sampled_from(RATINGS), "score": scores(), **_stated()},
        "callback": {
            "outcome": st.sampled_from(["completed", "no_answer", "refused"]),
            "answers": _answers(),
            "mode": _maybe(_named("m", 2)),
            "recommend": _maybe(st.integers(0, 10)),
            "effort": _maybe(scores()),
        },
        "complaint": {
            "complaint_id": _named("q", 2),
            "action": st.sampled_from(ACTIONS),
            "severity": st.sampled_from(["minor", "major"]),
            "category": _maybe(st.sampled_from(RATINGS)),
            "compensation": _maybe(_amounts()),
            "handed_to": _maybe(_named("d", 2)),
        },
        "repair_step": {
            "order_id": _named("o"),
            "stage": st.sampled_from(STAGES),
            "edge": st.sampled_from(["enter", "exit"]),
            "promised_at": _maybe(_times()),
            "estimated_amount": _maybe(_amounts()),
            "final_amount": _maybe(_amounts()),
        },
        "customer": {
            "change": st.sampled_from(["profile", "profile", "churned", "won_back"]),
            "segment": _maybe(_named("g", 2)),
            "region": _maybe(_named("n", 2)),
            "annual_value": _maybe(_amounts()),
            "lifecycle_stage": _maybe(st.sampled_from(["prospect", "user"])),
            "churn_reason": _maybe(st.sampled_from(["moved", "attitude"])),
        },
    }


def _bodies() -> st.SearchStrategy[Event]:
    common = _common()
    return st.one_of(
        *(
            st.fixed_dictionaries({**common, "type": st.just(type_), **fields}).map(_stated_only)
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
            if name in _IDENTIFIERS and value
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
    retractions = st.tuples(st.integers(1, 3), named, _times()).map(
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
