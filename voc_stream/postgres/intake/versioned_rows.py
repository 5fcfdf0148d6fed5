"""Loads and saves orders, complaints and customers as rows with a version.

Rows are loaded by key, folded elsewhere, and saved as absolute values. A row is saved only over the
version that was loaded. If fewer rows changed than were sent, another worker wrote one of them, and
the batch must start again from what is stored now. So it does not matter which worker meets which
customer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from voc_stream.postgres.profiles.profile_changes import ProfileChanges
from voc_stream.postgres.schema.tables.complaint import COMPLAINT
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from voc_stream.postgres.schema.tables.row import EntityRow
    from voc_stream.postgres.session.background import Background
    from voc_stream.postgres.session.cursor import Cursor

State = TypeVar("State")
# Orders under way should fit, not those that are done. This holds some 18,000 orders, and twice as
# many customers.
CACHED_BYTES = 20 * 1024 * 1024
# Few complaints are touched twice within minutes.
CACHED_COMPLAINTS_BYTES = 4 * 1024 * 1024
ATTEMPTS_ON_CONFLICT = 20
"""How often a transaction is tried again because another worker wrote a row of it."""
ROW_BYTES = 230
"""Bytes that a row takes beside its state: two strings, a tuple, its place in the dictionary."""


class ChangedMeanwhileError(Exception):
    """Another worker wrote a row that this batch had loaded."""


class Entity(Generic[State]):
    """The rows of one table, with the states that this worker saved last kept at hand.

    The least recently used states go first. They are kept as they are stored, which takes half the
    memory of the objects, and can be counted.
    """

    def __init__(
        self,
        row: EntityRow[State],
        cached_bytes: int = CACHED_BYTES,
    ) -> None:
        self._row, self._table, columns = row, row.table.name, row.columns
        self._decode, self._key = row.decode, columns[0]
        self._cache: dict[str, tuple[str, int]] = {}  # the least recently used come first
        self._cached_bytes, self._most_cached_bytes = 0, cached_bytes
        self._versions: dict[str, int] = {}
        names = ", ".join(columns)
        changes = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
        # If a row is new but had a version, it was deleted since it was loaded: a retraction left
        # nothing of it. (Only rows that are new have an xmax of 0.)
        self._save = (
            f"WITH saved AS (INSERT INTO {self._table} AS t ({names}) SELECT {names}"
            f" FROM staged_{self._table} ON CONFLICT ({self._key}) DO UPDATE SET {changes}"
            " WHERE t.version = excluded.version - 1"
            " RETURNING t.version = 1 OR t.xmax <> 0 AS is_as_loaded) SELECT count(*) FILTER"
            " (WHERE is_as_loaded) FROM saved"
        )

        # Row by row through the primary key, in the order in which rows are saved.
        self._hold = (
            "SELECT count(*) FROM unnest(%s::text[], %s::int[]) AS held (key, version)"
            f" CROSS JOIN LATERAL (SELECT FROM {self._table} WHERE {self._key} = held.key"
            f" AND version = held.version FOR NO KEY UPDATE) found"
        )

    def load(self, cursor: Cursor, keys: Iterable[str]) -> dict[str, State]:
        """The states of those keys that have a row."""
        found: dict[str, State] = {}
        missing = []
        for key in keys:
            cached = self._cache.get(key)
            if cached is None:
                missing.append(key)
            else:
                state, self._versions[key] = cached
                found[key] = self._decode(state)
        if missing:
            found |= self._read(cursor, missing)
            for key in missing:
                self._versions.setdefault(key, 0)
        return found

    def owned_after(self, cursor: Cursor, after: Mapping[str, str], limit: int) -> dict[str, State]:
        """The states of rows that belong to some customers.

        Of each customer they are the next `limit` after a key, in the order of their keys.
        """
        cursor.execute(
            f"SELECT t.{self._key}, t.version, fold_state"
            " FROM unnest(%s::text[], %s::text[]) AS owner (customer_id, after)"
            f" CROSS JOIN LATERAL (SELECT * FROM {self._table}"
            f" WHERE customer_id = owner.customer_id AND {self._key} > owner.after"
            f" ORDER BY {self._key} LIMIT %s) t",
            (list(after), list(after.values()), limit),
        )
        return self._found(cursor)

    def _read(self, cursor: Cursor, keys: list[str]) -> dict[str, State]:
        cursor.execute(
            f"SELECT {self._key}, version, fold_state FROM {self._table}"
            f" WHERE {self._key} = ANY(%s)",
            (keys,),
        )
        return self._found(cursor, cached=True)

    def _found(self, cursor: Cursor, *, cached: bool = False) -> dict[str, State]:
        found = {}
        for key, version, state in cursor.fetchall():
            found[key] = self._decode(state)
            if cached:  # it may not change, and so not be saved
                self._cache[key] = state, version
                self._cached_bytes += len(state) + ROW_BYTES
            # What was loaded before was folded from its version of then. It is saved over that
            # version, or not at all.
            self._versions.setdefault(key, version)
        return found

    def save(self, cursor: Cursor, states: Mapping[str, State], background: Background) -> None:
        """Write all of these states over the versions that were loaded.

        Waiting for `background` may raise ChangedMeanwhileError.
        """
        if not states:
            return
        # Sorted, so that two workers that write the same rows wait for each other instead of
        # deadlocking; new rows come last, because no `hold` has locked them before. PostgreSQL
        # merges them as they come: to sort rows with their states took it longer.
        versions = {key: self._versions.get(key, 0) + 1 for key in states}
        order = sorted([key for key, version in versions.items() if version > 1])
        order += sorted([key for key, version in versions.items() if version == 1])
        # States are shown in the order in which they lie in memory, which takes a tenth less time.
        rows = {key: self._row.values(state, versions[key]) for key, state in states.items()}
        written = [rows[key] for key in order]
        background.run(partial(self._write, cursor, lines(written), len(states)))
        cache, more = self._cache, 0
        for key, row in rows.items():
            state = self._row.state_of(row)
            before = cache.pop(key, None)
            more += len(state) - len(before[0]) if before else len(state) + ROW_BYTES
            cache[key] = state, versions[key]
        self._cached_bytes += more

    def hold(self, keys: Iterable[str], cursor: Cursor, background: Background) -> None:
        """Make sure that these loaded rows stay as they are until the transaction ends.

        Rows that are still to be saved must be among them: all are locked in one order. Waiting
        for `background` may raise ChangedMeanwhileError.
        """
        held = sorted((key, version) for key in keys if (version := self._versions.get(key, 0)))
        if held:
            background.run(partial(self._lock_as_loaded, cursor, held))

    def _lock_as_loaded(self, cursor: Cursor, held: Sequence[tuple[str, int]]) -> None:
        cursor.execute(self._hold, ([key for key, _ in held], [version for _, version in held]))
        (found,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
        if found != len(held):
            raise ChangedMeanwhileError(self._table)

    def delete(self, cursor: Cursor, keys: Collection[str]) -> None:
        """Delete rows of which nothing is left; the caller holds their locks."""
        cursor.execute(f"DELETE FROM {self._table} WHERE {self._key} = ANY(%s)", (list(keys),))
        for key in keys:
            self._drop(key)

    def lock(self, cursor: Cursor, keys: Iterable[str]) -> None:
        """Lock these rows, so that no other transaction changes them before this one ends."""
        # They are locked in the order in which they are saved.
        cursor.execute(
            f"SELECT FROM {self._table} WHERE {self._key} = ANY(%s) ORDER BY {self._key} FOR"
            " UPDATE",
            (sorted(keys),),
        )

    def _write(self, cursor: Cursor, data: bytes, count: int) -> None:
        stage(cursor, self._table, self._row.columns, data)
        cursor.execute(self._save)
        (saved,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
        if saved != count:
            raise ChangedMeanwhileError(self._table)

    def keep(self) -> None:
        """Keep what the transaction saved: it committed."""
        self._versions.clear()
        surplus, old = self._cached_bytes - self._most_cached_bytes, []
        for key, (state, _) in self._cache.items():
            if surplus <= 0:
                break
            surplus -= len(state) + ROW_BYTES
            old.append(key)
        for key in old:
            self._drop(key)

    def forget(self) -> None:
        """Forget all rows: the transaction failed, and the server may have lost commits.

        That is rare.
        """
        self._versions.clear()
        self._cache.clear()
        self._cached_bytes = 0

    def forget_touched(self) -> None:
        """Forget the rows that the transaction loaded: it met what another had written.

        Others stay.
        """
        for key in self._versions:
            self._drop(key)
        self._versions.clear()

    def forget_some(self, keys: Collection[str] | None) -> bool:
        """Forget these rows, or all.

        Returns whether the transaction has loaded one of them.
        """
        for key in list(self._cache) if keys is None else keys:
            self._drop(key)
        return bool(self._versions) if keys is None else not self._versions.keys().isdisjoint(keys)

    def _drop(self, key: str) -> None:
        cached = self._cache.pop(key, None)
        if cached is not None:
            self._cached_bytes -= len(cached[0]) + ROW_BYTES


class EntityStore:
    """The three kinds of rows that events change."""

    def __init__(self, cached_bytes: int = CACHED_BYTES) -> None:
        self.customers = Entity(CUSTOMER, cached_bytes)
        self.orders = Entity(REPAIR_ORDER, cached_bytes)
        self.complaints = Entity(COMPLAINT, min(cached_bytes, CACHED_COMPLAINTS_BYTES))
        self._profiles = ProfileChanges()

    def hear_of_profiles(self, cursor: Cursor) -> None:
        """Forget the customers whose profiles others have changed, before rows are loaded."""
        self.customers.forget_some(self._profiles.hear(cursor))

    def settle_profiles(self, cursor: Cursor, changed: Sequence[str]) -> None:
        """Make sure that the profiles that were loaded hold until the transaction ends.

        It is the last step of a transaction that might wait for another one. `changed`: the
        customers whose profile it changes. Raises ChangedMeanwhileError.
        """
        if self.customers.forget_some(self._profiles.hear_last(cursor, changed)):
            raise ChangedMeanwhileError(CUSTOMER.table.name)
        self._profiles.tell(cursor, changed)

    def keep(self) -> None:
        """Keep the rows that were saved: the transaction committed."""
        for entity in (self.customers, self.orders, self.complaints):
            entity.keep()

    def forget_touched(self) -> None:
        """Forget the rows that were loaded: another transaction had written rows."""
        for entity in (self.customers, self.orders, self.complaints):
            entity.forget_touched()

    def forget(self) -> None:
        """Forget all rows: the transaction failed."""
        self._profiles.forget()
        for entity in (self.customers, self.orders, self.complaints):
            entity.forget()
