from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st
from unit.alerts.rules.example import Example

from voc_stream.alerts.facts.open_orders import OpenOrder
from voc_stream.alerts.facts.stage_times import StageTimes, TimesThere
from voc_stream.alerts.facts.workshop_facts import WorkshopFacts
from voc_stream.alerts.model import Subject
from voc_stream.alerts.rule import Facts
from voc_stream.alerts.rules.workshop.promise_at_risk import (
    NAME,
    judge_promises,
    longest_left,
    minutes_left,
)
from voc_stream.catalogue.model import Limits
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

NOW = START
MINUTE = timedelta(minutes=1)
TWENTY = TimesThere(200, 20, 40)
TIMES = StageTimes(
    {
        ("", stage): TWENTY
        for stage in ("work", "inspection", "wash", "settlement", "delivery", "follow_up")
    }
)
AT_S_1 = Subject(NAME, None, "site", "s-1")


def order(
    stage: str = "wash", minutes: float | None = 0, promised_in: float | None = 50, **fields: object
) -> OpenOrder:
    """An order that usually needs an hour from the beginning of the wash."""
    entered_at = None if minutes is None else NOW - minutes * MINUTE
    promised_at = None if promised_in is None else NOW + promised_in * MINUTE
    return OpenOrder("o-1", "s-1", None, stage, entered_at, promised_at)._replace(**fields)  # type: ignore[arg-type]  # of OpenOrder


EXAMPLE = Example(
    starts=Facts(WorkshopFacts([order(promised_in=30)], {}, []), TIMES),
    ends=Facts(WorkshopFacts([order(promised_in=90)], {}, []), TIMES),
    now=NOW,
)


@pytest.mark.parametrize(
    ("one", "minutes"),
    [
        (order("wash", 0), 60),
        (order("wash", 15), 45),
        (order("wash", 20), 40),
        (order("wash", 500), 40),
        (order("wash", None), 40),
        (order("delivery", 0), 20),
        (order("follow_up", 0), 0),
        (order("appointment", 0), 100),
        (order("wash", -30), 60),
    ],
)
def test_what_is_left_takes_what_it_usually_takes(
    one: OpenOrder, minutes: float, catalogue: Catalogue
) -> None:
    """The rest of this stage, never below nothing, and all later ones up to delivery.

    What is unknown counts nothing.
    """
    assert minutes_left(one, TIMES, catalogue, NOW) == pytest.approx(minutes)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["", "s-1", "s-2"]), st.sampled_from(STAGES)),
        st.builds(TimesThere, st.integers(0, 90), st.floats(0, 5_000), st.floats(0, 9_000)),
    ),
    st.sampled_from(STAGES),
    st.sampled_from(["s-1", "s-2", "s-3"]),
    st.none() | st.floats(-60, 10_000),
)
def test_nothing_takes_longer_than_the_longest(
    catalogue: Catalogue,
    there: dict[tuple[str, str], TimesThere],
    stage: str,
    site_id: str,
    minutes: float | None,
) -> None:
    """Orders that are promised for later than `longest_left` need not be looked at.

    None of them is at risk.
    """
    times = StageTimes(there)
    one = order(stage, minutes, site_id=site_id)
    assert minutes_left(one, times, catalogue, NOW) <= longest_left(times, catalogue)[stage] + 1e-9


def test_a_promise_that_leaves_no_time_to_act_starts_nothing_but_ends_nothing(
    catalogue: Catalogue,
) -> None:
    """Less than five minutes ahead nobody can be told any more.

    An alert that is open goes on until the promise is kept or broken.
    """
    verdict = judge_promises([order(promised_in=4.9)], TIMES, catalogue, NOW)
    assert (verdict.findings, verdict.holding) == ([], {AT_S_1})
    assert [
        found.subject
        for found in judge_promises([order(promised_in=5)], TIMES, catalogue, NOW).findings
    ] == [AT_S_1]


def test_one_promise_that_leaves_time_to_act_is_enough(catalogue: Catalogue) -> None:
    """A customer can still be rung, though it is too late for another one of the site."""
    orders = [order(promised_in=4.9), order(promised_in=30, order_id="o-2")]
    verdict = judge_promises(orders, TIMES, catalogue, NOW)
    assert [found.subject for found in verdict.findings] == [AT_S_1]


def test_a_stage_that_few_pass_counts_little(catalogue: Catalogue) -> None:
    """Before it comes; once the order is in it, it counts whole."""
    times = StageTimes({**TIMES.there, ("", "wash"): TimesThere(20, 20, 40)})
    assert minutes_left(order("inspection", 20), times, catalogue, NOW) == pytest.approx(42)
    assert minutes_left(order("wash", 0), times, catalogue, NOW) == pytest.approx(60)


@pytest.mark.parametrize(
    ("promised_in", "at_risk"),
    [(59.99, True), (60, False), (61, False), (0, False), (-5, False), (None, False)],
)
def test_a_promise_is_at_risk_before_it_is_broken(
    promised_in: float | None, at_risk: bool, catalogue: Catalogue
) -> None:
    """Exactly in time is in time.

    What is broken already, or was never promised, is another matter. Without any at risk an alert
    ends.
    """
    verdict = judge_promises([order(promised_in=promised_in)], TIMES, catalogue, NOW)
    assert [finding.subject for finding in verdict.findings] == ([AT_S_1] if at_risk else [])
    assert not verdict.holding


@pytest.mark.parametrize(("promised_in", "watched"), [(30, True), (30.01, False)])
def test_only_promises_that_are_near_are_watched(
    promised_in: float, watched: bool, catalogue: Catalogue
) -> None:
    """The catalogue says from when on; that moment is included."""
    soon = msgspec.structs.replace(catalogue, limits=Limits(promise_watch_minutes=30))
    assert (
        bool(judge_promises([order(promised_in=promised_in)], TIMES, soon, NOW).findings) is watched
    )


def test_an_alert_names_the_orders(catalogue: Catalogue) -> None:
    """The earliest promise first, how much the worst is short of, in both languages."""
    here = [
        order(order_id="o-2"),
        order(order_id="o-3", stage="work", promised_in=55),
        order(order_id="o-1", promised_in=90),
    ]
    (finding,) = judge_promises(here, TIMES, catalogue, NOW).findings
    assert finding.severity == "warning"
    assert finding.evidence == {
        "site": "s-1",
        "orders": 2,
        "order_ids": ["o-2", "o-3"],
        "minutes_short": 45,
        "promised_at": (NOW + 50 * MINUTE).isoformat(),
    }
    assert finding.summary == (
        "s-1: 2 promises at risk, o-2 is due in 50 minutes, o-3 will be 45 minutes late"
        " / s-1：可能无法按承诺时间交付的车辆：2，o-2 还剩 50 分钟，o-3 预计晚 45 分钟"
    )


@pytest.mark.parametrize(("count", "severity"), [(4, "warning"), (5, "critical"), (7, "critical")])
def test_five_at_risk_are_critical(count: int, severity: str, catalogue: Catalogue) -> None:
    """And no more than five are named."""
    (finding,) = judge_promises(
        [order(order_id=f"o-{number}") for number in range(count)], TIMES, catalogue, NOW
    ).findings
    assert finding.severity == severity
    assert finding.evidence["orders"] == count
    assert finding.evidence["order_ids"] == [f"o-{number}" for number in range(min(5, count))]


def test_sites_are_judged_apart(catalogue: Catalogue) -> None:
    """One alert each."""
    found = judge_promises([order(site_id="s-2"), order()], TIMES, catalogue, NOW).findings
    assert [finding.subject.scope for finding in found] == ["s-1", "s-2"]


def test_without_times_nothing_is_at_risk(catalogue: Catalogue) -> None:
    """No data is no reason to wake anybody."""
    assert not judge_promises(
        [order("appointment", promised_in=1)], StageTimes({}), catalogue, NOW
    ).findings


@given(st.sampled_from(STAGES), st.none() | st.integers(0, 200), st.integers(0, 200))
def test_what_is_left_never_grows_by_waiting(
    catalogue: Catalogue, stage: str, minutes: int | None, more: int
) -> None:
    """And a minute of waiting takes at most a minute of it."""
    before = minutes_left(order(stage, minutes), TIMES, catalogue, NOW)
    after = minutes_left(order(stage, minutes), TIMES, catalogue, NOW + more * MINUTE)
    assert before - more - 1e-9 <= after <= before


@given(st.sampled_from(STAGES), st.integers(1, 239), st.integers(0, 100))
def test_an_earlier_promise_is_at_risk_where_a_later_one_is(
    catalogue: Catalogue, stage: str, promised_in: int, earlier: int
) -> None:
    """As long as neither is broken."""
    if (
        promised_in > earlier
        and judge_promises([order(stage, 0, promised_in)], TIMES, catalogue, NOW).findings
    ):
        verdict = judge_promises([order(stage, 0, promised_in - earlier)], TIMES, catalogue, NOW)
        assert verdict.findings or verdict.holding
