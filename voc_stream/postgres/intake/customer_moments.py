"""Keeps moments of customers, and counts what came within some days after one.

What a moment measures depends on the next moment of a kind. So if a moment comes or goes, only the
moments between the previous one of its kind and itself measure something else.
`voc.customer_moment` holds the moments under the dimensions under which they were counted. So the
change is found by index, and costs what changes, however long the history is.
A transaction that changes moments of a customer holds the lock of the customer's row, which a batch
takes as it saves the row. No other transaction changes them meanwhile. What counts otherwise comes
here, because it becomes part of an increment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.contribution import Contribution
from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.measures.happened_within import Neighbours, flips
from voc_stream.events.types.base import Measure
from voc_stream.postgres.session.copy_csv import array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from voc_stream.domain.folding.customer_moments import MomentChanges
    from voc_stream.domain.measures.happened_within import MomentKey, WithinMeasures
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

_KEY = "customer_id, kind, moment, entity_id"
_DIMENSIONS = ", ".join(COLUMNS)
_KEYS = "unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[])"
_ROWS = f"{_KEYS[:-1]}{', %s::text[]' * len(COLUMNS)})"
_MEASURES = (
    "unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::int[], %s::int[])"
    " AS measure (experience, start, what, hours, happened, did_not)"
)
# Hours and not days: a day of a time zone may have 23 of them.
# This runs before any moment changes. It takes back what the old moments counted as, and adds what
# the new ones measure among the old ones.
_COUNT = f"""
WITH changed AS (
    SELECT -1 AS weight, {_KEY}, {_DIMENSIONS} FROM customer_moment
    WHERE ({_KEY}) IN (SELECT * FROM {_KEYS})
    UNION ALL SELECT 1, * FROM {_ROWS})
SELECT moment + hours * interval '1 hour', {_DIMENSIONS}, weight, experience,
    CASE WHEN EXISTS (
        SELECT FROM customer_moment next
        WHERE next.customer_id = changed.customer_id AND next.kind = measure.what
            AND next.moment > changed.moment
            AND next.moment <= changed.moment + hours * interval '1 hour')
    THEN happened ELSE did_not END
FROM changed JOIN {_MEASURES} ON start = kind ORDER BY weight
"""
_DELETE = f"DELETE FROM customer_moment WHERE ({_KEY}) IN (SELECT * FROM {_KEYS})"
_INSERT = (
    f"INSERT INTO customer_moment ({_KEY}, {_DIMENSIONS}) SELECT * FROM {_ROWS}"
    f" ON CONFLICT ({_KEY}) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in COLUMNS)}"
)
_OF_KIND = "FROM customer_moment one WHERE one.customer_id = at.customer_id AND one.kind = at.kind"
_NEIGHBOURS = f"""
SELECT EXISTS (SELECT {_OF_KIND} AND one.moment = at.moment),
    (SELECT max(one.moment) {_OF_KIND} AND one.moment < at.moment),
    (SELECT min(one.moment) {_OF_KIND} AND one.moment > at.moment)
FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) WITH ORDINALITY
    AS at (customer_id, kind, moment, place) ORDER BY place
"""
_FLIP = f"""
SELECT one.moment + hours * interval '1 hour', {_DIMENSIONS}, weight, experience,
    CASE weight WHEN 1 THEN now ELSE before END
FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::int[],
        %s::int[], %s::int[])
    AS flip (customer_id, start, since, until, experience, hours, before, now)
JOIN customer_moment one ON one.customer_id = flip.customer_id AND one.kind = flip.start
    AND one.moment >= since AND one.moment < until
CROSS JOIN (VALUES (-1), (1)) AS signed (weight) ORDER BY weight
"""
Moment = tuple[str, str, "datetime"]
"""The customer, the kind and the time of a moment."""


def save_moments(
    cursor: Cursor,
    measures: WithinMeasures,
    changes: MomentChanges,
    contributions: list[Contribution],
) -> None:
    """Store the moments that changed; what is counted otherwise comes to the contributions.

    The caller holds the locks of the customers' rows.
    """
    rows: list[tuple[Value, ...]] = [(*one.key, *one.dimensions) for one in changes.new]
    new = {one.key for one in changes.new}
    gone = [key for key in changes.gone if key not in new]
    if not rows and not gone:
        return
    looked_at = _looked_at(measures, (*gone, *new))
    before = _neighbours(cursor, looked_at)
    declared = [
        (one.experience, one.start, one.what, one.hours, one.happened, one.did_not)
        for one in measures.every
    ]
    touched = _columns([*gone, *new], 4)
    added = _columns(rows, 4 + len(COLUMNS))
    cursor.execute(_COUNT, [*touched, *added, *_columns(declared, 6)])
    contributions += _contributions(cursor)
    if gone:
        cursor.execute(_DELETE, _columns(gone, 4))
    if rows:
        cursor.execute(_INSERT, added)
    now = _neighbours(cursor, looked_at)
    contributions += _flip(cursor, measures, zip(looked_at, before, now, strict=True))


def _looked_at(measures: WithinMeasures, keys: Iterable[MomentKey]) -> list[Moment]:
    return sorted({key[:3] for key in keys if key.kind in measures.looked_at})


def _neighbours(cursor: Cursor, moments: Sequence[Moment]) -> list[Neighbours]:
    if not moments:
        return []
    cursor.execute(_NEIGHBOURS, _columns(moments, 3))
    return [Neighbours(*row) for row in cursor.fetchall()]


def _flip(
    cursor: Cursor,
    measures: WithinMeasures,
    changed: Iterable[tuple[Moment, Neighbours, Neighbours]],
) -> list[Contribution]:
    """What began before these moments is counted anew."""
    found: list[tuple[Value, ...]] = []
    for (customer_id, kind, moment), before, now in changed:
        for measure in measures.every:
            if measure.what == kind and (flip := flips(measure, moment, before, now)) is not None:
                values = [measure.did_not, measure.happened]
                if not flip.happens:
                    values.reverse()
                within = (measure.experience, measure.hours)
                found.append((customer_id, measure.start, flip.since, flip.until, *within, *values))
    if not found:
        return []
    cursor.execute(_FLIP, _columns(found, 8))
    return _contributions(cursor)


def _contributions(cursor: Cursor) -> list[Contribution]:
    """The rows of the last statement: moment, dimensions, weight, experience and value."""
    return [
        Contribution(moment, tuple(dimensions), weight, (Measure(experience, value),))
        for moment, *dimensions, weight, experience, value in cursor
    ]


def _columns(rows: Sequence[Sequence[Value]], width: int) -> list[str]:
    """The columns of rows as array literals: psycopg2 would adapt each value by itself."""
    return [array(column) for column in zip(*rows, strict=True)] or ["{}"] * width
