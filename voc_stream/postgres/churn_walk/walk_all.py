"""Walks through all histories that are due at once: what the chore does piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.churn_walk.histories import walk_through
from voc_stream.postgres.churn_walk.queue import due, take_pending

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

CUSTOMERS_A_TIME = 200


def walk_all(cursor: Cursor, catalogue: Catalogue, now: datetime) -> None:
    """Walk through everybody who is due by now; the caller holds the lock of walks."""
    while take_pending(cursor):
        pass
    while customer_ids := due(cursor, now, CUSTOMERS_A_TIME):
        walk_through(cursor, customer_ids, catalogue, now)
