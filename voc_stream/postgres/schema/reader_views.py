"""Declares the views that readers use: what the contract names but is stored in another form."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import CUBE, CUBE_KEY, DETAILS, SCOPE_TYPES_IN_WORDS, SITES
from voc_stream.domain.horizons import HORIZONS
from voc_stream.postgres.schema.expressions.intervals import interval, t_quantile
from voc_stream.postgres.schema.sums import BINS, SUMS
from voc_stream.postgres.schema.tables.columns import SCORE_BINS

if TYPE_CHECKING:
    from voc_stream.domain.dimensions import Dimension

MINUTE = timedelta(minutes=1)
_KEY = ", ".join(CUBE_KEY)
_COLUMNS = ", ".join(each.column for each in CUBE)


UNIT_OF = "(SELECT unit FROM experience e WHERE e.experience = {})"


def bin_of(value: str, unit: str) -> str:
    """SQL of a value's histogram bin; the last bin is open above.

    Bins are the floor of a score or a count, widths that double from 5 for minutes, and 20 for
    percent.
    """
    last = SCORE_BINS - 1
    thresholds = ", ".join(str(500 * 2**number) for number in range(last))
    return (
        f"CASE {unit} WHEN 'minutes' THEN width_bucket({value}, ARRAY[{thresholds}]::bigint[])"
        f" WHEN 'percent' THEN least({last}, {value} / 2000)::int"
        f" ELSE least({last}, {value} / 100)::int END"
    )


# PostgreSQL evaluates this once a query, not once a row.
_DEFAULT_ZONE = "coalesce((SELECT time_zone FROM site_calendar WHERE site_id = ''), 'UTC')"


def join_calendar(site_id: str) -> str:
    """SQL for the end of a FROM, which gives `local_day` what it needs.

    Sites without a row stay in.
    """
    return f"LEFT JOIN site_calendar AS its_calendar ON its_calendar.site_id = {site_id}"


def local_day(moment: str) -> str:
    """SQL of the day of a moment, if the FROM ends with `join_calendar`."""
    return f"({moment} AT TIME ZONE coalesce(its_calendar.time_zone, {_DEFAULT_ZONE}))::date"


def _experience_daily() -> str:
    queued = f"moment, {_COLUMNS}, weight, experience, value, expectation, importance"
    dimensions = ", ".join(f"c.{each.column}" for each in CUBE)
    pending = ", ".join(
        f"CASE WHEN b.bin = {number} THEN c.weight ELSE 0 END" for number in range(SCORE_BINS)
    )
    return f"""
CREATE VIEW experience_daily AS
SELECT {_KEY}, {_totals(SUMS)},
       ARRAY[{", ".join(f"sum({name})::bigint" for name in BINS)}] AS histogram
FROM (
    SELECT {_KEY}, {", ".join(SUMS)}, {", ".join(f"coalesce({name}, 0) AS {name}" for name in BINS)}
    FROM experience_cube JOIN cube_cell USING (cell)
    UNION ALL
    SELECT {local_day("c.moment")}, u.experience, {dimensions},
           c.weight, c.weight * u.value, c.weight * u.value::bigint * u.value,
           CASE WHEN u.expectation IS NULL THEN 0 ELSE c.weight END,
           coalesce(c.weight * u.expectation, 0),
           CASE WHEN u.importance IS NULL THEN 0 ELSE c.weight END,
           coalesce(c.weight * u.importance, 0), {pending}
    FROM (SELECT {queued} FROM contribution UNION ALL SELECT {queued} FROM detail_contribution) c
         {join_calendar("c.site_id")},
         unnest(c.experience, c.value, c.expectation, c.importance)
             AS u(experience, value, expectation, importance),
         LATERAL (SELECT {bin_of("u.value", UNIT_OF.format("u.experience"))} AS bin) b
) merged_and_pending
GROUP BY {_KEY}
HAVING sum(n) <> 0
"""


def _totals(names: tuple[str, ...]) -> str:
    """SQL of sums of sums, in the types that the tables have."""
    return ", ".join(
        f"sum({name})::{'numeric' if name == 'score_sq_sum' else 'bigint'} AS {name}"
        for name in names
    )


def _rolling_satisfaction() -> str:
    sums = (*SUMS, "top_n", "bottom_n")
    horizons = ", ".join(f"('{horizon.name}', {horizon.pane // MINUTE})" for horizon in HORIZONS)
    refreshes = ", ".join(
        f"('{name}', '{each}')"
        for name, types in (("sites", SITES), ("details", DETAILS))
        for each in types
    )
    sites = ", ".join(f"'{each}'" for each in SITES)
    return f"""
CREATE VIEW rolling_satisfaction AS
SELECT r.horizon, r.scope_type, r.scope, r.experience, r.n,
       m.experience_mean, m.expectation_mean,
       m.experience_mean - m.expectation_mean AS satisfaction,
       m.experience_mean / nullif(m.expectation_mean, 0) AS satisfaction_ratio,
       m.importance,
       m.importance * (m.experience_mean - m.expectation_mean) AS weighted_satisfaction,
       e.ideal,
       m.experience_mean - e.ideal AS gap,
       d.stddev,
       {interval("-")} AS ci_low,
       {interval("+")} AS ci_high,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE r.top_n::float8 / r.n END AS top_box_share,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE r.bottom_n::float8 / r.n END AS bottom_box_share,
       coalesce(e.is_key, false) AS is_key,
       c.as_of,
       e.kind
FROM (
    SELECT horizon, scope_type, scope, experience, {_totals(sums)}
    FROM (
        SELECT horizon, scope_type, scope, experience, {", ".join(sums)} FROM rolling_sum
        UNION ALL
        SELECT h.horizon, p.scope_type, p.scope, p.experience,
               {", ".join(f"p.{name}" for name in sums)}
        FROM (VALUES {horizons}) h (horizon, resolution)
        CROSS JOIN (VALUES {refreshes}) f (refresh, scope_type)
        JOIN rolling_clock c USING (refresh)
        JOIN pane p ON p.resolution = h.resolution AND p.scope_type = f.scope_type
             AND p.start
                 = date_bin(h.resolution * interval '1 minute', c.as_of, timestamptz 'epoch')
    ) closed_and_open
    GROUP BY horizon, scope_type, scope, experience
) r
JOIN rolling_clock c
    ON c.refresh = CASE WHEN r.scope_type IN ({sites}) THEN 'sites' ELSE 'details' END
LEFT JOIN experience e USING (experience)
CROSS JOIN LATERAL (
    SELECT CASE e.kind WHEN 'nps' THEN (r.top_n - r.bottom_n)::float8 / r.n
                ELSE (r.score_sum::numeric / r.n / 100)::float8 END AS experience_mean,
           CASE WHEN r.expectation_n > 0
                THEN (r.expectation_sum::numeric / r.expectation_n / 100)::float8
                ELSE e.expectation END AS expectation_mean,
           CASE WHEN r.importance_n > 0
                THEN (r.importance_sum::numeric / r.importance_n / 100)::float8
                ELSE e.importance END AS importance
) m
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.n > 1
                THEN CASE e.kind
                     WHEN 'nps' THEN
                         sqrt((r.n * (r.top_n + r.bottom_n) - (r.top_n - r.bottom_n) ^ 2)
                              / (r.n::float8 * (r.n - 1)))
                     ELSE sqrt(greatest(0, r.n * r.score_sq_sum - r.score_sum::numeric ^ 2)
                               / (r.n::numeric * (r.n - 1)))::float8 / 100
                     END END AS stddev
) d
CROSS JOIN LATERAL (SELECT CASE WHEN r.n > 1 THEN {t_quantile("(r.n - 1)")} END AS quantile) t
WHERE r.n > 0
"""


def _moment(microseconds: str) -> str:
    """SQL of a moment that is stored in microseconds since 1970.

    An interval is multiplied in floating point, which is exact only in parts.
    """
    number = f"{microseconds}::bigint"
    return (
        f"(timestamptz 'epoch' + {number} / 1000000 * interval '1 second'"
        f" + {number} % 1000000 * interval '1 microsecond')"
    )


_REPAIR_STAGE = f"""
CREATE VIEW repair_stage AS
SELECT o.order_id, s.stage, s.entered_at, s.exited_at,
       CASE WHEN s.exited_at >= s.entered_at
            THEN (extract(epoch FROM s.exited_at - s.entered_at) / 60)::float8 END AS minutes,
       (o.stages -> 'opened' ->> s.stage)::float8 / 60000000 AS opening_minutes
FROM repair_order o
CROSS JOIN LATERAL (
    SELECT coalesce(i.key, x.key) AS stage,
           {_moment("i.value")} AS entered_at, {_moment("x.value")} AS exited_at
    FROM json_each_text(o.stages -> 'entered') i
    FULL JOIN json_each_text(o.stages -> 'exited') x USING (key)
) s
"""

# In the order in which they must be created.
READER_VIEWS = (
    ("experience_daily", _experience_daily()),
    ("rolling_satisfaction", _rolling_satisfaction()),
    ("repair_stage", _REPAIR_STAGE),
)


def _about(dimension: Dimension) -> str:
    if dimension.source == "event":
        return dimension.comment
    return f"the customer's {dimension.english} as known now, '' where unknown"


_SCOPE_COMMENTS = {
    "scope_type": f"{SCOPE_TYPES_IN_WORDS} / 范围类型",
    "scope": "the site, region, ...; '' for all / 范围",
    "experience": "experience of the catalogue / 体验项",
}
VIEW_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "experience_daily": (
        (
            "The cube for BI: sums by day and dimensions; sum them over whatever is not grouped by"
            " / 每日体验立方体"
        ),
        {
            "day": "day of the contribution in the time zone of the site / 当地日期",
            "experience": "experience of the catalogue / 体验项",
            **{each.column: f"{_about(each)} / {each.chinese}" for each in CUBE},
            "n": "samples / 样本数",
            "score_sum": (
                "sum of values, in hundredths of a point"
                " (or of its unit); divide by 100 n for the mean / 分值之和"
            ),
            "score_sq_sum": "sum of squared values, in hundredths squared / 分值平方和",
            "expectation_n": "samples with a stated expectation / 有期望值的样本数",
            "expectation_sum": "sum of stated expectations, in hundredths / 期望值之和",
            "importance_n": "samples with a stated importance / 有重要度的样本数",
            "importance_sum": "sum of stated importances, in hundredths / 重要度之和",
            "histogram": (
                "11 counts: scores and counts by their floor; minutes doubling from 5;"
                " percent by 20 / 直方图"
            ),
        },
    ),
    "rolling_satisfaction": (
        (
            "Rolling satisfaction (experience minus expectation, weighted by importance)"
            " by horizon, scope and experience / 滚动满意度"
        ),
        {
            "horizon": "1h, 24h, 7d, 30d or 90d, ending at as_of / 时间窗",
            **_SCOPE_COMMENTS,
            "n": "samples / 样本数",
            "experience_mean": (
                "mean score, 0-10, or mean of minutes, percent or a count;"
                " of nps the score from -1 to 1 / 体验均值"
            ),
            "expectation_mean": "mean stated expectation, else the catalogue's / 期望均值",
            "satisfaction": "experience_mean - expectation_mean / 满意度",
            "satisfaction_ratio": "experience_mean / expectation_mean / 满意度比值",
            "importance": "mean stated importance, else the catalogue's / 重要度",
            "weighted_satisfaction": (
                "importance x satisfaction; the lowest is the key problem / 加权满意度"
            ),
            "ideal": "the catalogue's ideal / 理想值",
            "gap": "experience_mean - ideal / 体验差距",
            "stddev": "standard deviation of the sample; NULL for one / 标准差",
            "ci_low": "lower end of the 95 % interval of experience_mean / 95%置信下限",
            "ci_high": "upper end of the 95 % interval of experience_mean / 95%置信上限",
            "top_box_share": "share of scores of 9 or more; NULL for other units / 高分占比",
            "bottom_box_share": "share of scores of 6 or less; NULL for other units / 低分占比",
            "is_key": "key experience of the catalogue / 关键体验",
            "as_of": "the moment at which the horizon ends / 截止时间",
            "kind": "rating, process, timing, share, nps or ratio; never averaged together / 类型",
        },
    ),
    "repair_stage": (
        "One row per order and stage: the repair progress sheet / 维修进度",
        {
            "order_id": "repair order / 维修工单",
            "stage": "stage of the repair flow / 环节",
            "entered_at": "earliest entry / 进入时间",
            "exited_at": "latest exit / 离开时间",
            "minutes": "from entry to exit, in minutes; NULL while one is unknown / 用时（分钟）",
            "opening_minutes": "those of them in which the site was open; NULL if its opening hours"
            " are unknown / 营业时间内用时（分钟）",
        },
    ),
}
