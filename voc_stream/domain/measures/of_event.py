"""Computes what an event measures by itself.

That is what it says of the experiences it names, and what the catalogue declares of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.catalogue.measures import FromField, FromOutcome
from voc_stream.events.types import Callback
from voc_stream.events.types.base import DONE, NOT_DONE, Measure
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Collection

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import AnyEvent


class EventMeasures(NamedTuple):
    """The measures that a catalogue declares of callbacks; each with the name of its experience.

    Attributes:
        fields: a field that is a score.
        outcomes: the outcomes that count as yes, and those that count as no; others do not count.
    """

    fields: tuple[tuple[str, str], ...] = ()
    outcomes: tuple[tuple[str, Collection[str], Collection[str]], ...] = ()

    @property
    def are_any(self) -> bool:
        """Whether a callback may measure anything but its answers."""
        return bool(self.fields or self.outcomes)


NOTHING_DECLARED = EventMeasures()


def event_measures(catalogue: Catalogue) -> EventMeasures:
    """What a catalogue declares of events."""
    fields, outcomes = [], []
    for key, experience in catalogue.experience.items():
        source = experience.source
        if isinstance(source, FromField):
            fields.append((key, source.field))
        elif isinstance(source, FromOutcome):
            yes = frozenset(source.outcomes)
            outcomes.append((key, yes, frozenset(source.among) - yes))
    return EventMeasures(tuple(fields), tuple(outcomes))


def measures_of(event: AnyEvent, declared: EventMeasures = NOTHING_DECLARED) -> tuple[Measure, ...]:
    """What an event measures by itself.

    That is the score of a touchpoint, or the answers, fields and outcome of a callback.

    >>> from datetime import UTC, datetime
    >>> from voc_stream.events.types import Touchpoint
    >>> measures_of(
    ...     Touchpoint(
    ...         event_id="e", occurred_at=datetime(2026, 1, 5, tzinfo=UTC), customer_id="c",
    ...         site_id="s", experience="test_drive", score=7.5, expectation=8,
    ...     )
    ... )
    (Measure(experience='test_drive', value=750, expectation=800, importance=None),)
    """
    measures = event.ratings()
    if declared.are_any and isinstance(event, Callback):
        return measures + _declared(event, declared)
    return measures


def _declared(callback: Callback, declared: EventMeasures) -> tuple[Measure, ...]:
    found = [
        Measure(experience, hundredths(score))
        for experience, field in declared.fields
        if (score := getattr(callback, field)) is not None
    ]
    for experience, yes, no in declared.outcomes:
        if callback.outcome in yes:
            found.append(Measure(experience, DONE))
        elif callback.outcome in no:
            found.append(Measure(experience, NOT_DONE))
    return tuple(found)
