from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.alerts.customers import (
    FEWEST_DAYS,
    HIGH_VALUE,
    RISING,
    AtRisk,
    Share,
    judge_high_value,
    judge_rising,
    leading_driver,
    mean_share,
    standard_errors_above,
)

MONTH = [Share(10_000, 500)] * 28
DRIVERS = {"base": 900, "low_outcome": 40, "broken_promise": 700}


def at_risk(customers: int, critical: int = 0) -> AtRisk:
    return AtRisk(customers, critical, 12_345.678, ["u-2", "u-1"], {"": 1, "fleet": customers - 1}, {"base": -9.6, "low_outcome": 1.2})


def test_nobody_of_high_value_at_risk_is_no_alert() -> None:
    """Neither where there is none, nor where the catalogue does not say what high is: an open alert ends."""
    assert judge_high_value(at_risk(0)) == judge_high_value(None) == (frozenset({HIGH_VALUE.rule}), [], ())


def test_one_customer_of_high_value_is_an_alert() -> None:
    """With the value, whom to ring first, who they are and why, in both languages; critical only where one is in that band."""
    (finding,) = judge_high_value(at_risk(2)).findings
    assert (finding.subject, finding.severity) == (HIGH_VALUE, "warning")
    assert finding.evidence == {
        "customers": 2,
        "critical": 0,
        "value_at_risk": 12_345.68,
        "customer_ids": ["u-2", "u-1"],
        "segments": {"": 1, "fleet": 1},
        "explained_by": "driver low_outcome",
    }
    assert finding.summary == (
        "2 customers of high value are likely to leave, 0 of them very likely, and 12,346 a year with them, mostly because of low_outcome"
        " / 2 位高价值客户可能流失，其中 0 位风险极高，每年风险价值 12,346，主要原因 low_outcome"
    )
    assert judge_high_value(at_risk(2, critical=1)).findings[0].severity == "critical"


def test_the_usual_share_is_no_alert() -> None:
    """Nor is a little more, which ends an open one."""
    for count in (400, 500, 550):
        assert judge_rising(Share(10_000, count), MONTH, DRIVERS, {RISING}) == (frozenset({RISING.rule}), [], set())


def test_a_share_that_is_larger_than_usual_and_than_chance_is_an_alert() -> None:
    """Critical at twice the usual; with the driver that most of them have, which is never the base."""
    (finding,) = judge_rising(Share(12_000, 900), MONTH, DRIVERS, ()).findings
    assert (finding.subject, finding.severity) == (RISING, "warning")
    assert finding.evidence == {
        "share": 0.075,
        "usual_share": 0.05,
        "at_risk": 900,
        "customers": 12_000,
        "explained_by": "driver broken_promise",
    }
    assert finding.summary == (
        "7.5% of all customers are likely to leave (900 of 12000), where 5.0% are usual, mostly because of broken_promise"
        " / 7.5% 的客户可能流失（12000 位中的 900 位），往常为 5.0%，主要原因 broken_promise"
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
    assert found == {55_000: (0, set()), 55_001: (0, {RISING}), 59_999: (0, {RISING}), 60_001: (1, set())}


def test_what_chance_explains_starts_no_alert() -> None:
    """Forty per cent more of few are not certain; and below twenty at risk, nothing is judged at all."""
    few = [Share(500, 25)] * 28
    assert standard_errors_above(Share(500, 35), Share(500, 25)) < 3.09
    assert judge_rising(Share(500, 35), few, DRIVERS, ()) == (frozenset({RISING.rule}), [], {RISING})
    assert judge_rising(Share(500, 70), few, DRIVERS, ()).findings
    rare = [Share(10_000, 0)] * 28
    assert judge_rising(Share(10_000, 19), rare, DRIVERS, ()).findings == []
    assert judge_rising(Share(10_000, 20), rare, DRIVERS, ()).findings[0].severity == "critical"


def test_a_week_of_days_is_needed_to_know_what_is_usual() -> None:
    """Before, nothing starts, and what is open goes on: not to know is no good news."""
    week = MONTH[:FEWEST_DAYS]
    assert judge_rising(Share(10_000, 900), week[:-1], DRIVERS, ()) == (frozenset({RISING.rule}), [], set())
    assert judge_rising(Share(10_000, 500), week[:-1], DRIVERS, {RISING}).holding == {RISING}
    assert judge_rising(Share(10_000, 900), week, DRIVERS, ()).findings


SHARES = st.integers(1, 10**6).flatmap(lambda customers: st.builds(Share, st.just(customers), st.integers(0, customers)))


@given(SHARES, SHARES)
def test_the_test_of_two_shares_is_antisymmetric(one: Share, other: Share) -> None:
    """Exchanging them turns the sign; the same share is no difference."""
    assert standard_errors_above(one, other) == pytest.approx(-standard_errors_above(other, one))
    assert standard_errors_above(one, one) == 0


@given(st.lists(SHARES, min_size=1, max_size=28))
def test_the_mean_share_lies_between_the_days(days: list[Share]) -> None:
    """Each day counts as much as any other, however many customers there were."""
    mean = mean_share(days).of_all
    assert min(day.of_all for day in days) - 1e-12 <= mean <= max(day.of_all for day in days) + 1e-12
    assert mean == pytest.approx(sum(day.of_all for day in days) / len(days))


@given(SHARES, st.lists(SHARES, min_size=FEWEST_DAYS, max_size=28))
def test_whoever_starts_would_also_hold(today: Share, before: list[Share]) -> None:
    """An alert never starts where it would end in the next moment."""
    if judge_rising(today, before, {}, ()).findings:
        usual = mean_share(before)
        assert today.of_all > 1.1 * usual.of_all


def test_drivers_that_raise_nothing_explain_nothing() -> None:
    """A multiplier of 1 contributes 0."""
    assert leading_driver({}) is None
    assert leading_driver({"base": 5, "resolved_quickly_minor": 0}) is None
