"""Declares functions for BI: the interval of sums that a query made over the cube.

A query sums days and dimensions as it likes, and no view can know how. So schema `voc_bi` has a
function for each kind of interval. Each gives one row, or none of no answer.
"""

from __future__ import annotations

from typing import NamedTuple

from voc_stream.postgres.schema.expressions.intervals import (
    Ends,
    bounded_mean,
    mean,
    nps,
    share,
)

_SUMS = "n bigint, score_sum bigint, score_sq_sum numeric"
# PostgreSQL may compute what the condition leaves out.
_N = "nullif(n, 0)"
_COLUMNS = (_N, "score_sum", "score_sq_sum")


class IntervalFunction(NamedTuple):
    """A function of schema voc_bi: its name, what it takes, what it computes, and its comment."""

    name: str
    parameters: str
    ends: Ends
    comment: str

    @property
    def signature(self) -> str:
        """Its name and the types of what it takes."""
        types = (each.split()[1] for each in f"{self.parameters}, phi float8".split(", "))
        return f"{self.name}({', '.join(types)})"

    @property
    def body(self) -> str:
        """The query that it runs."""
        return f"SELECT ({self.ends.low})::float8, ({self.ends.high})::float8 WHERE n > 0"

    @property
    def statement(self) -> str:
        """SQL that creates it."""
        return (
            f"FUNCTION {{schema}}.{self.name}({self.parameters}, phi float8 DEFAULT 1)"
            " RETURNS TABLE (low float8, high float8) LANGUAGE sql IMMUTABLE PARALLEL SAFE"
            f" AS $${self.body}$$"
        )


INTERVAL_FUNCTIONS = (
    IntervalFunction(
        "score_interval",
        _SUMS,
        bounded_mean(*_COLUMNS, "phi"),
        "95 % interval of the mean of ratings, 0-10, from sums of experience_daily"
        " / 评分均值的95%置信区间",
    ),
    IntervalFunction(
        "share_interval",
        "yes bigint, n bigint",
        share("yes", _N, "phi"),
        "95 % interval of a share, 0-1 / 占比的95%置信区间",
    ),
    IntervalFunction(
        "nps_interval",
        "promoters bigint, detractors bigint, n bigint",
        nps("promoters", "detractors", _N, "phi"),
        "95 % interval of an NPS, -1 to 1 / NPS的95%置信区间",
    ),
    IntervalFunction(
        "mean_interval",
        _SUMS,
        mean(*_COLUMNS, "phi"),
        "95 % interval of a mean of minutes, percent or a count, from sums of experience_daily;"
        " NULL of one / 分钟、百分比或次数均值的95%置信区间",
    ),
)
"""All of them. `phi` says how many times as much days scatter as independent answers would."""
