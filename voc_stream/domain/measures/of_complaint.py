"""Says what a complaint measures: its waits, and whether limits were kept.

Complaints have few events, so each measure is worked out anew when one comes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from voc_stream.catalogue.measures import Between, KeptBy, concerns_complaints
from voc_stream.domain.calendar import calendars_of
from voc_stream.domain.limits import limit_is_over_at
from voc_stream.domain.measures.of_order import (
    KnownTimes,
    Point,
    between,
    hundredths_of_minutes,
    longest_wait,
    point_of,
)
from voc_stream.domain.moment import MINUTE_MICROSECONDS
from voc_stream.events.types.base import DONE, NOT_DONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from voc_stream.catalogue.measures import Source
    from voc_stream.catalogue.model import BySeverity, Catalogue
    from voc_stream.domain.calendar import Calendars
    from voc_stream.domain.measures.of_order import Judged

WITHDRAWN = Point("withdrawn", "complaint")


class ComplaintFacts(KnownTimes, Protocol):
    """What is known of a complaint."""

    @property
    def site(self) -> str | None:
        """The site of the complaint, as stated latest."""

    @property
    def stated_severity(self) -> str | None:
        """How severe it is, as stated latest."""


class ComplaintMeasure(NamedTuple):
    """One measure of complaints: the name of its experience, and what it measures."""

    experience: str
    judge: Callable[[ComplaintFacts], Judged]


def complaint_measures(catalogue: Catalogue) -> tuple[ComplaintMeasure, ...]:
    """What a catalogue declares of complaints; nothing if it names none."""
    calendars = calendars_of(catalogue)
    return tuple(
        ComplaintMeasure(key, _judge_of(experience.source, catalogue, calendars))
        for key, experience in catalogue.experience.items()
        if concerns_complaints(experience.source)
    )


def _judge_of(
    source: Source | None, catalogue: Catalogue, calendars: Calendars
) -> Callable[[ComplaintFacts], Judged]:
    if isinstance(source, Between):
        start, end, longest = point_of(source.start), point_of(source.end), longest_wait(catalogue)
        if source.time == "opening":
            return partial(_open_between, start, end, longest, calendars)
        return partial(between, start, end, longest)
    if not isinstance(source, KeptBy):
        raise TypeError(source)
    moment, after = point_of(source.moment), point_of(source.after or "")
    if source.limit is None:
        within = round((source.within_minutes or 0) * MINUTE_MICROSECONDS)
        return partial(_kept, moment, after, partial(_due_by_clock, within))
    limits = catalogue.limits
    due = partial(_due_by_limit, getattr(limits, source.limit), calendars, limits.in_opening_time)
    return partial(_kept, moment, after, due)


def _open_between(
    start: Point, end: Point, longest: int, calendars: Calendars, complaint: ComplaintFacts
) -> Judged:
    all_minutes, calendar = between(start, end, longest, complaint), calendars.of(complaint.site)
    began, ended = complaint.at(start), complaint.at(end)
    if all_minutes is None or not calendar.has_hours or began is None or ended is None:
        return None
    return ended, hundredths_of_minutes(calendar.opening_microseconds(began, ended))


def _due_by_clock(within: int, began: int, _: ComplaintFacts) -> int:
    return began + within


def _due_by_limit(
    limit: BySeverity,
    calendars: Calendars,
    in_opening_time: bool,
    began: int,
    complaint: ComplaintFacts,
) -> int | None:
    severity, calendar = complaint.stated_severity, calendars.of(complaint.site)
    if severity is None:
        return None
    return limit_is_over_at(began, limit, severity, calendar, in_opening_time=in_opening_time)


def _kept(
    moment: Point,
    after: Point,
    due_of: Callable[[int, ComplaintFacts], int | None],
    complaint: ComplaintFacts,
) -> Judged:
    """A complaint that was withdrawn in time before the moment came is not judged."""
    began, came, withdrawn = complaint.at(after), complaint.at(moment), complaint.at(WITHDRAWN)
    due = None if began is None else due_of(began, complaint)
    if due is None:
        return None
    if withdrawn is not None and withdrawn <= due and (came is None or withdrawn < came):
        return None
    return due, DONE if came is not None and came <= due else NOT_DONE
