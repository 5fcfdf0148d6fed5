"""Makes detectors: finds whose baseline is due, and what it is."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.baseline import (
    RENEWED_AFTER_DAYS,
    Past,
    at_mean,
    baseline_of,
    shrink,
    variance_between,
)
from voc_stream.alerts.detection.charts import scores_between_false_alarms
from voc_stream.alerts.detection.detector import Detector, detector_for, is_calm
from voc_stream.every import Every
from voc_stream.postgres.alerting import detector_rows
from voc_stream.postgres.alerting.past_weeks import (
    KeyPast,
    read_past_weeks,
    read_shapes,
    start_of_today,
)
from voc_stream.postgres.rolling.arrivals import NEWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.alerts.detection.distribution import Distribution
    from voc_stream.catalogue.model import Catalogue, Experience
    from voc_stream.postgres.alerting.detector_rows import Key
    from voc_stream.postgres.session.cursor import Cursor

RENEWED_AFTER = timedelta(days=RENEWED_AFTER_DAYS)
LOOKED_EVERY = timedelta(minutes=1)
KEYS_A_TIME = 200
"""How many detectors are made at a time: each takes two or three milliseconds."""
_DAYS_A_WEEK = 7


class Baselines:
    """Makes detectors that are missing, and renews those that are due.

    A baseline stands for four weeks, so that a slow slide cannot creep into it. It is renewed
    earlier if it was made from less than half of the scores that there are now. It is never renewed
    while a drop is suspected.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._experiences: Mapping[str, Experience] = {
            key: one for key, one in catalogue.experience.items() if one.key
        }
        self._look = Every(LOOKED_EVERY.total_seconds())

    def renew(self, cursor: Cursor, now: datetime) -> int:
        """Make the detectors that are due, or a part of them; returns how many were made."""
        if not self._look.is_due(now.timestamp()):
            return 0
        detector_rows.drop_others(cursor, self._experiences)
        detector_rows.forget_arrivals(cursor, now - NEWS)
        past_weeks = {
            key: past
            for key, past in read_past_weeks(cursor, self._experiences, now).items()
            if self._has_enough(key, past)
        }
        made = detector_rows.made_at(cursor)
        due = [
            key
            for key, past in past_weeks.items()
            if key not in made or self._is_due(*made[key], past, now)
        ]
        if not due:
            if past_weeks:
                self._look.done(now.timestamp())
            return 0
        # Shapes are read each time: a history may be on its way in.
        shapes = read_shapes(cursor, self._experiences, now)
        past_weeks = {key: past for key, past in past_weeks.items() if key.experience in shapes}
        due = [key for key in due if key in past_weeks]
        known = detector_rows.load(cursor, [key for key in due if key in made])
        due = [key for key in due if key not in known or is_calm(known[key])]
        # Keys that have no detector come first.
        due.sort(key=lambda key: (key in made, key))
        chosen = due[:KEYS_A_TIME]
        between = _between(past_weeks, shapes) if chosen else {}
        new = {
            key: _detector(key, past_weeks, shapes[key.experience], between, now) for key in chosen
        }
        detector_rows.save(cursor, new)
        for key in new:
            if key not in known:
                # Scores from which the baseline was made are no news.
                cursor.execute(
                    "DELETE FROM arrival WHERE scope_type = %s AND scope = %s AND experience = %s"
                    " AND hour < %s",
                    (*key, start_of_today(now)),
                )
        # The next evaluation looks again until there is a past, and while there is something to
        # make.
        if past_weeks and not new:
            self._look.done(now.timestamp())
        return len(new)

    def _has_enough(self, key: Key, past: KeyPast) -> bool:
        return past.past.scores >= self._experiences[key.experience].alert.minimum_samples

    @staticmethod
    def _is_due(made_at: datetime, scores: int, past: KeyPast, now: datetime) -> bool:
        return not timedelta(0) <= now - made_at < RENEWED_AFTER or past.past.scores >= 2 * scores


def _between(
    past_weeks: Mapping[Key, KeyPast], shapes: Mapping[str, Distribution]
) -> dict[str, float]:
    """How far the means of sites lie apart, for each experience."""
    sites: dict[str, list[Past]] = defaultdict(list)
    for key, past in past_weeks.items():
        if key.scope_type == "site":
            sites[key.experience].append(past.past)
    return {
        experience: variance_between(of_sites, shapes[experience].variance)
        for experience, of_sites in sites.items()
    }


def _detector(
    key: Key,
    past_weeks: Mapping[Key, KeyPast],
    shape: Distribution,
    between_sites: Mapping[str, float],
    now: datetime,
) -> Detector:
    """The detector of one key; it has no charts if its scores leave no room for a drop.

    `shape` is the shape of its experience.
    """
    own = past_weeks[key]
    everywhere = past_weeks.get(key._replace(scope_type="all", scope=""), own).past
    # Bins know scores only by their floors.
    shape = at_mean(shape, everywhere.mean)
    between = math.inf if key.scope_type == "all" else between_sites[key.experience]
    baseline = baseline_of(shape, own.past, between)
    usual, error = shrink(own.past, shape.mean, shape.variance, between)
    between_alarms = scores_between_false_alarms(
        own.past.scores / own.days * _DAYS_A_WEEK, len(past_weeks)
    )
    return detector_for(
        baseline,
        usual,
        error,
        int(own.past.scores),
        scores_between_false_alarms=between_alarms,
        now=now,
    )
