"""Declares the tables from which importance is derived, and the one that shows it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Date, Double, Numeric, PrimaryKeyConstraint, Table, Text

from voc_stream.postgres.schema.tables.columns import (
    ADDED_IN_PLACE,
    KEY,
    TIME,
    column,
    metadata,
    required,
)

answer_product = Table(
    "answer_product",
    metadata,
    required("month", Date, "first day of the month, in the time of the site"),
    required("scope_type", KEY, "all, site or segment"),
    required("scope", KEY, "the site or segment; '' for all"),
    required("first", KEY, "a rating"),
    required("second", KEY, "another rating of the same callback; its name comes after the first"),
    required("n", BigInteger, "callbacks that gave both"),
    required("first_sum", BigInteger, "sum of scores of the first, in hundredths"),
    required("second_sum", BigInteger, "sum of scores of the second"),
    required("first_sq_sum", Numeric, "sum of squared scores of the first"),
    required("second_sq_sum", Numeric, "sum of squared scores of the second"),
    required("product_sum", Numeric, "sum of products of both scores"),
    PrimaryKeyConstraint("month", "scope_type", "scope", "first", "second"),
    comment="Cross-products of ratings that were given together, by month",
    postgresql_with=ADDED_IN_PLACE,
)


answer_band = Table(
    "answer_band",
    metadata,
    required("month", Date, "first day of the month, in the time of the site"),
    required("scope_type", KEY, "all, site or segment"),
    required("scope", KEY, "the site or segment; '' for all"),
    required("experience", KEY, "a rating that was given together with the outcome"),
    required("band", KEY, "low (6 or less), middle, or high (9 or more): the score of the rating"),
    required("n", BigInteger, "callbacks"),
    required("total", BigInteger, "sum of their outcome, in hundredths"),
    required("squares", Numeric, "sum of their squared outcome"),
    PrimaryKeyConstraint("month", "scope_type", "scope", "experience", "band"),
    comment="The outcome of callbacks by how they scored another rating, by month",
    postgresql_with=ADDED_IN_PLACE,
)


importance_weight = Table(
    "importance_weight",
    metadata,
    required("scope_type", KEY, "all, site or segment / 范围类型"),
    required("scope", KEY, "the site or segment; '' for all / 范围"),
    required("experience", KEY, "a rating / 体验项"),
    required("outcome", KEY, "what it is to explain / 结果指标"),
    required("since", Date, "first month / 起始月份"),
    required("until", Date, "last month / 截止月份"),
    required("n", BigInteger, "callbacks: the fewest of any two ratings / 样本数"),
    required("correlation", Double, "with the outcome / 相关系数"),
    required("beta", Double, "standardised coefficient; changes its sign at random / 标准化系数"),
    required("weight", Double, "share of the outcome's variance that it explains / 相对权重"),
    required("weight_low", Double, "lower end of its 95 % interval / 95%置信下限"),
    required("weight_high", Double, "upper end of its 95 % interval / 95%置信上限"),
    required("share", Double, "the weight as a share of all weights / 占比"),
    required("r_squared", Double, "what all ratings explain together / 可解释比例"),
    column("penalty", Double, "points of the outcome that a low score costs / 惩罚"),
    column("reward", Double, "points of the outcome that a high score brings / 奖励"),
    column("asymmetry_low", Double, "lower end of the interval of penalty + reward / 下限"),
    column("asymmetry_high", Double, "upper end of the interval of penalty + reward / 上限"),
    column("effect", Text, "hygiene, motivator or both; NULL if too few say so / 效应"),
    required("as_of", TIME, "when it was derived / 计算时间"),
    PrimaryKeyConstraint("scope_type", "scope", "experience"),
    comment="How much ratings matter for the outcome, derived from what was answered"
    " together in the last twelve months / 推导重要度",
)
