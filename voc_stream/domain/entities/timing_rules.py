"""What the timestamps of orders may measure, as the catalogue says it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.calendar import calendars_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.calendar import Calendars

MICROSECOND = timedelta(microseconds=1)


class TimingRules(NamedTuple):
    """What the timestamps of orders may measure.

    Attributes:
        flow: the stages, their order, and which of them ends the visit.
        known: the experiences of the catalogue; others are averaged nowhere.
        longest_stage: in microseconds. One of twenty years is a wrong clock, and would drown all others.
        longest_promise: what lies farther from the step that states it is no promise.
        calendars: when sites are open; None if that is known of none.
    """

    flow: Flow
    known: Collection[str]
    longest_stage: int
    longest_promise: timedelta
    calendars: Calendars | None = None


def timing_rules(catalogue: Catalogue) -> TimingRules:
    """The rules of a catalogue."""
    plausible, calendars = catalogue.plausible, calendars_of(catalogue)
    longest_stage = timedelta(days=plausible.longest_stage_days) // MICROSECOND
    return TimingRules(
        catalogue.flow,
        frozenset(catalogue.experience),
        longest_stage,
        timedelta(days=plausible.longest_promise_days),
        calendars if calendars.has_hours else None,
    )
