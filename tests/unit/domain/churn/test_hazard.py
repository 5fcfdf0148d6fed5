from __future__ import annotations

from datetime import datetime, timedelta
from math import exp, log
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts, OrderFacts, Score
from voc_stream.domain.churn.hazard import ChurnRisk, assess, band_of

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


def drivers(risk: ChurnRisk) -> list[str]:
    return [driver.driver for driver in risk.drivers if driver.driver != "base"]


@given(FACTS)
def test_drivers_explain_the_risk_exactly(catalogue: Catalogue, known: CustomerFacts) -> None:
    """The contributions add up to the log of the hazard per month.

    The risk is 1 - exp(-horizon * hazard).
    """
    model = catalogue.churn
    risk = assess(known, model, START)
    hazard = model.base_hazard_per_month
    for name in drivers(risk):
        hazard *= model.multipliers[name]
    assert sum(driver.contribution for driver in risk.drivers) == pytest.approx(log(hazard))
    assert risk.risk == pytest.approx(1 - exp(-model.horizon_months * hazard))
    assert len(drivers(risk)) == len(set(drivers(risk)))
    assert (risk.model_version, risk.as_of) == (model.version, START)
    assert risk.value_at_risk == (
        None if known.annual_value is None else pytest.approx(risk.risk * known.annual_value / 100)
    )


@given(FACTS, st.floats(0, 0.999))
def test_a_risk_holds_until_the_moment_of_its_next_change(
    catalogue: Catalogue, known: CustomerFacts, share: float
) -> None:
    """Nothing changes by the mere passing of time before next_change_at.

    At it, the drivers are others; None means never.
    """
    now = assess(known, catalogue.churn, START)
    if now.next_change_at is None:
        assert assess(known, catalogue.churn, START + 5000 * DAY).drivers == now.drivers
        return
    assert now.next_change_at > START
    passed = int(share * ((now.next_change_at - START) // INSTANT)) * INSTANT
    for moment in (START + passed, now.next_change_at - INSTANT):
        between = assess(known, catalogue.churn, moment)
        assert (between.risk, between.band, between.drivers) == (now.risk, now.band, now.drivers)
        assert between.next_change_at == now.next_change_at
    assert assess(known, catalogue.churn, now.next_change_at).drivers != now.drivers


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from(["minor", "major"]))
def test_risk_never_falls_while_a_complaint_stays_open(
    catalogue: Catalogue, hours: int, more: int, severity: str
) -> None:
    """Delay makes resentment grow."""
    known = facts(complaints=[open_complaint(severity)])
    earlier, later = (
        assess(known, catalogue.churn, START + age * HOUR) for age in (hours, hours + more)
    )
    assert later.risk >= earlier.risk


@pytest.mark.parametrize(
    ("age", "ageing", "next_change"),
    [
        (timedelta(0), [], 24 * HOUR),
        (24 * HOUR - INSTANT, [], 24 * HOUR),
        (24 * HOUR, ["complaint_open_24h"], 72 * HOUR),
        (72 * HOUR - INSTANT, ["complaint_open_24h"], 72 * HOUR),
        (72 * HOUR, ["complaint_open_72h"], 168 * HOUR),
        (168 * HOUR - INSTANT, ["complaint_open_72h"], 168 * HOUR),
        (168 * HOUR, ["complaint_open_168h"], WINDOW),
    ],
)
def test_open_complaints_age_in_steps(
    catalogue: Catalogue, age: timedelta, ageing: list[str], next_change: timedelta
) -> None:
    """At 24, 72 and 168 hours, only the longest.

    Then the risk waits for the customer's silence of 180 days.
    """
    risk = assess(facts(complaints=[open_complaint()]), catalogue.churn, START + age)
    assert drivers(risk) == ["open_complaint_minor", *ageing]
    assert risk.next_change_at == START + next_change


def test_a_major_complaint_speaks_for_all_and_the_oldest_tells_the_age(
    catalogue: Catalogue,
) -> None:
    """One driver for the open complaints, whatever their number.

    One whose opening is unknown has no age.
    """
    old, major = open_complaint(opened_at=START - 30 * HOUR), open_complaint("major")
    assert drivers(assess(facts(complaints=[old, major]), catalogue.churn, START)) == [
        "open_complaint_major",
        "complaint_open_24h",
    ]
    assert drivers(
        assess(facts(complaints=[open_complaint(opened_at=None)]), catalogue.churn, START)
    ) == ["open_complaint_minor"]


@pytest.mark.parametrize(
    ("wait", "severity", "signal"),
    [
        (24 * HOUR, "major", "resolved_quickly_major"),
        (24 * HOUR + INSTANT, "major", "resolved_complaint_major"),
        (HOUR, "minor", "resolved_quickly_minor"),
        (48 * HOUR, "minor", "resolved_complaint_minor"),
    ],
)
def test_a_resolved_complaint_is_remembered_for_the_signal_days(
    catalogue: Catalogue, wait: timedelta, severity: str, signal: str
) -> None:
    """Within a day it was quick; after 180 days it is forgotten."""
    known = facts(
        complaints=[resolved_complaint(START, wait, severity)], last_heard_at=START + 100 * DAY
    )
    assert drivers(assess(known, catalogue.churn, START)) == [signal]
    assert drivers(assess(known, catalogue.churn, START + WINDOW - INSTANT)) == [signal]
    assert drivers(assess(known, catalogue.churn, START + WINDOW)) == []


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
    assert drivers(assess(facts(complaints=[complaint]), catalogue.churn, START)) == (
        ["resolved_quickly_minor"] if is_remembered else []
    )


def test_of_resolved_complaints_the_latest_counts_and_an_open_one_hides_them(
    catalogue: Catalogue,
) -> None:
    """By time of resolution, of equals the greater id; none while another is open."""
    slow, quick = (
        resolved_complaint(START, 48 * HOUR, complaint_id="q-1"),
        resolved_complaint(START, HOUR, "major", "q-2"),
    )
    assert drivers(assess(facts(complaints=[quick, slow]), catalogue.churn, START)) == [
        "resolved_quickly_major"
    ]
    assert drivers(
        assess(
            facts(complaints=[quick, slow, open_complaint()._replace(complaint_id="q-0")]),
            catalogue.churn,
            START,
        )
    ) == ["open_complaint_minor"]


@pytest.mark.parametrize(
    ("known", "signals"),
    [
        (facts(orders=[OrderFacts("o", START, False, None, None)]), ["broken_promise"]),
        (facts(orders=[OrderFacts("o", START, True, None, None)]), []),
        (facts(orders=[OrderFacts("o", START, None, None, None)]), []),
        (facts(attitude=Score(START, 599)), ["low_attitude"]),
        (facts(attitude=Score(START, 600)), []),
        (facts(outcome=Score(START, 599)), ["low_outcome"]),
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
    assert drivers(assess(known, catalogue.churn, START)) == signals


def test_a_signal_without_a_multiplier_is_not_used(catalogue: Catalogue) -> None:
    """The catalogue decides what counts."""
    model = msgspec.structs.replace(catalogue.churn, multipliers={})
    assert drivers(assess(facts(complaints=[open_complaint("major")]), model, START)) == []


@pytest.mark.parametrize(
    ("risk", "band"),
    [
        (0, "low"),
        (0.1499, "low"),
        (0.15, "medium"),
        (0.35, "high"),
        (0.5999, "high"),
        (0.6, "critical"),
        (1, "critical"),
    ],
)
def test_a_band_begins_with_its_bound(catalogue: Catalogue, risk: float, band: str) -> None:
    """The highest band whose lower bound the risk reaches."""
    assert band_of(risk, catalogue.churn) == band


def test_bands_that_the_catalogue_leaves_out_do_not_occur(catalogue: Catalogue) -> None:
    """Low always exists."""
    model = msgspec.structs.replace(catalogue.churn, bands={"critical": 0.9})
    assert [band_of(risk, model) for risk in (0.0, 0.89, 0.9)] == ["low", "low", "critical"]


def test_an_open_major_complaint_outweighs_a_resolved_one(catalogue: Catalogue) -> None:
    """The shares of customers who buy again, from which the multipliers are made.

    19 % unresolved, 54 % resolved, 82 % quickly.
    """
    risks = [
        assess(facts(complaints=[complaint]), catalogue.churn, START).risk
        for complaint in (
            open_complaint("major"),
            resolved_complaint(START, 48 * HOUR, "major"),
            resolved_complaint(START, HOUR, "major"),
        )
    ]
    assert [round(1 - risk, 2) for risk in risks] == [0.19, 0.54, 0.82]
