"""Counts the grams of complaints that have changed, and takes back what was counted before.

A batch leaves the ids of complaints whose texts or stated category may have changed. What is
counted of a complaint stands in `complaint_text`. So the difference is exact, whatever happened to
the complaint meanwhile, in whatever order.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.postgres.schema.expressions.local_day import join_calendar, local_day
from voc_stream.postgres.schema.sums import merge
from voc_stream.postgres.schema.tables.events import COMPLAINT_ID
from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import stage
from voc_stream.texts.grams import MOST_CHARACTERS, grams_of_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from voc_stream.postgres.session.cursor import Cursor

MOST_TEXTS = 10
"""So many texts of a complaint are read, its first ones."""
_KEY = ("month", "category", "gram")
_SAID = f"""
SELECT wanted.complaint_id, s.month, c.category, s.texts
FROM unnest(%s::text[]) wanted (complaint_id)
JOIN complaint c ON c.complaint_id = wanted.complaint_id
CROSS JOIN LATERAL (
    SELECT array_agg(said ORDER BY occurred_at, event_id) AS texts,
           date_trunc(
               'month', (array_agg(day ORDER BY occurred_at, event_id))[1]::timestamp
           )::date AS month
    FROM (
        SELECT left(e.body ->> 'text', {MOST_CHARACTERS}) AS said, e.occurred_at, e.event_id,
               {local_day("e.occurred_at")} AS day
        FROM touchpoint_event e {join_calendar("e.site_id")}
        WHERE e.type = 'complaint' AND {COMPLAINT_ID} = wanted.complaint_id
              AND e.body ->> 'text' IS NOT NULL
        ORDER BY e.occurred_at, e.event_id LIMIT {MOST_TEXTS}
    ) first_texts
) s
WHERE s.texts IS NOT NULL
"""


class Said(NamedTuple):
    """What a complaint says, and what it is stated to be about."""

    month: date
    category: str | None
    texts: Sequence[str]


def take_pending(cursor: Cursor, limit: int) -> list[str]:
    """Take the complaints of about so many batches out of the queue."""
    cursor.execute(
        "DELETE FROM text_pending WHERE ctid = ANY(ARRAY(SELECT ctid FROM"
        " (SELECT ctid, sum(cardinality(complaint_ids)) OVER (ORDER BY ctid)"
        " - cardinality(complaint_ids) AS before FROM text_pending) queue"
        " WHERE before < %s)) RETURNING complaint_ids",
        (limit,),
    )
    return sorted({each for (complaint_ids,) in cursor for each in complaint_ids})


def learn(cursor: Cursor, complaint_ids: Sequence[str]) -> dict[str, Said]:
    """Count what these complaints say now; returns what those say that have a text."""
    now = _read(cursor, _SAID, complaint_ids)
    before = _read(
        cursor,
        "SELECT complaint_id, month, category, texts FROM complaint_text"
        " WHERE complaint_id = ANY(%s)",
        complaint_ids,
    )
    changed = [each for each in complaint_ids if now.get(each) != before.get(each)]
    _keep(cursor, changed, now)
    _add(
        cursor,
        [now[each] for each in changed if each in now],
        [before[each] for each in changed if each in before],
    )
    learned = sum(
        one.category is not None
        for found in (now, before)
        for each in changed
        if (one := found.get(each)) is not None
    )
    if learned:
        cursor.execute(
            "INSERT INTO text_clock AS t VALUES ('texts', %s)"
            " ON CONFLICT (clock) DO UPDATE SET changed = t.changed + excluded.changed",
            (learned,),
        )
    return now


def _read(cursor: Cursor, query: str, complaint_ids: Sequence[str]) -> dict[str, Said]:
    cursor.execute(query, (list(complaint_ids),))
    return {complaint_id: Said(*rest) for complaint_id, *rest in cursor}


def _keep(cursor: Cursor, changed: Iterable[str], now: Mapping[str, Said]) -> None:
    for complaint_id in changed:
        said = now.get(complaint_id)
        if said is None:
            cursor.execute("DELETE FROM complaint_text WHERE complaint_id = %s", (complaint_id,))
        else:
            cursor.execute(
                "INSERT INTO complaint_text VALUES (%s, %s, %s, %s) ON CONFLICT (complaint_id) DO"
                " UPDATE SET (month, category, texts)"
                " = (excluded.month, excluded.category, excluded.texts)",
                (complaint_id, said.month, said.category, list(said.texts)),
            )


def _add(cursor: Cursor, added: Iterable[Said], taken_back: Iterable[Said]) -> None:
    counts = Counter[tuple[str, str, str]]()
    for some, weight in ((added, 1), (taken_back, -1)):
        for said in some:
            month, category = said.month.isoformat(), said.category or ""
            for gram in grams_of_all(said.texts):
                counts[month, category, gram] += weight
    rows = sorted((*key, n) for key, n in counts.items() if n)
    if rows:
        stage(cursor, "complaint_gram", (*_KEY, "n"), lines(rows))
        merge(
            cursor,
            "complaint_gram",
            _KEY,
            ("n",),
            "SELECT month, category, gram, n FROM staged_complaint_gram",
        )
        cursor.execute("TRUNCATE staged_complaint_gram")
