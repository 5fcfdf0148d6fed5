"""Valuable customers who are likely to leave, and a share of such customers that rises."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.alerts.finding import Finding, Severity, Subject, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from voc_stream.domain.alerts.finding import Json

HIGH_VALUE = Subject("VocHighValueAtRisk", None, "all", "")
RISING = Subject("VocChurnRiskRising", None, "all", "")
AT_RISK = ("high", "critical")
"""The bands in which a customer counts as at risk."""
BASE = "base"
"""The driver that every customer has, which explains nothing."""

HISTORY_DAYS, FEWEST_DAYS = 28, 7
"""The days before that tell what is usual, and how many of them must be known."""
FEWEST = 20
"""Customers at risk below whom no share is judged."""
STARTS_AT, HOLDS_ABOVE, CRITICAL_AT = 1.2, 1.1, 2.0
"""Times the usual share at which an alert starts, above which it goes on, and at which it is critical."""
SURE = 3.09
"""Standard errors that chance exceeds once in a thousand times."""


class AtRisk(NamedTuple):
    """The customers of high value who are at risk.

    Attributes:
        customers: how many.
        critical: how many of them in the band critical.
        value_at_risk: together, a year.
        customer_ids: those with most value at risk, that first; no more than MOST_IDS.
        segments: customers by segment; `''` where it is unknown.
        contributions: by driver, the sum of its contributions to their log-hazards.
    """

    customers: int
    critical: int
    value_at_risk: float
    customer_ids: Sequence[str]
    segments: Mapping[str, int]
    contributions: Mapping[str, float]


class Share(NamedTuple):
    """How many customers had a risk on a day, and how many of them were at risk."""

    customers: float
    at_risk: float

    @property
    def of_all(self) -> float:
        """0-1."""
        return self.at_risk / self.customers


def judge_high_value(at_risk: AtRisk | None) -> Verdict:
    """Whether any customer of high value is at risk; None where the catalogue does not say what a high value is."""
    findings = [_high_value(at_risk)] if at_risk is not None and at_risk.customers > 0 else []
    return Verdict(frozenset({HIGH_VALUE.rule}), findings)


def _high_value(at_risk: AtRisk) -> Finding:
    driver = leading_driver(at_risk.contributions)
    evidence: dict[str, Json] = {
        "customers": at_risk.customers,
        "critical": at_risk.critical,
        "value_at_risk": round(at_risk.value_at_risk, 2),
        "customer_ids": at_risk.customer_ids,
        "segments": at_risk.segments,
        "explained_by": f"driver {driver}" if driver else None,
    }
    because, because_in_chinese = _because(driver)
    customers, critical, value = at_risk.customers, at_risk.critical, f"{at_risk.value_at_risk:,.0f}"
    summary = (
        f"{customers} customers of high value are likely to leave, {critical} of them very likely, and {value} a year with them{because}"
        f" / {customers} 位高价值客户可能流失，其中 {critical} 位风险极高，每年风险价值 {value}{because_in_chinese}"
    )
    return Finding(HIGH_VALUE, "critical" if at_risk.critical else "warning", evidence, summary)


def judge_rising(today: Share, before: Collection[Share], drivers: Mapping[str, int], open_subjects: Collection[Subject]) -> Verdict:
    """Whether a larger share of customers is at risk than usual, by more than chance explains.

    Today is compared with the mean of the days before as one sample with another of a day's size, because the customers of one day are
    those of the next: four weeks of them are not 28 times as many. While too few days are known, nothing starts or ends.

    Args:
        today: with at least one customer.
        before: those of the HISTORY_DAYS before that are known, assessed by the same model.
        drivers: how many of the customers at risk have each driver.
        open_subjects: whose alerts are open.
    """
    rules = frozenset({RISING.rule})
    if len(before) < FEWEST_DAYS:
        return Verdict(rules, [], {RISING} & set(open_subjects))
    usual = mean_share(before)
    times = today.of_all / usual.of_all if usual.at_risk else math.inf
    if today.at_risk >= FEWEST and times >= STARTS_AT and standard_errors_above(today, usual) > SURE:
        return Verdict(rules, [_rising(today, usual, times, drivers)])
    return Verdict(rules, [], {RISING} if times > HOLDS_ABOVE and today.at_risk else set())


def mean_share(days: Collection[Share]) -> Share:
    """A day of mean size whose share is the mean of the days' shares.

    >>> mean_share([Share(100, 25), Share(300, 225)])
    Share(customers=200.0, at_risk=100.0)
    """
    customers = sum(day.customers for day in days) / len(days)
    return Share(customers, customers * math.fsum(day.of_all for day in days) / len(days))


def standard_errors_above(share: Share, usual: Share) -> float:
    """The z of the test of two proportions, with the pooled share under the hypothesis that both are the same (textbook).

    >>> round(standard_errors_above(Share(1000, 130), Share(1000, 100)), 4)
    2.1027
    """
    pooled = (share.at_risk + usual.at_risk) / (share.customers + usual.customers)
    error = math.sqrt(pooled * (1 - pooled) * (1 / share.customers + 1 / usual.customers))
    return (share.of_all - usual.of_all) / error if error else 0.0


def leading_driver(amounts: Mapping[str, float]) -> str | None:
    """The driver with the largest amount, of equals the first by name; None where no driver other than the base has any.

    >>> leading_driver({"base": 40.0, "low_outcome": 2.0, "broken_promise": 2.0}), leading_driver({"base": 40.0, "low_outcome": 0.0})
    ('broken_promise', None)
    """
    found = {driver: amount for driver, amount in amounts.items() if driver != BASE and amount > 0}
    return min(found, key=lambda driver: (-found[driver], driver), default=None)


def _because(driver: str | None) -> tuple[str, str]:
    return (f", mostly because of {driver}", f"，主要原因 {driver}") if driver else ("", "")


def _rising(today: Share, usual: Share, times: float, drivers: Mapping[str, int]) -> Finding:
    severity: Severity = "critical" if times >= CRITICAL_AT else "warning"
    driver = leading_driver(drivers)
    evidence = {
        "share": round(today.of_all, 4),
        "usual_share": round(usual.of_all, 4),
        "at_risk": int(today.at_risk),
        "customers": int(today.customers),
        "explained_by": f"driver {driver}" if driver else None,
    }
    because, because_in_chinese = _because(driver)
    share, usual_share = f"{today.of_all:.1%}", f"{usual.of_all:.1%}"
    count, customers = f"{today.at_risk:.0f}", f"{today.customers:.0f}"
    summary = (
        f"{share} of all customers are likely to leave ({count} of {customers}), where {usual_share} are usual{because}"
        f" / {share} 的客户可能流失（{customers} 位中的 {count} 位），往常为 {usual_share}{because_in_chinese}"
    )
    return Finding(RISING, severity, evidence, summary)
