"""Works off the queue of customers whose history must be counted under another profile.

It is worked off in pieces. A piece is one transaction of bounded rows. It locks the customers' rows
first, as a batch does when it saves them. A batch that folds an event of such a customer may come
before the piece, which then reads that event. Or the batch starts again from the state that the
piece has saved, which says under which profile the event counts (domain/entities/move.py).
"""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.entities.move import complaints_after, orders_after
from voc_stream.domain.entities.stated import value_of
from voc_stream.domain.folding.customer_moments import NotedMoments
from voc_stream.domain.folding.history import Owned, move_complaints, move_events, move_orders
from voc_stream.domain.measures.happened_within import within_measures
from voc_stream.domain.measures.of_event import event_measures
from voc_stream.postgres.increments.increment_rows import OF_HISTORIES, insert_increment
from voc_stream.postgres.intake.customer_moments import save_moments
from voc_stream.postgres.intake.stored_events import scored_events_after
from voc_stream.postgres.session.locks import Lock, try_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.move import Move
    from voc_stream.events.types import AnyEvent
    from voc_stream.postgres.intake.versioned_rows import Entity, EntityStore
    from voc_stream.postgres.session.background import Background
    from voc_stream.postgres.session.cursor import Cursor

Turn = dict[str, tuple["CustomerState", str]]
"""Customers of whom orders or complaints are moved next, with the key after which these come."""
# A batch that meets one of the customers waits for the piece: some tenths of a second.
ROWS_A_PIECE = 2_000
CUSTOMERS_A_PIECE = 200
SECONDS_A_PIECE = 1.0
"""After that no more events are read: 2,000 with some 200 KiB of text each would take long."""


def next_to_move(cursor: Cursor, but: Sequence[str] = ()) -> list[str]:
    """The customers of the next piece, without those `but`."""
    cursor.execute(
        "SELECT customer_id FROM customer_move WHERE customer_id <> ALL(%s::text[])"
        " ORDER BY customer_id LIMIT %s",
        (list(but), CUSTOMERS_A_PIECE),
    )
    return [customer_id for (customer_id,) in cursor.fetchall()]


def move_some(
    cursor: Cursor,
    entities: EntityStore,
    background: Background,
    catalogue: Catalogue,
    rows: int = ROWS_A_PIECE,
    *,
    only: Sequence[str] | None = None,
    but: Sequence[str] = (),
) -> int | None:
    """Move one piece of some customers' histories.

    The customers are the next in the queue without those in `but`, or `only` these. Returns how
    many they are, None if another worker has the lock. Raises ChangedMeanwhileError.
    """
    if not try_lock(cursor, Lock.HISTORIES):
        return None
    customer_ids = next_to_move(cursor, but) if only is None else only
    if not customer_ids:
        return 0
    cursor.execute(
        "SELECT FROM customer_state WHERE customer_id = ANY(%s) ORDER BY customer_id FOR UPDATE",
        (list(customer_ids),),
    )
    customers = entities.customers.load(cursor, customer_ids)
    page = max(1, rows // len(customer_ids))
    contributions = _move_events(cursor, customers.values(), page, catalogue)
    rules = measure_rules(catalogue)
    turn = _whose_turn(customers.values(), orders_after)
    orders, of_orders = _move_rows(
        cursor, entities.orders, turn, partial(move_orders, rules=rules), page
    )
    turn = _whose_turn(customers.values(), complaints_after)
    complaints, of_complaints = _move_rows(
        cursor, entities.complaints, turn, partial(move_complaints, rules=rules), page
    )
    entities.customers.save(cursor, customers, background)
    entities.orders.save(cursor, {one.order_id: one for one in orders}, background)
    entities.complaints.save(cursor, {one.complaint_id: one for one in complaints}, background)
    within = within_measures(catalogue)
    restated = NotedMoments(within, rules).restated(orders, complaints)
    added = contributions + of_orders + of_complaints
    background.run(partial(save_moments, cursor, within, restated, added))
    background.run(partial(insert_increment, cursor, OF_HISTORIES, added))
    done = [
        customer_id
        for customer_id in customer_ids
        if customer_id not in customers or customers[customer_id].move is None
    ]
    background.run(
        partial(cursor.execute, "DELETE FROM customer_move WHERE customer_id = ANY(%s)", (done,))
    )
    background.wait()
    return len(customer_ids)


def _move_events(
    cursor: Cursor, customers: Iterable[CustomerState], page: int, catalogue: Catalogue
) -> list[Contribution]:
    """Move the next scored events of each customer."""
    moving = {
        one.customer_id: one
        for one in customers
        if one.move is not None and one.move.order_id is None
    }
    after = {
        key: one.move.event_id
        for key, one in moving.items()
        if one.move is not None and one.move.before != one.move.after
    }
    found: dict[str, list[AnyEvent]] = defaultdict(list)
    end = time.monotonic() + SECONDS_A_PIECE
    read_all = True
    with closing(scored_events_after(cursor, after, page, catalogue.alias)) as events_in_order:
        for event in events_in_order:
            found[event.customer_id].append(event)
            if time.monotonic() > end:
                read_all = False
                break
    contributions: list[Contribution] = []
    declared = event_measures(catalogue)
    for customer_id, customer in moving.items():
        events = found[customer_id]
        contributions += move_events(
            customer, events, declared, are_last=read_all and len(events) < page
        )
    return contributions


def _whose_turn(customers: Iterable[CustomerState], after_of: Callable[[Move], str | None]) -> Turn:
    return {
        one.customer_id: (one, after)
        for one in customers
        if one.move is not None and (after := after_of(one.move)) is not None
    }


def _move_rows(
    cursor: Cursor,
    entity: Entity[Owned],
    turn: Turn,
    move_page: Callable[..., tuple[list[Owned], list[Contribution]]],
    page: int,
) -> tuple[list[Owned], list[Contribution]]:
    """Move the next orders or complaints of each customer whose turn it is."""
    owned: dict[str, list[Owned]] = defaultdict(list)
    if turn:
        after = {customer_id: key for customer_id, (_, key) in turn.items()}
        for row in entity.owned_after(cursor, after, page).values():
            owned[value_of(row.customer_id) or ""].append(row)
    changed: list[Owned] = []
    contributions: list[Contribution] = []
    for customer_id, (customer, _) in turn.items():
        rows = owned[customer_id]
        of_this, added = move_page(customer, rows, are_last=len(rows) < page)
        changed += of_this
        contributions += added
    return changed, contributions
