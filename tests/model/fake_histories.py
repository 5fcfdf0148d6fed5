"""The chore that moves histories, on the tables in memory.

The product's pure steps, and dicts in place of SQL.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from unit.domain.world import move_piece, summed

from voc_stream.events.types import AnyEvent
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.session.copy_csv import lines

if TYPE_CHECKING:
    from typing import Any

    from model.fake_store import Row, Tables

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.order import OrderState
    from voc_stream.postgres.schema.tables.row import EntityRow

_decode_event = msgspec.json.Decoder(AnyEvent).decode


def state_text(entity: EntityRow[Any], row: Row) -> str:
    """The whole state of a row that the double keeps."""
    return entity.state_of([row[name] for name in entity.columns])


def move_pieces(tables: Tables, catalogue: Catalogue, rows: int) -> None:
    """Move at most so many events or orders of each customer whose history is under way."""
    for customer_id in sorted(tables.moves):
        customer = CUSTOMER.decode(state_text(CUSTOMER, tables.rows["customer"][customer_id]))
        events = [_decode_event(value) for value in tables.events.values()]
        orders = [
            REPAIR_ORDER.decode(state_text(REPAIR_ORDER, row))
            for row in tables.rows["repair_order"].values()
        ]
        changed, contributions = move_piece(customer, events, orders, catalogue, rows)
        _save_customer(tables, customer)
        for order in changed:
            _save_order(tables, order)
        tables.sums.update(summed(contributions))
        if customer.move is None:
            tables.moves.remove(customer_id)
    tables.sums = Counter({key: count for key, count in tables.sums.items() if count})


def _save_customer(tables: Tables, state: CustomerState) -> None:
    saved = tables.rows["customer"]
    row = CUSTOMER.values(state, saved[state.customer_id]["version"] + 1)
    saved[state.customer_id] = _as_json(CUSTOMER.columns, row)


def _save_order(tables: Tables, state: OrderState) -> None:
    saved = tables.rows["repair_order"]
    row = REPAIR_ORDER.values(state, saved[state.order_id]["version"] + 1)
    saved[state.order_id] = _as_json(REPAIR_ORDER.columns, row)


def _as_json(columns: tuple[str, ...], row: tuple[object, ...]) -> Row:
    """A row as the double of the cursor keeps it."""
    values = json.loads(b"[" + lines([row]).strip() + b"]")  # type: ignore[list-item]  # a row's values
    return dict(zip(columns, values, strict=True))
