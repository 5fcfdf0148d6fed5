from __future__ import annotations

from typing import get_args

from voc_stream.domain.dimensions import (
    CUBE_KEY,
    DETAILS,
    DIMENSIONS,
    OF_CUSTOMERS,
    OF_EVENTS,
    SCOPE_TYPES,
    SITES,
    TELLING,
)
from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.customer import CustomerState
from voc_stream.domain.entities.order import OrderState
from voc_stream.events.types import AnyEvent


def test_the_names_are_those_that_others_depend_on() -> None:
    """Scope types and columns are part of the contract: they grow, and none is renamed."""
    assert {each.name: each.column for each in DIMENSIONS}.items() >= {
        "site": "site_id",
        "department": "department",
        "employee": "employee_id",
        "product": "product",
        "channel": "channel",
        "mode": "mode",
        "segment": "segment",
        "region": "region",
    }.items()
    assert set(CUBE_KEY) >= {
        *("day", "experience", "site_id", "department", "employee_id", "product"),
        *("segment", "region", "channel", "mode"),
    }
    assert SITES == ("all", "site")
    assert set(SCOPE_TYPES) >= {
        *("all", "site", "region", "department", "employee", "product", "segment"),
        *("channel", "mode"),
    }
    assert len(set(SITES + DETAILS)) == len(SITES + DETAILS)


def test_those_of_the_event_come_first() -> None:
    """Whoever puts a contribution together appends the customer's part to the event's."""
    assert DIMENSIONS == OF_EVENTS + OF_CUSTOMERS


def test_what_explains_a_drop_is_in_the_cube_and_has_a_place_of_its_own() -> None:
    """The scores of the weeks before are read from the cube.

    Equal places would make it a lottery.
    """
    assert all(each.in_cube for each in TELLING.values())
    assert len({each.telling for each in TELLING.values()}) == len(TELLING)
    assert next(iter(TELLING)) == "site"


def test_every_source_states_its_dimensions() -> None:
    """A field that nobody has would be '' for ever, without an error."""
    events = get_args(AnyEvent)
    for each in OF_EVENTS:
        assert any(each.column in event.__struct_fields__ for event in events), each
        for state in (OrderState, ComplaintState):
            assert not each.of_orders or each.column in state.__struct_fields__, each
    for each in OF_CUSTOMERS:
        assert each.column in CustomerState.__struct_fields__, each
        assert not each.of_orders, "an order counts under its customer's profile anyway"
