"""Our detector in a simulated world: the product's own functions, fed as the product feeds them.

Tables are arrays here. What is decided, and by which numbers, is decided by the product.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.world import VALUES
from benchmarks.detection.worlds.effects import DAYS_A_WEEK, OPEN_HOURS

from voc_stream.alerts.detection.baseline import (
    BASELINE_DAYS,
    RENEWED_AFTER_DAYS,
    Past,
    at_mean,
    baseline_of,
    shrink,
    variance_between,
)
from voc_stream.alerts.detection.charts import Scores, scores_between_false_alarms
from voc_stream.alerts.detection.detector import (
    Detector,
    announce,
    detector_for,
    feed,
    has_recovered,
    is_calm,
    start_anew,
    suspicion,
)
from voc_stream.alerts.detection.distribution import distribution_of
from voc_stream.alerts.detection.false_discovery import believe
from voc_stream.alerts.detection.hour_of_week import hour_of_week, rhythm_of, without_rhythm
from voc_stream.alerts.explanation.groups import Group
from voc_stream.alerts.explanation.reason import find_reason
from voc_stream.alerts.rules.experiences.key_experience_dropped import (
    ESTIMATED_SHARE,
    NEW_USUAL_AFTER,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.detection.world import Numbers
    from benchmarks.detection.worlds.answers import Panes
    from benchmarks.detection.worlds.history import Size

    from voc_stream.alerts.detection.detector import Suspicion
    from voc_stream.alerts.detection.distribution import Distribution

KEYS_IN_ALL = 6000
"""Keys among which one false alarm a week is allowed; a part of them is simulated."""
LEAST_DROP, MINIMUM_SAMPLES = 0.5, 20
"""The catalogue's `drop` and `minimum_samples` of key experiences."""
ALL = -1
"""The place of a site that stands for all of them."""
_FIRST = datetime(2026, 1, 5, tzinfo=UTC)
_OPENS_AT = 8
_RHYTHM_DAYS = 28
_ENOUGH_FOR_A_SHAPE, _IMAGINED = 5_000, 0.5


class Key(NamedTuple):
    """One experience at one site, or at all."""

    site: int
    experience: int


def moment_of(hour: int) -> datetime:
    """When an open hour begins; hours are numbered through."""
    day, of_day = divmod(hour, OPEN_HOURS)
    return _FIRST + timedelta(days=day, hours=_OPENS_AT + of_day)


class Evaluator:
    """All detectors, and the tables that they are made of."""

    def __init__(self, size: Size) -> None:
        shape = (size.days * OPEN_HOURS, size.sites, size.experiences)
        self._size = size
        self.number, self.total, self.squares = (np.zeros(shape) for _ in range(3))
        self.values = np.zeros((size.days, size.experiences, len(VALUES)))
        self.detectors: dict[Key, Detector] = {}
        self.made: dict[Key, int] = {}
        self.opened: dict[Key, datetime] = {}
        self._rhythms: dict[int, dict[int, float]] = {}

    def learn(self, hours: range, sites: Numbers, panes: Panes) -> None:
        """Put answers into the tables."""
        where = np.ix_(np.array(hours), sites)
        self.number[where], self.total[where], self.squares[where] = panes

    def renew(self, day: int, due: Iterable[Key] | None = None) -> None:
        """What is done at midnight before a day: rhythms, and baselines that are due."""
        hours = slice((day - BASELINE_DAYS) * OPEN_HOURS, day * OPEN_HOURS)
        number, total = self.number[hours].sum(axis=0), self.total[hours].sum(axis=0)
        days = self.number[hours].reshape(BASELINE_DAYS, OPEN_HOURS, *number.shape).sum(axis=1)
        active = (days > 0).sum(axis=0)
        for experience in range(self._size.experiences):
            counts = number[:, experience]
            shape = self._shape(experience, day)
            self._rhythms[experience] = self._rhythm(experience, day, shape)
            every = Past(int(counts.sum()), float(total[:, experience].sum() / counts.sum()))
            shape = at_mean(shape, round(every.mean, 3))
            known = np.flatnonzero(counts >= MINIMUM_SAMPLES).tolist()
            past = {
                site: Past(int(counts[site]), float(total[site, experience] / counts[site]))
                for site in known
            }
            between = variance_between(list(past.values()), shape.variance)
            for site, own in [*past.items(), (ALL, every)]:
                key = Key(site, experience)
                if due is not None and key not in due:
                    continue
                if not self._is_due(key, own, day):
                    continue
                open_days = BASELINE_DAYS if site == ALL else int(active[site, experience])
                self.made[key] = day
                self.detectors[key] = _detector(
                    shape,
                    own._replace(mean=round(own.mean, 3)),
                    math.inf if site == ALL else between,
                    scores_between_false_alarms(own.scores / open_days * DAYS_A_WEEK, KEYS_IN_ALL),
                    _FIRST + timedelta(days=day),
                )

    def hear(self, hours: range, sites: Numbers) -> list[Key]:
        """Feed the detectors with what became known, and return whom it concerns."""
        where = np.ix_(np.array(hours), sites)
        heard: dict[Key, list[Scores]] = {}
        moments = [moment_of(hour) for hour in hours]
        for experience in range(self._size.experiences):
            tables = [
                table[where][:, :, experience] for table in (self.number, self.total, self.squares)
            ]
            together = zip(*(table.sum(axis=1).tolist() for table in tables), strict=True)
            heard[Key(ALL, experience)] = _scores(together, moments)
            for place, site in enumerate(sites.tolist()):
                own = zip(*(table[:, place].tolist() for table in tables), strict=True)
                heard[Key(site, experience)] = _scores(own, moments)
        for key, scores in heard.items():
            detector = self.detectors.get(key)
            if detector is None:
                continue
            rhythm = self._rhythms[key.experience]
            for each in scores:
                points = rhythm.get(hour_of_week(each.moment), 0.0)
                detector = feed(detector, without_rhythm(each, points))
            self.detectors[key] = detector
        return [key for key, scores in heard.items() if scores and key in self.detectors]

    def suspicions(self, keys: Iterable[Key], now: int) -> dict[Key, Suspicion]:
        """What might be announced of some keys."""
        found = {}
        for key in keys:
            detector = self.detectors[key]
            if detector.fallen is None:
                one = suspicion(detector, ESTIMATED_SHARE * LEAST_DROP)
                if one is not None and one.margin > -math.log(KEYS_IN_ALL):
                    found[key] = one
        return {key: one for key, one in found.items() if self._has_samples(key, now)}

    def quiet(self, now: int) -> set[Key]:
        """The keys of sites about which nothing is said, nor would be if they were alone."""
        sites = {
            key
            for key, detector in self.detectors.items()
            if key.site != ALL and detector.fallen is None
        }
        return sites - {key for key, one in self.suspicions(sites, now).items() if one.margin >= 0}

    def judge(self, keys: Iterable[Key], now: int) -> list[Key]:
        """End what is over, and announce what is to be: those keys are returned."""
        for key in list(self.opened):
            if moment_of(now) - self.opened[key] >= NEW_USUAL_AFTER:
                del self.opened[key], self.detectors[key], self.made[key]
            elif has_recovered(self.detectors[key], MINIMUM_SAMPLES):
                self.detectors[key] = start_anew(self.detectors[key])
                del self.opened[key]
        suspicions = self.suspicions((key for key in keys if key in self.detectors), now)
        believed = believe([one.margin for one in suspicions.values()])
        announced = []
        for (key, one), is_believed in zip(suspicions.items(), believed, strict=True):
            if is_believed and not self._is_of_one_site(key, one, now):
                self.detectors[key] = announce(self.detectors[key], one.chart)
                self.opened[key] = moment_of(now)
                announced.append(key)
        return announced

    def _is_due(self, key: Key, past: Past, day: int) -> bool:
        if key not in self.detectors:
            return True
        detector = self.detectors[key]
        return is_calm(detector) and (
            day - self.made[key] >= RENEWED_AFTER_DAYS
            or past.scores >= 2 * detector.baseline_scores
        )

    def _shape(self, experience: int, day: int) -> Distribution:
        counts = np.zeros(len(VALUES))
        for ago in range(1, BASELINE_DAYS + 1):
            counts += self.values[day - ago, experience]
            if counts.sum() >= _ENOUGH_FOR_A_SHAPE:
                break
        return distribution_of(
            dict(zip(VALUES.tolist(), (counts + _IMAGINED).tolist(), strict=True))
        )

    def _rhythm(self, experience: int, day: int, shape: Distribution) -> dict[int, float]:
        hours = slice((day - _RHYTHM_DAYS) * OPEN_HOURS, day * OPEN_HOURS)
        number, total = self.number[hours, :, experience], self.total[hours, :, experience]
        with np.errstate(invalid="ignore"):
            own = np.nan_to_num(total.sum(axis=0) / number.sum(axis=0))
        above = (total - number * own).sum(axis=1).reshape(-1, DAYS_A_WEEK * OPEN_HOURS).sum(axis=0)
        counts = number.sum(axis=1).reshape(-1, DAYS_A_WEEK * OPEN_HOURS).sum(axis=0)
        return rhythm_of(
            {
                hour_of_week(moment_of(hours.start + place)): Past(
                    int(count), float(points / count)
                )
                for place, (count, points) in enumerate(zip(counts, above, strict=True))
                if count > 0
            },
            shape.variance,
        )

    def _has_samples(self, key: Key, now: int) -> bool:
        hours = slice(max(0, now + 1 - DAYS_A_WEEK * OPEN_HOURS), now + 1)
        sites = slice(None) if key.site == ALL else key.site
        return bool(self.number[hours, sites, key.experience].sum() >= MINIMUM_SAMPLES)

    def _is_of_one_site(self, key: Key, found: Suspicion, now: int) -> bool:
        """Whether a drop at all sites is that of a single one, which announces it itself."""
        if key.site != ALL:
            return False
        first = (found.since - _FIRST).days
        since, until = first * OPEN_HOURS, now + 1
        before = slice((first - _RHYTHM_DAYS) * OPEN_HOURS, since)
        now_and_before = [
            table[part, :, key.experience].sum(axis=0).tolist()
            for part in (slice(since, until), before)
            for table in (self.number, self.total, self.squares)
        ]
        groups = [
            Group("site", str(site), int(n), total, squares, int(n_before), *before)
            for site, (n, total, squares, n_before, *before) in enumerate(
                zip(*now_and_before, strict=True)
            )
        ]
        main = find_reason(groups).named
        return main is not None and Key(int(main.value), key.experience) in self.detectors


def _scores(rows: Iterable[Sequence[float]], moments: Sequence[datetime]) -> list[Scores]:
    return [
        Scores(int(number), total, squares, moment)
        for (number, total, squares), moment in zip(rows, moments, strict=True)
        if number
    ]


@lru_cache(maxsize=10_000)
def _detector(
    shape: Distribution, past: Past, between: float, between_alarms: float, now: datetime
) -> Detector:
    baseline = baseline_of(shape, past, between)
    usual, error = shrink(past, shape.mean, shape.variance, between)
    return detector_for(
        baseline,
        usual,
        error,
        int(past.scores),
        scores_between_false_alarms=between_alarms,
        now=now,
    )
