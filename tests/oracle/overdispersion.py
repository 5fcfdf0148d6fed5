"""Overdispersion, as docs/explain/detection.md tells it: how far means of a site's days scatter."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median, pvariance
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from oracle.satisfaction import Contribution

    Scored: TypeAlias = Mapping[str, Sequence[tuple[int, float]]]
    """Of each experience of a site: the day and the points of each score."""

MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
DAYS_A_WEEK = 7
VALUES = range(11)
FEWEST_DAYS = 14
MOST_OF_ONE_SITE = 4


def phi_of_sites(
    contributed: Iterable[Contribution], experiences: Collection[str]
) -> dict[tuple[str, str], float]:
    """By type and name of the scope: how many scores of each site say as much as one."""
    sites: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    of_all: dict[str, list[float]] = defaultdict(list)
    for each in contributed:
        if each.experience in experiences:
            day = (each.moment - MONDAY).days
            sites[each.site_id][each.experience].append((day, each.value / 100))
            of_all[each.experience].append(each.value / 100)
    # Each value counts half a time more than it was given, so that no value seems impossible.
    variances = {
        experience: pvariance([*values, *values, *VALUES]) for experience, values in of_all.items()
    }
    daily, weekly = {}, {}
    for site, scores in sites.items():
        pattern, used = _weekdays(scores, variances)
        usual = {
            experience: [(day, score - pattern[day % DAYS_A_WEEK]) for day, score in known]
            for experience, known in scores.items()
        }
        squares, freedom = _from_day_to_day(usual, variances)
        daily[site] = squares, freedom - used
        weekly[site] = _of_weeks(usual, variances)
    most = MOST_OF_ONE_SITE * median(squares / freedom for squares, freedom in weekly.values())
    calm = [(min(squares, most * freedom), freedom) for squares, freedom in weekly.values()]
    memory = max(1.0, _ratio(calm) / _ratio(daily.values()))
    memory = float(f"{memory:.1e}")  # so that single late scores do not change every detector
    return {("site", site): _ratio([daily[site]]) * memory for site in sites}


def _weekdays(scores: Scored, variances: Mapping[str, float]) -> tuple[dict[int, float], float]:
    """By how many points each weekday lies above the site's mean, and the freedom that this took.

    A random effect of the weekday is predicted, its variance found by the method of moments.
    """
    above = [
        (day, score - sum(each for _, each in known) / len(known))
        for known in scores.values()
        for day, score in known
    ]
    weekdays: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for day, points in above:
        weekdays[day % DAYS_A_WEEK][day].append(points)
    days = sum(map(len, weekdays.values()))
    nothing = dict.fromkeys(range(DAYS_A_WEEK), 0.0)
    if days < max(FEWEST_DAYS, 2 * len(weekdays)):
        return nothing, 0.0
    number = {key: sum(map(len, of.values())) for key, of in weekdays.items()}
    mean = {key: sum(map(sum, of.values())) / number[key] for key, of in weekdays.items()}
    variance = sum(len(known) * variances[one] for one, known in scores.items()) / len(above)
    inside = sum(
        len(day) * (sum(day) / len(day) - mean[key]) ** 2
        for key, of in weekdays.items()
        for day in of.values()
    ) / (days - len(weekdays))
    inside = max(inside, variance)
    whole = sum(number.values())
    outside = sum(n * mean[key] ** 2 for key, n in number.items()) - (len(number) - 1) * inside
    outside = max(0.0, outside / (whole - sum(n * n for n in number.values()) / whole))
    known = {key: outside * n / (outside * n + inside) for key, n in number.items()}
    drawn = {key: known[key] * mean[key] for key in number}
    middle = sum(number[key] * drawn[key] for key in number) / whole
    pattern = {key: drawn.get(key, middle) - middle for key in range(DAYS_A_WEEK)}
    return pattern, sum(known.values()) * (1 - 1 / len(number))


def _by(days: int, known: Iterable[tuple[int, float]]) -> list[list[float]]:
    """The scores of each so many days, in the order of time."""
    groups: dict[int, list[float]] = defaultdict(list)
    for day, score in known:
        groups[day // days].append(score)
    return [groups[key] for key in sorted(groups)]


def _from_day_to_day(scores: Scored, variances: Mapping[str, float]) -> tuple[float, float]:
    """Squares of differences to the day before, in variances that they have by chance."""
    squares, freedom = 0.0, 0
    for experience, known in scores.items():
        for before, after in pairwise(_by(1, known)):
            difference = sum(after) / len(after) - sum(before) / len(before)
            by_chance = variances[experience] * (1 / len(after) + 1 / len(before))
            squares += difference**2 / by_chance
            freedom += 1
    return squares, freedom


def _of_weeks(scores: Scored, variances: Mapping[str, float]) -> tuple[float, float]:
    """Squares between means of weeks, in variances of a score, and their freedom."""
    squares, freedom = 0.0, 0
    for experience, known in scores.items():
        mean = sum(score for _, score in known) / len(known)
        weeks = _by(DAYS_A_WEEK, known)
        squares += (
            sum(len(week) * (sum(week) / len(week) - mean) ** 2 for week in weeks)
            / variances[experience]
        )
        freedom += len(weeks) - 1
    return squares, freedom


def _ratio(scatters: Iterable[tuple[float, float]]) -> float:
    squares, freedom = map(sum, zip(*scatters, strict=True))
    return max(1.0, squares / freedom) if freedom else 1.0
