"""Says for how long somebody has been a customer, in bands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

BANDS_FROM = (timedelta(0), timedelta(days=180), timedelta(days=365), timedelta(days=1095))
"""Since when the bands of tenure begin: an assumption. The first is band 0."""


def tenure_at(since: datetime, as_of: datetime) -> tuple[int, datetime | None]:
    """The band of who has been a customer since then, and when the next band begins (None: never).

    >>> from datetime import UTC, datetime
    >>> since = datetime(2025, 1, 1, tzinfo=UTC)
    >>> tenure_at(since, datetime(2025, 7, 1, tzinfo=UTC))
    (1, datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))
    """
    for band, begins in enumerate(BANDS_FROM):
        if as_of - since < begins:
            return band - 1, since + begins
    return len(BANDS_FROM) - 1, None
