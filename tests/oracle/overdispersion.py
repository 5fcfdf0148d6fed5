"""Overdispersion, as docs/explain/detection.md tells it: how far means of a site's days scatter."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from statistics import pvariance
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from oracle.satisfaction import Contribution

MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
DAYS_A_WEEK = 7
VALUES = range(11)


def phi_of_sites(
    contributed: Iterable[Contribution], experiences: Collection[str]
) -> dict[tuple[str, str], float]:
    """By type and name of the scope: how many scores of each site say as much as one.

    For sites of fewer than two weeks: nobody knows their weekdays.
    """
    scores: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    of_all: dict[str, list[float]] = defaultdict(list)
    for each in contributed:
        if each.experience in experiences:
            day = (each.moment - MONDAY).days
            scores[each.site_id, each.experience].append((day, each.value / 100))
            of_all[each.experience].append(each.value / 100)
    # Each value counts half a time more than it was given, so that no value seems impossible.
    variances = {
        experience: pvariance([*values, *values, *VALUES]) for experience, values in of_all.items()
    }
    sites = {site for site, _ in scores}
    daily = {site: _scatter(site, scores, variances, 1) for site in sites}
    weekly = {site: _scatter(site, scores, variances, DAYS_A_WEEK) for site in sites}
    memory = max(1.0, _ratio(weekly.values()) / _ratio(daily.values()))
    memory = float(f"{memory:.1e}")  # so that single late scores do not change every detector
    return {("site", site): _ratio([daily[site]]) * memory for site in sites}


def _scatter(
    site: str,
    scores: Mapping[tuple[str, str], list[tuple[int, float]]],
    variances: Mapping[str, float],
    days: int,
) -> tuple[float, int]:
    """Squares between means of so many days, in variances of a score, and their freedom."""
    squares, freedom = 0.0, 0
    for (of_site, experience), known in scores.items():
        if of_site != site:
            continue
        mean = sum(score for _, score in known) / len(known)
        groups: dict[int, list[float]] = defaultdict(list)
        for day, score in known:
            groups[day // days].append(score)
        freedom += len(groups) - 1
        squares += (
            sum(len(group) * (sum(group) / len(group) - mean) ** 2 for group in groups.values())
            / variances[experience]
        )
    return squares, freedom


def _ratio(scatters: Iterable[tuple[float, int]]) -> float:
    squares, freedom = map(sum, zip(*scatters, strict=True))
    return max(1.0, squares / freedom) if freedom else 1.0
