"""What an event measures by itself: what it says of the experiences it names, and what the catalogue has declared of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.catalogue.measures import FromField, FromOutcome
from voc_stream.domain.contribution import DONE, NOT_DONE, Measure
from voc_stream.events.hundredths import hundredths
from voc_stream.events.types import Callback, Touchpoint

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
    """What an event measures by itself: the score of a touchpoint; the answers, fields and outcome of a callback.

    >>> from datetime import UTC, datetime
    >>> measures_of(Touchpoint(event_id="e", occurred_at=datetime(2026, 1, 5, tzinfo=UTC), customer_id="c", site_id="s",
    ...                        experience="test_drive", score=7.5, expectation=8))
    (Measure(experience='test_drive', value=750, expectation=800, importance=None),)
    """
    if isinstance(event, Callback):
        answers = tuple(
            [
                Measure(
                    answer.item,
                    _value(answer.score, done=answer.done),
                    _optional(answer.expectation),
                    _optional(answer.importance),
                )
                for answer in event.answers
                if answer.score is not None or answer.done is not None
            ]
        )
        return answers + _declared(event, declared) if declared.are_any else answers
    if isinstance(event, Touchpoint):
        return (
            Measure(
                event.experience,
                hundredths(event.score),
                _optional(event.expectation),
                _optional(event.importance),
            ),
        )
    return ()


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


def _optional(score: float | None) -> int | None:
    return None if score is None else hundredths(score)


def _value(score: float | None, *, done: bool | None) -> int:
    if score is not None:
        return hundredths(score)
    return DONE if done else NOT_DONE
