"""Keeps a value that is stated again and again, of which the latest statement counts."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


class Stated(msgspec.Struct, Generic[T], array_like=True, frozen=True, gc=False):
    """A value with what orders its statement.

    That is its rank (a more authoritative kind of event), its moment and its event's id.
    """

    value: T
    at: datetime
    event_id: str
    rank: int = 0


def latest(
    current: Stated[T] | None, value: T | None, at: datetime, event_id: str, rank: int = 0
) -> Stated[T] | None:
    """The later of a statement and a new one, by rank, moment and event id.

    An absent value states nothing.

    Any order of calls ends with the same statement, and a repeated one changes nothing.

    >>> from datetime import UTC, datetime
    >>> monday, tuesday = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
    >>> current = latest(None, "gold", tuesday, "b")
    >>> latest(current, "silver", monday, "a").value
    'gold'
    >>> latest(current, None, tuesday, "c").value
    'gold'
    >>> latest(current, "silver", tuesday, "c").value
    'silver'
    """
    if value is None:
        return current
    if current is not None:
        if current.rank != rank:
            if current.rank > rank:
                return current
        elif current.at > at or (current.at == at and current.event_id >= event_id):
            return current
    return Stated(value, at, event_id, rank)


def value_of(stated: Stated[T] | None) -> T | None:
    """The value, or None if nothing was stated."""
    return None if stated is None else stated.value


def is_among(stated: Iterable[Stated[Any] | None], event_id: str) -> bool:
    """Whether one of these values is what an event stated."""
    return any(one is not None and one.event_id == event_id for one in stated)


def earliest_time(current: datetime | None, at: datetime) -> datetime:
    """The earlier of two moments, or the new one if the first is unknown."""
    return at if current is None or at < current else current


def latest_time(current: datetime | None, at: datetime) -> datetime:
    """The later of two moments, or the new one if the first is unknown."""
    return at if current is None or at > current else current
