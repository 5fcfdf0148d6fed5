from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import at, complaint, customer, event_lists, messages, repair_step, touchpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.store import CATALOGUE
from oracle.complaints import complaint_rows
from oracle.customers import customer_rows
from oracle.orders import moments_of_orders, order_rows, stage_rows
from oracle.reading import read_events
from oracle.satisfaction import contributions
from unit.domain.world import NOW, World, events_of

from voc_stream.catalogue.measures import HappenedWithin
from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.folding.keys import keys_of

if TYPE_CHECKING:
    from builders import Event
    from oracle.satisfaction import Contribution

    from voc_stream.catalogue.model import Catalogue


def folded(catalogue: Catalogue, *batches: list[Event]) -> World:
    world = World(catalogue)
    for batch in batches:
        world.take_in(events_of(batch, catalogue))
        world.move_some()  # the next batch meets histories of which a part has been moved
    while world.move_some():
        pass
    return world


def batches_of(bodies: list[Event]) -> st.SearchStrategy[list[list[Event]]]:
    """The same events in another order, cut anywhere."""
    cuts = st.lists(st.integers(0, len(bodies)), max_size=4).map(
        lambda places: [0, *sorted(places), len(bodies)]
    )
    return st.builds(
        lambda order, places: [order[first:last] for first, last in pairwise(places)],
        st.permutations(bodies),
        cuts,
    )


@settings(deadline=None)
@given(event_lists().flatmap(lambda bodies: st.tuples(st.just(bodies), batches_of(bodies))))
def test_batches_do_not_show(
    catalogue: Catalogue, drawn: tuple[list[Event], list[list[Event]]]
) -> None:
    """All in one batch, one by one, or in any order cut anywhere.

    The same states and the same sums.
    """
    bodies, batches = drawn
    whole = folded(catalogue, bodies)
    assert whole.same_as(folded(catalogue, *([body] for body in bodies)))
    assert whole.same_as(folded(catalogue, *batches))


@settings(deadline=None)
@given(event_lists().flatmap(batches_of))
def test_sums_are_the_oracles(catalogue: Catalogue, batches: list[list[Event]]) -> None:
    """What was added and taken back along the way leaves exactly what counts.

    An independent reading of all events says what counts.
    """
    events = read_events(messages(body for batch in batches for body in batch), CATALOGUE, NOW)
    stages = stage_rows(events)
    tables = {
        "customer": customer_rows(events),
        "repair_stage": stages,
        "complaint": complaint_rows(events),
        "repair_order": order_rows(events, stages, moments_of_orders(events, CATALOGUE), CATALOGUE),
    }
    expected: dict[tuple[object, ...], int] = {}
    for one in contributions(events, tables, CATALOGUE):
        expected[_key(one)] = expected.get(_key(one), 0) + 1
    assert folded(catalogue, *batches).sums == expected


def _key(one: Contribution) -> tuple[object, ...]:
    return one.moment, *one.dimensions, one.experience, one.value, one.expectation, one.importance


def values_of(world: World, column: str) -> set[object]:
    """The values of a dimension under which anything counts."""
    return {key[1 + COLUMNS.index(column)] for key in world.sums}


def test_a_late_profile_moves_what_was_counted(catalogue: Catalogue) -> None:
    """Scores and an order's timings count under the segment as it is known now.

    Not as it was when they came.
    """
    world = folded(
        catalogue,
        [touchpoint(), repair_step(stage="delivery", edge="exit", promised_at=at())],
        [customer(segment="gold", region="north")],
    )
    assert values_of(world, "segment") == {"gold"}
    assert values_of(world, "region") == {"north"}
    assert {key[1 + len(COLUMNS)] for key in world.sums} >= {
        "overall",
        "on_time_delivery",
        "follow_up_72h",
    }


AGAIN = HappenedWithin(what="complaint", after="complaint.opened", days=30)


@pytest.mark.parametrize("sources", [["complaint"], ["again"], ["complaint", "again"]])
def test_a_late_profile_moves_what_complaints_measure(
    catalogue: Catalogue, sources: list[str]
) -> None:
    """Complaints follow their customer and state a product, as orders do.

    In whatever way the catalogue measures them.
    """
    of_complaints = {
        key: one for key, one in catalogue.experience.items() if key.startswith("complaint_")
    }
    again = {"again": msgspec.structs.replace(catalogue.experience["reached"], source=AGAIN)}
    known = {"complaint": of_complaints, "again": again}
    experience = {key: one for name in sources for key, one in known[name].items()}
    world = folded(
        msgspec.structs.replace(catalogue, experience=experience),
        [complaint(product="suv"), complaint("k-2", action="resolved", occurred_at=at(hours=1))],
        [complaint("k-3", complaint_id="q-2", product="suv")],
        [customer(segment="gold", region="north")],
    )
    assert {key[1 + len(COLUMNS)] for key in world.sums} == set(experience)
    for column, value in (("segment", "gold"), ("region", "north"), ("product", "suv")):
        assert values_of(world, column) == {value}


def test_a_complaint_that_goes_over_counts_under_its_new_owner(catalogue: Catalogue) -> None:
    """A later step by another customer moves what it measures, and a retraction moves it back."""
    world = folded(
        catalogue,
        [
            customer("p-1", segment="gold"),
            customer("p-2", customer_id="u-2", segment="silver"),
            complaint(),
        ],
        [complaint("k-2", customer_id="u-2", action="acknowledged", occurred_at=at(hours=1))],
    )
    assert values_of(world, "segment") == {"silver"}
    taken_back = complaint("k-2", customer_id="u-2", action="acknowledged", occurred_at=at(hours=1))
    world.take_out(events_of([taken_back], catalogue))
    assert values_of(world, "segment") == {"gold"}


def test_an_order_that_goes_over_counts_under_its_new_owner(catalogue: Catalogue) -> None:
    """A later step by another customer moves the order's timings to that customer's profile."""
    world = folded(
        catalogue,
        [
            customer("p-1", segment="gold"),
            customer("p-2", customer_id="u-2", segment="silver"),
            repair_step(stage="delivery", edge="exit"),
        ],
        [repair_step("r-2", customer_id="u-2", occurred_at=at(hours=1))],
    )
    assert values_of(world, "segment") == {"silver"}


def test_everyone_whose_risk_may_have_changed_is_named(catalogue: Catalogue) -> None:
    """A customer is affected also who lost an order or a complaint to another.

    And who keeps it while another tells an earlier step.
    """
    lost = [repair_step("r-2", customer_id="u-2", occurred_at=at(hours=1))]
    told = [complaint("k-2", customer_id="u-3", occurred_at=at(hours=-1))]
    taken = [complaint("k-3", customer_id="u-4", occurred_at=at(hours=1))]
    assert folded(catalogue, [repair_step()], lost).assessed == {"u-1", "u-2"}
    assert folded(catalogue, [complaint()], told).assessed == {"u-1", "u-3"}
    assert folded(catalogue, [complaint()], taken).assessed == {"u-1", "u-4"}


@given(event_lists())
def test_the_rows_to_load_are_those_that_the_events_name(
    catalogue: Catalogue, bodies: list[Event]
) -> None:
    """Every customer, every complaint, and every order but those that a profile names."""
    keys = keys_of(events_of(bodies, catalogue))
    assert keys.customers == {body["customer_id"] for body in bodies}
    assert keys.orders == {
        body["order_id"] for body in bodies if "order_id" in body and body["type"] != "customer"
    }
    assert keys.complaints == {
        body["complaint_id"] for body in bodies if body["type"] == "complaint"
    }
