"""Raw bytes to checked events: plain dicts, times in UTC, scores and amounts in hundredths.

Strict enough for what the tests send: every rule of CONTRACT.md 2, but none of the decoder's limits
on size and depth.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Event = dict[str, Any]
Row = dict[str, Any]
Table = dict[tuple[Any, ...], Row]
Fields = dict[str, tuple["Callable[[Any], Any]", bool]]

SCHEMAS = Path(__file__).parents[2] / "schemas"
RETRACTION = "retraction"
FUTURE = timedelta(minutes=10)
PLAUSIBLE = {
    "earliest_occurred_at": datetime(2001, 1, 1, tzinfo=UTC),
    "longest_stage_days": 366,
    "longest_promise_days": 1830,
}
ACTIONS = ("opened", "acknowledged", "apologised", "resolved", "informed", "closed", "withdrawn")

MOST_RETRACTED, LONGEST_REASON = 1000, 200
LONGEST_IDENTIFIER = 64

_EVENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_INVISIBLE_CATEGORIES = {"Cc", "Cf", "Zl", "Zp", "Zs"}
# Marks and letters that show nothing, fillers, and what stands where an encoding went wrong.
_INVISIBLE = (
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")


class InvalidError(ValueError):
    """A message is no event."""


def plausible(catalogue: Mapping[str, Any], key: str) -> Any:
    """A bound on times.

    The catalogue's, or what docs/reference/catalogue.md says where it has none.
    """
    return catalogue.get("plausible", {}).get(key, PLAUSIBLE[key])


def stages_of(catalogue: Mapping[str, Any]) -> list[str]:
    """The stages of the trade's flow, in their order; none where the catalogue has no flow."""
    return list(catalogue.get("flow", {}).get("stages", {}))


def flow_stage(catalogue: Mapping[str, Any], key: str) -> str | None:
    """The stage that the flow names under `key`: `delivered`, `follow_up` or `reception`."""
    stage: str | None = catalogue.get("flow", {}).get(key)
    return stage


def read_events(
    messages: Iterable[bytes | None], catalogue: Mapping[str, Any], received_at: datetime
) -> list[Event]:
    """The distinct valid events that nothing takes out, ordered by `(occurred_at, event_id)`.

    Of one id the first counts.
    """
    statements = _first_statements(messages, catalogue, received_at)
    retracted = {
        event_id
        for (kind, _), statement in statements.items()
        if kind == RETRACTION
        for event_id in statement["event_ids"]
    }
    events = [
        event
        for (kind, event_id), event in statements.items()
        if kind != RETRACTION and event_id not in retracted
    ]
    return sorted(events, key=lambda event: (event["occurred_at"], event["event_id"]))


def read_retractions(
    messages: Iterable[bytes | None], catalogue: Mapping[str, Any], received_at: datetime
) -> list[Event]:
    """The distinct valid retractions, ordered by `(occurred_at, event_id)`.

    Of one id the first counts.
    """
    statements = _first_statements(messages, catalogue, received_at)
    retractions = [statement for (kind, _), statement in statements.items() if kind == RETRACTION]
    return sorted(retractions, key=lambda event: (event["occurred_at"], event["event_id"]))


def _first_statements(
    messages: Iterable[bytes | None], catalogue: Mapping[str, Any], received_at: datetime
) -> dict[tuple[str, str], Event]:
    """The first statement of each id; the ids of retractions are apart from those of events."""
    statements: dict[tuple[str, str], Event] = {}
    for message in messages:
        statement = _read(message, catalogue, received_at)
        if statement is not None:
            statements.setdefault(_identity(statement), statement)
    return statements


def _identity(statement: Event) -> tuple[str, str]:
    return (RETRACTION if statement["type"] == RETRACTION else "event", statement["event_id"])


def outcomes(
    messages: Iterable[bytes | None], catalogue: Mapping[str, Any], received_at: datetime
) -> list[str]:
    """What becomes of each message where they are taken in in this order.

    Accepted, duplicate, conflicting, retracted or rejected.
    """
    first: dict[tuple[str, str], Event] = {}
    retracted: set[tuple[str, str]] = set()
    found = []
    for message in messages:
        statement = _read(message, catalogue, received_at)
        if statement is None:
            found.append("rejected")
        elif (identity := _identity(statement)) in retracted:
            found.append("retracted")
        elif identity not in first:
            first[identity] = statement
            retracted.update(("event", event_id) for event_id in statement.get("event_ids", ()))
            found.append("accepted")
        else:
            found.append(
                "duplicate"
                if same_json(statement["body"], first[identity]["body"])
                else "conflicting"
            )
    return found


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal.

    Neither the order of keys nor the spelling of numbers matters, and true is no number.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same_json(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _read(
    message: bytes | None, catalogue: Mapping[str, Any], received_at: datetime
) -> Event | None:
    try:
        return read_event(message, catalogue, received_at)
    except (InvalidError, KeyError, RecursionError, ValueError, OverflowError):
        return None


def read_event(message: bytes | None, catalogue: Mapping[str, Any], received_at: datetime) -> Event:
    """One message as an event, the whole message as its `body`.

    Raises InvalidError, KeyError (unknown experience), or a parser's error.
    """
    if not message:
        raise InvalidError("no value")
    body = json.loads(message.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse)
    if not isinstance(body, dict):
        raise InvalidError("no object")
    fields = _fields_of(body.get("type"))
    common = _STATEMENT if body["type"] == RETRACTION else _COMMON
    event: Event = {"type": body["type"], "body": body, **_checked(body, common | fields)}
    if event["occurred_at"] > received_at + FUTURE:
        raise InvalidError("future")
    if event["occurred_at"] < plausible(catalogue, "earliest_occurred_at"):
        raise InvalidError("implausible time")
    _check_experiences(event, catalogue["experience"])
    if "stage" in event and event["stage"] not in stages_of(catalogue):
        raise InvalidError("unknown stage")
    return event


def _check_experiences(event: Event, experiences: Mapping[str, Any]) -> None:
    """Ratings have scores, process items are done or not, timings are measured and never told.

    Complaints are about any of them.
    """
    answers = event.get("answers") or []
    for fields, experience in [
        (event, event.get("experience")),
        *((answer, answer["item"]) for answer in answers),
    ]:
        kind = None if experience is None else experiences[experience]["kind"]
        if ("score" in fields and kind != "rating") or ("done" in fields and kind != "process"):
            raise InvalidError("wrong kind")
    if len({answer["item"] for answer in answers}) < len(answers):
        raise InvalidError("repeated item")
    if event.get("category") is not None and event["category"] not in experiences:
        raise InvalidError("unknown category")


def hundredths(value: Decimal | int) -> int:
    """A number in hundredths, half up as it was written: 7.125 is 713."""
    return int((Decimal(value) * 100).to_integral_value(ROUND_HALF_UP))


def stated_latest(events: Iterable[Event], field: str) -> Any:
    """The value of `field` in the last of `events` that has one; `events` are in order."""
    stated = [event[field] for event in events if event.get(field) is not None]
    return stated[-1] if stated else None


def grouped(events: Iterable[Event], field: str, *types: str) -> dict[str, list[Event]]:
    """The events of these types by the value of `field`; of all types if none is named.

    Each group is in the order of `events`.
    """
    groups: dict[str, list[Event]] = {}
    for event in events:
        if event.get(field) is not None and (not types or event["type"] in types):
            groups.setdefault(event[field], []).append(event)
    return groups


def is_scored(event_type: str) -> bool:
    """Whether events of a type may measure something by themselves."""
    fields = _fields_of(event_type)
    return "answers" in fields or {"experience", "score"} <= fields.keys()


def _fields_of(event_type: Any) -> Fields:
    """The fields of a type with how each is checked.

    Those below as it is said there; a type or a field that is none of them as its schema says.
    """
    if not isinstance(event_type, str):
        raise InvalidError("unknown type")
    return published_fields(event_type) | _FIELDS.get(event_type, {})


@cache
def published_fields(event_type: str) -> Fields:
    """The fields of a type as `schemas/` publishes them."""
    path = SCHEMAS / f"{event_type}.v1.schema.json"
    if not re.fullmatch("[a-z_]+", event_type) or not path.exists():
        raise InvalidError("unknown type")
    schema = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: (_check_of(said), name in schema["required"])
        for name, said in schema["properties"].items()
        if name != "type"
        and (name not in _COMMON or (name in schema["required"] and not _COMMON[name][1]))
    }


def _check_of(said: Mapping[str, Any]) -> Callable[[Any], Any]:
    """How a value is checked, as a schema says."""
    (said,) = [each for each in said.get("anyOf", [said]) if each.get("type") != "null"]
    if "enum" in said:
        return _one_of(*said["enum"])
    if said["type"] == "integer":
        return _integer(said["minimum"], said["maximum"])
    if said["type"] == "number":
        return _number(int(said["maximum"]))
    if said["type"] != "string":
        return _answers
    if said.get("format") == "date-time":
        return _time
    return _text if said["maxLength"] > LONGEST_IDENTIFIER else _identifier


def _refuse(constant: str) -> None:
    raise InvalidError(constant)


def _checked(
    values: Mapping[str, Any], fields: Mapping[str, tuple[Callable[[Any], Any], bool]]
) -> Event:
    checked: Event = {}
    for name, (check, required) in fields.items():
        value = values.get(name)
        if value is not None:
            checked[name] = check(value)
        elif required:
            raise InvalidError(f"{name} is missing")
    return checked


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 4096 or "\x00" in value:
        raise InvalidError("text")
    return value


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise InvalidError(pattern.pattern)
        return value

    return check


@cache
def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES and character != " "


def _identifier(value: Any) -> str:
    """An id has no blank around it and nothing that nobody sees.

    It is the same text however its accents are put together.
    """
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= 64
        or value.strip(" ") != value
        or re.search(_INVISIBLE, value)
    ):
        raise InvalidError("identifier")
    if any(map(_is_invisible, value)):
        raise InvalidError("identifier")
    composed = unicodedata.normalize("NFC", value)
    if len(composed) > 64:
        raise InvalidError("identifier")
    return composed


def _one_of(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise InvalidError("not one of the words")
        return value

    return check


def _number(maximum: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | Decimal)
            or not 0 <= value <= maximum
        ):
            raise InvalidError("number")
        return hundredths(value)

    return check


def _integer(lowest: int, highest: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise InvalidError("integer")
        return value

    return check


def _time(value: Any) -> datetime:
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        raise InvalidError("time")
    return datetime.fromisoformat(value.upper()).astimezone(UTC)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidError("boolean")
    return value


def _answers(value: Any) -> list[Event]:
    if not isinstance(value, list) or not all(isinstance(answer, dict) for answer in value):
        raise InvalidError("answers")
    return [_checked(answer, _ANSWER) for answer in value]


def _event_ids(value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_RETRACTED:
        raise InvalidError("event_ids")
    return [_matching(_EVENT_ID)(event_id) for event_id in value]


def _short_text(value: Any) -> str:
    if len(_text(value)) > LONGEST_REASON:
        raise InvalidError("reason")
    return _text(value)


_score = _number(10)
_amount = _number(10**12)
_REQUIRED, _OPTIONAL = True, False
_SITE = {"site_id": (_identifier, _REQUIRED)}
_EXPECTED = {"expectation": (_score, _OPTIONAL), "importance": (_score, _OPTIONAL)}
_STATEMENT: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "event_id": (_matching(_EVENT_ID), _REQUIRED),
    "occurred_at": (_time, _REQUIRED),
    "schema_version": (_integer(1, 1), _OPTIONAL),
}
_COMMON: dict[str, tuple[Callable[[Any], Any], bool]] = {
    **_STATEMENT,
    "customer_id": (_identifier, _REQUIRED),
    **dict.fromkeys(
        ("department", "employee_id", "product", "channel", "order_id", "journey_id"),
        (_identifier, _OPTIONAL),
    ),
}
_ANSWER: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "item": (_identifier, _REQUIRED),
    "score": (_score, _OPTIONAL),
    "done": (_boolean, _OPTIONAL),
    **_EXPECTED,
}
_FIELDS: dict[str, dict[str, tuple[Callable[[Any], Any], bool]]] = {
    "callback": {
        **_SITE,
        "outcome": (_one_of("completed", "no_answer", "refused"), _REQUIRED),
        "answers": (_answers, _OPTIONAL),
        "recommend": (_integer(0, 10), _OPTIONAL),
        "effort": (_score, _OPTIONAL),
        "text": (_text, _OPTIONAL),
        "mode": (_identifier, _OPTIONAL),
    },
    "complaint": {
        **_SITE,
        "complaint_id": (_identifier, _REQUIRED),
        "action": (_one_of(*ACTIONS, "reopened"), _REQUIRED),
        "severity": (_one_of("minor", "major"), _REQUIRED),
        "category": (_identifier, _OPTIONAL),
        "text": (_text, _OPTIONAL),
        "compensation": (_amount, _OPTIONAL),
        "handed_to": (_identifier, _OPTIONAL),
    },
    "repair_step": {
        **_SITE,
        "order_id": (_identifier, _REQUIRED),
        "stage": (_text, _REQUIRED),
        "edge": (_one_of("enter", "exit"), _REQUIRED),
        "promised_at": (_time, _OPTIONAL),
        "estimated_amount": (_amount, _OPTIONAL),
        "final_amount": (_amount, _OPTIONAL),
    },
    "touchpoint": {
        **_SITE,
        "experience": (_identifier, _REQUIRED),
        "score": (_score, _REQUIRED),
        "text": (_text, _OPTIONAL),
        **_EXPECTED,
    },
    "customer": {
        "change": (_one_of("profile", "churned", "won_back"), _REQUIRED),
        "site_id": (_identifier, _OPTIONAL),
        "segment": (_identifier, _OPTIONAL),
        "region": (_identifier, _OPTIONAL),
        "annual_value": (_amount, _OPTIONAL),
        "lifecycle_stage": (
            _one_of("target", "prospect", "opportunity", "contracted", "user"),
            _OPTIONAL,
        ),
        "churn_reason": (
            _one_of(
                "death",
                "moved",
                "other_relationship",
                "competitor",
                "product",
                "attitude",
                "unknown",
            ),
            _OPTIONAL,
        ),
    },
    RETRACTION: {"event_ids": (_event_ids, _REQUIRED), "reason": (_short_text, _REQUIRED)},
}
