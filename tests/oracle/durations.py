"""Percentiles of durations: every duration is sorted, and the nearest rank is looked up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from oracle.calendar import local_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from oracle.reading import Row, Table
    from oracle.satisfaction import Contribution

DAYS = {"7d": 7, "30d": 30, "90d": 90}
PERCENTS = (50, 90, 95)


def duration_tables(
    contributed: Iterable[Contribution], catalogue: Mapping[str, Any], as_of: datetime
) -> dict[str, Table]:
    """Percentiles by day, and over the last days; by site and, over days, for all sites."""
    daily: dict[tuple[Any, ...], list[int]] = {}
    rolling: dict[tuple[Any, ...], list[int]] = {}
    for c in contributed:
        if catalogue["experience"][c.experience].get("unit", "score") != "minutes":
            continue
        day = local_day(catalogue, c.site_id, c.moment)
        today = local_day(catalogue, c.site_id, as_of)
        daily.setdefault((day, c.experience, c.site_id), []).append(c.value)
        for horizon, days in DAYS.items():
            if today - timedelta(days=days) < day <= today:
                rolling.setdefault((horizon, "all", "", c.experience), []).append(c.value)
                if c.site_id:
                    rolling.setdefault((horizon, "site", c.site_id, c.experience), []).append(
                        c.value
                    )
    return {
        "duration_daily": {key: _row(values) for key, values in daily.items()},
        "duration_rolling": {key: _row(values) for key, values in rolling.items()},
    }


def _row(values: list[int]) -> Row:
    values.sort()
    return {
        "n": len(values),
        **{f"p{percent}": _shown(values[_rank(len(values), percent) - 1]) for percent in PERCENTS},
    }


def _rank(n: int, percent: int) -> int:
    """The least rank that is not below so many percent of all."""
    return -(-percent * n // 100)


def _shown(value: int) -> float:
    """The middle of the values that are shown alike, in minutes."""
    low, width = 0, 1
    while low + width <= value:
        low += width
        width = max(1, low // 20)
    return (2 * low + width - 1) / 200
