"""Looks, once a day, at what detectors are made from beside their own hours and days.

What is found is stored, so that every worker evaluates with the same.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  msgspec reads the annotations at run time
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from voc_stream.alerts.detection.baseline import BASELINE_DAYS
from voc_stream.alerts.detection.overdispersion import DAYS_A_WEEK
from voc_stream.alerts.detection.settling import epoch_of, midnight, walk_begins
from voc_stream.alerts.detection.walking.making import (
    Common,
    common_of,
)
from voc_stream.domain.horizons import DAY
from voc_stream.postgres.alerting.watching.past_days import (
    read_scores_before,
    read_shapes,
    read_sites,
)
from voc_stream.postgres.alerting.watching.rhythms import read_rhythms
from voc_stream.postgres.alerting.watching.site_levels import digest_levels, renew_levels
from voc_stream.postgres.increments.increment_rows import is_waiting
from voc_stream.postgres.increments.levels import Level
from voc_stream.postgres.rolling.refreshes import minutes

if TYPE_CHECKING:
    from collections.abc import Collection

    from voc_stream.catalogue.model import Experience
    from voc_stream.postgres.session.cursor import Cursor

ENOUGH = 1_000
"""From so many scores over all sites, what was common to them at an epoch is known well enough.

Of an experience with fewer, each baseline takes what was common on its own day.
"""


class Look(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        day: the last settled day when it was looked.
        commons: what was common to all sites, at the last two epochs.
        rhythms: of each experience, by how many points scores of an hour of the week differ.
        digests: of each experience, of what its detectors are made from at sites, and at all.
    """

    day: int
    commons: Mapping[int, Common]
    rhythms: Mapping[str, Mapping[int, float]]
    digests: Mapping[str, tuple[str, str]]


def take_look(cursor: Cursor, experiences: Mapping[str, Experience], day: int) -> Look:
    """Look at the key experiences `experiences` as a day begins; renews the levels of sites."""
    epochs = (walk_begins(day), epoch_of(day))
    commons = {epoch: read_common(cursor, experiences, epoch, ENOUGH) for epoch in epochs}
    monday = day - day % DAYS_A_WEEK
    steady = {key: shape for key, shape in commons[epochs[1]].shapes.items() if key in experiences}
    others = {key: one for key, one in experiences.items() if key not in steady}
    rhythms = read_rhythms(cursor, steady, epochs[1])
    if others:
        rhythms |= read_rhythms(cursor, read_shapes(cursor, others, monday), monday)
    renew_levels(cursor, minimum_samples_of(experiences), day)
    levels = digest_levels(cursor)
    few = [key for key in experiences if any(key not in each.shapes for each in commons.values())]
    exact = _digest_days(cursor, few, epochs[0], day) if few else ""
    digests = {}
    for key in experiences:
        parts = [
            epochs[1],
            experiences[key].alert.drop,
            experiences[key].alert.minimum_samples,
            sorted(rhythms.get(key, {}).items()),
            exact if key in few else "",
            *(
                (
                    each.shapes.get(key),
                    each.errors.get(key),
                    each.between.get(key),
                    each.keys,
                    each.memory,
                    each.wandering,
                )
                for each in commons.values()
            ),
        ]
        digests[key] = (_digest(parts), _digest([*parts, levels.get(key, "")]))
    return Look(day, commons, rhythms, digests)


def is_shape_behind(cursor: Cursor, day: int) -> bool:
    """Whether the cube, which tells the shapes of scores, lacks anything older than a day."""
    return is_waiting(cursor, Level.DETAILS, midnight(day))


def read_common(
    cursor: Cursor, experiences: Mapping[str, Experience], day: int, enough: int
) -> Common:
    """What was common to all sites in the eight weeks before a day.

    Of those experiences that have enough scores over all sites.
    """
    scores = read_scores_before(cursor, experiences, day, ("all",))
    known = {
        key.experience: experiences[key.experience] for key, n in scores.items() if n >= enough
    }
    return common_of(
        read_shapes(cursor, known, day),
        read_sites(cursor, known, day),
        minimum_samples_of(known),
    )


def minimum_samples_of(experiences: Mapping[str, Experience]) -> dict[str, int]:
    """How many scores a key of each experience needs."""
    return {key: one.alert.minimum_samples for key, one in experiences.items()}


def _digest_days(cursor: Cursor, experiences: Collection[str], epoch: int, day: int) -> str:
    """A digest of all days that the baselines of these experiences may be made from."""
    cursor.execute(
        "SELECT md5(string_agg(concat_ws(' ', scope, experience, extract(epoch FROM start), n,"
        " score_sum, score_sq_sum, top_n, bottom_n), ',' ORDER BY scope, experience, start))"
        " FROM pane WHERE resolution = %s AND scope_type = 'site' AND start >= %s AND start < %s"
        " AND experience = ANY(%s) AND n > 0",
        (minutes(DAY), midnight(epoch - BASELINE_DAYS), midnight(day), sorted(experiences)),
    )
    (found,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    return found or ""


def _digest(parts: object) -> str:
    return sha256(msgspec.json.encode(parts)).hexdigest()[:16]
