"""Declares the iceberg: how many were unhappy, beside how many complained."""

from __future__ import annotations

COMPLAINT_KEY = "horizon, scope_type, scope, about"
_SCOPES = "CROSS JOIN LATERAL (VALUES ('all', ''), ('site', c.site_id)) AS s (scope_type, scope)"
_HORIZONS = "(VALUES ('24h', 1), ('7d', 7), ('30d', 30), ('90d', 90)) AS h (horizon, days)"
# Complaints of a horizon, all of them and by what they are about: `about` is '' for all.
_COMPLAINTS = f"""
SELECT {COMPLAINT_KEY}, count(*) AS complaints
FROM rolling_clock k CROSS JOIN {_HORIZONS}
JOIN complaint c ON c.opened_at <= k.as_of AND c.opened_at > k.as_of - h.days * interval '1 day'
{_SCOPES}
CROSS JOIN LATERAL (VALUES (''), (c.category)) AS a (about)
WHERE k.refresh = 'sites' AND about IS NOT NULL AND scope IS NOT NULL
GROUP BY {COMPLAINT_KEY}
"""


def iceberg_of(complaint_total: str, rolling_satisfaction: str) -> str:
    """SQL of the iceberg.

    Args:
        complaint_total: complaints of each horizon and scope: a view, or a query in brackets.
        rolling_satisfaction: the view of rolling satisfaction.
    """
    return f"""
WITH counted AS (SELECT * FROM {complaint_total} t)
SELECT r.horizon, r.scope_type, r.scope, r.experience, r.n, r.bottom_box_share AS unhappy_share,
       r.n * r.bottom_box_share AS unhappy,
       r.n * r.bottom_box_low AS unhappy_low,
       r.n * r.bottom_box_high AS unhappy_high,
       coalesce(o.complaints, 0) AS complaints,
       coalesce(i.complaints, 0) AS complaints_about_it,
       r.n * r.bottom_box_share / o.complaints AS unhappy_per_complaint,
       r.as_of
FROM {rolling_satisfaction} r
LEFT JOIN counted o ON (o.horizon, o.scope_type, o.scope) = (r.horizon, r.scope_type, r.scope)
     AND o.about = ''
LEFT JOIN counted i ON (i.horizon, i.scope_type, i.scope) = (r.horizon, r.scope_type, r.scope)
     AND i.about = r.experience
WHERE r.scope_type IN ('all', 'site') AND r.horizon <> '1h' AND r.kind = 'rating'
"""


ICEBERG_VIEWS = (
    ("complaint_total", f"CREATE VIEW complaint_total AS{_COMPLAINTS}"),
    (
        "complaint_iceberg",
        f"CREATE VIEW complaint_iceberg AS{iceberg_of('complaint_total', 'rolling_satisfaction')}",
    ),
)
ICEBERG_KEYS = {"complaint_iceberg": ("horizon", "scope_type", "scope", "experience")}
ICEBERG_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "complaint_iceberg": (
        (
            "The iceberg, measured: how many of those asked were unhappy, beside how many"
            " customers complained / 抱怨冰山：不满人数与投诉数"
        ),
        {
            "horizon": "24h, 7d, 30d or 90d, ending at as_of / 时间窗",
            "scope_type": "all or site / 范围类型",
            "scope": "the site; '' for all / 范围",
            "experience": "a rating of the catalogue / 体验项",
            "n": "scores / 样本数",
            "unhappy_share": "share of scores of 6 or less / 不满占比",
            "unhappy": "n times this share / 不满人数",
            "unhappy_low": "lower end of its 95 % interval / 95%置信下限",
            "unhappy_high": "upper end of its 95 % interval / 95%置信上限",
            "complaints": "complaints that were opened in the horizon / 投诉数",
            "complaints_about_it": "those of them about this experience / 该项投诉数",
            "unhappy_per_complaint": (
                "unhappy / complaints; NULL without a complaint / 每件投诉对应的不满人数"
            ),
            "as_of": "the moment at which the horizon ends / 截止时间",
        },
    ),
}
