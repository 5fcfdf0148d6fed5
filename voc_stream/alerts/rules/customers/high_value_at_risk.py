"""Valuable customers who are likely to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.driver_labels import because, leading_driver
from voc_stream.alerts.model import Finding, Subject, Verdict
from voc_stream.alerts.rule import Figure, Rule, Words
from voc_stream.counted import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.alerts.model import Json
    from voc_stream.alerts.rule import Context, Facts

SUBJECT = Subject("VocHighValueAtRisk", None, "all", "")


class AtRisk(NamedTuple):
    """The customers of high value who are at risk.

    Attributes:
        customers: how many customers.
        critical: how many of them are in the band critical.
        value_at_risk: together, a year.
        customer_ids: those with most value at risk, the largest first; no more than MOST_IDS.
        segments: customers by segment; `''` if it is unknown.
        contributions: by driver, the sum of its contributions to their log-hazards.
    """

    customers: int
    critical: int
    value_at_risk: float
    customer_ids: Sequence[str]
    segments: Mapping[str, int]
    contributions: Mapping[str, float]


class HighValueCustomers(NamedTuple):
    """The customers of high value at risk.

    None if the catalogue does not say what a high value is.
    """

    at_risk: AtRisk | None


def judge(facts: Facts, context: Context) -> Verdict:
    """Whether enough customers of high value are at risk."""
    enough = context.catalogue.limits.high_value_at_risk_customers
    return judge_high_value(facts[HighValueCustomers].at_risk, enough)


def judge_high_value(at_risk: AtRisk | None, enough: int) -> Verdict:
    """Whether customers of high value are at risk, and enough of them.

    An alert starts at so many, and goes on while there are half as many, rounded up. It is critical
    if so many are in the band critical and they are at least half of all.

    Args:
        at_risk: None if the catalogue does not say what a high value is.
        enough: the catalogue's `high_value_at_risk_customers`, at least 1.
    """
    if at_risk is None or 2 * at_risk.customers < enough:
        return Verdict([])
    if at_risk.customers < enough:
        return Verdict([], {SUBJECT})
    return Verdict([_finding(at_risk, enough)])


def _finding(at_risk: AtRisk, enough: int) -> Finding:
    driver = leading_driver(at_risk.contributions)
    evidence: dict[str, Json] = {
        "customers": at_risk.customers,
        "critical": at_risk.critical,
        "value_at_risk": round(at_risk.value_at_risk, 2),
        "customer_ids": at_risk.customer_ids,
        "segments": at_risk.segments,
        "explained_by": driver,
        "explained_dimension": "driver" if driver else None,
    }
    reason, reason_in_chinese = because(driver)
    customers, critical, value = (
        at_risk.customers,
        at_risk.critical,
        f"{at_risk.value_at_risk:,.0f}",
    )
    summary = (
        f"{counted(customers, 'customer')} of high value likely to leave, {critical} very likely,"
        f" and {value} a year with them{reason}"
        f" / {customers} 位高价值客户可能流失，其中 {critical} 位风险极高，"
        f"每年风险价值 {value}{reason_in_chinese}"
    )
    is_critical = critical >= enough and 2 * critical >= customers
    return Finding(SUBJECT, "critical" if is_critical else "warning", evidence, summary)


RULE = Rule(
    name=SUBJECT.rule,
    title=Words("valuable customers likely to leave", "高价值客户面临流失"),
    headline=Words("High-value customers of {place} are likely to leave", "高价值客户面临流失"),
    description="Customers worth much are likely to leave.",
    figures=(
        Figure(
            'sum(max by (band, segment) (voc_value_at_risk{band=~"high|critical"}))',
            (),
            "Risk times yearly value in the bands high and critical, at all sites: {}.",
            "humanize",
        ),
    ),
    one_per="all",
    starts="so many customers (`high_value_at_risk_customers`) worth at least `high_annual_value`"
    " have a high or critical risk of leaving",
    critical="so many have a critical risk, and they are half of them",
    ends="fewer than half of that",
    needs=(HighValueCustomers,),
    judge=judge,
)
