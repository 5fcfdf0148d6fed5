"""Says when a limit of the catalogue for complaints is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.moment import MINUTE_MICROSECONDS

if TYPE_CHECKING:
    from voc_stream.catalogue.model import BySeverity
    from voc_stream.domain.calendar import Calendar


def limit_is_over_at(
    began: int, limit: BySeverity, severity: str, calendar: Calendar, *, in_opening_time: bool
) -> int | None:
    """The last moment at which a complaint has not waited longer than it may.

    Days on which the site is closed do not count, nor hours if limits are in opening time.

    Args:
        began: when the wait began, in microseconds since 1970.
        limit: how long it may take, in minutes.
        severity: how severe the complaint is: `minor` or `major`.
        calendar: when the site is open.
        in_opening_time: whether only opening time counts.

    Returns:
        The moment in microseconds since 1970; None if the site is never open for so long again.

    >>> from voc_stream.catalogue.model import BySeverity
    >>> from voc_stream.domain.calendar import NEVER_CLOSED
    >>> hour_or_day, calendar = BySeverity(major=60, minor=1440), NEVER_CLOSED.of(None)
    >>> limit_is_over_at(0, hour_or_day, "major", calendar, in_opening_time=False)
    3600000000
    """
    minutes = limit.major if severity == "major" else limit.minor
    wait = round(minutes * MINUTE_MICROSECONDS)
    return calendar.end_of_wait(began, wait, in_opening_time=in_opening_time)
