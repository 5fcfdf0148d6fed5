"""Words that summaries of alerts share, in English and Chinese."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with what it counts, in English.

    >>> counted(1, "customer"), counted(2, "customer")
    ('1 customer', '2 customers')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def place(scope: str) -> tuple[str, str]:
    """A site for people, in English and Chinese; the empty one is all sites.

    >>> place("shop-03"), place("")
    (('shop-03', 'shop-03'), ('all sites', '全部门店'))
    """
    return (scope, scope) if scope else ("all sites", "全部门店")
