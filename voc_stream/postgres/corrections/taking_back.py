"""Takes what was retracted out of the tables, outside of the batches.

A transaction takes out one retraction, which names at most 1,000 events. The events go from
`touchpoint_event`, and the rows that they touched are folded anew from the events that remain.
These are read through a cursor on the server, so that memory does not grow with them. The rows are
locked meanwhile: a batch that changes one of them waits for the commit, finds another version and
folds again.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.folding.keys import Keys, keys_of
from voc_stream.domain.folding.remaining import Remaining
from voc_stream.domain.moment import moment_of
from voc_stream.events.decode import decode_stored
from voc_stream.postgres.churn_walk.queue import queue_walks
from voc_stream.postgres.increments.increment_rows import OF_RETRACTIONS
from voc_stream.postgres.intake.load_fold_save import Folding
from voc_stream.postgres.intake.stored_events import stored_events
from voc_stream.postgres.intake.versioned_rows import ChangedMeanwhileError, EntityStore
from voc_stream.postgres.schema.tables.events import COMPLAINT_ID
from voc_stream.postgres.session.background import Background
from voc_stream.postgres.session.locks import Lock, try_lock, wait_as_a_batch_does

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import AnyEvent
    from voc_stream.postgres.session.cursor import Cursor


def take_out_next(
    cursor: Cursor, catalogue: Catalogue, now: datetime, failed: set[int]
) -> int | None:
    """Take out what the oldest waiting retraction names.

    Returns how many events it named: 0 if none waits, None if another worker is at it. Retractions
    that `failed` come last: one that cannot be taken out holds up no other. Raises
    ChangedMeanwhileError.
    """
    wait_as_a_batch_does(cursor)
    if not try_lock(cursor, Lock.RETRACTIONS):
        return None
    cursor.execute(
        "DELETE FROM retraction_pending WHERE number ="
        " (SELECT number FROM retraction_pending ORDER BY number = ANY(%s::bigint[]), number"
        " LIMIT 1) RETURNING number, event_ids",
        (list(failed),),
    )
    found = cursor.fetchone()
    if found is None:
        return 0
    number, event_ids = found
    if number in failed:  # only such are left: each has its turn again
        failed.clear()
    failed.add(number)
    cursor.execute(
        "DELETE FROM touchpoint_event WHERE event_id = ANY(%s) RETURNING body::text",
        (sorted(event_ids),),
    )
    events = [decode_stored(body, catalogue.alias) for (body,) in cursor.fetchall()]
    if events:
        _take_out(cursor, catalogue, events, now)
    failed.discard(number)
    return len(event_ids)


def _take_out(
    cursor: Cursor, catalogue: Catalogue, events: Sequence[AnyEvent], now: datetime
) -> None:
    entities, keys = EntityStore(), keys_of(events)
    queue_walks(cursor, keys.customers | _who_named(cursor, keys))
    # Rows are locked in the order in which a batch writes: all customers, then orders. The owners
    # of orders and complaints are written, too.
    owners = _owners(cursor, "repair_order", "order_id", keys.orders) | _owners(
        cursor, "complaint", "complaint_id", keys.complaints
    )
    entities.customers.lock(cursor, keys.customers | owners)
    entities.orders.lock(cursor, keys.orders)
    entities.complaints.lock(cursor, keys.complaints)
    folding = Folding(cursor, entities, catalogue, [], now)
    folding.load_rows(keys)
    silent = _without_events(cursor, keys.customers)
    remaining = _remaining(cursor, catalogue, folding.fold.to_fold_anew(events, silent))
    folding.fold.take_out(events, remaining)
    entities.orders.delete(cursor, remaining.gone_orders())
    entities.complaints.delete(cursor, remaining.gone_complaints())
    gone = remaining.gone_customers()
    entities.customers.delete(cursor, gone)
    with closing(Background()) as background:
        try:
            folding.save(background, OF_RETRACTIONS, gone=gone)
        finally:
            background.abandon()
    # A batch may have taken in an event of a customer whose row it had at hand.
    if gone and _without_events(cursor, set(gone)) != set(gone):
        raise ChangedMeanwhileError("customer_state")


def _owners(cursor: Cursor, table: str, key: str, values: Collection[str]) -> set[str]:
    cursor.execute(f"SELECT customer_id FROM {table} WHERE {key} = ANY(%s)", (sorted(values),))
    return {customer_id for (customer_id,) in cursor}


def _who_named(cursor: Cursor, keys: Keys) -> set[str]:
    """All customers whom any event about these orders and complaints names."""
    cursor.execute(
        "SELECT DISTINCT customer_id FROM touchpoint_event WHERE order_id = ANY(%s)"
        " UNION SELECT customer_id FROM touchpoint_event"
        f" WHERE type = 'complaint' AND {COMPLAINT_ID} = ANY(%s)",
        (sorted(keys.orders), sorted(keys.complaints)),
    )
    return {customer_id for (customer_id,) in cursor}


def _without_events(cursor: Cursor, customer_ids: Collection[str]) -> set[str]:
    """Those customers of whom no event is left."""
    cursor.execute(
        "SELECT key FROM unnest(%s::text[]) key WHERE NOT EXISTS"
        " (SELECT FROM touchpoint_event WHERE customer_id = key)",
        (sorted(customer_ids),),
    )
    return {customer_id for (customer_id,) in cursor}


def _remaining(cursor: Cursor, catalogue: Catalogue, keys: Keys) -> Remaining:
    remaining, rules = Remaining(keys), measure_rules(catalogue)
    for event in _of(cursor, catalogue, "order_id = ANY(%s)", keys.orders):
        remaining.add_to_order(event, moment_of(event), rules)
    for event in _of(
        cursor, catalogue, f"type = 'complaint' AND {COMPLAINT_ID} = ANY(%s)", keys.complaints
    ):
        remaining.add_to_complaint(event, moment_of(event))
    for event in _of(cursor, catalogue, "customer_id = ANY(%s)", keys.customers):
        remaining.add_to_customer(event, moment_of(event), catalogue.churn)
    return remaining


def _of(
    cursor: Cursor, catalogue: Catalogue, condition: str, keys: Collection[str]
) -> Iterable[AnyEvent]:
    return (
        stored_events(cursor.connection, condition, catalogue.alias, (sorted(keys),))
        if keys
        else ()
    )
