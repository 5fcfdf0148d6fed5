"""Lets keys walk anew, from the last checkpoint that is still right."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.settling import midnight, walk_begins
from voc_stream.alerts.detection.walking.walk import Checkpoint, kept, walk
from voc_stream.domain.moment import EPOCH
from voc_stream.postgres.alerting.watching import detector_rows
from voc_stream.postgres.alerting.watching.detector_rows import Key, Row
from voc_stream.postgres.alerting.watching.hours import read_hours
from voc_stream.postgres.alerting.watching.site_levels import read_differences
from voc_stream.postgres.alerting.watching.usual_by_now import read_usual_since

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.detection.charts import Scores
    from voc_stream.postgres.alerting.watching.guides import Guides
    from voc_stream.postgres.alerting.watching.look import Look
    from voc_stream.postgres.session.cursor import Cursor

WALKING = {"site": (50, 2.0), "all": (5, 1.0)}
"""By scope type, how many keys walk together, and for how many seconds in one evaluation.

The others follow with the next ones.
"""


def walk_anew(
    cursor: Cursor, guides: Guides, keys: Sequence[Key], line: datetime, *, is_late: bool
) -> dict[Key, Row]:
    """Let keys of one scope type walk anew, for some seconds; if it is late, only a few.

    Returns the rows of those that walked.
    """
    at_once, seconds = WALKING[keys[0].scope_type] if keys else (1, 0.0)
    if is_late:
        seconds = 0.0
    started, walked = time.monotonic(), {}
    usual_since = read_usual_since(cursor) if keys else {}
    for first in range(0, len(keys), at_once):
        if first and time.monotonic() - started > seconds:
            break
        chosen = keys[first : first + at_once]
        guides.load_days(chosen)
        rows = detector_rows.load(cursor, chosen)
        starts = {}
        for key, row in rows.items():
            digest = digest_of(guides.look, key, usual_since)
            begin = max(midnight(walk_begins(guides.look.day)), usual_since.get(key, EPOCH))
            right = [
                each
                for each in (row.checkpoints if row.digest == digest else ())
                if each.until > begin
            ]
            starts[key] = right[-1] if right else Checkpoint(begin, None)
            rows[key] = Row(digest, None, detector_rows.pack(right), starts[key])
        hours = _read_hours(cursor, starts, line)
        for key, row in rows.items():
            found = walk(row.head, hours.get(key, ()), line, guides.guide(key))
            walked[key] = row._replace(
                packed=detector_rows.pack(kept(row.marks, found)[:-1]), head=found[-1]
            )
    return walked


def _read_hours(
    cursor: Cursor, starts: Mapping[Key, Checkpoint], line: datetime
) -> Mapping[Key, Sequence[Scores]]:
    since = {key: start.until for key, start in starts.items() if key.scope_type == "site"}
    hours = read_hours(cursor, since, line)
    of_all: dict[datetime, list[Key]] = defaultdict(list)
    for key, start in starts.items():
        if key.scope_type == "all":
            of_all[start.until].append(key)
    for until, keys in of_all.items():
        found = read_differences(cursor, [key.experience for key in keys], until, line)
        hours |= {key: found.get(key.experience, []) for key in keys}
    return hours


def digest_of(look: Look, key: Key, usual_since: Mapping[Key, datetime]) -> str:
    """A digest of what a detector is made from beside its own hours and days."""
    at_site, at_all = look.digests[key.experience]
    since = usual_since.get(key)
    digest = at_all if key.scope_type == "all" else at_site
    return digest if since is None else f"{digest} {since:%Y-%m-%d}"
