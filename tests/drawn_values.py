"""Hypothesis strategies of the values of events, and of whatever fields are published.

A type or a field that nobody names here is drawn as its schema says. So every property of the
tables holds for it, too.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMAS = Path(__file__).parents[1] / "schemas"
START = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
RATINGS = ("overall", "advisor_service", "reception_wait", "repair_quality")
# They belong to a message, whatever it says.
_NOT_DRAWN = {"type", "event_id", "schema_version"}


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def times() -> st.SearchStrategy[str]:
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


def amounts() -> st.SearchStrategy[float]:
    return st.sampled_from([0, 12, 1250.5, 99.995]) | st.integers(0, 10**7).map(lambda n: n / 100)


def named(prefix: str, count: int = 3) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{prefix}-{number}" for number in range(1, count + 1)])


@cache
def schema_of(event_type: str) -> Mapping[str, Any]:
    """The published schema of a type."""
    path = SCHEMAS / f"{event_type}.v1.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def published_types() -> list[str]:
    """The types of events that are published: all but the retraction, which is no event."""
    names = {path.name.split(".")[0] for path in SCHEMAS.glob("*.v1.schema.json")}
    return sorted(names - {"retraction"})


@cache
def identifiers() -> frozenset[str]:
    """The fields that hold ids, whatever type has them."""
    return frozenset(
        name
        for event_type in published_types()
        for name, said in schema_of(event_type)["properties"].items()
        if name != "event_id" and "pattern" in _without_null(said)
    )


def published(event_type: str) -> dict[str, st.SearchStrategy[Any]]:
    """Values of each field of a type, as its schema describes it."""
    schema = schema_of(event_type)
    drawn = {
        name: _drawn(name, _without_null(said))
        for name, said in schema["properties"].items()
        if name not in _NOT_DRAWN
    }
    return {
        name: values if name in schema["required"] else maybe(values)
        for name, values in drawn.items()
    }


def _without_null(said: Mapping[str, Any]) -> Mapping[str, Any]:
    options: list[Mapping[str, Any]] = said.get("anyOf", [said])
    return next(each for each in options if each.get("type") != "null")


def _drawn(name: str, said: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in said:
        return st.sampled_from(said["enum"])
    kind = said["type"]
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(said["minimum"], said["maximum"])
    if kind == "number":
        return scores() if said["maximum"] == 10 else amounts()
    return st.just([]) if kind == "array" else _text(name, said)


def _text(name: str, said: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if said.get("format") == "date-time":
        return times()
    return named(name, 2) if "pattern" in said else st.sampled_from(RATINGS)
