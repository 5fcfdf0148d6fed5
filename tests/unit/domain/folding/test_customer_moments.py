"""A batch notes the moments of whatever it may change, under all dimensions of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import START, repair_step
from unit.domain.world import events_of

from voc_stream.domain.dimensions import COLUMNS, OF_EVENTS
from voc_stream.domain.entities import counted
from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.entities.stated import Stated
from voc_stream.domain.folding.customer_moments import NotedMoments
from voc_stream.domain.measures.happened_within import within_measures
from voc_stream.domain.moment import moment_of

if TYPE_CHECKING:
    import pytest

    from voc_stream.catalogue.model import Catalogue


class OrderOfChannel(OrderState, gc=False):
    """An order that has a third dimension."""

    channel: Stated[str] | None = None


def test_a_delivery_moves_with_any_dimension_that_orders_state(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dimension that is declared of orders is counted under, so a change of it is noted, too."""
    declared = tuple(
        each._replace(of_orders=each.of_orders or each.name == "channel") for each in OF_EVENTS
    )
    monkeypatch.setattr(
        counted,
        "_PLACES",
        [(place, each.column) for place, each in enumerate(declared) if each.of_orders],
    )
    monkeypatch.setattr(
        counted, "_OF_ORDERS", tuple(each.column for each in declared if each.of_orders)
    )
    rules = measure_rules(catalogue)
    delivery, later = events_of(
        [
            repair_step("r-1", stage="delivery", edge="exit", channel="phone"),
            repair_step("r-2", stage="work", edge="exit", channel="web"),
        ],
        catalogue,
    )
    order = OrderOfChannel("o-1", channel=Stated("phone", START, "r-1"))
    order.apply(delivery, moment_of(delivery), rules)
    assert order.delivered is not None

    noted = NotedMoments(within_measures(catalogue), rules)
    noted.before_event(order, later, moves=counted.moves_dimensions(order, later))
    order.apply(later, moment_of(later), rules)
    order.channel = Stated("web", START, "r-2")

    gone, new = noted.changes({"o-1": order}, {})
    place = COLUMNS.index("channel")
    assert [one.dimensions[place] for one in new if one.key.kind == "delivered"] == ["web"]
    assert [one.kind for one in gone] == ["delivered"]
