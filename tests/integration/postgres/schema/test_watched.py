from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from voc_stream.domain.watched import DETRACTORS, PROMOTERS, watched_points
from voc_stream.postgres.schema.expressions.watched import (
    WATCHED_DAILY_SUM,
    WATCHED_SCORE,
    WATCHED_SQUARES,
    WATCHED_SUM,
)

ANSWERS = (0, 0, 3, 6, 7, 7, 8, 9, 10, 10, 10, 10)
HISTOGRAM = [ANSWERS.count(answer) for answer in range(11)]
POINTS = [points for points, count in watched_points(HISTOGRAM).items() for _ in range(int(count))]


@pytest.mark.parametrize(
    ("kind", "watched"), [("nps", POINTS), ("rating", [float(answer) for answer in ANSWERS])]
)
def test_sql_watches_the_points_of_the_domain(
    postgres_url: str, kind: str, watched: list[float]
) -> None:
    """What the domain calls watched points is what SQL sums up, of rows, of panes and of the cube.

    Only an NPS has points of its own; all else is watched as it is.
    """
    row = {
        "kind": kind,
        "answers": list(ANSWERS),
        "histogram": HISTOGRAM,
        "n": len(ANSWERS),
        "top_n": sum(answer in PROMOTERS for answer in ANSWERS),
        "bottom_n": sum(answer in DETRACTORS for answer in ANSWERS),
        "score_sum": sum(100 * answer for answer in ANSWERS),
        "score_sq_sum": sum((100 * answer) ** 2 for answer in ANSWERS),
    }
    with closing(psycopg2.connect(postgres_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {WATCHED_SUM}, {WATCHED_SQUARES}, {WATCHED_DAILY_SUM}"
            " FROM (SELECT %(kind)s AS kind) e, (SELECT %(n)s AS n, %(top_n)s AS top_n,"
            " %(bottom_n)s AS bottom_n, %(score_sum)s AS score_sum,"
            " %(score_sq_sum)s AS score_sq_sum, %(histogram)s AS histogram) p",
            row,
        )
        total = sum(100 * points for points in watched)
        squares = sum((100 * points) ** 2 for points in watched)
        assert cursor.fetchall() == [(total, squares, total)]
        cursor.execute(
            f"SELECT sum({WATCHED_SCORE}) FROM (SELECT %(kind)s AS kind) e,"
            " unnest(%(answers)s) AS p (score)",
            row,
        )
        assert cursor.fetchall() == [(sum(watched),)]
