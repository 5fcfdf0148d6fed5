"""Gives walks what they need to know of their keys, and reads it only if it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.detection.baseline import BASELINE_DAYS
from voc_stream.alerts.detection.hearing import Gates
from voc_stream.alerts.detection.hour_of_week import hour_of_week, within_weekdays
from voc_stream.alerts.detection.overdispersion import DAYS_A_WEEK
from voc_stream.alerts.detection.settling import epoch_of, walk_begins
from voc_stream.alerts.detection.walking.levels import carries_most
from voc_stream.alerts.detection.walking.making import before, detector_of, site_days
from voc_stream.alerts.detection.walking.walk import Guide
from voc_stream.alerts.rules.experiences.key_experience_dropped import ESTIMATED_SHARE
from voc_stream.domain.horizons import HOUR
from voc_stream.domain.watched import watched_difference
from voc_stream.postgres.alerting.watching.hours import read_days
from voc_stream.postgres.alerting.watching.look import ENOUGH, read_common
from voc_stream.postgres.alerting.watching.site_levels import read_days_of_all, read_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.detection.detector import Detector, Suspicion
    from voc_stream.alerts.detection.overdispersion import DayScores
    from voc_stream.alerts.detection.walking.making import Common
    from voc_stream.alerts.detection.weekday_pattern import SiteDays
    from voc_stream.catalogue.model import Experience
    from voc_stream.postgres.alerting.watching.detector_rows import Key
    from voc_stream.postgres.alerting.watching.look import Look
    from voc_stream.postgres.session.cursor import Cursor


class Guides:
    """The guides of one evaluation.

    Args:
        cursor: of its transaction.
        experiences: the key experiences.
        look: what was found at the last look.
        as_of: hours that begin later are not heard.
        commons: what was common to all sites on other days than epochs; it is added to.
    """

    def __init__(
        self,
        cursor: Cursor,
        experiences: Mapping[str, Experience],
        look: Look,
        as_of: datetime,
        commons: dict[int, Common],
    ) -> None:
        self._cursor = cursor
        self._experiences = experiences
        self.look = look
        self._as_of = as_of
        self._days: dict[Key, list[DayScores]] = {}
        self._sites: dict[tuple[str, str, int], SiteDays] = {}
        self._commons = commons
        self._losses: dict[str, tuple[datetime, list[tuple[datetime, str, float]]]] = {}

    def load_days(self, keys: Collection[Key]) -> None:
        """Read the days of keys that are about to walk."""
        first = walk_begins(self.look.day) - BASELINE_DAYS
        found = read_days(self._cursor, keys, first, self.look.day + 1)
        self._days |= {key: found.get(key, []) for key in keys}

    def guide(self, key: Key) -> Guide:
        """The guide of one key. It begins days only if the key's days were loaded."""
        experience = self._experiences[key.experience]
        is_of_all = key.scope_type == "all"
        rhythm = self.look.rhythms.get(key.experience, {})
        within_weekday = within_weekdays(rhythm)
        days = self._days.get(key, [])
        return Guide(
            Gates(
                ESTIMATED_SHARE * watched_difference(experience, experience.alert.drop),
                experience.alert.minimum_samples,
            ),
            lambda moment: rhythm.get(hour_of_week(moment), 0.0),
            lambda moment: within_weekday.get(hour_of_week(moment), 0.0),
            lambda day: sum(each.scores for each in before(days, day)),
            lambda day: self._make(key, days, day),
            hears_differences=is_of_all,
            is_of_one_site=self._one_site_of(key.experience) if is_of_all else None,
        )

    def _make(self, key: Key, days: Sequence[DayScores], day: int) -> Detector | None:
        return detector_of(
            day,
            key.experience,
            before(days, day),
            self._site_days(key, day),
            self._common(key.experience, day),
            is_of_all=key.scope_type == "all",
        )

    def _site_days(self, key: Key, day: int) -> SiteDays:
        """What the days of a site say, over its experiences; or those of all sites together."""
        known = self._sites.get((key.scope_type, key.scope, day))
        if known is None:
            days: Mapping[str, Sequence[DayScores]]
            if key.scope_type == "all":
                days = read_days_of_all(self._cursor, self._experiences, day)
            else:
                keys = [key._replace(experience=each) for each in self._experiences]
                found = read_days(self._cursor, keys, day - BASELINE_DAYS, day)
                days = {each.experience: of_key for each, of_key in found.items()}
            shapes = {
                each: shape
                for each in days
                if (shape := self._common(each, day).shapes.get(each)) is not None
            }
            known = self._sites[key.scope_type, key.scope, day] = site_days(shapes, days)
        return known

    def _common(self, experience: str, day: int) -> Common:
        """What was common to all sites: at the epoch before, if that knows enough.

        Else on the Monday before, or on the day itself.
        """
        of_epoch = self.look.commons.get(epoch_of(day))
        if of_epoch is not None and experience in of_epoch.shapes:
            return of_epoch
        of_week = self._read_common(day - day % DAYS_A_WEEK, of_epoch, ENOUGH)
        if experience in of_week.shapes:
            return of_week
        return self._read_common(day, of_epoch, 1, is_monday=False)

    def _read_common(
        self, day: int, of_epoch: Common | None, enough: int, *, is_monday: bool = True
    ) -> Common:
        place = 2 * day + is_monday
        known = self._commons.get(place)
        if known is None:
            few = {
                key: one
                for key, one in self._experiences.items()
                if of_epoch is None or key not in of_epoch.shapes
            }
            known = read_common(self._cursor, few, day, enough)
            if of_epoch is not None and len(self._experiences) > len(few):
                known = known._replace(keys=known.keys + of_epoch.keys)
            self._commons[place] = known
        return known

    def _one_site_of(self, experience: str) -> Callable[[Suspicion, datetime], bool]:
        def is_of_one_site(found: Suspicion, hour: datetime) -> bool:
            losses: dict[str, float] = {}
            for start, site, lost in self._losses_since(experience, found.since):
                if found.since <= start <= hour:
                    losses[site] = losses.get(site, 0.0) + lost
            return carries_most(losses) is not None

        return is_of_one_site

    def _losses_since(self, experience: str, since: datetime) -> list[tuple[datetime, str, float]]:
        read_since, rows = self._losses.get(experience, (None, []))
        if read_since is None or since < read_since:
            rows = read_losses(self._cursor, experience, since, self._as_of + HOUR)
            self._losses[experience] = since, rows
        return rows
