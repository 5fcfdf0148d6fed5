from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import (
    START,
    at,
    callback,
    event_lists,
    messages,
    repair_step,
    touchpoint,
)
from hypothesis import given
from hypothesis import strategies as st
from integration.postgres.store import CATALOGUE
from oracle.orders import moments_of_orders, order_rows, stage_rows
from oracle.reading import read_events
from unit.domain.whole_rows import assert_whole_row
from unit.domain.world import NOW, encode, events_of, found_among, summed

from voc_stream.catalogue.load import load_catalogue
from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.entities.counted import Counted, difference, moves_dimensions
from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.folding.measured_orders import measures_at_stake
from voc_stream.domain.folding.unread import Unread
from voc_stream.domain.measures.of_order import OrderMeasures, hundredths_of_minutes
from voc_stream.domain.moment import from_microseconds, moment_of
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from builders import Event

    from voc_stream.catalogue.model import Catalogue

HOUR = timedelta(hours=1)
NOTHING_COUNTED = Counted(("",) * len(COLUMNS), [])
TODAY = (
    "on_time_delivery",
    "follow_up_72h",
    "reception_minutes",
    *(f"stage_minutes.{stage}" for stage in STAGES),
)
RULES = measure_rules(load_catalogue())


def order(bodies: list[Event], catalogue: Catalogue) -> OrderState:
    state = OrderState("o-1")
    for event in events_of(bodies, catalogue):
        state.apply(event, moment_of(event), RULES)
    if state.contact is not None and state.delivered_at is not None and not state.contact.is_read:
        found = found_among(events_of(bodies, catalogue), Unread({}, {"o-1": state.delivered_at}))
        state.recall_contact(found.contacts.get("o-1"))
    return state


def measured(state: OrderState) -> dict[str, tuple[timedelta, int]]:
    """When after START each timing counts, and its value in hundredths."""
    return {
        measure.experience: (from_microseconds(moment) - START, measure.value)
        for moment, measure in state.measured(RULES)
        if measure.experience in TODAY
    }


def delivered(catalogue: Catalogue, *others: Event) -> OrderState:
    return order([repair_step("r-out", stage="delivery", edge="exit"), *others], catalogue)


def of_order_one(bodies: list[Event]) -> list[Event]:
    return [body for body in bodies if body.get("order_id") == "o-1" and body["type"] != "customer"]


@given(event_lists().map(of_order_one).flatmap(st.permutations))
def test_any_order_of_events_is_the_same_order(catalogue: Catalogue, bodies: list[Event]) -> None:
    """The stored state does not show in which order events came."""
    assert encode(order(bodies, catalogue)) == encode(
        order(sorted(bodies, key=lambda body: body["event_id"]), catalogue)
    )


@given(event_lists().map(of_order_one))
def test_state_survives_being_stored(catalogue: Catalogue, bodies: list[Event]) -> None:
    """A state read back from its JSON is the state."""
    state = order(bodies, catalogue)
    assert REPAIR_ORDER.decode(encode(state).decode()) == state


@pytest.mark.parametrize(
    ("late", "in_time"), [(timedelta(0), True), (timedelta(microseconds=1), False), (-HOUR, True)]
)
def test_the_72nd_hour_is_in_time(catalogue: Catalogue, late: timedelta, in_time: bool) -> None:
    """A follow-up exactly 72 hours after delivery is in time.

    It counts when it falls due, whenever it came.
    """
    contact = callback(order_id="o-1", occurred_at=(START + 72 * HOUR + late).isoformat())
    assert measured(delivered(catalogue, contact))["follow_up_72h"] == (
        72 * HOUR,
        1000 if in_time else 0,
    )


@pytest.mark.parametrize(
    ("contact", "followed_up"),
    [
        (callback(order_id="o-1", occurred_at=at(hours=1)), True),
        (repair_step(stage="follow_up", edge="exit", occurred_at=at(hours=1)), True),
        (repair_step(stage="follow_up", edge="enter", occurred_at=at(hours=1)), False),
        (callback(order_id="o-1", occurred_at=at(hours=1), outcome="no_answer"), False),
        (callback(order_id="o-1", occurred_at=at(hours=1), outcome="refused"), False),
        (touchpoint(order_id="o-1", occurred_at=at(hours=1)), False),
        (callback(order_id="o-1"), False),
    ],
)
def test_only_a_completed_contact_after_delivery_is_a_follow_up(
    catalogue: Catalogue, contact: Event, followed_up: bool
) -> None:
    """A completed callback or an exit from follow_up counts, strictly after delivery."""
    assert (delivered(catalogue, contact).followed_up_at is not None) is followed_up


def test_a_contact_before_a_later_delivery_no_longer_counts(catalogue: Catalogue) -> None:
    """A second delivery moves delivery on.

    What lay between is no follow-up of it, what comes after is.
    """
    again = repair_step("r-again", stage="delivery", edge="exit", occurred_at=at(hours=5))
    between, after = (
        callback(f"c-{hours}", order_id="o-1", occurred_at=at(hours=hours)) for hours in (2, 9)
    )
    assert delivered(catalogue, between, again).followed_up_at is None
    assert delivered(catalogue, between, after, again).followed_up_at == START + 9 * HOUR


def test_each_call_from_delivery_to_follow_up_is_an_attempt(catalogue: Catalogue) -> None:
    """In any order of arrival.

    Neither a step, nor a call before the delivery or after the follow-up, is one.
    """
    calls = [
        callback("c-1", order_id="o-1", outcome="refused", occurred_at=at(hours=-1)),
        callback("c-2", order_id="o-1", outcome="no_answer", occurred_at=at(hours=2)),
        callback("c-3", order_id="o-1", outcome="refused", occurred_at=at(hours=1)),
        repair_step("r-up", stage="follow_up", edge="enter", occurred_at=at(hours=9)),
    ]
    told = (2, START + HOUR, START + 2 * HOUR, "no_answer")
    assert delivered(catalogue, *calls).follow_up_attempts == told
    out = repair_step("r-out", stage="delivery", edge="exit")
    assert order([*calls, out], catalogue).follow_up_attempts == told
    assert order(calls, catalogue).follow_up_attempts is None
    assert delivered(catalogue).follow_up_attempts == (0, None, None, None)
    reached = callback("c-4", order_id="o-1", occurred_at=at(hours=3))
    after = callback("c-5", order_id="o-1", outcome="refused", occurred_at=at(hours=4))
    told = (3, START + HOUR, START + 3 * HOUR, "completed")
    assert delivered(catalogue, after, *calls, reached).follow_up_attempts == told


def test_a_later_delivery_takes_attempts_away(catalogue: Catalogue) -> None:
    """A second delivery moves delivery on: what lay between is no attempt to follow it up."""
    again = repair_step("r-again", stage="delivery", edge="exit", occurred_at=at(hours=5))
    calls = [
        callback(f"c-{hours}", order_id="o-1", outcome="no_answer", occurred_at=at(hours=hours))
        for hours in (2, 9)
    ]
    told = (1, START + 9 * HOUR, START + 9 * HOUR, "no_answer")
    assert delivered(catalogue, *calls, again).follow_up_attempts == told
    assert delivered(catalogue, again, *calls).follow_up_attempts == told


def test_an_order_rests_on_each_attempt_that_failed(catalogue: Catalogue) -> None:
    """So taking a call back folds the order anew, and what is left says one attempt less."""
    early, late = (
        callback(f"c-{hours}", order_id="o-1", outcome="no_answer", occurred_at=at(hours=hours))
        for hours in (1, 2)
    )
    for each in events_of([early, late], catalogue):
        assert delivered(catalogue, early, late).rests_on(each, moment_of(each))


@pytest.mark.parametrize(
    ("promised_at", "on_time"),
    [
        (at(), True),
        (at(microseconds=1), True),
        (at(microseconds=-1), False),
        (None, None),
        (at(hours=8).replace("+00:00", "+08:00"), True),
    ],
)
def test_delivery_at_the_promised_moment_is_on_time(
    catalogue: Catalogue, promised_at: str | None, on_time: bool | None
) -> None:
    """`delivered_at <= promised_at`, whatever the offset.

    Without a promise it is unknown and counts nowhere.
    """
    state = order([repair_step(stage="delivery", edge="exit", promised_at=promised_at)], catalogue)
    assert state.on_time is on_time
    assert measured(state).get("on_time_delivery") == (
        None if on_time is None else (timedelta(0), 1000 if on_time else 0)
    )


def test_a_promise_without_delivery_is_unknown(catalogue: Catalogue) -> None:
    """An order on its way is neither on time nor late."""
    state = order([repair_step(promised_at=at())], catalogue)
    assert (state.on_time, state.delivered_at, state.follow_up_due_at, state.followed_up_at) == (
        None,
        None,
        None,
        None,
    )


def test_ten_minutes_of_reception_count_twice(catalogue: Catalogue) -> None:
    """Reception lasts from the earliest entry to the latest exit, and counts at the exit.

    It counts as stage_minutes.reception and as reception_minutes.
    """
    state = order(
        [
            repair_step("r-1", occurred_at=at(minutes=3)),
            repair_step("r-2"),
            repair_step("r-3", edge="exit", occurred_at=at(minutes=10)),
            repair_step("r-4", edge="exit", occurred_at=at(minutes=4)),
        ],
        catalogue,
    )
    assert measured(state) == dict.fromkeys(
        ("stage_minutes.reception", "reception_minutes"), (timedelta(minutes=10), 1000)
    )


@pytest.mark.parametrize(
    ("minutes", "counts"),
    [(0, True), (-1, False), (366 * 24 * 60, True), (366 * 24 * 60 + 1, False)],
)
def test_impossible_durations_count_nothing(
    catalogue: Catalogue, minutes: int, counts: bool
) -> None:
    """An exit before the entry, and a stage longer than is plausible, are wrong clocks."""
    enter = repair_step(
        "r-1", stage="work", occurred_at=(START - timedelta(minutes=minutes)).isoformat()
    )
    assert (
        "stage_minutes.work"
        in measured(order([enter, repair_step("r-2", stage="work", edge="exit")], catalogue))
    ) is counts


@pytest.mark.parametrize(
    ("promised_at", "stands"),
    [("9999-12-31T00:00:00Z", False), ("1900-01-01T00:00:00Z", False), (at(days=366), True)],
)
def test_a_promise_out_of_all_proportion_is_none(
    catalogue: Catalogue, promised_at: str, *, stands: bool
) -> None:
    """A placeholder for no date takes no promise back, and makes no order late or in time."""
    promised = repair_step("r-1", promised_at=at(hours=1))
    state = delivered(
        catalogue,
        promised,
        repair_step("r-2", occurred_at=at(), stage="work", promised_at=promised_at),
    )
    assert (state.promised_at is not None and state.promised_at.event_id) == (
        "r-2" if stands else "r-1"
    )
    assert delivered(catalogue, repair_step("r-2", promised_at=promised_at)).on_time is (
        True if stands else None
    )


def test_a_timing_that_the_catalogue_does_not_name_counts_nothing(catalogue: Catalogue) -> None:
    """Only experiences of the catalogue are averaged."""
    only = {"follow_up_72h": catalogue.experience["follow_up_72h"]}
    rules = measure_rules(msgspec.structs.replace(catalogue, experience=only))
    found = [measure.experience for _, measure in delivered(catalogue).measured(rules)]
    assert found == ["follow_up_72h"]
    nothing = RULES._replace(measures=OrderMeasures())
    assert delivered(catalogue).measured(nothing) == []


@pytest.mark.parametrize(
    ("steps", "stage"),
    [
        ([("work", "enter", 0), ("wash", "enter", 1)], "wash"),
        ([("work", "exit", 1), ("reception", "enter", 0)], "work"),
        ([("work", "exit", 0), ("reception", "enter", 0)], "reception"),
        ([("work", "enter", 0), ("wash", "enter", 0)], "wash"),
    ],
)
def test_current_stage_is_that_of_the_latest_step(
    catalogue: Catalogue, steps: list[tuple[str, str, int]], stage: str
) -> None:
    """The latest step is the latest by moment.

    Of the same moment an enter follows an exit, and of the same edge the later stage of the flow.
    """
    bodies = [
        repair_step(f"r-{number}", stage=name, edge=edge, occurred_at=at(minutes=minutes))
        for number, (name, edge, minutes) in enumerate(steps)
    ]
    assert order(bodies, catalogue).current_stage == stage
    assert order(bodies[::-1], catalogue).current_stage == stage


def test_a_step_says_more_about_an_order_than_any_later_event(catalogue: Catalogue) -> None:
    """Customer, site and product come from repair steps where there are any, however old."""
    later = touchpoint(
        order_id="o-1", customer_id="u-9", site_id="s-9", product="p-9", occurred_at=at(hours=9)
    )
    alone, beside = order([later], catalogue), order([later, repair_step(product="p-1")], catalogue)
    assert site_and_product(alone) == ("s-9", "p-9")
    assert site_and_product(beside) == ("s-1", "p-1")


def site_and_product(order: OrderState) -> tuple[str, str]:
    counted = dict(zip(COLUMNS, order.counted(RULES).dimensions, strict=True))
    return counted["site_id"], counted["product"]


@given(event_lists())
def test_orders_are_the_oracles(catalogue: Catalogue, bodies: list[Event]) -> None:
    """An independent reading of the semantics gives the same row, in every column."""
    read = read_events(messages(bodies), CATALOGUE, NOW)
    for (order_id,), row in order_rows(
        read, stage_rows(read), moments_of_orders(read, CATALOGUE), CATALOGUE
    ).items():
        about = [
            body
            for body in bodies
            if body.get("order_id") == order_id and body["type"] != "customer"
        ]
        state = order(about, catalogue)
        state.order_id = order_id
        own = ("order_id", "version", "fold_state", "last_moment_at")
        assert_whole_row(REPAIR_ORDER.columns, REPAIR_ORDER.values(state, 1), row, own=own)


COUNTED = event_lists(12).map(of_order_one)


@given(COUNTED, COUNTED, st.booleans())
def test_a_difference_turns_the_sums_of_before_into_those_of_after(
    catalogue: Catalogue, earlier: list[Event], later: list[Event], moved: bool
) -> None:
    """What was counted plus the difference is what counts now, whatever came in between.

    That holds even if the dimensions changed.
    """
    before, after = (
        order(earlier, catalogue).counted(RULES),
        order([*earlier, *_renamed(later)], catalogue).counted(RULES),
    )
    if moved:
        after = Counted(("elsewhere", *after.dimensions[1:]), after.measured)
    nothing_to_before, before_to_after = (
        difference(NOTHING_COUNTED, before),
        difference(before, after),
    )
    assert summed([*nothing_to_before, *before_to_after]) == summed(
        difference(NOTHING_COUNTED, after)
    )


def _renamed(bodies: list[Event]) -> list[Event]:
    return [{**body, "event_id": f"later-{body['event_id']}"} for body in bodies]


@given(event_lists(24).map(of_order_one))
def test_what_an_event_changes_is_at_stake(catalogue: Catalogue, bodies: list[Event]) -> None:
    """The difference over the stages at stake is the whole difference, event by event.

    Nothing else may change.
    """
    state = OrderState("o-1")
    for event in events_of(bodies, catalogue):
        moves, before = moves_dimensions(state, event), state.counted(RULES)
        at_stake = measures_at_stake(state, event, RULES, moves=moves)
        part_before = state.counted(RULES, at_stake.before)
        state.apply(event, moment_of(event), RULES)
        assert summed(difference(part_before, state.counted(RULES, at_stake.after))) == summed(
            difference(before, state.counted(RULES))
        )


def test_nothing_changed_is_no_difference(catalogue: Catalogue) -> None:
    """What counts as before is neither taken back nor added again."""
    counted = delivered(catalogue).counted(RULES)
    assert difference(counted, counted) == []


@pytest.mark.parametrize(
    ("seconds", "value"),
    [(0, 0), (0.299999, 0), (0.3, 1), (0.6, 1), (59.7, 100), (59.699999, 99), (60, 100)],
)
def test_minutes_are_rounded_half_up_to_hundredths(seconds: float, value: int) -> None:
    """A hundredth of a minute is 0.6 seconds."""
    assert hundredths_of_minutes(round(seconds * 1_000_000)) == value


def test_an_order_rests_on_the_steps_that_it_shows(catalogue: Catalogue) -> None:
    """What is taken back makes an order be folded anew only if the order may show it."""
    entered = [
        repair_step(f"e-{hour}", stage="work", occurred_at=at(hours=hour)) for hour in (1, 3)
    ]
    promise = repair_step("p", stage="work", occurred_at=at(hours=2), promised_at=at(hours=9))
    bodies = [*entered, repair_step("w", stage="wash", occurred_at=at(hours=5))]
    shown = [moment_of(one) for one in events_of(bodies, catalogue)]
    state = order([*bodies, promise], catalogue)
    first, second, latest = events_of(bodies, catalogue)
    assert state.rests_on(latest, shown[2])
    assert [state.rests_on(first, shown[0]), state.rests_on(second, shown[1])].count(True) == 1
    [promised] = events_of([promise], catalogue)
    assert state.rests_on(promised, moment_of(promised))
