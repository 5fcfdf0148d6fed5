"""Words that summaries of alerts share, in English and Chinese."""

from __future__ import annotations

from datetime import timedelta

IN_DAYS_FROM_HOURS = 48


def duration(time: timedelta) -> tuple[str, str]:
    """How long something has taken, in English and Chinese.

    >>> duration(timedelta(hours=5.5)), duration(timedelta(hours=72))
    (('5.5 hours', '5.5 小时'), ('3.0 days', '3.0 天'))
    """
    hours = time / timedelta(hours=1)
    return (
        (f"{hours:.1f} hours", f"{hours:.1f} 小时")
        if hours < IN_DAYS_FROM_HOURS
        else (f"{hours / 24:.1f} days", f"{hours / 24:.1f} 天")
    )


def name_scope(scope: str) -> tuple[str, str]:
    """A site for people, in English and Chinese; the empty one is all sites.

    >>> name_scope("shop-03"), name_scope("")
    (('shop-03', 'shop-03'), ('all sites together', '全部门店合计'))
    """
    return (scope, scope) if scope else ("all sites together", "全部门店合计")
