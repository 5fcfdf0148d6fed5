"""Making detectors: whose baseline is due, and what it is."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.detection.baseline import RENEWED_AFTER_DAYS, Past, at_mean, baseline_of, shrunk, variance_between
from voc_stream.domain.detection.watch import Watch, is_calm, watch_for
from voc_stream.postgres.alerting import detectors
from voc_stream.postgres.alerting.brief import Brief
from voc_stream.postgres.alerting.pasts import KeyPast, read_pasts, read_rhythms, read_shapes, start_of_today
from voc_stream.postgres.settle import NEWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Catalogue, Experience
    from voc_stream.domain.detection.distribution import Distribution
    from voc_stream.postgres.alerting.detectors import Key

RENEWED_AFTER = timedelta(days=RENEWED_AFTER_DAYS)
LOOKED_EVERY = timedelta(minutes=1)
AGAIN_AFTER = timedelta(hours=1)
RHYTHM_SECONDS = 10.0
KEYS_A_TIME = 200
"""Making a detector takes two or three milliseconds."""
WEEKS_BETWEEN_FALSE_ALARMS_OF_A_KEY = 260.0
"""At least; with more keys than that as many weeks as there are keys, so that over all keys there is at most one a week."""
_DAYS_A_WEEK = 7


class Baselines:
    """Makes detectors that are missing and renews those that are due. What is read for that is kept for a while.

    A baseline stands for four weeks, so that a slow slide cannot creep into it; it is renewed earlier where it was made from less than half
    of the scores that there are now, and never while a drop is suspected.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._experiences: Mapping[str, Experience] = {key: one for key, one in catalogue.experience.items() if one.key}
        self._shapes: dict[str, Distribution] = {}
        self._rhythms: dict[str, dict[int, float]] = {}
        self._rhythms_at: datetime | None = None
        self._looked_at: datetime | None = None

    def rhythm(self, experience: str, hour_of_week: int) -> float:
        """By how many points scores of that hour usually lie above the mean."""
        return self._rhythms.get(experience, {}).get(hour_of_week, 0.0)

    def renew(self, cursor: Cursor, now: datetime) -> int:
        """Make what is due, or a part of it; how many were made."""
        self._read_rhythms(cursor, now)
        if self._looked_at is not None and now - self._looked_at < LOOKED_EVERY:
            return 0
        detectors.drop_others(cursor, self._experiences)
        detectors.forget_arrivals(cursor, now - NEWS)
        pasts = {key: past for key, past in read_pasts(cursor, self._experiences, now).items() if self._has_enough(key, past)}
        made = detectors.made_at(cursor)
        due = [key for key, past in pasts.items() if key not in made or self._is_due(*made[key], past, now)]
        # Anew for each that is due: a history may be on its way in.
        self._shapes = read_shapes(cursor, self._experiences, now) if due else self._shapes
        pasts = {key: past for key, past in pasts.items() if key.experience in self._shapes}
        due = [key for key in due if key in pasts]
        known = detectors.load(cursor, [key for key in due if key in made])
        due = [key for key in due if key not in known or is_calm(known[key])]
        # Those that do not watch at all come first.
        due.sort(key=lambda key: (key in made, key))
        chosen = due[:KEYS_A_TIME]
        between = self._between(pasts) if chosen else {}
        new = {key: self._watch(key, pasts, between, now) for key in chosen}
        detectors.save(cursor, new)
        for key in new:
            if key not in known:
                # Scores that the baseline was made from are no news.
                cursor.execute(
                    "DELETE FROM arrival WHERE scope_type = %s AND scope = %s AND experience = %s AND hour < %s",
                    (*key, start_of_today(now)),
                )
        # Until there is any past, and while there is something to make, the next evaluation looks again.
        self._looked_at = now if pasts and not new else None
        return len(new)

    def _read_rhythms(self, cursor: Cursor, now: datetime) -> None:
        """Once a day, because it is much to read and hardly changes; every hour where there are none yet."""
        if (
            self._rhythms_at is None
            or self._rhythms_at < start_of_today(now)
            or (not self._rhythms and now - self._rhythms_at > AGAIN_AFTER)
        ):
            self._rhythms_at = now
            shapes = read_shapes(cursor, self._experiences, now)
            self._rhythms = read_rhythms(Brief(cursor, RHYTHM_SECONDS, RHYTHM_SECONDS), shapes, now)

    def _has_enough(self, key: Key, past: KeyPast) -> bool:
        return past.past.scores >= self._experiences[key.experience].alert.minimum_samples

    @staticmethod
    def _is_due(made_at: datetime, scores: int, past: KeyPast, now: datetime) -> bool:
        return now - made_at >= RENEWED_AFTER or past.past.scores >= 2 * scores

    def _between(self, pasts: Mapping[Key, KeyPast]) -> dict[str, float]:
        """How far the means of sites lie apart, for each experience."""
        sites: dict[str, list[Past]] = defaultdict(list)
        for key, past in pasts.items():
            if key.scope_type == "site":
                sites[key.experience].append(past.past)
        return {experience: variance_between(of_sites, self._shapes[experience].variance) for experience, of_sites in sites.items()}

    def _watch(self, key: Key, pasts: Mapping[Key, KeyPast], between_sites: Mapping[str, float], now: datetime) -> Watch:
        """The detector of one key; it has no charts where its scores leave no room for a drop."""
        own = pasts[key]
        everywhere = pasts.get(key._replace(scope_type="all", scope=""), own).past
        # Bins know scores only by their floors.
        shape = at_mean(self._shapes[key.experience], everywhere.mean)
        between = math.inf if key.scope_type == "all" else between_sites[key.experience]
        baseline = baseline_of(shape, own.past, between)
        usual, error = shrunk(own.past, shape.mean, shape.variance, between)
        a_week = own.past.scores / own.days * _DAYS_A_WEEK
        between_alarms = a_week * max(WEEKS_BETWEEN_FALSE_ALARMS_OF_A_KEY, len(pasts))
        return watch_for(baseline, usual, error, own.past.scores, scores_between_false_alarms=between_alarms, now=now)
