"""Calendars for tests of rules: a shop that is open from Monday to Saturday, eight to six."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from msgspec.structs import replace

from voc_stream.catalogue.calendar import SiteCalendar
from voc_stream.catalogue.load import load_catalogue

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

OPEN_HOURS = ((8 * 60, 18 * 60),)
SIX_DAYS = SiteCalendar(week=(OPEN_HOURS,) * 6 + ((),))


def with_calendar(
    calendar: SiteCalendar = SIX_DAYS, *, in_opening_time: bool = False, **sites: SiteCalendar
) -> Catalogue:
    """The default catalogue with a calendar for all sites, and with those of some sites."""
    catalogue = load_catalogue()
    return replace(
        catalogue,
        calendar=calendar,
        site={site_id.replace("_", "-"): one for site_id, one in sites.items()},
        limits=replace(catalogue.limits, in_opening_time=in_opening_time),
    )


def closed_on(*days: str) -> SiteCalendar:
    """The same shop with days off."""
    return replace(SIX_DAYS, holidays=frozenset(map(date.fromisoformat, days)))
