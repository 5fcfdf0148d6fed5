"""The oracle agrees with the worked example of the method and with textbook tables.

It agrees with itself, in any order of events.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp, log
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    START,
    Event,
    at,
    automotive_catalogue,
    callback,
    complaint,
    customer,
    event_lists,
    invalid_messages,
    message,
    messages,
    repair_step,
    scores,
    touchpoint,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import expected_tables, outcomes, reading
from oracle.dimensions import DIMENSIONS
from oracle.satisfaction import histogram_bin
from oracle.student import t_by_expansion, t_by_halving, t_quantile
from real_data import DATA, needs

if TYPE_CHECKING:
    import random
    from datetime import date

AS_OF = START + timedelta(days=29)
CATALOGUE = automotive_catalogue()


def cube_key(day: date, experience: str, **known: str) -> tuple[Any, ...]:
    """The key of a row of the cube, of which these dimensions are known."""
    return (day, experience, *(known.get(each.column, "") for each in DIMENSIONS))


def tables_of(
    *events: Event, as_of: datetime = AS_OF, **catalogue: Any
) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    return expected_tables(messages(events), {**CATALOGUE, **catalogue}, as_of)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (2, 4.3027), (5, 2.5706), (10, 2.2281), (30, 2.0423), (1000, 1.9623)],
)
def test_quantiles_of_student_are_those_of_the_printed_tables(
    degrees: int, expected: float
) -> None:
    """Intervals use the 97.5 % quantile of Student's t."""
    assert t_quantile(degrees) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("degrees", [300, 301])
def test_both_ways_to_the_quantile_agree_where_they_meet(degrees: int) -> None:
    """The exact area and the expansion give the same quantile.

    For even and odd degrees of freedom.
    """
    assert t_by_halving(degrees) == pytest.approx(t_by_expansion(degrees), rel=1e-11)


def test_worked_example_gives_the_numbers_of_the_method() -> None:
    """Convenience 5 of 7 expected, importance 9, ideal 10 is -2, -18 and -5 and comes first.

    Product is -1, price and brand 0.
    """
    stated = {
        "convenience": (5, 7, 9),
        "product": (6, 7, 10),
        "price": (7, 7, 8),
        "brand": (7, 7, 8),
    }
    events = [
        touchpoint(
            f"t-{name}",
            experience=name,
            score=score,
            expectation=expectation,
            importance=importance,
        )
        for name, (score, expectation, importance) in stated.items()
    ]
    rows = tables_of(
        *events,
        as_of=START,
        experience={
            name: {"kind": "rating", "ideal": 10 if name == "convenience" else 7} for name in stated
        },
    )
    rolling = {name: rows["rolling_satisfaction"]["1h", "all", "", name] for name in stated}
    assert [rolling[name]["satisfaction"] for name in stated] == [-2, -1, 0, 0]
    assert rolling["convenience"]["weighted_satisfaction"] == -18
    assert rolling["convenience"]["gap"] == -5
    assert min(rolling, key=lambda name: rolling[name]["weighted_satisfaction"]) == "convenience"
    assert rolling["convenience"]["satisfaction_ratio"] == pytest.approx(5 / 7)


def test_stated_expectations_are_drawn_to_that_of_the_catalogue() -> None:
    """The catalogue counts as twenty customers who state it; it decides alone if nobody does."""
    stated = tables_of(
        touchpoint("t-1", expectation=4), touchpoint("t-2"), touchpoint("t-3", expectation=5)
    )
    silent = tables_of(touchpoint("t-1"))
    row = stated["rolling_satisfaction"]["30d", "all", "", "overall"]
    of_catalogue = CATALOGUE["experience"]["overall"]["expectation"]
    assert row["expectation_mean"] == pytest.approx((4 + 5 + 20 * of_catalogue) / 22)
    assert (row["n"], row["expectation_n"], row["importance_n"]) == (3, 2, 0)
    silent_row = silent["rolling_satisfaction"]["30d", "all", "", "overall"]
    assert silent_row["expectation_mean"] == of_catalogue


@pytest.mark.parametrize(("microseconds", "value"), [(0, 1000), (1, 0)])
def test_the_72nd_hour_is_in_time(microseconds: int, value: int) -> None:
    """A follow-up exactly 72 hours after delivery is in time, an instant later it is not.

    It counts on the day it falls due.
    """
    late = at(hours=72, microseconds=microseconds)
    tables = tables_of(
        repair_step(stage="delivery", edge="exit"), callback(order_id="o-1", occurred_at=late)
    )
    row = tables["experience_daily"][
        cube_key((START + timedelta(hours=72)).date(), "follow_up_72h", site_id="s-1")
    ]
    assert (row["n"], row["score_sum"]) == (1, value)


def test_a_follow_up_at_the_moment_of_delivery_is_none() -> None:
    """Only what comes strictly after delivery follows it up.

    A call that nobody answered never does.
    """
    tables = tables_of(
        repair_step(stage="delivery", edge="exit"),
        callback("c-1", order_id="o-1"),
        callback("c-2", order_id="o-1", occurred_at=at(hours=1), outcome="no_answer"),
    )
    assert tables["repair_order"]["o-1",]["followed_up_at"] is None


def test_timings_come_from_the_stages() -> None:
    """Ten minutes of reception count as reception_minutes and as stage_minutes.

    Delivery is judged by the promise stated latest.
    """
    tables = tables_of(
        repair_step("r-1", promised_at=at(hours=1)),
        repair_step("r-2", edge="exit", occurred_at=at(minutes=10), promised_at=at(hours=2)),
        repair_step("r-3", stage="delivery", edge="exit", occurred_at=at(hours=2)),
    )
    day = START.date()
    assert tables["repair_stage"]["o-1", "reception"]["minutes"] == 10
    assert (
        tables["experience_daily"][cube_key(day, "reception_minutes", site_id="s-1")]["score_sum"]
        == 1000
    )
    assert (
        tables["experience_daily"][cube_key(day, "stage_minutes.reception", site_id="s-1")][
            "score_sum"
        ]
        == 1000
    )
    assert tables["repair_order"]["o-1",]["on_time"] is True
    assert tables["repair_order"]["o-1",]["current_stage"] == "delivery"


@given(st.lists(scores(), min_size=3, max_size=8), st.data())
def test_memory_forgets_what_is_neither_peak_nor_end(
    values: list[float], data: st.DataObject
) -> None:
    """A further moment that is no peak, put before the end, leaves the memory as it was.

    So do longer pauses.
    """
    before = _journey(values, minutes=1)
    extra = data.draw(st.sampled_from(values))
    place = data.draw(st.integers(0, len(values) - 1))
    after = _journey([*values[:place], extra, *values[place:]], minutes=7)
    assert after["memory_score"] == before["memory_score"]


def test_of_equal_peaks_the_lower_is_remembered() -> None:
    """2 and 8 are equally far from 5, and the bad one stays."""
    assert _journey([8, 2, 6], minutes=1)["peak_score"] == 2


def test_memory_is_the_mean_of_peak_and_end() -> None:
    """(10 + 6.01) / 2 keeps its third decimal."""
    assert _journey([10, 6.01], minutes=1)["memory_score"] == Decimal("8.005")


def _journey(values: list[float], minutes: int) -> dict[str, Any]:
    events = (
        touchpoint(f"t-{n}", order_id="o-1", score=value, occurred_at=at(minutes=n * minutes))
        for n, value in enumerate(values)
    )
    return tables_of(*events)["repair_order"]["o-1",]


def test_a_reopened_complaint_starts_again_but_keeps_its_opening() -> None:
    """After a reopening earlier steps no longer count.

    The customer's wait runs from the first opening.
    """
    steps = [
        complaint("k-1"),
        complaint("k-2", action="resolved", occurred_at=at(hours=1)),
        complaint("k-3", action="reopened", occurred_at=at(hours=2)),
    ]
    reopened = tables_of(*steps)["complaint"]["q-1",]
    assert (reopened["state"], reopened["resolved_at"], reopened["minutes_to_resolve"]) == (
        "reopened",
        None,
        None,
    )
    again = tables_of(*steps, complaint("k-4", action="resolved", occurred_at=at(hours=3)))[
        "complaint"
    ]["q-1",]
    assert (again["state"], again["reopened"], again["minutes_to_resolve"]) == ("resolved", 1, 180)


def test_a_step_of_a_complaint_that_arrives_late_changes_no_later_state() -> None:
    """The furthest action decides, not the one that came last."""
    tables = tables_of(
        complaint("k-2", action="resolved", occurred_at=at(hours=1)),
        complaint("k-3", action="apologised", occurred_at=at(hours=2)),
    )
    row = tables["complaint"]["q-1",]
    assert (row["state"], row["opened_at"], row["minutes_to_resolve"]) == ("resolved", None, None)


def test_risk_is_the_base_hazard_times_its_active_signals() -> None:
    """A major complaint open for 80 hours is one that was never resolved.

    The drivers add up to its logarithm.
    """
    model = CATALOGUE["churn"]
    as_of = START + timedelta(hours=80)
    tables = tables_of(customer(annual_value=1000), complaint(severity="major"), as_of=as_of)
    row = tables["churn_risk"]["u-1",]
    hazard = model["base_hazard_per_month"] * model["multipliers"]["open_complaint_major"]
    assert row["drivers"].keys() == {"base", "open_complaint_major"}
    assert sum(row["drivers"].values()) == pytest.approx(log(hazard))
    assert row["risk"] == pytest.approx(1 - exp(-model["horizon_months"] * hazard))
    assert row["value_at_risk"] == pytest.approx(1000 * row["risk"])
    assert row["band"] == "critical"


def test_who_has_left_has_no_risk_until_won_back() -> None:
    """A customer who churned has no row; one who came back later has."""
    gone = customer("p-1", change="churned", churn_reason="attitude")
    assert not tables_of(gone)["churn_risk"]
    assert not tables_of(gone, customer("p-2", change="won_back"))["churn_risk"]
    assert tables_of(gone, customer("p-2", change="won_back", occurred_at=at(days=1)))["churn_risk"]


def test_signals_end_when_they_are_no_longer_recent() -> None:
    """A signal of D days is active until just before it is D days old."""
    days = CATALOGUE["churn"]["signal_days"]
    low = touchpoint(experience="advisor_service", score=2)
    last = tables_of(low, as_of=START + timedelta(days=days, microseconds=-1))["churn_risk"][
        "u-1",
    ]["drivers"]
    over = tables_of(low, as_of=START + timedelta(days=days))["churn_risk"]["u-1",]["drivers"]
    assert "low_attitude" in last
    assert over.keys() == {"base", "inactive_180d"}
    # It fades: in the last sixth of its days a sixth is left.
    whole = log(CATALOGUE["churn"]["multipliers"]["low_attitude"])
    assert last["low_attitude"] == pytest.approx(whole / 6)


def test_the_order_of_questions_is_not_remembered() -> None:
    """The end of what one call tells is the last stage; what is about no stage is the end of all.

    `reception_wait` is about the reception and `car_cleanliness` about the wash.
    """
    nine, one = {"item": "reception_wait", "score": 9}, {"item": "car_cleanliness", "score": 1}
    whole = {"item": "overall", "score": 6}
    for answers, end in (([nine, one], 1), ([one, nine], 1), ([whole, nine, one], 6)):
        row = tables_of(callback(order_id="o-1", answers=answers))["repair_order"]["o-1",]
        assert (row["end_score"], row["memory_score"]) == (end, Decimal(end + 1) / 2)


def test_several_complaints_are_causes_by_themselves() -> None:
    """Their excess hazards add up, so that the shares who stay multiply."""
    churn = CATALOGUE["churn"]
    as_of = START + timedelta(days=9)
    rows = [
        tables_of(
            *[complaint(f"k-{n}", complaint_id=f"q-{n}", severity="minor") for n in range(count)],
            as_of=as_of,
        )["churn_risk"]["u-1",]
        for count in (1, 2, 5, 7)
    ]
    calm = exp(-churn["base_hazard_per_month"] * churn["horizon_months"])
    stay = [1 - row["risk"] for row in rows]
    assert stay[0] == pytest.approx(0.46, abs=0.001)
    assert stay[1] == pytest.approx(stay[0] ** 2 / calm)
    assert stay[2] == pytest.approx(stay[0] ** 5 / calm**4)
    assert stay[3] == stay[2]


def test_one_bad_call_is_one_signal() -> None:
    """Attitude, outcome and memory of a visit are what it was worth, told three times."""
    answers = [{"item": "advisor_service", "score": 1}, {"item": "overall", "score": 1}]
    row = tables_of(callback(order_id="o-1", answers=answers))["churn_risk"]["u-1",]
    assert row["drivers"].keys() == {"base", "silent_unhappy"}
    assert row["risk"] == pytest.approx(0.63, abs=0.001)


def test_a_horizon_ends_with_the_pane_of_its_moment() -> None:
    """At 1h twelve panes of 5 minutes count.

    An event leaves it when as_of enters the pane an hour later.
    """
    event = touchpoint(occurred_at=at(minutes=4))
    assert ("1h", "all", "", "overall") in tables_of(event, as_of=START + timedelta(minutes=59))[
        "rolling_satisfaction"
    ]
    assert ("1h", "all", "", "overall") not in tables_of(
        event, as_of=START + timedelta(minutes=60)
    )["rolling_satisfaction"]
    assert ("24h", "all", "", "overall") in tables_of(event, as_of=START + timedelta(minutes=60))[
        "rolling_satisfaction"
    ]


def test_a_profile_that_arrives_late_moves_what_was_counted_before() -> None:
    """Segment and region are those of the customer as known now."""
    tables = tables_of(touchpoint(), customer(segment="g-1", region="n-1", occurred_at=at(days=2)))
    key = cube_key(START.date(), "overall", site_id="s-1", segment="g-1", region="n-1")
    assert key in tables["experience_daily"]
    assert ("7d", "region", "n-1", "overall") not in tables["rolling_satisfaction"]
    assert ("30d", "region", "n-1", "overall") in tables["rolling_satisfaction"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (499, 0), (500, 1), (999, 1), (1000, 2), (255_999, 9), (256_000, 10), (10**9, 10)],
)
def test_bins_of_minutes_double(value: int, expected: int) -> None:
    """Bin 0 is below 5 minutes, each next one twice as wide, and the last is open."""
    assert histogram_bin(value, "minutes") == expected


@pytest.mark.parametrize(
    ("written", "kept"),
    [("7.125", 713), ("1.005", 101), ("8.9949", 899), ("9.995", 1000), ("7e0", 700)],
)
def test_scores_are_rounded_half_up_as_written(written: str, kept: int) -> None:
    """Two decimals are kept of the number as it stands in the message.

    Not of its nearest binary fraction.
    """
    raw = message(touchpoint()).replace(b'"score":7', b'"score":' + written.encode())
    (row,) = expected_tables([raw], CATALOGUE, AS_OF)["experience_daily"].values()
    assert row["score_sum"] == kept


@settings(max_examples=60, deadline=None)
@given(event_lists(), st.lists(invalid_messages(), max_size=5), st.randoms(use_true_random=False))
def test_order_repetition_and_refusals_do_not_show(
    events: list[Event], refused: list[bytes], chance: random.Random
) -> None:
    """Shuffled, repeated and among invalid messages, the same events give the same tables."""
    sent = messages(events)
    shuffled = [*sent, *sent[::2], *refused]
    chance.shuffle(shuffled)
    assert expected_tables(shuffled, CATALOGUE, AS_OF) == expected_tables(sent, CATALOGUE, AS_OF)


@given(event_lists())
def test_every_event_of_the_builders_is_accepted(events: list[Event]) -> None:
    """The strategies make valid events only, so properties are not proved on nothing."""
    assert len(tables_of(*events)["touchpoint_event"]) == len(events)


@given(invalid_messages())
def test_what_is_no_event_leaves_no_row(value: bytes) -> None:
    """An invalid message changes no table."""
    assert not any(expected_tables([value], CATALOGUE, AS_OF).values())


@needs("receipt.csv")
def test_receipt_log_is_on_time_as_often_as_counted_directly() -> None:
    """Of the 1,434 orders in the public log 1,329 were finished.

    940 of them were finished by the planned date.
    """
    events = []
    with (DATA / "receipt.csv").open(encoding="utf-8", newline="") as file:
        for number, line in enumerate(csv.DictReader(file)):
            fields = {
                "order_id": line["case:concept:name"],
                "customer_id": line["case:concept:name"],
                "site_id": line["case:department"],
            }
            promised_at = _iso(line["case:enddate_planned"])
            events.append(
                repair_step(
                    f"a-{number}",
                    occurred_at=_iso(line["time:timestamp"]),
                    promised_at=promised_at,
                    **fields,
                )
            )
            if line["case:enddate"]:
                events.append(
                    repair_step(
                        f"d-{number}",
                        stage="delivery",
                        edge="exit",
                        occurred_at=_iso(line["case:enddate"]),
                        **fields,
                    )
                )
    verdicts = [order["on_time"] for order in tables_of(*events)["repair_order"].values()]
    assert (len(verdicts), len(verdicts) - verdicts.count(None), verdicts.count(True)) == (
        1434,
        1329,
        940,
    )


def _iso(text: str) -> str | None:
    return text.replace(" ", "T") or None


@pytest.mark.parametrize("event_type", ["callback", "complaint", "repair_step", "touchpoint"])
def test_a_type_is_read_as_its_schema_publishes_it(
    event_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A type that the oracle does not know is read as published: as one that it knows."""
    examples = sorted((reading.SCHEMAS / "examples" / event_type).rglob("*.json"))
    sent = [path.read_bytes() for path in examples]
    known = outcomes(sent, CATALOGUE, AS_OF + timedelta(days=3650))
    monkeypatch.delitem(reading._FIELDS, event_type)
    assert outcomes(sent, CATALOGUE, AS_OF + timedelta(days=3650)) == known
    assert {"accepted", "rejected"} <= {*known}
