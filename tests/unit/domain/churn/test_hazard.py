from __future__ import annotations

from datetime import datetime, timedelta
from math import exp, log, prod
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts, OrderFacts, Score
from voc_stream.domain.churn.hazard import ChurnRisk, assess, band_of
from voc_stream.domain.churn.risk_model import RiskModel, risk_model

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)
WINDOW = timedelta(days=180)

AGES = st.sampled_from(
    [
        -HOUR,
        INSTANT,
        HOUR,
        DAY - INSTANT,
        DAY,
        3 * DAY,
        7 * DAY,
        30 * DAY,
        179 * DAY,
        180 * DAY,
        364 * DAY,
        400 * DAY,
    ]
)
PAST = AGES.map(lambda age: START - age)
SCORES = st.sampled_from([0, 499, 500, 599, 600, 1000])
ORDERS = st.builds(
    OrderFacts,
    st.sampled_from(["o-1", "o-2", "o-3"]),
    PAST,
    st.none() | st.booleans(),
    st.none() | PAST,
    SCORES.map(float),
)
STATES = (
    "opened",
    "acknowledged",
    "apologised",
    "reopened",
    "resolved",
    "informed",
    "closed",
    "withdrawn",
)


@st.composite
def complaints(draw: st.DrawFn) -> ComplaintFacts:
    state = draw(st.sampled_from(STATES))
    opened_at, resolved_at = draw(st.none() | PAST), draw(PAST)
    wait = None if opened_at is None or resolved_at < opened_at else resolved_at - opened_at
    return ComplaintFacts(
        draw(st.sampled_from(["q-1", "q-2"])),
        draw(st.sampled_from(["minor", "major"])),
        state,
        state in STATES[:4],
        opened_at,
        resolved_at,
        wait,
    )


FACTS = st.builds(
    CustomerFacts,
    st.just("u-1"),
    PAST,
    st.none() | st.integers(0, 10**9),
    st.none() | st.builds(Score, PAST, SCORES),
    st.none() | st.builds(Score, PAST, SCORES),
    st.lists(ORDERS, max_size=3, unique_by=lambda order: order.order_id),
    st.lists(complaints(), max_size=2, unique_by=lambda complaint: complaint.complaint_id),
)


def facts(**known: Any) -> CustomerFacts:
    calm = CustomerFacts("u-1", START, None, None, None, (), ())
    return calm._replace(**known)


def open_complaint(severity: str = "minor", opened_at: datetime | None = START) -> ComplaintFacts:
    return ComplaintFacts("q-1", severity, "opened", True, opened_at, None, None)


def resolved_complaint(
    resolved_at: datetime, wait: timedelta, severity: str = "minor", complaint_id: str = "q-1"
) -> ComplaintFacts:
    return ComplaintFacts(
        complaint_id, severity, "resolved", False, resolved_at - wait, resolved_at, wait
    )


def with_multipliers(catalogue: Catalogue, **multipliers: float) -> RiskModel:
    churn = msgspec.structs.replace(catalogue.churn, multipliers=multipliers)
    return risk_model(msgspec.structs.replace(catalogue, churn=churn))


def drivers(risk: ChurnRisk) -> list[str]:
    return [driver.driver for driver in risk.drivers if driver.driver != "base"]


@given(FACTS)
def test_drivers_explain_the_risk_exactly(catalogue: Catalogue, known: CustomerFacts) -> None:
    """The contributions add up to the log of the hazard per month, and none lowers it.

    The risk is 1 - exp(-horizon * hazard).
    """
    model = catalogue.churn
    risk = assess(known, risk_model(catalogue), START)
    hazard = exp(sum(driver.contribution for driver in risk.drivers))
    assert risk.risk == pytest.approx(1 - exp(-model.horizon_months * hazard))
    assert risk.drivers[0] == ("base", log(model.base_hazard_per_month))
    assert all(driver.contribution >= 0 for driver in risk.drivers[1:])
    assert len(drivers(risk)) == len(set(drivers(risk)))
    assert (risk.model_version, risk.as_of) == (model.version, START)
    assert risk.value_at_risk == (
        None if known.annual_value is None else pytest.approx(risk.risk * known.annual_value / 100)
    )


@given(FACTS, st.floats(0, 0.999))
def test_a_risk_holds_until_the_moment_of_its_next_change(
    catalogue: Catalogue, known: CustomerFacts, share: float
) -> None:
    """Nothing changes by the mere passing of time before next_change_at; None means never.

    At it something does, unless it is of a judgement behind which a stronger one stands, or of a
    signal that multiplies by 1.
    """
    model = risk_model(catalogue)
    now = assess(known, model, START)
    if now.next_change_at is None:
        assert assess(known, model, START + 5000 * DAY).drivers == now.drivers
        return
    assert now.next_change_at > START
    passed = int(share * ((now.next_change_at - START) // INSTANT)) * INSTANT
    for moment in (START + passed, now.next_change_at - INSTANT):
        between = assess(known, model, moment)
        assert (between.risk, between.band, between.drivers) == (now.risk, now.band, now.drivers)
        assert between.next_change_at == now.next_change_at
    then = assess(known, model, now.next_change_at)
    assert then.next_change_at is None or then.next_change_at > now.next_change_at
    idle = {each.name for each in model.signals if each.least == each.most == 0}
    judgements = {each.name for each in model.signals if each.group == "judgement"}
    if not (idle | judgements) & {*drivers(now)}:
        assert then.drivers != now.drivers


@given(FACTS, st.integers(0, 500), st.integers(1, 500))
def test_a_risk_changes_by_a_step_that_is_no_surprise(
    catalogue: Catalogue, known: CustomerFacts, days: int, more: int
) -> None:
    """What time alone does to a customer without silence is fading, but for open complaints."""
    calm = known._replace(last_heard_at=None, complaints=[])
    earlier, later = (
        assess(calm, risk_model(catalogue), START + age * DAY) for age in (days, days + more)
    )
    assert later.risk <= earlier.risk


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from(["minor", "major"]))
def test_risk_never_falls_while_a_complaint_stays_open(
    catalogue: Catalogue, hours: int, more: int, severity: str
) -> None:
    """Delay makes resentment grow."""
    known = facts(complaints=[open_complaint(severity)])
    earlier, later = (
        assess(known, risk_model(catalogue), START + age * HOUR) for age in (hours, hours + more)
    )
    assert later.risk >= earlier.risk


@pytest.mark.parametrize(
    ("severity", "hours", "at_first", "at_last"),
    [("minor", 72, 0.70, 0.46), ("major", 24, 0.54, 0.19)],
)
def test_an_open_complaint_rises_from_the_resolved_share_to_the_unresolved_one(
    catalogue: Catalogue, severity: str, hours: int, at_first: float, at_last: float
) -> None:
    """In quarters of its limit, and no further: TARP's share is not counted twice."""
    known, model = facts(complaints=[open_complaint(severity)]), risk_model(catalogue)
    limit = hours * HOUR
    parts = [limit * part / 4 for part in range(5)]
    risks = [assess(known, model, START + age) for age in parts]
    assert [round(1 - risk.risk, 2) for risk in (risks[0], risks[-1])] == [at_first, at_last]
    assert [risk.next_change_at for risk in risks[:-1]] == [START + age for age in parts[1:]]
    assert [risk.risk for risk in risks] == sorted({risk.risk for risk in risks})
    for age, risk in zip(parts[1:], risks, strict=False):
        assert assess(known, model, START + age - INSTANT).risk == risk.risk
    assert assess(known, model, START + 170 * DAY).risk == risks[-1].risk
    assert risks[-1].next_change_at == START + 180 * DAY


def test_a_complaint_of_an_hour_is_no_page(catalogue: Catalogue) -> None:
    """A customer is at risk when a minor complaint waits, and not because it came."""
    known, model = facts(complaints=[open_complaint("minor")]), risk_model(catalogue)
    bands = [assess(known, model, START + age * HOUR).band for age in (1, 72)]
    assert bands == ["medium", "high"]
    known = facts(complaints=[open_complaint("major")])
    assert [assess(known, model, START + age * HOUR).band for age in (1, 24)] == [
        "high",
        "critical",
    ]


def test_of_several_complaints_each_is_a_cause_by_itself(catalogue: Catalogue) -> None:
    """The shares of customers who stay multiply, beside the share who would leave anyway."""
    model = risk_model(catalogue)
    calm = 1 - assess(facts(), model, START).risk
    ones = [
        open_complaint("minor", START - 80 * HOUR),
        open_complaint("major"),
        resolved_complaint(START - HOUR, 48 * HOUR, "minor", "q-3"),
    ]
    alone = [1 - assess(facts(complaints=[one]), model, START).risk for one in ones]
    for some in (2, 3):
        together = assess(facts(complaints=ones[:some]), model, START)
        expected = prod(alone[:some]) / calm ** (some - 1)
        assert 1 - together.risk == pytest.approx(expected)
    five = assess(facts(complaints=[ones[0]] * 5), model, START)
    assert 1 - five.risk == pytest.approx(alone[0] ** 5 / calm**4)
    assert drivers(five) == ["open_complaint_minor"]


@given(FACTS, complaints())
def test_another_complaint_never_lowers_the_risk(
    catalogue: Catalogue, known: CustomerFacts, one: ComplaintFacts
) -> None:
    """It hides none of the others. Only who is silent says something by complaining."""
    model, loud = risk_model(catalogue), known._replace(outcome=None)
    more = loud._replace(complaints=[*loud.complaints, one._replace(complaint_id="q-9")])
    assert assess(more, model, START).risk >= assess(loud, model, START).risk


def test_of_complaints_that_lower_the_hazard_one_counts(catalogue: Catalogue) -> None:
    """Any number of quick resolutions makes nobody immortal, and hides no open complaint."""
    model = with_multipliers(
        catalogue, resolved_quickly_minor=0.5, resolved_quickly_major=0.4, open_complaint_major=3.0
    )
    quick = [
        resolved_complaint(START, HOUR, severity, f"q-{number}")
        for number, severity in enumerate(("minor", "major", "minor", "major", "minor"))
    ]
    risk = assess(facts(complaints=quick), model, START)
    assert risk.drivers[1:] == (("resolved_quickly_major", log(0.4)),)
    waiting = open_complaint("major", START - 9 * DAY)
    both = assess(facts(complaints=[*quick, waiting]), model, START)
    assert dict(both.drivers[1:]) == pytest.approx(
        {"open_complaint_major": log(3), "resolved_quickly_major": log(0.4)}
    )


def test_a_signal_below_1_lowers_the_risk(catalogue: Catalogue) -> None:
    """Its driver is below 0, and adds up as all do."""
    model = with_multipliers(catalogue, tenure_730d=0.5)
    loyal = assess(facts(customer_since=START - 800 * DAY), model, START)
    assert loyal.drivers[1:] == (("tenure_730d", log(0.5)),)
    assert loyal.risk == pytest.approx(1 - exp(-0.0078 * 12 * 0.5))


def test_signals_of_further_facts_are_no_drivers_at_1(catalogue: Catalogue) -> None:
    """Nothing is read for them, so nothing may be said of them."""
    known = facts(customer_since=START - DAY, visits=2)
    risk = assess(known, risk_model(catalogue), START)
    assert (drivers(risk), risk.next_change_at) == ([], START + 180 * DAY)


def test_one_bad_call_is_one_signal(catalogue: Catalogue) -> None:
    """Attitude, outcome and memory of a visit are its worth, told three times."""
    model, low = risk_model(catalogue), Score(START, 0)
    remembered = [OrderFacts("o", None, None, START, 0.0)]
    complained = [resolved_complaint(START, HOUR)]
    known = facts(attitude=low, outcome=low, orders=remembered, complaints=complained)
    assert drivers(assess(known, model, START)) == ["resolved_quickly_minor", "low_attitude"]
    assert assess(known, model, START).risk == pytest.approx(1 - exp(-0.0078 * 12 * 2.0))


def test_the_silent_unhappy_rank_above_who_complained_in_vain(catalogue: Catalogue) -> None:
    """37 % of those with a minor problem who did not complain would buy again.

    Whoever complains is judged by that.
    """
    model, unhappy = risk_model(catalogue), Score(START, 599)
    silent = assess(facts(outcome=unhappy), model, START)
    assert (drivers(silent), round(silent.risk, 2)) == (["silent_unhappy"], 0.63)
    in_vain = assess(facts(complaints=[open_complaint(opened_at=START - 9 * DAY)]), model, START)
    assert silent.risk > in_vain.risk
    for one in (
        open_complaint(),
        resolved_complaint(START - 179 * DAY, 48 * HOUR),
        resolved_complaint(START + DAY, 48 * HOUR),
    ):
        known = facts(outcome=unhappy, complaints=[one])
        assert "silent_unhappy" not in drivers(assess(known, model, START))
    known = facts(outcome=unhappy, complaints=[resolved_complaint(START - 180 * DAY, HOUR)])
    assert drivers(assess(known, model, START)) == ["silent_unhappy"]


def test_a_complaint_whose_opening_is_unknown_does_not_age(catalogue: Catalogue) -> None:
    """Nobody knows how long it waits."""
    known = facts(complaints=[open_complaint(opened_at=None)])
    risks = [assess(known, risk_model(catalogue), START + age * DAY) for age in (0, 100)]
    assert [round(1 - risk.risk, 2) for risk in risks] == [0.70, 0.70]


@pytest.mark.parametrize(
    ("wait", "severity", "signal"),
    [
        (24 * HOUR, "major", "resolved_quickly_major"),
        (24 * HOUR + INSTANT, "major", "resolved_complaint_major"),
        (HOUR, "minor", "resolved_quickly_minor"),
        (48 * HOUR, "minor", "resolved_complaint_minor"),
    ],
)
def test_a_resolved_complaint_fades_within_the_signal_days(
    catalogue: Catalogue, wait: timedelta, severity: str, signal: str
) -> None:
    """Within a day it was quick. It loses a sixth of its logarithm every 30 days."""
    model = risk_model(catalogue)
    known = facts(complaints=[resolved_complaint(START, wait, severity)], last_heard_at=None)
    whole = log(catalogue.churn.multipliers[signal])
    for part in range(6):
        for age in (part * 30 * DAY, (part + 1) * 30 * DAY - INSTANT):
            risk = assess(known, model, START + age)
            assert drivers(risk) == [signal]
            assert risk.drivers[1].contribution == pytest.approx(whole * (6 - part) / 6)
            assert risk.next_change_at == START + (part + 1) * 30 * DAY
    assert drivers(assess(known, model, START + WINDOW)) == []


@pytest.mark.parametrize(
    ("state", "is_remembered"),
    [
        ("opened", False),
        ("acknowledged", False),
        ("apologised", False),
        ("reopened", False),
        ("resolved", True),
        ("informed", True),
        ("closed", True),
        ("withdrawn", False),
    ],
)
def test_a_complaint_is_remembered_as_resolved_in_these_states_and_no_others(
    catalogue: Catalogue, state: str, is_remembered: bool
) -> None:
    """Who was told, or whose complaint was closed, was served.

    Who took it back was not, and who waits still waits.
    """
    complaint = resolved_complaint(START - HOUR, wait=HOUR)._replace(state=state)
    assert drivers(assess(facts(complaints=[complaint]), risk_model(catalogue), START)) == (
        ["resolved_quickly_minor"] if is_remembered else []
    )


@pytest.mark.parametrize(
    ("known", "signals"),
    [
        (facts(orders=[OrderFacts("o", START, False, None, None)]), ["broken_promise"]),
        (facts(orders=[OrderFacts("o", START, True, None, None)]), []),
        (facts(orders=[OrderFacts("o", START, None, None, None)]), []),
        (facts(attitude=Score(START, 599)), ["low_attitude"]),
        (facts(attitude=Score(START, 600)), []),
        (facts(outcome=Score(START, 599)), ["silent_unhappy"]),
        (facts(orders=[OrderFacts("o", None, None, START, 499.5)]), ["bad_memory"]),
        (facts(orders=[OrderFacts("o", None, None, START, 500.0)]), []),
        (
            facts(
                orders=[
                    OrderFacts("a", None, None, START, 0.0),
                    OrderFacts("b", None, None, START, 900.0),
                ]
            ),
            [],
        ),
        (facts(last_heard_at=None), []),
        (facts(last_heard_at=START - 180 * DAY), ["inactive_180d"]),
        (facts(last_heard_at=START - 180 * DAY + INSTANT), []),
        (facts(last_heard_at=START - 365 * DAY), ["inactive_365d"]),
        (facts(last_heard_at=START - 365 * DAY + INSTANT), ["inactive_180d"]),
    ],
)
def test_signals_switch_at_their_bounds(
    catalogue: Catalogue, known: CustomerFacts, signals: list[str]
) -> None:
    """Below 6 is low, below 5 is a bad memory, and only the latest order is remembered."""
    assert drivers(assess(known, risk_model(catalogue), START)) == signals


def test_a_signal_without_a_multiplier_is_not_used(catalogue: Catalogue) -> None:
    """The catalogue decides what counts."""
    churn = msgspec.structs.replace(catalogue.churn, multipliers={})
    model = risk_model(msgspec.structs.replace(catalogue, churn=churn))
    assert drivers(assess(facts(complaints=[open_complaint("major")]), model, START)) == []


@pytest.mark.parametrize(
    ("risk", "band"),
    [
        (0, "low"),
        (0.1499, "low"),
        (0.15, "medium"),
        (0.4, "high"),
        (0.5999, "high"),
        (0.6, "critical"),
        (1, "critical"),
    ],
)
def test_a_band_begins_with_its_bound(catalogue: Catalogue, risk: float, band: str) -> None:
    """The highest band whose lower bound the risk reaches."""
    assert band_of(risk, risk_model(catalogue)) == band


def test_bands_that_the_catalogue_leaves_out_do_not_occur(catalogue: Catalogue) -> None:
    """Low always exists."""
    churn = msgspec.structs.replace(catalogue.churn, bands={"critical": 0.9})
    model = risk_model(msgspec.structs.replace(catalogue, churn=churn))
    assert [band_of(risk, model) for risk in (0.0, 0.89, 0.9)] == ["low", "low", "critical"]


def test_an_open_major_complaint_outweighs_a_resolved_one(catalogue: Catalogue) -> None:
    """The shares of customers who buy again, from which the multipliers are made.

    19 % unresolved, 54 % resolved, 82 % quickly.
    """
    risks = [
        assess(facts(complaints=[complaint]), risk_model(catalogue), START).risk
        for complaint in (
            open_complaint("major", START - 24 * HOUR),
            resolved_complaint(START, 48 * HOUR, "major"),
            resolved_complaint(START, HOUR, "major"),
        )
    ]
    assert [round(1 - risk, 2) for risk in risks] == [0.19, 0.54, 0.82]
