"""Loads, folds and saves: how new events change rows and leave contributions.

All of it happens in the transaction at hand.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from voc_stream.domain.folding.fold_batch import Fold
from voc_stream.domain.folding.keys import keys_of
from voc_stream.domain.folding.unread import Unread
from voc_stream.domain.measures.happened_within import within_measures
from voc_stream.postgres.churn_walk.queue import queue_walks
from voc_stream.postgres.increments.encoding import increment_of
from voc_stream.postgres.increments.increment_rows import insert_increment, insert_packed
from voc_stream.postgres.intake.customer_moments import save_moments
from voc_stream.postgres.intake.stored_events import earliest_contacts, earliest_steps
from voc_stream.postgres.rolling.churn_risk import pending_rows
from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import copy_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.folding.keys import Keys
    from voc_stream.events.types import AnyEvent
    from voc_stream.pipeline.ports import Partition
    from voc_stream.postgres.intake.versioned_rows import EntityStore
    from voc_stream.postgres.session.background import Background
    from voc_stream.postgres.session.cursor import Cursor


class Folding:
    """The fold of events that were never folded before: `load`, then `apply`, then `save`.

    Attributes:
        events: the events, in the order in which they came.
        fold: the states on their way.
    """

    def __init__(
        self,
        cursor: Cursor,
        entities: EntityStore,
        catalogue: Catalogue,
        events: Sequence[AnyEvent],
        now: datetime,
    ) -> None:
        self._cursor = cursor
        self._entities = entities
        self.events = events
        self._within = within_measures(catalogue)
        self.fold = Fold(catalogue, now)

    def load(self) -> None:
        """Read the rows that the events touch."""
        self.load_rows(keys_of(self.events))

    def load_rows(self, keys: Keys) -> None:
        """Read these rows."""
        entities = self._entities
        entities.hear_of_profiles(self._cursor)
        self.fold.add_customers(entities.customers.load(self._cursor, keys.customers))
        self.fold.add_orders(entities.orders.load(self._cursor, keys.orders))
        self.fold.add_complaints(entities.complaints.load(self._cursor, keys.complaints))

    def apply(self) -> None:
        """Let the events change the rows, without asking the database anything."""
        self.fold.apply(self.events)

    def save(
        self,
        background: Background,
        source: Partition,
        *,
        with_history: bool = True,
        gone: Collection[str] = (),
    ) -> None:
        """Write the changed rows and what they contribute, as increments of a source.

        The events are inserted before, and no statement is under way on the connection.
        The transaction holds the lock of the source (increment_rows.py).
        `with_history` says whether customers whose profile changes have been counted under the
        earlier profile, so that they must be moved; `gone` are customers whose rows are deleted.
        Raises ChangedMeanwhileError.
        """
        cursor, entities, fold = self._cursor, self._entities, self.fold
        unread = fold.unread()
        if unread.steps or unread.contacts:
            fold.recall(
                Unread(
                    earliest_steps(cursor, unread.steps), earliest_contacts(cursor, unread.contacts)
                )
            )
        fold.count_waits()
        moved = fold.begin_moves() if with_history else []
        missing = fold.missing_customers()
        if missing:
            fold.add_customers(entities.customers.load(cursor, missing))
        fold.attribute_rows()
        changes = fold.moment_changes()
        # Customers are saved first: contributions are computed while PostgreSQL writes them. Few of
        # the others need a lock beside `settle_profiles`.
        held, changed = fold.held_customers(changes), fold.changed_customers()
        if not held <= changed.keys():
            entities.customers.hold(held.union(changed), cursor, background)
        entities.customers.save(cursor, changed, background)
        background.run(partial(queue_moves, cursor, moved))
        contributions = fold.contributions(self.events)
        of_moments: list[Contribution] = []
        if changes.new or changes.gone:
            background.run(partial(save_moments, cursor, self._within, changes, of_moments))
        entities.orders.save(cursor, fold.orders, background)
        entities.complaints.save(cursor, fold.complaints, background)
        if contributions:
            data = increment_of(contributions)
            background.run(partial(insert_packed, cursor, source, data, contributions))
        # It is known only when the moments have been saved, and mostly little or nothing.
        background.run(partial(insert_increment, cursor, source, of_moments))
        data = lines(pending_rows(fold.affected_customers()))
        background.run(partial(copy_lines, cursor, "churn_pending", ("part", "customer_ids"), data))
        named = {event.customer_id for event in self.events}
        background.run(partial(queue_walks, cursor, named | fold.affected_customers()))
        if to_read := fold.complaints_to_read:
            background.run(partial(queue_texts, cursor, sorted(to_read)))
        background.run(partial(entities.settle_profiles, cursor, [*moved, *gone]))
        background.wait()


def queue_texts(cursor: Cursor, complaint_ids: Sequence[str]) -> None:
    """Note that what these complaints say, or are about, may have changed."""
    cursor.execute("INSERT INTO text_pending VALUES (%s::text[])", (list(complaint_ids),))


def queue_moves(cursor: Cursor, customer_ids: Sequence[str]) -> None:
    """Note that these customers' histories have to be moved; their states say where to."""
    if customer_ids:
        cursor.execute(
            "INSERT INTO customer_move SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            (list(customer_ids),),
        )
