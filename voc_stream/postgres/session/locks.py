"""Takes the locks of this program, which only its own roles can take.

Each lock ends with its transaction. An advisory lock is free to everybody who may connect: any
reader could stop the service with one. These locks need a right on a table of schema `voc` instead:

- What one worker does at a time locks its row of `voc.lock`. Whoever comes second skips the row and
  writes nothing. There is one locker of a row at a time, so no multixact is ever made.
- Every transaction that relies on the tables holds ACCESS SHARE on `voc.schema_version`, whose row
  it reads anyway (`connection.require_tables`). A migration takes it alone.
- Every batch moves its positions, so it holds ROW EXCLUSIVE on `voc.stream_position`. `rebuild`
  keeps batches out with a lock of that table.
- Every batch ends with a lock of `voc.profile_change` (`profiles/profile_changes.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voc_stream.postgres.session.cursor import Cursor


class Lock(StrEnum):
    """What at most one transaction does at a time: a row of `voc.lock`, which `init` makes."""

    HISTORIES = "histories"
    SITES = "sites"
    DETAILS = "details"
    ASSESSMENT = "assessment"
    EVALUATION = "evaluation"
    OUTBOX = "outbox"
    RETRACTIONS = "retractions"
    TEXTS = "texts"
    IMPORTANCE = "importance"
    CHURN_MODEL = "churn_model"
    WALKS = "walks"


def try_lock(cursor: Cursor, lock: Lock) -> bool:
    """Take the lock until the end of the transaction; False if another transaction has it."""
    cursor.execute("SELECT FROM lock WHERE name = %s FOR UPDATE SKIP LOCKED", (lock,))
    return cursor.rowcount == 1


def wait_for_lock(cursor: Cursor, *locks: Lock) -> None:
    """Take the locks until the end of the transaction, each as soon as it is free."""
    cursor.execute("SELECT FROM lock WHERE name = ANY(%s) ORDER BY name FOR UPDATE", (list(locks),))


def keep_batches_out(cursor: Cursor) -> None:
    """Keep batches out until the end of the transaction; those under way have ended.

    Readers are not held up.
    """
    cursor.execute("LOCK TABLE stream_position IN SHARE ROW EXCLUSIVE MODE")


def wait_as_a_batch_does(cursor: Cursor) -> None:
    """Hold the lock that every batch holds: this waits while batches are kept out."""
    cursor.execute("LOCK TABLE stream_position IN ROW EXCLUSIVE MODE")
