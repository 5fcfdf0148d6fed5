"""Keeps which terms of the last months are new against the quarter before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import stage
from voc_stream.texts.new_terms import LEAST_COMPLAINTS, new_terms

if TYPE_CHECKING:
    from datetime import date

    from voc_stream.postgres.session.cursor import Cursor

MONTHS = 2
"""So many months are judged, the last ones with complaints: of a month that has just ended, texts
may still come."""
COLUMNS = (
    "month",
    "gram",
    "n",
    "complaints",
    "n_before",
    "complaints_before",
    "p_value",
    "is_new",
)
_BEFORE = "month < %(month)s AND month >= %(month)s - interval '3 months'"
_COMPLAINTS = f"""
SELECT count(*) FILTER (WHERE month = %(month)s), count(*) FILTER (WHERE {_BEFORE})
FROM complaint_text
"""
_SAID = f"""
SELECT gram, coalesce(sum(n) FILTER (WHERE month = %(month)s), 0)::bigint,
       coalesce(sum(n) FILTER (WHERE {_BEFORE}), 0)::bigint
FROM complaint_gram WHERE month <= %(month)s AND month >= %(month)s - interval '3 months'
GROUP BY gram HAVING sum(n) FILTER (WHERE month = %(month)s) >= {LEAST_COMPLAINTS}
"""


def judge_terms(cursor: Cursor) -> None:
    """Write anew which terms are new; rows that are right already stay."""
    cursor.execute(
        "SELECT DISTINCT month FROM complaint_text ORDER BY month DESC LIMIT %s", (MONTHS,)
    )
    rows = [row for (month,) in cursor.fetchall() for row in _of(cursor, month)]
    names = ", ".join(COLUMNS)
    stage(cursor, "complaint_term", COLUMNS, lines(rows))
    cursor.execute(
        "DELETE FROM complaint_term t WHERE NOT EXISTS (SELECT FROM staged_complaint_term s"
        " WHERE (s.month, s.gram) = (t.month, t.gram) AND s = t);"
        f" INSERT INTO complaint_term ({names}) SELECT {names} FROM staged_complaint_term"
        " ON CONFLICT DO NOTHING; TRUNCATE staged_complaint_term"
    )


def _of(cursor: Cursor, month: date) -> list[tuple[str | int | float | bool, ...]]:
    cursor.execute(_COMPLAINTS, {"month": month})
    complaints, before = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    cursor.execute(_SAID, {"month": month})
    said = {gram: (n, n_before) for gram, n, n_before in cursor}
    return [
        (month.isoformat(), gram, one.n, complaints, one.n_before, before, one.p_value, one.is_new)
        for gram, one in new_terms(said, complaints, before).items()
    ]
