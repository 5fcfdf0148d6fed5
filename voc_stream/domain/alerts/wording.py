"""Words that summaries of alerts share, in English and Chinese."""

from __future__ import annotations


def place(scope: str) -> tuple[str, str]:
    """A site for people, in English and Chinese; the empty one is all sites.

    >>> place("shop-03"), place("")
    (('shop-03', 'shop-03'), ('all sites', '全部门店'))
    """
    return (scope, scope) if scope else ("all sites", "全部门店")
