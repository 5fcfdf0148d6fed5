from __future__ import annotations

import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st
from unit.alerts.rules.example import Example

from voc_stream.alerts.rule import Facts
from voc_stream.alerts.rules.customers.churn_risk_rising import (
    FEWEST_DAYS,
    SUBJECT,
    RiskShares,
    Share,
    judge_rising,
    mean_share,
    standard_errors_above,
)

MONTH = [Share(10_000, 500)] * 28
DRIVERS = {"base": 900, "low_outcome": 40, "broken_promise": 700}


EXAMPLE = Example(
    starts=Facts(RiskShares(Share(12_000, 900), MONTH, DRIVERS)),
    ends=Facts(RiskShares(Share(10_000, 500), MONTH, DRIVERS)),
    now=START,
)


def test_the_usual_share_is_no_alert() -> None:
    """Nor is a little more, which ends an open one."""
    for count in (400, 500, 550):
        assert judge_rising(Share(10_000, count), MONTH, DRIVERS, {SUBJECT}) == (
            [],
            set(),
        )


def test_a_share_that_is_larger_than_usual_and_than_chance_is_an_alert() -> None:
    """Critical at twice the usual.

    With the driver that most of them have, which is never the base.
    """
    (finding,) = judge_rising(Share(12_000, 900), MONTH, DRIVERS, ()).findings
    assert (finding.subject, finding.severity) == (SUBJECT, "warning")
    assert finding.evidence == {
        "share": 0.075,
        "usual_share": 0.05,
        "usual_customers": 10_000,
        "at_risk": 900,
        "customers": 12_000,
        "explained_by": "broken_promise",
        "explained_dimension": "driver",
    }
    assert finding.summary == (
        "7.5% of all customers are likely to leave (900 of 12000), where 5.0% are usual (of 10000 a"
        " day), mostly"
        " because of a broken promise"
        " / 7.5% 的客户可能流失（12000 位中的 900 位），"
        "往常为 5.0%（每天 10000 位中），主要原因：未按承诺时间交付"
    )
    assert judge_rising(Share(10_000, 1000), MONTH, {}, ()).findings[0].severity == "critical"
    assert judge_rising(Share(10_000, 999), MONTH, {}, ()).findings[0].severity == "warning"


def test_an_alert_starts_at_a_fifth_more_and_goes_on_above_a_tenth_more() -> None:
    """What is certain but smaller starts none; between the two limits an open one goes on."""
    large = [Share(1_000_000, 50_000)] * 28
    found = {}
    for count in (55_000, 55_001, 59_999, 60_001):
        verdict = judge_rising(Share(1_000_000, count), large, DRIVERS, ())
        found[count] = (len(verdict.findings), set(verdict.holding))
    assert found == {
        55_000: (0, set()),
        55_001: (0, {SUBJECT}),
        59_999: (0, {SUBJECT}),
        60_001: (1, set()),
    }


def test_what_chance_explains_starts_no_alert() -> None:
    """Forty per cent more of few are not certain.

    And below twenty at risk, nothing is judged at all.
    """
    few = [Share(500, 25)] * 28
    assert standard_errors_above(Share(500, 35), Share(500, 25)) < 3.09
    assert judge_rising(Share(500, 35), few, DRIVERS, ()) == (
        [],
        {SUBJECT},
    )
    assert judge_rising(Share(500, 70), few, DRIVERS, ()).findings
    rare = [Share(10_000, 0)] * 28
    assert judge_rising(Share(10_000, 19), rare, DRIVERS, ()).findings == []
    assert judge_rising(Share(10_000, 20), rare, DRIVERS, ()).findings[0].severity == "critical"


def test_a_week_of_days_is_needed_to_know_what_is_usual() -> None:
    """Before, nothing starts, and what is open goes on: not to know is no good news."""
    week = MONTH[:FEWEST_DAYS]
    assert judge_rising(Share(10_000, 900), week[:-1], DRIVERS, ()) == (
        [],
        set(),
    )
    assert judge_rising(Share(10_000, 500), week[:-1], DRIVERS, {SUBJECT}).holding == {SUBJECT}
    assert judge_rising(Share(10_000, 900), week, DRIVERS, ()).findings


SHARES = st.integers(1, 10**6).flatmap(
    lambda customers: st.builds(Share, st.just(customers), st.integers(0, customers))
)


@given(SHARES, SHARES)
def test_the_test_of_two_shares_is_antisymmetric(one: Share, other: Share) -> None:
    """Exchanging them turns the sign; the same share is no difference."""
    assert standard_errors_above(one, other) == pytest.approx(-standard_errors_above(other, one))
    assert standard_errors_above(one, one) == 0


@given(st.lists(SHARES, min_size=1, max_size=28))
def test_the_mean_share_lies_between_the_days(days: list[Share]) -> None:
    """Each day counts as much as any other, however many customers there were."""
    mean = mean_share(days).of_all
    assert (
        min(day.of_all for day in days) - 1e-12 <= mean <= max(day.of_all for day in days) + 1e-12
    )
    assert mean == pytest.approx(sum(day.of_all for day in days) / len(days))


@given(SHARES, st.lists(SHARES, min_size=FEWEST_DAYS, max_size=28))
def test_whoever_starts_would_also_hold(today: Share, before: list[Share]) -> None:
    """An alert never starts where it would end in the next moment."""
    if judge_rising(today, before, {}, ()).findings:
        usual = mean_share(before)
        assert today.of_all > 1.1 * usual.of_all


def test_nothing_explains_what_has_no_driver() -> None:
    """Neither a name nor a kind."""
    (finding,) = judge_rising(Share(10_000, 900), MONTH, {"base": 900}, ()).findings
    assert (finding.evidence["explained_by"], finding.evidence["explained_dimension"]) == (
        None,
        None,
    )
