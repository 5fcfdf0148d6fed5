"""What changes an order is measured before and after, so that sums stay those of the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import at, repair_step
from unit.domain.world import events_of, summed

from voc_stream.domain.entities.counted import Counted, difference, moves_dimensions
from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.folding.measured_orders import MeasuredOrders
from voc_stream.domain.moment import moment_of

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

NOTHING = Counted((), [])
FLEET = ("fleet", "")


def test_what_is_taken_back_is_what_was_added(catalogue: Catalogue) -> None:
    """An order that changes its profile, site and steps, and then is gone, leaves nothing."""
    rules = measure_rules(catalogue)
    measured, order = MeasuredOrders(rules), OrderState("o-1")
    later = at(minutes=90)
    for event in events_of(
        [
            repair_step("r-1", stage="work"),
            repair_step("r-2", stage="work", edge="exit", occurred_at=later),
            repair_step("r-3", stage="delivery", edge="exit", occurred_at=later, site_id="s-2"),
        ],
        catalogue,
    ):
        moves = moves_dimensions(order, event)
        measured.apply(order, event, moment_of(event), moves=moves)
    measured.attribute(order, FLEET)
    sums = summed(measured.differences)
    assert sums == summed(difference(NOTHING, order.counted(rules)))
    assert sums

    measured.replace(order, None)
    assert not summed(measured.differences)


def test_what_remains_counts_under_the_profile_of_before(catalogue: Catalogue) -> None:
    """The fold moves it afterwards if the profile of its owner has changed, so it moves once."""
    rules = measure_rules(catalogue)
    (event,) = events_of([repair_step("r-1", stage="delivery", edge="exit")], catalogue)
    before, after = OrderState("o-1"), OrderState("o-1")
    before.attribute(FLEET)
    after.apply(event, moment_of(event), rules)
    MeasuredOrders(rules).replace(before, after)
    assert after.profile == before.profile
