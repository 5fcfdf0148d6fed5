"""Declares what complaints are about: suggestions, the Pareto of each month, impact on scores."""

from __future__ import annotations

from voc_stream.postgres.schema.expressions.local_day import join_calendar, local_day

SUGGESTION = """
CREATE VIEW complaint_suggestion AS
SELECT s.complaint_id, c.customer_id, c.site_id, c.opened_at, s.category AS category_suggested,
       s.margin AS category_margin, s.reasons AS category_reasons
FROM text_suggestion s JOIN complaint c USING (complaint_id)
WHERE c.category IS NULL
"""


def _month(moment: str) -> str:
    return f"date_trunc('month', {local_day(moment)}::timestamp)::date"


# Complaints by month, scope and theme: the stated category, or else the suggested one.
_THEMES = f"""
SELECT month, scope_type, scope, category, count(*) AS n,
       count(*) FILTER (WHERE is_suggested) AS suggested_n
FROM (
    SELECT {_month("c.opened_at")} AS month, c.site_id,
           coalesce(c.category, s.category, '') AS category,
           c.category IS NULL AND s.category IS NOT NULL AS is_suggested
    FROM complaint c LEFT JOIN text_suggestion s USING (complaint_id) {join_calendar("c.site_id")}
    WHERE c.opened_at IS NOT NULL
) opened
CROSS JOIN LATERAL (VALUES ('all', ''), ('site', site_id)) AS of (scope_type, scope)
WHERE scope IS NOT NULL
GROUP BY month, scope_type, scope, category
"""


def pareto_of(theme_total: str) -> str:
    """SQL of the Pareto of complaints.

    Args:
        theme_total: complaints by month, scope and theme: a view, or a query in brackets.
    """
    whole = "PARTITION BY month, scope_type, scope"
    order = f"{whole} ORDER BY (category = ''), n DESC, category"
    return f"""
SELECT month, scope_type, scope, category, n, suggested_n,
       (sum(n) OVER ({whole}))::bigint AS n_all,
       row_number() OVER ({order})::int AS rank,
       (n / sum(n) OVER ({whole}))::float8 AS share,
       (sum(n) OVER ({order}) / sum(n) OVER ({whole}))::float8 AS cumulative_share
FROM {theme_total} t
"""


# Answers of callbacks about orders with complaints, by theme. An order may have several themes; of
# one theme it counts once.
_ANSWERS = f"""
SELECT {_month("e.occurred_at")} AS month, t.category, x.experience, count(*) AS n,
       sum(round((a.answer ->> 'score')::numeric * 100))::bigint AS score_sum
FROM (
    SELECT DISTINCT c.order_id, coalesce(c.category, s.category) AS category
    FROM complaint c LEFT JOIN text_suggestion s USING (complaint_id)
    WHERE c.order_id IS NOT NULL AND coalesce(c.category, s.category) IS NOT NULL
) t
JOIN touchpoint_event e ON e.order_id = t.order_id AND e.type = 'callback'
CROSS JOIN LATERAL json_array_elements(e.body -> 'answers') AS a (answer)
JOIN experience x ON x.experience = a.answer ->> 'item' AND x.is_key
{join_calendar("e.site_id")}
WHERE json_typeof(a.answer -> 'score') = 'number'
GROUP BY 1, 2, 3
"""
_TOTALS = """
SELECT date_trunc('month', day::timestamp)::date AS month, experience, sum(n) AS n,
       sum(score_sum) AS score_sum
FROM experience_daily GROUP BY 1, 2
"""


def impact_of(theme_answers: str, totals: str) -> str:
    """SQL of the impact of themes.

    Args:
        theme_answers: sums of answers about orders with complaints, by month, theme and experience.
        totals: sums of all answers, by month and experience; each a view, or a query in brackets.
    """
    mean = "(t.score_sum / t.n / 100)::float8"
    without = "((t.score_sum - a.score_sum) / nullif(t.n - a.n, 0) / 100)::float8"
    return f"""
SELECT a.month, a.category, a.experience, a.n::bigint AS n, t.n::bigint AS n_all,
       (a.score_sum::numeric / a.n / 100)::float8 AS theme_mean,
       {mean} AS mean, {without} AS mean_without, {mean} - {without} AS impact
FROM {theme_answers} a JOIN {totals} t USING (month, experience)
"""


TEXT_VIEWS = (
    ("complaint_suggestion", SUGGESTION),
    ("theme_total", f"CREATE VIEW theme_total AS{_THEMES}"),
    ("complaint_pareto", f"CREATE VIEW complaint_pareto AS{pareto_of('theme_total')}"),
    ("theme_answers", f"CREATE VIEW theme_answers AS{_ANSWERS}"),
    ("theme_impact", f"CREATE VIEW theme_impact AS{impact_of('theme_answers', f'({_TOTALS})')}"),
)
TEXT_KEYS = {
    "complaint_pareto": ("month", "scope_type", "scope", "category"),
    "theme_impact": ("month", "category", "experience"),
}
_MONTH = "first day of the month, in the time of the site / 月份"
_THEME = "the stated category, or else the suggested one / 主题"
TEXT_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "complaint_suggestion": (
        "What complaints without a stated category seem to be about / 建议的投诉类别",
        {
            "complaint_id": "complaint / 投诉编号",
            "customer_id": "customer, as stated latest / 客户编号",
            "site_id": "site, as stated latest / 门店",
            "opened_at": "earliest opening / 投诉时间",
            "category_suggested": "what its texts are about, as far as can be told / 建议类别",
            "category_margin": (
                "how much more speaks for it than for the next best; small is unsure / 领先幅度"
            ),
            "category_reasons": "up to three grams that speak for it most / 依据",
        },
    ),
    "complaint_pareto": (
        "Complaints of each month by theme, the most frequent first / 每月投诉帕累托",
        {
            "month": _MONTH,
            "scope_type": "all or site / 范围类型",
            "scope": "the site; '' for all / 范围",
            "category": f"{_THEME}; '' if neither is known",
            "n": "complaints that were opened in the month / 投诉数",
            "suggested_n": "those of them whose theme is only suggested / 其中为建议类别的",
            "n_all": "all complaints of the month and scope / 全部投诉数",
            "rank": "1 is the most frequent; the unknown come last / 名次",
            "share": "n as a share of all of the month and scope / 占比",
            "cumulative_share": "the share of this and of all more frequent themes / 累计占比",
        },
    ),
    "theme_impact": (
        (
            "How much a theme moves a score: the mean of a month with and without answers about"
            " orders that somebody complained about / 主题对评分的影响"
        ),
        {
            "month": _MONTH,
            "category": _THEME,
            "experience": "key experience / 关键体验",
            "n": "answers about orders with complaints of this theme / 样本数",
            "n_all": "all answers of the month / 全部样本数",
            "theme_mean": "mean of these n answers / 相关订单均值",
            "mean": "mean of all answers / 均值",
            "mean_without": "mean of the others; NULL if there are none / 剔除后均值",
            "impact": "mean - mean_without: points that the theme costs / 影响",
        },
    ),
}
TEXT_TOTAL_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "theme_total": (
        "Complaints of each month by theme, as complaint_pareto counts them / 主题合计",
        {
            "month": _MONTH,
            "scope_type": "all or site / 范围类型",
            "scope": "the site; '' for all / 范围",
            "category": _THEME,
            "n": "complaints / 投诉数",
            "suggested_n": "those of them whose theme is only suggested / 其中为建议类别的",
        },
    ),
    "theme_answers": (
        "Answers about orders with complaints, as theme_impact counts them / 主题答复合计",
        {
            "month": _MONTH,
            "category": _THEME,
            "experience": "key experience / 关键体验",
            "n": "answers / 样本数",
            "score_sum": "sum of their scores, in hundredths of a point / 分值之和",
        },
    ),
}
