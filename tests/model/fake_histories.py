"""The chore that moves histories, on the tables in memory.

The product's pure steps, and dicts in place of SQL.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import msgspec
from unit.domain.world import Histories, move_piece, summed

from voc_stream.events.types import AnyEvent
from voc_stream.postgres.schema.tables.complaint import COMPLAINT
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.session.copy_csv import lines

if TYPE_CHECKING:
    from typing import Any

    from model.fake_store import Row, Tables

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.schema.tables.row import EntityRow
    from voc_stream.postgres.session.copy_csv import Value

State = TypeVar("State")
_decode_event = msgspec.json.Decoder(AnyEvent).decode


def state_text(entity: EntityRow[Any], row: Row) -> str:
    """The whole state of a row that the double keeps."""
    return entity.state_of([row[name] for name in entity.columns])


def move_pieces(tables: Tables, catalogue: Catalogue, rows: int) -> None:
    """Move at most so many rows of each customer whose history is under way."""
    for customer_id in sorted(tables.moves):
        customer = CUSTOMER.decode(state_text(CUSTOMER, tables.rows["customer_state"][customer_id]))
        stored = Histories(
            [_decode_event(value) for value in tables.events.values()],
            _states(tables, REPAIR_ORDER),
            _states(tables, COMPLAINT),
        )
        moved = move_piece(customer, stored, catalogue, rows)
        _save(tables, CUSTOMER, customer_id, customer)
        for order in moved.orders:
            _save(tables, REPAIR_ORDER, order.order_id, order)
        for complaint in moved.complaints:
            _save(tables, COMPLAINT, complaint.complaint_id, complaint)
        tables.sums.update(summed(moved.contributions))
        if customer.move is None:
            tables.moves.remove(customer_id)
    tables.sums = Counter({key: count for key, count in tables.sums.items() if count})


def _states(tables: Tables, entity: EntityRow[State]) -> list[State]:
    rows = tables.rows[entity.table.name].values()
    return [entity.decode(state_text(entity, row)) for row in rows]


def _save(tables: Tables, entity: EntityRow[Any], key: str, state: object) -> None:
    saved = tables.rows[entity.table.name]
    row = entity.values(state, saved[key]["version"] + 1)
    saved[key] = _as_json(entity.columns, row)


def _as_json(columns: tuple[str, ...], row: tuple[Value, ...]) -> Row:
    """A row as the double of the cursor keeps it."""
    values = json.loads(b"[" + lines([row]).strip() + b"]")
    return dict(zip(columns, values, strict=True))
