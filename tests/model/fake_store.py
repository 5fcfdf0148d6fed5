"""A PostgreSQL in memory, as the sink sees it.

One committed state after another, of which a crash may take the last ones away.

It keeps the promises of transactions: a position is locked from its claim on, everything appears at
once, and ids are unique.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model.fake_transaction import ENTITY_KEYS, Transaction
from model.stepped_loop import StillWaitsError

from voc_stream.events.decode import decode
from voc_stream.pipeline.ports import (
    DecodedMessage,
    FencedError,
    Partition,
    StoredPosition,
    StoreUnavailableError,
)
from voc_stream.postgres.intake.versioned_rows import EntityStore

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.ports import Batch, BatchResult, Message
    from voc_stream.pipeline.refusal_limit import RefusalRecord

Row = dict[str, Any]
Sums = Counter[tuple[Any, ...]]


@dataclass
class Tables:
    """What has been committed."""

    positions: dict[Partition, StoredPosition] = field(default_factory=dict)
    events: dict[str, bytes] = field(default_factory=dict)
    dead_letters: set[tuple[str, Partition, int]] = field(default_factory=set)
    rows: dict[str, dict[str, Row]] = field(
        default_factory=lambda: {table: {} for table in ENTITY_KEYS}
    )
    sums: Sums = field(default_factory=Counter)
    moves: set[str] = field(default_factory=set)
    profile_changes: list[str] = field(default_factory=list)

    def copied(self) -> Tables:
        """For the next transaction; what is in the collections is never changed in place."""
        return Tables(
            dict(self.positions),
            dict(self.events),
            set(self.dead_letters),
            {name: dict(rows) for name, rows in self.rows.items()},
            self.sums.copy(),
            set(self.moves),
            list(self.profile_changes),
        )


class FakeStore:
    """The server.

    Attributes:
        tables: what readers see.
        highest: the greatest position that was ever committed, whatever a crash took away.
        moved_back: positions that a batch moved back, which must not happen.
        went_back: partitions whose position a crash or another log moved back.
        orphans: transactions whose client is gone; they end when the test says.
        answers: whether it can be reached.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.tables = Tables()
        self.highest: dict[Partition, int] = {}
        self.moved_back: list[tuple[Partition, int, int]] = []
        self.went_back: set[Partition] = set()
        self.locks: dict[Partition, Transaction] = {}
        self.orphans: list[Transaction] = []
        self.answers = True
        self.epoch = 0
        self._durable = self.tables
        self._committed_since: list[Tables] = []

    def commit(self, tables: Tables) -> None:
        """Make a new state visible; it is durable only with the next `flush`."""
        for partition, position in tables.positions.items():
            if position.next_offset < self.tables.positions.get(partition, position).next_offset:
                self.went_back.add(partition)
            self.highest[partition] = max(position.next_offset, self.highest.get(partition, 0))
        self.tables = tables
        self._committed_since.append(tables)

    def move(self, working: Tables, offsets: Mapping[Partition, int]) -> None:
        """Commit with the positions after batches."""
        for partition, next_offset in offsets.items():
            earlier = self.tables.positions[partition]
            if next_offset <= earlier.next_offset:
                self.moved_back.append((partition, earlier.next_offset, next_offset))
            working.positions[partition] = earlier._replace(next_offset=next_offset)
        self.commit(working)

    def flush(self) -> None:
        """Make durable what is committed."""
        self._durable, self._committed_since = self.tables, []

    def crash(self, kept: int) -> None:
        """Lose all but the first `kept` of the commits that were not durable.

        All transactions and all connections are lost, too.
        """
        surviving = ([self._durable, *self._committed_since])[: kept + 1][-1]
        self.went_back |= {
            each
            for each, position in self.tables.positions.items()
            if surviving.positions.get(each) != position
        }
        self.tables = surviving
        self.locks.clear()
        self.orphans.clear()
        self.epoch += 1
        self.flush()


class FakeSink:
    """One worker's connection: a BatchSink.

    What a failed transaction touched leaves its cache, as in `PostgresSink._transaction`.
    """

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._entities = EntityStore()
        self._epoch = store.epoch
        self._open: Transaction | None = None
        self.twins: list[FakeSink] = []

    def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, StoredPosition]:
        """The stored positions of those partitions that have one."""
        self._reach()
        return {
            each: self._store.tables.positions[each]
            for each in partitions
            if each in self._store.tables.positions
        }

    def start_at(
        self, partition: Partition, position: StoredPosition, replacing: StoredPosition | None
    ) -> None:
        """Put `position` in the place of the stored one."""
        self._reach()
        if partition in self._store.locks:
            raise StillWaitsError
        if self._store.tables.positions.get(partition) != replacing:
            raise FencedError([partition])
        working = self._store.tables.copied()
        working.positions[partition] = position
        self._store.commit(working)

    def decode(self, messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:
        """Read what the messages say."""
        return [
            DecodedMessage(offset, value, decode(value, now, self._store.catalogue))
            for offset, value in messages
        ]

    def begin(self, batches: Sequence[Batch], now: datetime) -> None:
        """Run the first half of `process`, which then runs the second one. Raises as it does."""
        self._reach()
        transaction = Transaction(self._store, self._entities, batches, now)
        try:
            transaction.begin()
        except FencedError:
            self._entities.forget()
            raise
        self._open = transaction

    def refusals(self, partitions: Collection[Partition]) -> Mapping[Partition, RefusalRecord]:  # noqa: ARG002  the port's signature
        """None: the model's messages are too few for a limit."""
        return {}

    def probe(self) -> None:
        """Whether it can be reached."""
        if not self._store.answers:
            raise StoreUnavailableError("no connection can be made")

    def twin(self) -> FakeSink:
        """Another connection of the same worker."""
        self.twins.append(FakeSink(self._store))
        return self.twins[-1]

    def close(self) -> None:
        """The connection ends, in order."""

    def process(
        self,
        batches: Sequence[Batch],
        now: datetime,
        seconds: float | None = None,  # noqa: ARG002  the port's signature
    ) -> Sequence[BatchResult]:
        """Take in batches, all or nothing."""
        self._reach()
        if self._open is None:
            self.begin(batches, now)
        assert self._open is not None
        transaction, self._open = self._open, None
        results = transaction.commit()
        self._entities.keep()
        return results

    def cut_off(self, *, orphaned: bool = True) -> None:
        """Lose the connection.

        A transaction that is open then ends at once, or later and by itself, one way or the other.
        """
        for twin in self.twins:
            twin.cut_off(orphaned=orphaned)
        self._entities.forget()
        transaction, self._open = self._open, None
        if transaction is None or self._epoch != self._store.epoch:
            return
        if orphaned:
            transaction.leave_alone()
            self._store.orphans.append(transaction)
        else:
            transaction.roll_back()

    def _reach(self) -> None:
        if not self._store.answers or self._epoch != self._store.epoch:
            self.cut_off()
            self._epoch = self._store.epoch
            raise StoreUnavailableError("the connection was closed")
