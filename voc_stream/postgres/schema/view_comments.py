"""Comments on the views that readers use, and on their columns, for the data dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import CUBE, SCOPE_TYPES_IN_WORDS
from voc_stream.postgres.schema.sums import SUMS
from voc_stream.postgres.schema.tables.customer import CUSTOMER_COMMENTS
from voc_stream.postgres.schema.views.complaint_texts import TEXT_COMMENTS, TEXT_TOTAL_COMMENTS
from voc_stream.postgres.schema.views.durations import DURATION_COMMENTS
from voc_stream.postgres.schema.views.iceberg import ICEBERG_COMMENTS
from voc_stream.postgres.schema.views.importance import IMPORTANCE_COMMENTS

if TYPE_CHECKING:
    from voc_stream.domain.dimensions import Dimension


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
    "customer": CUSTOMER_COMMENTS,
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
            "expectation_mean": (
                "mean of expectation_n stated expectations, drawn to the catalogue's / 期望均值"
            ),
            "satisfaction": "experience_mean - expectation_mean / 满意度",
            "satisfaction_ratio": "experience_mean / expectation_mean / 满意度比值",
            "importance": (
                "mean of importance_n stated importances, drawn to the catalogue's / 重要度"
            ),
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
            "expectation_n": "how many of the samples state an expectation / 有期望值的样本数",
            "importance_n": "how many of the samples state an importance / 有重要度的样本数",
            "top_box_low": "lower end of the 95 % interval of top_box_share / 高分占比置信下限",
            "top_box_high": "upper end of the 95 % interval of top_box_share / 高分占比置信上限",
            "bottom_box_low": (
                "lower end of the 95 % interval of bottom_box_share / 低分占比置信下限"
            ),
            "bottom_box_high": (
                "upper end of the 95 % interval of bottom_box_share / 低分占比置信上限"
            ),
            "phi": (
                "how many samples say as much as one independent sample, since those of a day are"
                " alike; intervals are wider by its root; 1 if unknown, and of 1h / 过度离散系数"
            ),
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
    **DURATION_COMMENTS,
    **ICEBERG_COMMENTS,
    **TEXT_COMMENTS,
    **IMPORTANCE_COMMENTS,
}

_SUM_COMMENT = "what rolling_satisfaction is computed from / 合计"
TOTAL_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "rolling_total": (
        "The sums of rolling_satisfaction, which those of other cells can be added to / 滚动合计",
        {
            "horizon": "1h, 24h, 7d, 30d or 90d, ending at as_of / 时间窗",
            **_SCOPE_COMMENTS,
            **dict.fromkeys((*SUMS, "top_n", "bottom_n"), _SUM_COMMENT),
            "as_of": "the moment at which the horizon ends / 截止时间",
            "phi": "how many times as much days scatter as independent answers would / 离散系数",
        },
    ),
    "duration_total": (
        "Durations of the last days by length, as duration_rolling counts them / 近期用时分布",
        {
            "horizon": "7d, 30d or 90d: so many days of the site, today included / 时间窗",
            **_SCOPE_COMMENTS,
            "bucket": "bucket of durations / 区间",
            "n": "durations / 样本数",
        },
    ),
    "complaint_total": (
        "Complaints opened in each horizon, as complaint_iceberg counts them / 投诉合计",
        {
            "horizon": "24h, 7d, 30d or 90d, ending at as_of / 时间窗",
            "scope_type": "all or site / 范围类型",
            "scope": "the site; '' for all / 范围",
            "about": "what they are about; '' for whatever / 类别",
            "complaints": "complaints / 投诉数",
        },
    ),
    **TEXT_TOTAL_COMMENTS,
}
"""Of views that add up what others are computed from."""
