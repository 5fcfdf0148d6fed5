"""Remembers what was taken back, by id, and looks it up for every event that comes.

A batch only remembers; `postgres/corrections/taking_back.py` takes out of the tables what came
before. A batch with a retraction holds the writers' lock alone. So whatever was taken in before it
is committed and will be found, and whatever comes after it sees the ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.moment import moment_of
from voc_stream.postgres.session.copy_csv import array

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from voc_stream.events.types import AnyEvent, Retraction
    from voc_stream.postgres.intake.event_log import Fact, Place
    from voc_stream.postgres.session.cursor import Cursor


class RetractedEvents:
    """The ids that count nowhere."""

    def __init__(self) -> None:
        self._are_there = False

    def among(self, cursor: Cursor, event_ids: Collection[str]) -> set[str]:
        """Which of these ids were taken back; nearly free as long as none was."""
        if not self._are_there:
            cursor.execute("SELECT EXISTS (SELECT FROM retracted_event)")
            (self._are_there,) = cursor.fetchone()  # type: ignore[misc]  # a SELECT without FROM gives one row
        if not self._are_there or not event_ids:
            return set()
        cursor.execute(
            "SELECT event_id FROM retracted_event WHERE event_id = ANY(%s::text[])",
            (array(list(event_ids)),),
        )
        return {event_id for (event_id,) in cursor}


def remember(cursor: Cursor, retractions: Sequence[Retraction]) -> None:
    """Note the ids that accepted retractions name, and queue them for being taken out.

    Each id is kept with the earliest retraction that names it.
    """
    first: dict[str, Retraction] = {}
    for retraction in sorted(retractions, key=lambda each: (moment_of(each), each.event_id)):
        for event_id in retraction.event_ids:
            first.setdefault(event_id, retraction)
    cursor.execute(
        "INSERT INTO retracted_event AS t (event_id, retraction_id, retracted_at)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) ON CONFLICT (event_id) DO"
        " UPDATE"
        " SET retraction_id = excluded.retraction_id, retracted_at = excluded.retracted_at"
        ' WHERE (excluded.retracted_at, excluded.retraction_id COLLATE "C") < (t.retracted_at,'
        " t.retraction_id)",
        (
            list(first),
            [each.event_id for each in first.values()],
            [moment_of(each) for each in first.values()],
        ),
    )
    for retraction in retractions:
        cursor.execute(
            "INSERT INTO retraction_pending (event_ids) VALUES (%s::text[])",
            (array(retraction.event_ids),),
        )


def without_retracted(
    facts: Sequence[Fact[AnyEvent]], known: Collection[str], accepted: Sequence[Fact[Retraction]]
) -> Sequence[Fact[AnyEvent]]:
    """The facts that nothing takes back.

    A fact is taken back if its id is `known` to be retracted, or if a retraction stands before it
    in the log. In one partition it does not matter how the log is cut into batches. An event is
    taken back by what was taken in before it, or stands before it in the log.
    """
    named = _named_at(accepted)
    if not known and not named:
        return facts
    return [
        fact for fact in facts if fact.event.event_id not in known and not _comes_after(fact, named)
    ]


def _named_at(retractions: Sequence[Fact[Retraction]]) -> dict[str, Place]:
    """The ids that retractions name, and the place of the first retraction that names each."""
    named: dict[str, Place] = {}
    for fact in retractions:
        for event_id in fact.event.event_ids:
            named[event_id] = min(fact.place, named.get(event_id, fact.place))
    return named


def _comes_after(fact: Fact[AnyEvent], named: Mapping[str, Place]) -> bool:
    place = named.get(fact.event.event_id)
    return place is not None and place < fact.place
