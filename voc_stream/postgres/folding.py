"""Load, fold, save: how new events change rows and leave contributions, within the transaction at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.fold import Fold, keys_of
from voc_stream.postgres.facts import scored_events_of
from voc_stream.postgres.rows import CONTRIBUTION_COLUMNS, contribution_row
from voc_stream.postgres.staging import copy_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Catalogue
    from voc_stream.events.types import AnyEvent
    from voc_stream.postgres.entities import EntityStore


def fold_events(
    cursor: Cursor,
    entities: EntityStore,
    catalogue: Catalogue,
    events: Sequence[AnyEvent],
    history: Iterable[AnyEvent] | None = None,
) -> None:
    """Fold events that were never folded before.

    `history` are the scored events folded earlier of customers whose profile changes now; None reads them from touchpoint_event.
    Raises ChangedMeanwhileError.
    """
    keys = keys_of(events)
    fold = Fold(catalogue)
    fold.add_customers(entities.customers.load(cursor, keys.customers))
    fold.add_orders(entities.orders.load(cursor, keys.orders))
    fold.add_complaints(entities.complaints.load(cursor, keys.complaints))
    fold.apply(events)
    moved = fold.moved_customers()
    if moved:
        others = entities.orders.owned_by(cursor, moved)
        fold.add_orders({order_id: state for order_id, state in others.items() if order_id not in fold.orders})
        if history is None:
            history = scored_events_of(cursor, moved, leaving_out={event.event_id for event in events})
    missing = fold.missing_customers()
    if missing:
        fold.add_customers(entities.customers.load(cursor, missing))
    contributions = fold.contributions(events, history or ())
    entities.customers.save(cursor, fold.customers)
    entities.orders.save(cursor, fold.orders)
    entities.complaints.save(cursor, fold.complaints)
    copy_rows(cursor, "contribution", CONTRIBUTION_COLUMNS, map(contribution_row, contributions))
    copy_rows(cursor, "churn_pending", ("customer_id",), ((customer_id,) for customer_id in fold.affected_customers()))
