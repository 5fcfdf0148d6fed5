"""Reads what complaints say: counts it, and suggests categories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from voc_stream.postgres.session.locks import Lock, try_lock
from voc_stream.postgres.texts.read_all import read_all, read_pending, suggest_next
from voc_stream.postgres.texts.suggesting import read_classifier
from voc_stream.postgres.texts.terms import judge_terms

if TYPE_CHECKING:
    from voc_stream.postgres.chores.transactions import ChoreTransactions
    from voc_stream.postgres.rolling.queue_vacuum import QueueVacuum
    from voc_stream.postgres.session.cursor import Cursor
    from voc_stream.texts.classifier import Classifier

BUDGET_SECONDS = 1.0
PAUSE = 20.0
"""All texts are read again with what was learned after so many times as long as it took: that
takes at most 5 % of the time."""
SHORTEST_PAUSE_SECONDS = 10.0


class ReadTexts:
    """The chore `read_texts`.

    A classifier is made when the process starts, and again when more has been learned. With it
    the suggestions of all complaints without a stated category are brought up to date, in pieces.
    """

    def __init__(self, transaction: ChoreTransactions, vacuum: QueueVacuum) -> None:
        self._transaction, self._vacuum = transaction, vacuum
        self._classifier: Classifier | None = None
        self._learned = -1
        self._after: str | None = None
        self._took = 0.0
        self._next_at = 0.0

    def __call__(self, *, everything: bool = False) -> int | None:
        """Read complaints that changed, for about a second, then some of the others.

        Returns how many complaints were read that had changed, None if another worker is at it.
        `everything` reads all of them with what was learned until now.
        """
        if everything:
            with self._transaction() as cursor:
                if not try_lock(cursor, Lock.TEXTS):
                    return None
                read_all(cursor, self._transaction.catalogue)
                return 0
        started, read = time.monotonic(), 0
        while time.monotonic() - started < BUDGET_SECONDS:
            with self._transaction() as cursor:
                if not try_lock(cursor, Lock.TEXTS):
                    return None
                found = read_pending(cursor, self._classifier)
                read += found
                if not found and not self._go_on(cursor):
                    break
        if read:
            self._vacuum.make_room("text_pending")
        return read

    def _go_on(self, cursor: Cursor) -> bool:
        """Bring some suggestions up to date; False if there is nothing to do."""
        now = time.monotonic()
        if self._after is None:
            if self._classifier is not None and now < self._next_at:
                return False
            cursor.execute("SELECT coalesce(max(changed), 0) FROM text_clock")
            (learned,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
            if self._classifier is not None and learned == self._learned:
                return False
            self._classifier = read_classifier(cursor, self._transaction.catalogue)
            self._learned, self._after = learned, ""
        elif self._classifier is not None:
            self._after = suggest_next(cursor, self._classifier, self._after)
        if self._after is None:
            judge_terms(cursor)
        self._took += time.monotonic() - now
        if self._after is None:
            self._next_at = time.monotonic() + max(SHORTEST_PAUSE_SECONDS, PAUSE * self._took)
            self._took = 0.0
        return True
