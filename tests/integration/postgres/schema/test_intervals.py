"""SQL has the same intervals as Python, in the views and in the functions for BI."""

from __future__ import annotations

from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING

import psycopg2
import pytest

from voc_stream.domain.estimates.intervals import (
    Interval,
    of_bounded_mean,
    of_mean,
    of_nps,
    of_share,
)
from voc_stream.domain.estimates.stated import stated_mean
from voc_stream.domain.scale import SCALES
from voc_stream.postgres.schema.expressions.intervals import of_scale
from voc_stream.postgres.schema.expressions.stated import stated_mean as sql_of_stated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from integration.postgres.store import Store

    from voc_stream.postgres.session.cursor import Cursor

ANSWERS = (1, 2, 3, 5, 6, 9, 10, 19, 20, 21, 30, 31, 32, 50, 200, 100_000)
PHIS = (1.0, 1.21, 9.0)
EXACT = 1e-9


@pytest.fixture(scope="module")
def cursor(postgres_url: str) -> Iterator[Cursor]:
    with closing(psycopg2.connect(postgres_url)) as connection:
        yield connection.cursor()


def counts(n: int) -> list[int]:
    return sorted({each for each in (0, 1, 2, 3, 4, 5, n // 2, n - 2, n - 1, n) if 0 <= each <= n})


def scores(n: int) -> list[tuple[int, int]]:
    """Sums and sums of squares, in hundredths, of n scores: equal, spread, and all but one 10."""
    samples = [(value * n, value**2 * n) for value in (0, 713, 1000)]
    for other, value in ((0, 1000), (650, 655), (300, 1000)):
        half = n // 2
        samples.append((half * other + (n - half) * value, half * other**2 + (n - half) * value**2))
    return [*samples, ((n - 1) * 1000, (n - 1) * 1000**2)]


def of_sql(cursor: Cursor, function: str, rows: Sequence[Sequence[float]]) -> Sequence[object]:
    """What a function of voc_bi gives for each row of arguments."""
    names = [f"c{number}" for number in range(len(rows[0]))]
    types = ["bigint"] * (len(names) - 1) + ["float8"]
    if function in ("score_interval", "mean_interval"):
        types[2] = "numeric"
    arguments = ", ".join(f"{name}::{type_}" for name, type_ in zip(names, types, strict=True))
    values = ", ".join(
        f"({number}, {', '.join(map(repr, row))})" for number, row in enumerate(rows)
    )
    cursor.execute(
        f"SELECT i.low, i.high FROM (VALUES {values}) g (number, {', '.join(names)})"
        f" CROSS JOIN LATERAL voc_bi.{function}({arguments}) i ORDER BY number"
    )
    return cursor.fetchall()


def test_scores_and_minutes_have_the_intervals_of_python(store: Store) -> None:
    """Over a grid of counts, sums and scatter."""
    rows = [(n, *sums, phi) for n in ANSWERS for sums in scores(n) for phi in PHIS]
    with closing(psycopg2.connect(store.url)) as connection:
        cursor = connection.cursor()
        found = of_sql(cursor, "score_interval", rows)
        for (n, total, squares, phi), ends in zip(rows, found, strict=True):
            expected = of_bounded_mean(n, total, squares, phi)
            assert ends == pytest.approx(tuple(expected), abs=EXACT), (n, total, squares, phi)
        found = of_sql(cursor, "mean_interval", rows)
        for (n, total, squares, phi), ends in zip(rows, found, strict=True):
            mean = of_mean(n, total, squares, phi)
            expected_mean = (
                (None, None) if mean is None else pytest.approx(tuple(mean), rel=EXACT, abs=EXACT)
            )
            assert ends == expected_mean, (n, total, squares, phi)


def test_shares_and_nps_have_the_intervals_of_python(store: Store) -> None:
    """Over a grid of counts and scatter; no answer gives no row."""
    shares = [(count, n, phi) for n in ANSWERS for count in counts(n) for phi in PHIS]
    nps = [
        (promoters, detractors, n, phi)
        for n in ANSWERS
        for promoters, detractors in product(counts(n), repeat=2)
        if promoters + detractors <= n
        for phi in PHIS
    ]
    with closing(psycopg2.connect(store.url)) as connection:
        cursor = connection.cursor()
        for row, ends in zip(shares, of_sql(cursor, "share_interval", shares), strict=True):
            assert ends == pytest.approx(of_share(*row), abs=EXACT), row
        for each, ends in zip(nps, of_sql(cursor, "nps_interval", nps), strict=True):
            assert ends == pytest.approx(of_nps(*each), abs=EXACT), each
        assert of_sql(cursor, "share_interval", [(0, 0, 1.0)]) == []


def of_python(
    scale: str, n: int, total: int, squares: int, boxes: tuple[int, int]
) -> Interval | None:
    match SCALES[scale].interval:
        case "share":
            return Interval(*(10 * end for end in of_share(boxes[0], n)))
        case "nps":
            return of_nps(*boxes, n)
        case "bounded mean":
            return of_bounded_mean(n, total, squares)
        case "mean":
            return of_mean(n, total, squares)


@pytest.mark.parametrize("scale", SCALES)
def test_each_scale_has_its_own_interval_in_the_view(cursor: Cursor, scale: str) -> None:
    """The view chooses by the scale, as Python does."""
    ends = of_scale("r", "e.scale")
    for n, boxes in product((1, 2, 5, 6, 40), ((0, 0), (1, 0), (1, 1))):
        if sum(boxes) > n:
            continue
        for total, squares in scores(n):
            cursor.execute(
                f"SELECT {ends.low}, {ends.high} FROM (SELECT {n}::bigint AS n, {total}::bigint AS"
                f" score_sum, {squares}::numeric AS score_sq_sum, {boxes[0]}::bigint AS top_n,"
                f" {boxes[1]}::bigint AS bottom_n) r, (SELECT '{scale}' AS scale) e"
            )
            expected = of_python(scale, n, total, squares, boxes)
            found = cursor.fetchone()
            if expected is None:
                assert found == (None, None)
            else:
                assert found == pytest.approx(tuple(expected), rel=EXACT, abs=EXACT)


@pytest.mark.parametrize("catalogue", [None, 0.0, 8.0])
def test_stated_means_are_those_of_python(cursor: Cursor, catalogue: float | None) -> None:
    """With and without a number of the catalogue, and of nobody."""
    for n, total in ((0, 0), (1, 0), (7, 4900), (1000, 712_345)):
        of_catalogue = "NULL" if catalogue is None else str(catalogue)
        query = sql_of_stated("s.n", "s.total", "s.catalogue")
        cursor.execute(
            f"SELECT {query} FROM (SELECT {n}::bigint AS n, {total}::bigint AS total,"
            f" {of_catalogue}::float8 AS catalogue) s"
        )
        expected = stated_mean(n, total / 100, catalogue)
        found = cursor.fetchone()
        assert found is not None
        assert found[0] == (None if expected is None else pytest.approx(expected))
