"""The dimensions by which everything is counted, and where each is kept: the oracle's own list."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from oracle.reading import Event, Row


class Dimension(NamedTuple):
    """A column, its scope type, who states it, and whether orders and complaints do, too."""

    column: str
    scope_type: str
    stated_by: str
    of_orders: bool = False


DIMENSIONS = (
    Dimension("site_id", "site", "event", of_orders=True),
    Dimension("department", "department", "event"),
    Dimension("employee_id", "employee", "event"),
    Dimension("product", "product", "event", of_orders=True),
    Dimension("channel", "channel", "event"),
    Dimension("mode", "mode", "event"),
    Dimension("segment", "segment", "customer"),
    Dimension("region", "region", "customer"),
)
CUBE_KEY = ("day", "experience", *(each.column for each in DIMENSIONS))
LONG_ONLY = {each.scope_type for each in DIMENSIONS} - {"site"}


def of_event(event: Event, customer: Row) -> tuple[str, ...]:
    """The dimensions of what an event says, with the customer's as known now."""
    return tuple(
        (event if each.stated_by == "event" else customer).get(each.column) or ""
        for each in DIMENSIONS
    )


def of_entity(row: Row, customer: Row) -> tuple[str, ...]:
    """The dimensions of what an order or a complaint measures."""
    stated = {each.column: row[each.column] for each in DIMENSIONS if each.of_orders}
    return of_event(stated, customer)
