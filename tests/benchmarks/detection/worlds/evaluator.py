"""Our detector in a simulated world: the product's walk through hours and days.

What is decided, and by which numbers, is decided by the product. Here stands only what its store
does: it finds the hours and days of a key, and walks again from the earliest hour that changed.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.worlds.effects import OPEN_HOURS
from benchmarks.detection.worlds.tables import (
    FIRST_DAY,
    Tables,
    days_of,
    hour_of,
    moment_of,
    scores_of_hours,
)

from voc_stream.alerts.detection.baseline import BASELINE_DAYS
from voc_stream.alerts.detection.hearing import Gates
from voc_stream.alerts.detection.hour_of_week import hour_of_week, within_weekdays
from voc_stream.alerts.detection.settling import (
    epoch_of,
    midnight,
    walk_begins,
)
from voc_stream.alerts.detection.walking.levels import carries_most, levels_of
from voc_stream.alerts.detection.walking.making import Common, common_of, detector_of, site_days
from voc_stream.alerts.detection.walking.walk import Checkpoint, Guide, kept, walk
from voc_stream.alerts.rules.experiences.key_experience_dropped import ESTIMATED_SHARE
from voc_stream.domain.horizons import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from benchmarks.detection.world import Numbers
    from benchmarks.detection.worlds.history import Size

    from voc_stream.alerts.detection.charts import Scores
    from voc_stream.alerts.detection.detector import Detector, Suspicion
    from voc_stream.alerts.detection.distribution import Distribution
    from voc_stream.alerts.detection.overdispersion import DayScores
    from voc_stream.alerts.detection.weekday_pattern import SiteDays

KEYS_IN_ALL = 6000
"""Keys among which one false alarm a week is allowed; a part of them is simulated."""
LEAST_DROP, MINIMUM_SAMPLES = 0.5, 20
"""The catalogue's `drop` and `minimum_samples` of key experiences."""
ALL = -1
"""The place of a site that stands for all of them."""
_GATES = Gates(ESTIMATED_SHARE * LEAST_DROP, MINIMUM_SAMPLES)


class Key(NamedTuple):
    """One experience at one site, or at all."""

    site: int
    experience: int


class Evaluator:
    """All detectors, walked as far as hours are known."""

    def __init__(self, size: Size, tables: Tables) -> None:
        self._size, self._tables = size, tables
        self.checkpoints: dict[Key, list[Checkpoint]] = {}
        self.opened: dict[Key, datetime] = {}
        self.not_borne_out = 0
        self._common: dict[int, Common] = {}
        self._sites: dict[tuple[int, int], SiteDays] = {}
        self._rhythms: dict[int, dict[int, float]] = {}
        self._within_weekdays: dict[int, dict[int, float]] = {}
        self._levels = np.zeros((size.days, size.sites, size.experiences))

    def begin(self, day: int) -> None:
        """What is done as a day begins. At an epoch each walk begins anew, from the one before."""
        today = FIRST_DAY + day
        self._sites.clear()
        self._take_levels(day)
        if epoch_of(today) != today and self.checkpoints:
            return
        self._common.clear()
        shapes = self._shapes(day)
        for experience in range(self._size.experiences):
            self._rhythms[experience] = self._tables.rhythm(
                experience, day, shapes[str(experience)].variance
            )
            self._within_weekdays[experience] = within_weekdays(self._rhythms[experience])
        begin = midnight(walk_begins(today))
        for site in range(ALL, self._size.sites):
            for experience in range(self._size.experiences):
                key = Key(site, experience)
                head = self.checkpoints[key][-1].detector if key in self.checkpoints else None
                if head is None or head.made_at < begin:
                    self.checkpoints[key] = [Checkpoint(begin, None)]
                    self._walk(key, day * OPEN_HOURS)

    def hear(self, hours: range, sites: Numbers, end: int) -> list[Key]:
        """Walk through hours that became known, up to before `end`; returns whom it concerns."""
        keys = [
            Key(site, experience)
            for site in (ALL, *sites.tolist())
            for experience in range(self._size.experiences)
        ]
        first = moment_of(hours.start)
        for key in keys:
            known = self.checkpoints[key]
            self.checkpoints[key] = [each for each in known if each.until <= first] or known[:1]
            self._walk(key, end)
        return keys

    def fork(self) -> Evaluator:
        """One that goes its own way from here."""
        other = copy.copy(self)
        other.checkpoints, other.opened = dict(self.checkpoints), dict(self.opened)
        other._common, other._sites = dict(self._common), {}
        other._rhythms, other._levels = dict(self._rhythms), self._levels.copy()
        return other

    def quiet(self) -> set[Key]:
        """The keys of sites about which nothing is said."""
        return {
            key
            for key in self.checkpoints
            if key.site != ALL and self.detector(key) is not None and not self.is_fallen(key)
        }

    def fallen_at(self, key: Key) -> int | None:
        """The open hour in which a key was announced, if it is."""
        detector = self.detector(key)
        return (
            None if detector is None or detector.fallen_at is None else hour_of(detector.fallen_at)
        )

    def is_fallen(self, key: Key) -> bool:
        """Whether there is an alert about a key, or would be one."""
        detector = self.detector(key)
        return detector is not None and detector.fallen is not None

    def detector(self, key: Key) -> Detector | None:
        """The detector of a key as it stands."""
        return self.checkpoints[key][-1].detector

    def announced(self, keys: Iterable[Key]) -> list[Key]:
        """Those of some keys whose alert starts; what is over or was not borne out is closed."""
        found = []
        for key in keys:
            detector = self.detector(key)
            if self.is_fallen(key) and key not in self.opened:
                found.append(key)
            opened = self.opened.pop(key, None)
            if detector is not None and detector.fallen_at is not None:
                self.opened[key] = opened or detector.fallen_at
            elif opened is not None and (
                detector is None or detector.recovered_at is None or detector.recovered_at < opened
            ):
                self.not_borne_out += 1
        return found

    def _walk(self, key: Key, end: int) -> None:
        """Walk a key through all hours before `end`, in open hours."""
        known = self.checkpoints[key]
        start = known[-1]
        until = moment_of(end - 1) + HOUR
        if until <= start.until:
            return
        hours = self._hours(key, range(hour_of(start.until), end))
        self.checkpoints[key] = kept(known, walk(start, hours, until, self._guide(key)))

    def _guide(self, key: Key) -> Guide:
        rhythm = self._rhythms[key.experience]
        within_weekday = self._within_weekdays[key.experience]
        return Guide(
            _GATES,
            lambda moment: rhythm.get(hour_of_week(moment), 0.0),
            lambda moment: within_weekday.get(hour_of_week(moment), 0.0),
            lambda day: self._scores_before(key, day - FIRST_DAY),
            lambda day: self._make(key, day - FIRST_DAY),
            hears_differences=key.site == ALL,
            is_of_one_site=(
                (lambda found, hour: self._is_of_one_site(key.experience, found, hour))
                if key.site == ALL
                else None
            ),
        )

    def _hours(self, key: Key, hours: range) -> list[Scores]:
        if key.site != ALL:
            return self._tables.hours(hours, key.site, key.experience)
        part = slice(hours.start, hours.stop)
        levels = np.repeat(self._levels[:, :, key.experience], OPEN_HOURS, axis=0)[part]
        number, total, squares = (
            np.where(levels > 0, table[part, :, key.experience], 0.0)
            for table in (self._tables.number, self._tables.total, self._tables.squares)
        )
        return scores_of_hours(
            hours,
            number.sum(axis=1),
            (total - number * levels).sum(axis=1),
            (squares - 2 * levels * total + number * levels**2).sum(axis=1),
        )

    def _scores_before(self, key: Key, day: int) -> float:
        part = slice(max(0, day - BASELINE_DAYS) * OPEN_HOURS, day * OPEN_HOURS)
        sites = slice(None) if key.site == ALL else key.site
        return float(self._tables.number[part, sites, key.experience].sum())

    def _make(self, key: Key, day: int) -> Detector | None:
        common = self._common_of(day)
        first = max(0, day - BASELINE_DAYS)
        number, total = self._tables.days(first, day)
        number, total = number[:, :, key.experience], total[:, :, key.experience]
        if key.site == ALL:
            own = days_of(first, number.sum(axis=1).tolist(), total.sum(axis=1).tolist())
        else:
            own = days_of(first, number[:, key.site].tolist(), total[:, key.site].tolist())
        return detector_of(
            FIRST_DAY + day,
            str(key.experience),
            own,
            self._site_days(key.site, day),
            common,
            is_of_all=key.site == ALL,
        )

    def _shapes(self, day: int) -> dict[str, Distribution]:
        return {str(one): self._tables.shape(one, day) for one in range(self._size.experiences)}

    def _common_of(self, day: int) -> Common:
        day = epoch_of(FIRST_DAY + day) - FIRST_DAY
        if day not in self._common:
            self._common[day] = common_of(
                self._shapes(day),
                [self._experiences(site, day) for site in range(self._size.sites)],
                {str(one): MINIMUM_SAMPLES for one in range(self._size.experiences)},
            )._replace(keys=KEYS_IN_ALL)
        return self._common[day]

    def _site_days(self, site: int, day: int) -> SiteDays:
        if (site, day) not in self._sites:
            self._sites[site, day] = site_days(
                self._common_of(day).shapes, self._experiences(site, day)
            )
        return self._sites[site, day]

    def _experiences(self, site: int, day: int) -> dict[str, list[DayScores]]:
        first = max(0, day - BASELINE_DAYS)
        number, total = self._tables.days(first, day)
        if site == ALL:
            own = total.sum(axis=0) / np.maximum(1, number.sum(axis=0))
            number, total = number.sum(axis=1), (total - number * own).sum(axis=1)
        else:
            number, total = number[:, site], total[:, site]
        return {
            str(one): days_of(first, number[:, one].tolist(), total[:, one].tolist())
            for one in range(self._size.experiences)
            if number[:, one].any()
        }

    def _take_levels(self, day: int) -> None:
        """The sites' own levels of a day: they stand for an epoch, unless a site is new."""
        today = FIRST_DAY + day
        epoch = epoch_of(today) - FIRST_DAY
        first = max(0, epoch - BASELINE_DAYS)
        number, total = self._tables.days(first, day)
        for site in range(self._size.sites):
            for experience in range(self._size.experiences):
                if day > epoch and self._levels[epoch, site, experience]:
                    self._levels[day, site, experience] = self._levels[epoch, site, experience]
                    continue
                days = days_of(
                    first,
                    number[:, site, experience].tolist(),
                    total[:, site, experience].tolist(),
                )
                for level in levels_of(days, FIRST_DAY + epoch, today, MINIMUM_SAMPLES):
                    part = slice(level.since - FIRST_DAY, level.until - FIRST_DAY)
                    self._levels[part, site, experience] = level.hundredths / 100

    def _is_of_one_site(self, experience: int, found: Suspicion, hour: datetime) -> bool:
        since, until = hour_of(found.since), hour_of(hour) + 1
        part = slice(since, until)
        levels = np.repeat(self._levels[:, :, experience], OPEN_HOURS, axis=0)[part]
        number, total = (
            table[part, :, experience] for table in (self._tables.number, self._tables.total)
        )
        lost = np.where(levels > 0, number * levels - total, 0.0).sum(axis=0).tolist()
        return carries_most({str(site): points for site, points in enumerate(lost)}) is not None
