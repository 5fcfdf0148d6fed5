"""Declares the percentiles of durations: by day, and over the last 7, 30 and 90 days."""

from __future__ import annotations

from voc_stream.postgres.schema.expressions.durations import percentiles_of
from voc_stream.postgres.schema.expressions.local_day import join_calendar, local_day

_DAYS = {"7d": 7, "30d": 30, "90d": 90}

DURATION_DAILY = f"""
CREATE VIEW duration_daily AS
{
    percentiles_of(
        "SELECT day, experience, site_id, bucket, n FROM duration_count",
        "day, experience, site_id",
    )
}
"""
_AS_OF = "(SELECT as_of FROM rolling_clock WHERE refresh = 'details')"
_RECENT = f"""
SELECT horizon, scope_type, scope, experience, bucket, sum(d.n) AS n
FROM (SELECT d.*, {local_day(_AS_OF)} AS today FROM duration_count d {join_calendar("d.site_id")}) d
JOIN (VALUES {", ".join(f"('{name}', {days})" for name, days in _DAYS.items())})
    AS h (horizon, days) ON d.day > d.today - h.days AND d.day <= d.today
CROSS JOIN LATERAL (VALUES ('all', ''), ('site', d.site_id)) AS s (scope_type, scope)
WHERE scope_type = 'all' OR scope <> ''
GROUP BY horizon, scope_type, scope, experience, bucket
"""
DURATION_ROLLING = f"""
CREATE VIEW duration_rolling AS
{percentiles_of("SELECT * FROM duration_total", "horizon, scope_type, scope, experience")}
"""
_PERCENTILES = {
    "n": "durations / 样本数",
    "p50": "minutes that half of them do not exceed, within 2.5 % / 中位数（分钟）",
    "p90": "minutes that 90 of 100 do not exceed, within 2.5 % / 90分位（分钟）",
    "p95": "minutes that 95 of 100 do not exceed, within 2.5 % / 95分位（分钟）",
}
DURATION_VIEWS = (
    ("duration_daily", DURATION_DAILY),
    ("duration_total", f"CREATE VIEW duration_total AS{_RECENT}"),
    ("duration_rolling", DURATION_ROLLING),
)
DURATION_KEYS = {
    "duration_daily": ("day", "experience", "site_id"),
    "duration_rolling": ("horizon", "scope_type", "scope", "experience"),
}
DURATION_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "duration_daily": (
        "Percentiles of each measure in minutes, by day and site / 每日用时分位数",
        {
            "day": "day in the time zone of the site / 当地日期",
            "experience": "a measure in minutes / 体验项",
            "site_id": "site, '' where unknown / 门店",
            **_PERCENTILES,
        },
    ),
    "duration_rolling": (
        (
            "Percentiles of each measure in minutes over the last days, today included"
            " / 近期用时分位数"
        ),
        {
            "horizon": "7d, 30d or 90d: so many days of the site, today included / 时间窗",
            "scope_type": "all or site / 范围类型",
            "scope": "the site; '' for all / 范围",
            "experience": "a measure in minutes / 体验项",
            **_PERCENTILES,
        },
    ),
}
