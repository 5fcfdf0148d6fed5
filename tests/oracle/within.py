"""What happened to a customer within N days after a moment, or did not: all against all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.dimensions import of_entity
from oracle.measures import NO, YES, declared
from oracle.reading import flow_stage, stages_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from oracle.measures import Judged
    from oracle.reading import Row, Table


class Happening(NamedTuple):
    """A moment of a customer, and the row of the order or complaint that tells of it."""

    customer_id: str
    moment: datetime
    row: Row


def measured_within(
    tables: Mapping[str, Table], catalogue: Mapping[str, Any]
) -> Iterator[tuple[Judged, tuple[str, ...]]]:
    """What `happened_within` measures, each with its dimensions."""
    orders, complaints = tables["repair_order"], tables["complaint"]
    complained = [
        Happening(row["customer_id"], row["opened_at"], row)
        for row in complaints.values()
        if row["opened_at"] is not None
    ]
    delivered = [
        Happening(row["customer_id"], row["delivered_at"], row)
        for row in orders.values()
        if row["delivered_at"] is not None
    ]
    what = {"visit": _visits(tables, catalogue), "complaint": complained}
    after = {"delivered": delivered, "complaint.opened": complained}
    for name, source in declared(catalogue, "happened_within"):
        within = timedelta(hours=24 * source["days"])
        for start in after[source["after"]]:
            happened = any(
                other.customer_id == start.customer_id
                and start.moment < other.moment <= start.moment + within
                for other in what[source["what"]]
            )
            is_good = happened == (source.get("good", "yes") == "yes")
            dimensions = of_entity(start.row, tables["customer"][start.customer_id,])
            yield (name, start.moment + within, YES if is_good else NO), dimensions


def _visits(tables: Mapping[str, Table], catalogue: Mapping[str, Any]) -> list[Happening]:
    """The earliest entry from reception to delivery, or the delivery if that is earlier."""
    stages, last = stages_of(catalogue), flow_stage(catalogue, "delivered")
    first = flow_stage(catalogue, "reception")
    if last is not None:
        stages = stages[: stages.index(last) + 1]
    if first in stages:
        stages = stages[stages.index(first) :]
    entries: dict[str, list[datetime]] = {}
    for (order_id, stage), row in tables["repair_stage"].items():
        if stage in stages and row["entered_at"] is not None:
            entries.setdefault(order_id, []).append(row["entered_at"])
    for (order_id,), row in tables["repair_order"].items():
        if row["delivered_at"] is not None:
            entries.setdefault(order_id, []).append(row["delivered_at"])
    return [
        Happening(tables["repair_order"][order_id,]["customer_id"], min(moments), {})
        for order_id, moments in entries.items()
    ]
