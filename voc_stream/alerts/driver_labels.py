"""Which customers count as at risk of leaving, and what drives them away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.hazard import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIVER_LABELS = {
    "open_complaint_major": ("a major complaint that is open", "重大投诉未解决"),
    "open_complaint_minor": ("a minor complaint that is open", "一般投诉未解决"),
    "resolved_complaint_major": ("a major complaint that took long to resolve", "重大投诉解决缓慢"),
    "resolved_complaint_minor": ("a minor complaint that took long to resolve", "一般投诉解决缓慢"),
    "resolved_quickly_major": (
        "a major complaint, though quickly resolved",
        "曾有重大投诉（已快速解决）",
    ),
    "resolved_quickly_minor": (
        "a minor complaint, though quickly resolved",
        "曾有一般投诉（已快速解决）",
    ),
    "complaint_open_24h": ("a complaint open for a day", "投诉超过 24 小时未解决"),
    "complaint_open_72h": ("a complaint open for three days", "投诉超过 72 小时未解决"),
    "complaint_open_168h": ("a complaint open for a week", "投诉超过 7 天未解决"),
    "broken_promise": ("a broken promise", "未按承诺时间交车"),
    "low_attitude": ("how staff treated them", "服务态度评分低"),
    "low_outcome": ("a poor result", "服务结果评分低"),
    "bad_memory": ("a visit remembered badly", "到店体验记忆不佳"),
    "inactive_180d": ("half a year without a visit", "半年未到店"),
    "inactive_365d": ("a year without a visit", "一年未到店"),
}
"""How each driver reads in English and Chinese."""


def leading_driver(amounts: Mapping[str, float]) -> str | None:
    """The driver with the largest amount, of equals the first by name; None where no driver other than the base has any.

    >>> leading_driver({"base": 40.0, "low_outcome": 2.0, "broken_promise": 2.0}), leading_driver({"base": 40.0, "low_outcome": 0.0})
    ('broken_promise', None)
    """
    found = {driver: amount for driver, amount in amounts.items() if driver != BASE and amount > 0}
    return min(found, key=lambda driver: (-found[driver], driver), default=None)


def because(driver: str | None) -> tuple[str, str]:
    """What it is mostly about, to end an English and a Chinese sentence with.

    >>> because("low_outcome"), because(None)
    ((', mostly because of a poor result', '，主要原因：服务结果评分低'), ('', ''))
    """
    if not driver:
        return "", ""
    english, chinese = DRIVER_LABELS.get(driver, (driver, driver))
    return f", mostly because of {english}", f"，主要原因：{chinese}"
