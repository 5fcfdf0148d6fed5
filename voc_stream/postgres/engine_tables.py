"""The engine's own tables of schema `voc`: what is not yet merged, and the sums that readers see through views."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    Identity,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from voc_stream.postgres.tables import KEY, SCORE_BINS, TIME, column, metadata, required

__all__ = ["churn_pending", "contribution", "detail_contribution", "experience_cube", "metadata", "pane", "rolling_clock", "rolling_sum"]

# A queue is emptied again and again: vacuum it by its churn, not by its size.
_QUEUE = {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "20000", "autovacuum_vacuum_insert_scale_factor": "0"}


def _sums() -> list[Column[Any]]:
    return [
        required("n", BigInteger, "contributions / 样本数"),
        required("score_sum", BigInteger, "sum of values, in hundredths of a point (of a minute for timings) / 分值之和（百分之一分）"),
        required("score_sq_sum", Numeric, "sum of squared values, in hundredths squared / 分值平方和"),
        required("expectation_n", BigInteger, "contributions with a stated expectation / 有期望值的样本数"),
        required("expectation_sum", BigInteger, "sum of stated expectations, in hundredths / 期望值之和"),
        required("importance_n", BigInteger, "contributions with a stated importance / 有重要度的样本数"),
        required("importance_sum", BigInteger, "sum of stated importances, in hundredths / 重要度之和"),
    ]


def _boxes() -> list[Column[Any]]:
    return [
        required("top_n", BigInteger, "values of 9 points or more"),
        required("bottom_n", BigInteger, "values of 6 points or less"),
    ]


def _contribution() -> list[Column[Any]]:
    return [
        required("moment", TIME, "when it counts"),
        required("site_id", Text, "site, '' where unknown"),
        required("department", Text, "department, '' where unknown"),
        required("employee_id", Text, "employee, '' where unknown"),
        required("product", Text, "product, '' where unknown"),
        required("segment", Text, "segment, '' where unknown"),
        required("region", Text, "region, '' where unknown"),
        required("weight", SmallInteger, "1 adds, -1 takes back"),
        required("experience", ARRAY(Text), "experiences"),
        required("value", ARRAY(Integer), "their values, in hundredths"),
        column("expectation", ARRAY(Integer), "stated expectations, in hundredths; NULL where none was stated"),
        column("importance", ARRAY(Integer), "stated importances, in hundredths; NULL where none was stated"),
    ]


contribution = Table(
    "contribution",
    metadata,
    *_contribution(),
    required("number", BigInteger, "in the order of arrival", Identity()),
    comment="What has been accepted and not yet merged into the scopes all and site of pane and rolling_sum; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

detail_contribution = Table(
    "detail_contribution",
    metadata,
    *_contribution(),
    required("number", BigInteger, "in the order of arrival"),
    comment="What has not yet been merged into the other scopes and into experience_cube; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

experience_cube = Table(
    "experience_cube",
    metadata,
    required("day", Date, "day (UTC)"),
    required("experience", KEY, "experience"),
    required("site_id", KEY, "site, '' where unknown"),
    required("department", KEY, "department, '' where unknown"),
    required("employee_id", KEY, "employee, '' where unknown"),
    required("product", KEY, "product, '' where unknown"),
    required("segment", KEY, "segment, '' where unknown"),
    *_sums(),
    *(required(f"bin_{number}", BigInteger, f"count of histogram bin {number}") for number in range(SCORE_BINS)),
    PrimaryKeyConstraint("day", "experience", "site_id", "department", "employee_id", "product", "segment"),
    comment="Merged part of experience_daily; read that view instead",
    postgresql_with={"fillfactor": "80"},
)

pane = Table(
    "pane",
    metadata,
    required("resolution", SmallInteger, "5 (minutes), 60 (an hour) or 1440 (a day)"),
    required("start", TIME, "start of the pane"),
    required("scope_type", KEY, "all, site, region, department, employee, product or segment"),
    required("scope", KEY, "'' for all"),
    required("experience", KEY, "experience"),
    *_sums(),
    *_boxes(),
    PrimaryKeyConstraint("resolution", "start", "scope_type", "scope", "experience"),
    comment="Merged sums by time pane and scope: what enters and leaves the horizons",
    postgresql_with={"fillfactor": "80"},
)

rolling_sum = Table(
    "rolling_sum",
    metadata,
    required("horizon", KEY, "1h, 24h, 7d, 30d or 90d"),
    required("scope_type", KEY, "all, site, region, department, employee, product or segment"),
    required("scope", KEY, "'' for all"),
    required("experience", KEY, "experience"),
    *_sums(),
    *_boxes(),
    PrimaryKeyConstraint("horizon", "scope_type", "scope", "experience"),
    comment="Sums over the closed panes of each horizon, all but the newest; read the view rolling_satisfaction instead",
    postgresql_with={"fillfactor": "70"},
)

rolling_clock = Table(
    "rolling_clock",
    metadata,
    required("refresh", KEY, "sites (scope types all and site) or details (the others)"),
    required("as_of", TIME, "the moment at which their horizons end"),
    required("turn", Integer, "which part of sites and employees is next where the queue is long"),
    PrimaryKeyConstraint("refresh"),
    comment="The moment of the last refresh of the rolling tables",
)

churn_pending = Table(
    "churn_pending",
    metadata,
    required("part", SmallInteger, "which part of the customers they belong to"),
    required("customer_ids", ARRAY(KEY), "customers of one batch whose risk may have changed"),
    comment="Customers whose risk is to be assessed again; emptied by the upkeep",
    postgresql_with=_QUEUE,
)
