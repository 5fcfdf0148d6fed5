"""Lets detectors hear what is known, and says where they stand.

Three things happen to a key. It hears the hours that came since the last evaluation. If a settled
hour changed, or its baseline is due, it walks anew from the last checkpoint that is still right.
Then it hears the hours that are not settled, and forgets them.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

from voc_stream.alerts.detection.settling import (
    day_number,
    midnight,
    settled_before,
    settled_day,
    walk_begins,
)
from voc_stream.alerts.detection.walking.walk import hear_open_hours, is_due, kept, walk
from voc_stream.domain.moment import EPOCH
from voc_stream.postgres.alerting.watching import detector_rows
from voc_stream.postgres.alerting.watching.detector_rows import Key, Row
from voc_stream.postgres.alerting.watching.guides import Guides
from voc_stream.postgres.alerting.watching.hours import read_open_hours
from voc_stream.postgres.alerting.watching.look import is_shape_behind, take_look
from voc_stream.postgres.alerting.watching.past_days import read_scores_before
from voc_stream.postgres.alerting.watching.site_levels import read_differences
from voc_stream.postgres.alerting.watching.usual_by_now import read_usual_since
from voc_stream.postgres.alerting.watching.walks import digest_of, walk_anew
from voc_stream.postgres.alerting.watching.watch_clock import (
    WatchClock,
    read_clock,
    read_look,
    write_clock,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.detection.charts import Scores
    from voc_stream.alerts.detection.detector import Detector
    from voc_stream.alerts.detection.walking.making import Common
    from voc_stream.catalogue.model import Catalogue, Experience
    from voc_stream.postgres.alerting.watching.look import Look
    from voc_stream.postgres.session.cursor import Cursor

MOMENT = timedelta(microseconds=1)
LOOKED_AGAIN_AFTER = timedelta(minutes=1)
LONG_LOOK = timedelta(seconds=5)
"""After a longer look, keys walk with the next evaluation: a transaction has a deadline."""
LOOKING_SHARE = 0.05
"""The share of the time that looking may take, if what is old keeps changing."""


class Standing(NamedTuple):
    """Where detectors stand.

    Attributes:
        detectors: those that heard something of late, that have fallen, or were asked for.
        unknown: keys that still have to walk. Nothing can be said of them yet.
        begins: hours before it are not heard any more.
    """

    detectors: Mapping[Key, Detector]
    unknown: Collection[Key]
    begins: datetime


class Watchers:
    """Keeps the detectors up to date; one per process, because it keeps what it read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._experiences: Mapping[str, Experience] = {
            key: one for key, one in catalogue.experience.items() if one.key
        }
        self._number = -1
        self._look: Look | None = None
        self._rows: dict[Key, Row] = {}
        self._commons: dict[int, Common] = {}
        self._looked_at = EPOCH
        self._looked_for = timedelta(0)

    def watch(self, cursor: Cursor, asked: Collection[Key], now: datetime) -> Standing:
        """Where the detectors stand, as of the last refresh; at least those of the keys `asked`."""
        cursor.execute("SELECT least(as_of, %s) FROM rolling_clock WHERE refresh = 'sites'", (now,))
        (as_of,) = cursor.fetchone() or (now,)
        line = settled_before(as_of)
        clock = self._catch_up(cursor, line)
        new_look = self._take_look(
            cursor, is_look_due=clock.is_look_due, day=settled_day(line), now=now
        )
        look = cast("Look", self._look)
        if new_look is not None:
            clock = clock._replace(is_look_due=is_shape_behind(cursor, look.day))
        stale = detector_rows.stale_keys(cursor)
        guides = Guides(cursor, self._experiences, look, as_of, self._commons)
        is_late = new_look is not None and self._looked_for > LONG_LOOK
        walked: dict[Key, Row] = {}
        for scope_type in ("site", "all"):
            keys = [key for key in stale if key.scope_type == scope_type]
            walked |= walk_anew(cursor, guides, keys, line, is_late=is_late)
        unknown = {key for key in stale if key not in walked}
        self._rows |= walked
        changed = dict(walked)
        hours = self._read_open_hours(cursor, min(clock.heard_until, line), as_of)
        wanted = {*hours, *walked, *detector_rows.fallen_keys(cursor), *asked} - unknown
        rows = self._load(cursor, wanted)
        standing = {}
        for key, row in rows.items():
            known, guide, head = hours.get(key, []), guides.guide(key), row.head
            settled = [hour for hour in known if head.until <= hour.moment < line]
            if settled:
                found = walk(head, settled, line, guide)
                head = found[-1]
                changed[key] = row._replace(head=head)
                if len(found) > 1:
                    packed = detector_rows.pack(kept(row.marks, found)[:-1])
                    changed[key] = changed[key]._replace(packed=packed)
            detector = hear_open_hours(
                head.detector, [hour for hour in known if hour.moment >= line], guide
            )
            if detector is not None:
                standing[key] = detector
        detector_rows.save(cursor, changed)
        self._rows |= changed
        self._number = clock.number + 1
        write_clock(cursor, WatchClock(line, self._number, clock.is_look_due), new_look)
        return Standing(standing, unknown, midnight(walk_begins(look.day)))

    def _catch_up(self, cursor: Cursor, line: datetime) -> WatchClock:
        """Mark what came late, and read where the detectors stand."""
        clock = read_clock(cursor) or WatchClock(line, 0, is_look_due=False)
        if clock.number != self._number:
            # Another worker evaluated, or this evaluation is the first.
            self._rows.clear()
            self._commons = {}
            self._look = read_look(cursor) if clock.number else None
        late = detector_rows.take_late_hours(cursor)
        detector_rows.mark_late(cursor, late)
        if clock.heard_until > line:
            # The clock was ahead at the last evaluation.
            detector_rows.mark_from(cursor, line)
        elif settled_day(line) - settled_day(clock.heard_until) > 1:
            # Baselines may have been due on the days between.
            detector_rows.mark_from(cursor, clock.heard_until)
        is_old = any(hour < midnight(settled_day(line)) for hour in late.values())
        return clock._replace(is_look_due=clock.is_look_due or is_old)

    def _take_look(
        self, cursor: Cursor, *, is_look_due: bool, day: int, now: datetime
    ) -> Look | None:
        """Look if it is time, and mark whose detectors are due; None if it is not time."""
        again_after = max(LOOKED_AGAIN_AFTER, self._looked_for / LOOKING_SHARE)
        if (
            self._look is not None
            and self._look.day == day
            and self._look.digests.keys() == self._experiences.keys()
            and not (is_look_due and abs(now - self._looked_at) >= again_after)
        ):
            return None
        started = time.monotonic()
        look = take_look(cursor, self._experiences, day)
        detector_rows.remove_others(cursor, self._experiences)
        scores = read_scores_before(cursor, self._experiences, day)
        ages = detector_rows.read_ages(cursor)
        usual_since = read_usual_since(cursor)
        due: dict[Key, datetime] = {}
        for key, age in ages.items():
            if age.digest != digest_of(look, key, usual_since):
                due[key] = EPOCH
            elif age.until <= midnight(day) and is_due(
                day_number(age.made_at), age.baseline_scores, day, scores.get(key, 0)
            ):
                due[key] = midnight(day)
        due |= {
            key: EPOCH
            for key, n in scores.items()
            if key not in ages and n >= self._experiences[key.experience].alert.minimum_samples
        }
        detector_rows.mark_keys(cursor, due)
        self._look = look
        self._rows.clear()
        self._commons = {}
        self._looked_at, self._looked_for = now, timedelta(seconds=time.monotonic() - started)
        return look

    def _read_open_hours(
        self, cursor: Cursor, since: datetime, as_of: datetime
    ) -> Mapping[Key, Sequence[Scores]]:
        hours = read_open_hours(cursor, self._experiences, since, as_of)
        differences = read_differences(cursor, self._experiences, since, as_of + MOMENT)
        hours |= {Key("all", "", experience): found for experience, found in differences.items()}
        return hours

    def _load(self, cursor: Cursor, keys: Collection[Key]) -> dict[Key, Row]:
        """The rows of these keys; they are kept as long as nobody else evaluates."""
        missing = [key for key in keys if key not in self._rows]
        self._rows |= detector_rows.load(cursor, missing)
        return {key: self._rows[key] for key in keys if key in self._rows}
