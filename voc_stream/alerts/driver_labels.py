"""Says how each driver of the risk of leaving is called, and which one leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.hazard import BASE
from voc_stream.domain.churn.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIVER_LABELS = {signal.name: (signal.en, signal.zh) for signal in SIGNALS}
"""How each driver reads in English and Chinese."""


def leading_driver(amounts: Mapping[str, float]) -> str | None:
    """The driver with the largest amount, of equals the first by name.

    None if no driver other than the base has any amount.

    >>> two = {"base": 40.0, "low_outcome": 2.0, "broken_promise": 2.0}
    >>> leading_driver(two), leading_driver({"base": 40.0, "low_outcome": 0.0})
    ('broken_promise', None)
    """
    found = {driver: amount for driver, amount in amounts.items() if driver != BASE and amount > 0}
    return min(found, key=lambda driver: (-found[driver], driver), default=None)


def because(driver: str | None) -> tuple[str, str]:
    """The main reason, as the end of an English and a Chinese sentence.

    >>> because("low_outcome"), because(None)
    ((', mostly because of a poor result', '，主要原因：服务结果评分低'), ('', ''))
    """
    if not driver:
        return "", ""
    english, chinese = DRIVER_LABELS.get(driver, (driver, driver))
    return f", mostly because of {english}", f"，主要原因：{chinese}"
