from __future__ import annotations

import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st
from unit.alerts.rules.example import Example

from voc_stream.alerts.rule import Facts
from voc_stream.alerts.rules.customers.high_value_at_risk import (
    SUBJECT,
    AtRisk,
    HighValueCustomers,
    judge_high_value,
)


def at_risk(customers: int, critical: int = 0) -> AtRisk:
    return AtRisk(
        customers,
        critical,
        12_345.678,
        ["u-2", "u-1"],
        {"": 1, "fleet": customers - 1},
        {"base": -9.6, "low_outcome": 1.2},
    )


EXAMPLE = Example(
    starts=Facts(HighValueCustomers(at_risk(2))),
    ends=Facts(HighValueCustomers(at_risk(0))),
    now=START,
)


def test_nobody_of_high_value_at_risk_is_no_alert() -> None:
    """Neither where there is none, nor where the catalogue does not say what high is.

    An open alert ends.
    """
    assert judge_high_value(at_risk(0), 1) == judge_high_value(None, 1) == ([], ())


def test_one_customer_of_high_value_is_an_alert() -> None:
    """With the value, whom to ring first, who they are and why, in both languages."""
    (finding,) = judge_high_value(at_risk(2), 1).findings
    assert (finding.subject, finding.severity) == (SUBJECT, "warning")
    assert finding.evidence == {
        "customers": 2,
        "critical": 0,
        "value_at_risk": 12_345.68,
        "customer_ids": ["u-2", "u-1"],
        "segments": {"": 1, "fleet": 1},
        "explained_by": "low_outcome",
        "explained_dimension": "driver",
    }
    assert finding.summary == (
        "2 customers of high value likely to leave, 0 very likely, and 12,346 a year with them,"
        " mostly because of a poor result"
        " / 2 位高价值客户可能流失，其中 0 位风险极高，每年风险价值 12,346，"
        "主要原因：服务结果评分低"
    )


@pytest.mark.parametrize(
    ("customers", "enough", "found", "holds"),
    [
        (10, 10, True, False),
        (9, 10, False, True),
        (5, 10, False, True),
        (4, 10, False, False),
        (6, 11, False, True),  # half, rounded up
        (5, 11, False, False),
        (1, 2, False, True),
        (1, 1, True, False),
        (0, 1, False, False),
    ],
)
def test_an_alert_starts_at_the_number_and_ends_below_half_of_it(
    customers: int, enough: int, found: bool, holds: bool
) -> None:
    """With very many customers some valuable ones are always at risk.

    The catalogue says how many are worth an alert.
    """
    verdict = judge_high_value(at_risk(customers), enough)
    assert bool(verdict.findings) is found
    assert (SUBJECT in verdict.holding) is holds


@pytest.mark.parametrize(
    ("customers", "critical", "enough", "severity"),
    [
        (2, 0, 1, "warning"),
        (2, 1, 1, "critical"),
        (3, 1, 1, "warning"),
        (20, 10, 10, "critical"),
        (21, 10, 10, "warning"),
        (10, 9, 10, "warning"),
        (10, 10, 10, "critical"),
    ],
)
def test_an_alert_is_critical_where_enough_and_half_of_them_are(
    customers: int, critical: int, enough: int, severity: str
) -> None:
    """One of many in the band critical is the usual, not an emergency."""
    (finding,) = judge_high_value(at_risk(customers, critical), enough).findings
    assert finding.severity == severity


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50))
def test_more_customers_never_end_what_fewer_started(
    customers: int, more: int, enough: int
) -> None:
    """Nor does one in the band critical make it less severe."""
    before, after = (
        judge_high_value(at_risk(customers), enough),
        judge_high_value(at_risk(customers + more), enough),
    )
    assert len(after.findings) >= len(before.findings)
    assert bool(after.findings or after.holding) >= bool(before.findings or before.holding)
