"""A share of customers at risk of leaving that rises."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.driver_labels import because, leading_driver
from voc_stream.alerts.model import Finding, Severity, Subject, Verdict
from voc_stream.alerts.rule import Figure, Rule, Words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from voc_stream.alerts.rule import Context, Facts

SUBJECT = Subject("VocChurnRiskRising", None, "all", "")
COUNTED_EVERY = timedelta(minutes=10)
"""How often customers are counted; counting reads every customer."""
HISTORY_DAYS, FEWEST_DAYS = 28, 7
"""The days before that tell what is usual, and how many of them must be known."""
FEWEST = 20
"""Customers at risk below whom no share is judged."""
STARTS_AT, HOLDS_ABOVE, CRITICAL_AT = 1.2, 1.1, 2.0
"""The limits of an alert, as multiples of the usual share.

At the first it starts, above the second it goes on, and at the third it is critical.
"""
SURE = 3.09
"""Standard errors that chance exceeds once in a thousand times."""


class Share(NamedTuple):
    """How many customers had a risk on a day, and how many of them were at risk."""

    customers: float
    at_risk: float

    @property
    def of_all(self) -> float:
        """The share of customers at risk, 0-1."""
        return self.at_risk / self.customers


class RiskShares(NamedTuple):
    """The share of customers at risk, today and on the days before.

    Attributes:
        today: None if no customer was assessed by this model, or if it is not time to count.
        before: those of the HISTORY_DAYS before that are known, assessed by the same model.
        drivers: how many of the customers at risk have each driver.
    """

    today: Share | None
    before: Collection[Share] = ()
    drivers: Mapping[str, int] = {}


def judge(facts: Facts, context: Context) -> Verdict:
    """Whether the share rises; an open alert goes on while the share is not counted."""
    today, before, drivers = facts[RiskShares]
    if today is None:
        return Verdict([], {SUBJECT} & set(context.open_subjects))
    return judge_rising(today, before, drivers, context.open_subjects)


def judge_rising(
    today: Share,
    before: Collection[Share],
    drivers: Mapping[str, int],
    open_subjects: Collection[Subject],
) -> Verdict:
    """Whether a larger share of customers is at risk than usual, by more than chance explains.

    Today is compared with the mean of the days before, as one sample with another of a day's size.
    The customers of one day are those of the next, so four weeks of them are not 28 times as many.
    While too few days are known, nothing starts or ends.

    Args:
        today: with at least one customer.
        before: those of the HISTORY_DAYS before that are known, assessed by the same model.
        drivers: how many of the customers at risk have each driver.
        open_subjects: whose alerts are open.
    """
    if len(before) < FEWEST_DAYS:
        return Verdict([], {SUBJECT} & set(open_subjects))
    usual = mean_share(before)
    times = today.of_all / usual.of_all if usual.at_risk else math.inf
    if (
        today.at_risk >= FEWEST
        and times >= STARTS_AT
        and standard_errors_above(today, usual) > SURE
    ):
        return Verdict([_finding(today, usual, times, drivers)])
    return Verdict([], {SUBJECT} if times > HOLDS_ABOVE and today.at_risk else set())


def mean_share(days: Collection[Share]) -> Share:
    """A day of mean size whose share is the mean of the days' shares.

    >>> mean_share([Share(100, 25), Share(300, 225)])
    Share(customers=200.0, at_risk=100.0)
    """
    customers = sum(day.customers for day in days) / len(days)
    return Share(customers, customers * math.fsum(day.of_all for day in days) / len(days))


def standard_errors_above(share: Share, usual: Share) -> float:
    """The z of the test of two proportions, with the pooled share (textbook).

    The hypothesis is that both shares are the same.

    >>> round(standard_errors_above(Share(1000, 130), Share(1000, 100)), 4)
    2.1027
    """
    pooled = (share.at_risk + usual.at_risk) / (share.customers + usual.customers)
    error = math.sqrt(pooled * (1 - pooled) * (1 / share.customers + 1 / usual.customers))
    return (share.of_all - usual.of_all) / error if error else 0.0


def _finding(today: Share, usual: Share, times: float, drivers: Mapping[str, int]) -> Finding:
    severity: Severity = "critical" if times >= CRITICAL_AT else "warning"
    driver = leading_driver(drivers)
    evidence = {
        "share": round(today.of_all, 4),
        "usual_share": round(usual.of_all, 4),
        "usual_customers": round(usual.customers),
        "at_risk": int(today.at_risk),
        "customers": int(today.customers),
        "explained_by": driver,
        "explained_dimension": "driver" if driver else None,
    }
    reason, reason_in_chinese = because(driver)
    share, usual_share = f"{today.of_all:.1%}", f"{usual.of_all:.1%}"
    count, customers = f"{today.at_risk:.0f}", f"{today.customers:.0f}"
    summary = (
        f"{share} of all customers are likely to leave ({count} of {customers}), where"
        f" {usual_share} are usual (of {usual.customers:.0f} a day){reason}"
        f" / {share} 的客户可能流失（{customers} 位中的 {count} 位），"
        f"往常为 {usual_share}（每天 {usual.customers:.0f} 位中）{reason_in_chinese}"
    )
    return Finding(SUBJECT, severity, evidence, summary)


RULE = Rule(
    name=SUBJECT.rule,
    title=Words("more customers likely to leave", "流失风险上升"),
    headline=Words("More customers of {place} are likely to leave", "客户流失风险上升"),
    description="More customers than before are likely to leave.",
    figures=(
        Figure(
            'sum(max by (band, segment) (voc_customers_at_risk{band=~"high|critical"}))',
            (),
            "In the bands high and critical, at all sites: {}.",
            'printf "%.0f"',
        ),
    ),
    one_per="all",
    starts="the share of customers with a high or critical risk is 1.2 times that of the days"
    " before, by more than chance",
    critical="it is twice that of the days before",
    ends="below 1.1 times",
    needs=(RiskShares,),
    judge=judge,
    confirmed_within=1.5 * COUNTED_EVERY,
)
