"""A transaction of batches in memory.

The product's fold and cache of rows, and in place of SQL the statements that these send.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from model.fake_histories import move_pieces, state_text
from model.stepped_loop import StillWaitsError
from unit.domain.world import found_among, summed

from voc_stream.domain.folding.unread import Unread
from voc_stream.events.decode import Refusal, decode_stored
from voc_stream.events.types import Retraction
from voc_stream.pipeline.ports import BatchResult, FencedError, Partition
from voc_stream.postgres.intake.load_fold_save import Folding
from voc_stream.postgres.intake.versioned_rows import ChangedMeanwhileError, EntityStore
from voc_stream.postgres.schema.tables.complaint import COMPLAINT
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.session.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from model.fake_store import FakeStore, Row, Tables

    from voc_stream.domain.contribution import Contribution
    from voc_stream.events.types import AnyEvent
    from voc_stream.pipeline.ports import Batch
    from voc_stream.postgres.schema.tables.row import EntityRow

ENTITY_KEYS = {
    "customer_state": "customer_id",
    "repair_order": "order_id",
    "complaint": "complaint_id",
}
ENTITY_ROWS: Mapping[str, EntityRow[Any]] = {
    entity.table.name: entity for entity in (CUSTOMER, REPAIR_ORDER, COMPLAINT)
}


class FakeCursor:
    """The statements of `postgres.entities` and `postgres.folding`, on dicts."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._staged: dict[str, list[Row]] = {}
        self._found: list[tuple[Any, ...]] = []

    def execute(self, statement: str, parameters: tuple[list[str]] | None = None) -> None:
        """Read rows by a column, or merge staged rows."""
        if read := re.match(
            r"SELECT (\w+), version, fold_state FROM (\w+) WHERE (\w+) = ANY", statement
        ):
            key, table, column = read.groups()
            entity = ENTITY_ROWS[table]
            values = set((parameters or ([],))[0])
            rows = [row for row in self.tables.rows[table].values() if row[column] in values]
            self._found = [(row[key], row["version"], state_text(entity, row)) for row in rows]
        elif "AS wanted (" in statement:
            self._found = self._earliest(parameters or ())
        elif statement.startswith("INSERT INTO customer_move"):
            self.tables.moves |= set((parameters or ([],))[0])
        elif merge := re.match(r"WITH saved AS \(INSERT INTO (\w+) AS t ", statement):
            checked = (
                "WHERE t.version = excluded.version - 1 RETURNING t.version = 1 OR" in statement
            )
            self._found = [(self._merge(merge[1], checked=checked),)]
        elif hold := re.search(r"LATERAL \(SELECT FROM (\w+) WHERE (\w+) = held.key", statement):
            held = self.tables.rows[hold[1]]
            self._found = [
                (
                    sum(
                        key in held and held[key]["version"] == version
                        for key, version in zip(*(parameters or ((), ())), strict=True)
                    ),
                )
            ]
        elif "INSERT INTO profile_change" in statement:
            self.tables.profile_changes += (parameters or ([],))[0]
            self._found = [(len(self.tables.profile_changes),)]
        elif "FROM profile_change WHERE number > " in statement:
            told = self.tables.profile_changes
            self._found = [
                (min(1, len(told)), len(told), told[int(str((parameters or (0,))[0])) :])
            ]
        elif (
            "INSERT INTO increment" not in statement
            and "CREATE TEMP TABLE" not in statement
            and "DELETE FROM profile_change" not in statement
            and "INSERT INTO walk_pending" not in statement
        ):  # sums are compared as contributions; nobody walks through histories here
            raise AssertionError(f"the double does not know this statement: {statement}")

    def _earliest(self, parameters: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """What follows a moment.

        Of complaints' steps, by id and action, or of orders' contacts, by id.
        """
        *keys, after = parameters
        marks = dict(zip(zip(*keys, strict=True), after, strict=True))
        steps = {(key[0], key[1]): mark for key, mark in marks.items() if len(key) == 2}
        contacts = {key[0]: mark for key, mark in marks.items() if len(key) == 1}
        found = found_among(
            [decode_stored(value, {}) for value in self.tables.events.values()],
            Unread(steps, contacts),
        )
        return [(*key, moment) for key, moment in found.steps.items()] + list(
            found.contacts.items()
        )

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that were read."""
        return self._found

    def fetchone(self) -> tuple[Any, ...]:
        """The only row that was read."""
        (row,) = self._found
        return row

    def copy_expert(self, statement: str, data: Any, size: int = 0) -> None:  # noqa: ARG002  psycopg2's signature
        """Take in rows that will be merged.

        Each is a JSON array without its brackets (see postgres/session/copy_csv.py).
        """
        if " staged_" not in statement:
            return
        found = re.match(r"COPY (\w+) \(([^)]*)\)", statement)
        assert found, statement
        names = found[2].replace('"', "").split(", ")
        rows = [
            dict(zip(names, json.loads(b"[" + line + b"]"), strict=True))
            for line in data.read().splitlines()
        ]
        self._staged[found[1]] = rows

    def _merge(self, table: str, *, checked: bool) -> int:
        stored, key, written = self.tables.rows[table], ENTITY_KEYS[table], 0
        for row in self._staged.pop(f"staged_{table}"):
            earlier = stored.get(row[key])
            if not checked or (0 if earlier is None else earlier["version"]) == row["version"] - 1:
                stored[row[key]] = row
                written += 1
        return written


class _AtOnce(Background):
    """Statements that run when they are handed over.

    After an error none does, as in a failed transaction.
    """

    def __init__(self) -> None:
        self._error: Exception | None = None

    def run(self, statement: Callable[[], None]) -> None:
        if self._error is None:
            try:
                statement()
            except Exception as error:  # noqa: BLE001  raised by `wait`
                self._error = error

    def wait(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error


class Transaction:
    """Batches of different partitions.

    `begin` claims the positions and loads rows, `commit` inserts, folds and saves.
    """

    def __init__(
        self, store: FakeStore, entities: EntityStore, batches: Sequence[Batch], now: datetime
    ) -> None:
        self._store, self._entities, self._batches, self._now = store, entities, batches, now
        self._values: dict[str, bytes] = {}
        self._events: dict[str, AnyEvent] = {}
        self._refused: list[tuple[Partition, int]] = []
        self._sent: list[tuple[Partition, int, str, bytes]] = []
        self._partitions: dict[str, Partition] = {}
        for batch in batches:
            for offset, value, event in batch.messages:
                if isinstance(event, Refusal | Retraction):
                    self._refused.append((batch.partition, offset))
                    continue
                self._sent.append((batch.partition, offset, event.event_id, value or b""))
                if event.event_id not in self._events:
                    self._values[event.event_id], self._events[event.event_id] = value or b"", event
                    self._partitions[event.event_id] = batch.partition

    def begin(self) -> None:
        """Claim the positions, and read what is stored now. Raises StillWaitsError, FencedError."""
        if any(batch.partition in self._store.locks for batch in self._batches):
            raise StillWaitsError
        fenced = [batch.partition for batch in self._batches if not self._continues(batch)]
        if fenced:
            raise FencedError(fenced)
        self._store.locks.update({batch.partition: self for batch in self._batches})
        self._folding = self._loaded(self._store.tables, list(self._events.values()))

    def _continues(self, batch: Batch) -> bool:
        return self._store.tables.positions.get(batch.partition) == batch.expected

    def _loaded(self, tables: Tables, events: Sequence[AnyEvent]) -> Folding:
        self._cursor = FakeCursor(tables)
        folding = Folding(self._cursor, self._entities, self._store.catalogue, events, self._now)  # type: ignore[arg-type]  # all of a cursor that it uses
        folding.load()
        return folding

    def leave_alone(self) -> None:
        """The client is gone.

        What it had loaded goes with it, and the server ends the transaction by itself.
        """
        self._entities = EntityStore()
        self._folding = self._loaded(self._store.tables, list(self._events.values()))

    def roll_back(self) -> None:
        """End it without a trace."""
        self._store.locks = {
            partition: holder
            for partition, holder in self._store.locks.items()
            if holder is not self
        }

    def commit(self) -> list[BatchResult]:
        """Write everything at once, over what is committed by now."""
        self.roll_back()
        working = self._store.tables.copied()
        unseen = [
            event for event_id, event in self._events.items() if event_id not in working.events
        ]
        if len(unseen) < len(self._events):
            self._entities.forget()
            self._folding = self._loaded(working, unseen)
        try:
            self._write(working, unseen)
        except ChangedMeanwhileError:
            self._entities.forget_touched()
            working = self._store.tables.copied()
            self._folding = self._loaded(working, unseen)
            self._write(working, unseen)
        return self._finish(working, unseen)

    def _write(self, working: Tables, unseen: Sequence[AnyEvent]) -> None:
        self._cursor.tables = working
        self._folding.apply()
        working.events.update((event.event_id, self._values[event.event_id]) for event in unseen)
        contributions, contributed = self._folding.fold.contributions, []

        def overheard(*arguments: Any) -> list[Contribution]:
            contributed.extend(contributions(*arguments))
            return contributed

        if unseen:
            self._folding.fold.contributions = overheard  # type: ignore[assignment]  # before they become rows
            self._folding.save(_AtOnce(), Partition("model", 0))
            working.sums.update(summed(contributed))
            working.sums = Counter({key: count for key, count in working.sums.items() if count})
        # So that the next batch meets histories of which a part has been moved.
        move_pieces(working, self._store.catalogue, rows=1)

    def _finish(self, working: Tables, unseen: Sequence[AnyEvent]) -> list[BatchResult]:
        ids = {partition: position.topic_id for partition, position in working.positions.items()}
        working.dead_letters.update(
            (ids[partition], partition, offset) for partition, offset in self._refused
        )
        accepted = Counter(self._partitions[event.event_id] for event in unseen)
        conflicting = [
            (partition, offset)
            for partition, offset, event_id, value in self._sent
            if working.events[event_id] != value
        ]
        working.dead_letters.update(
            (ids[partition], partition, offset) for partition, offset in conflicting
        )
        refused = Counter(partition for partition, _ in self._refused)
        contradicting = Counter(partition for partition, _ in conflicting)
        self._store.move(working, {batch.partition: batch.next_offset for batch in self._batches})
        return [
            BatchResult(
                accepted[each.partition],
                len(each.messages)
                - accepted[each.partition]
                - refused[each.partition]
                - contradicting[each.partition],
                refused[each.partition],
                each.next_offset,
                None,
                contradicting[each.partition],
            )
            for each in self._batches
        ]
