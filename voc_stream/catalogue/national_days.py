"""Gives public holidays and make-up working days of countries, from the library `holidays`."""

from __future__ import annotations

from datetime import date  # noqa: TC003  doctests use it
from functools import lru_cache
from typing import NamedTuple

import holidays


class NationalDays(NamedTuple):
    """What a country says of one year: holidays, and days at weekends that are worked instead."""

    holidays: frozenset[date]
    working_days: frozenset[date]


def is_country(name: str) -> bool:
    """Whether the library knows a country, with or without one of its parts.

    >>> is_country("CN"), is_country("DE-BY"), is_country("DE-XX"), is_country("Atlantis")
    (True, True, False, False)
    """
    country, _, part = name.partition("-")
    known = holidays.list_supported_countries()
    return country in known and (not part or part in known[country])


@lru_cache(maxsize=1024)
def national_days(name: str, year: int) -> NationalDays:
    """The days of one year of a country (`CN`) or of a part of it (`DE-BY`).

    >>> from datetime import date
    >>> golden_week = national_days("CN", 2025)
    >>> date(2025, 10, 1) in golden_week.holidays, date(2025, 9, 28) in golden_week.working_days
    (True, True)
    """
    country, _, part = name.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=year)
    # Only countries that swap days have the attribute; some years beyond the one asked are in it.
    swapped = getattr(found, "weekend_workdays", ())
    return NationalDays(
        frozenset(day for day in found if day.year == year),
        frozenset(day for day in swapped if day.year == year),
    )
