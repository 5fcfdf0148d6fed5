"""Lets batches count under profiles without locking the customers' rows.

Most events change nothing about their customer, but count under the customer's profile. So that
must not change between the moment when a batch loads it and its commit. Whoever changes a profile,
or deletes a customer, writes so into `voc.profile_change`, numbered in the order of the commits.

- A batch that only reads profiles takes a shared lock of the table as its last step, and asks which
  numbers are new. If its customers are not among them, it commits. If they are, it starts again.
- A batch that changes profiles does the same under a lock that excludes the others. Then it writes.

So of two transactions that meet in a customer, the first to come to the lock comes first. The other
one of them sees it, or is seen as whole by the chore that moves the history afterwards. Nobody
waits for another lock while holding this one, and it is held for the commit only.
While a history is moved, batches do lock its customer's row: the chore counts pieces of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.postgres.session.cursor import Cursor

KEPT = 20_000
"""So many changes are kept. Who has heard of none of them forgets all customers at hand."""
_SHARED = "LOCK TABLE profile_change IN ROW SHARE MODE"
_ALONE = "LOCK TABLE profile_change IN EXCLUSIVE MODE"
_CHANGED = """
SELECT coalesce((SELECT min(number) FROM profile_change), 0),
    coalesce((SELECT max(number) FROM profile_change), 0),
    ARRAY(SELECT customer_id FROM profile_change WHERE number > %s)
"""
_TELL = """
WITH told AS (
    INSERT INTO profile_change (customer_id) SELECT unnest(%s::text[]) RETURNING number)
SELECT max(number) FROM told
"""


class ProfileChanges:
    """How much one connection has heard of changes of profiles."""

    def __init__(self) -> None:
        self._heard: int | None = None

    def forget(self) -> None:
        """Begin anew: no customer is at hand, and the server may have lost commits."""
        self._heard = None

    def hear(self, cursor: Cursor) -> set[str] | None:
        """The customers whose profiles were changed since this was asked last; None for all."""
        return self._changed(cursor, "")

    def hear_last(self, cursor: Cursor, changed: Sequence[str]) -> set[str] | None:
        """The same, and there will be no others until this transaction ends.

        `changed`: the customers whose profiles this transaction is going to `tell`.
        """
        return self._changed(cursor, f"{_ALONE if changed else _SHARED};")

    def tell(self, cursor: Cursor, changed: Sequence[str]) -> None:
        """Tell others of changed profiles, after `hear_last`."""
        if changed:
            self._heard = _tell(cursor, changed)
            cursor.execute("DELETE FROM profile_change WHERE number <= %s", (self._heard - KEPT,))

    def _changed(self, cursor: Cursor, lock: str) -> set[str] | None:
        # The lock is a statement of its own: what follows sees all that was committed before.
        before = self._heard
        cursor.execute(f"{lock}{_CHANGED}", (before or 0,))
        first, last, customer_ids = cursor.fetchone()  # type: ignore[misc]  # without FROM there is one row
        self._heard = max(last, before or 0)
        if before is None:
            return set()
        return None if first > before + 1 or None in customer_ids else set(customer_ids)


def tell_all(cursor: Cursor) -> None:
    """Tell others that the profile of any customer may have changed."""
    cursor.execute(_ALONE)
    _tell(cursor, [None])


def _tell(cursor: Cursor, changed: Sequence[str | None]) -> int:
    cursor.execute(_TELL, (list(changed),))
    (last,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    return int(last)
