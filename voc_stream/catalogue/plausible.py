"""Declares which times are believed.

A clock that was never set must not decide a mean, a percentile or when a complaint was opened.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

# Contributions are kept in hundredths of a minute, whose squares are summed.
MOST_STAGE_DAYS = 10_000_000 / (24 * 60)
MOST_PROMISE_DAYS = 100 * 366.0


class Plausible(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bounds beyond which a time is taken for a wrong clock or a placeholder.

    Attributes:
        earliest_occurred_at: no event is older. Devices whose clock was never set begin in the year
            1, 1970, 1980 or 2000, and some run on from there for months. So the default is a year
            after the last of these.
        longest_stage_days: a stage that lasted longer is shown, and averaged with nothing.
        longest_promise_days: a promise farther from the step that states it, in either direction,
            is no promise. Of real building permits some are promised 15 months ahead.
    """

    earliest_occurred_at: datetime = datetime(2001, 1, 1, tzinfo=UTC)
    longest_stage_days: float = 366.0
    longest_promise_days: float = 1830.0


def problems(plausible: Plausible) -> Iterator[tuple[str, str]]:
    """The keys whose values cannot be meant, each with what is wrong.

    >>> list(problems(Plausible(longest_stage_days=0)))
    [('longest_stage_days', 'must be more than 0 and at most 6944.44, not 0')]
    """
    if plausible.earliest_occurred_at.tzinfo is None:
        yield "earliest_occurred_at", "needs an offset from UTC, as in 2001-01-01T00:00:00Z"
    for name, most in (
        ("longest_stage_days", MOST_STAGE_DAYS),
        ("longest_promise_days", MOST_PROMISE_DAYS),
    ):
        days = getattr(plausible, name)
        if not (0 < days <= most and math.isfinite(days)):
            yield name, f"must be more than 0 and at most {most:g}, not {days:g}"
