"""Merging contributions into the daily cube, on a slower beat than panes.

Readers see what waits here through the view `experience_daily`, so nothing is late for them; but the longer it waits, the more
contributions share a row of the cube, and the fewer rows are written for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.measures import BINS, SUMS, add_up, all_zero, sums_of_measures
from voc_stream.postgres.views import bin_of

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

CUBE_LOCK = 7_602_004
# Bounds one merge, so that a backlog is merged in steps that stay within the statement time-out.
CONTRIBUTIONS_A_TIME = 400_000

_KEY = "day, experience, site_id, department, employee_id, product, segment"


def merge(cursor: Cursor) -> int | None:
    """Merge what waits, up to CONTRIBUTIONS_A_TIME; how many contributions, None where another worker is at it."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (CUBE_LOCK,))
    if not cursor.fetchone()[0]:  # type: ignore[index]  # a SELECT without FROM gives one row
        return None
    cursor.execute("SET LOCAL work_mem = '64MB'")
    bins = ", ".join(f"coalesce(sum(weight) FILTER (WHERE bin = {number}), 0)" for number in range(len(BINS)))
    cursor.execute(
        f"""
        WITH gone AS (
            DELETE FROM cube_contribution
            WHERE ctid = ANY(ARRAY(SELECT ctid FROM cube_contribution LIMIT {CONTRIBUTIONS_A_TIME})) RETURNING *
        ), merged AS (
            INSERT INTO experience_cube AS t ({_KEY}, {", ".join((*SUMS, *BINS))})
            SELECT {_KEY}, {sums_of_measures()}, {bins}
            FROM (
                SELECT (moment AT TIME ZONE 'UTC')::date AS day, u.experience, site_id, department, employee_id, product, segment,
                       weight, u.value, u.expectation, u.importance, {bin_of("u.value", "u.experience")} AS bin
                FROM gone, unnest(gone.experience, gone.value, gone.expectation, gone.importance)
                           AS u(experience, value, expectation, importance)
            ) measure
            GROUP BY {_KEY}
            {add_up(_KEY, (*SUMS, *BINS))}
        )
        SELECT count(*) FROM gone
        """
    )
    return int(cursor.fetchone()[0])  # type: ignore[index]  # an aggregate gives one row


def purge(cursor: Cursor) -> None:
    """Drop sums of nothing."""
    cursor.execute(f"DELETE FROM experience_cube WHERE {all_zero((*SUMS, *BINS))}")
