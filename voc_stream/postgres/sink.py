"""The transaction of a batch: claim the position, insert unseen events, load, fold, save.

All of it commits together or not at all. A data error isolates the guilty message by halving the batch; a row that another worker
changed meanwhile makes the batch start again; a connection error is the caller's to retry.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.errors import UniqueViolation

from voc_stream.events.decode import Refusal, decode
from voc_stream.ports import BatchResult, FencedError, Partition, StoredPosition, StoreUnavailableError
from voc_stream.postgres.ahead import Ahead
from voc_stream.postgres.connection import (
    DEADLINE_SECONDS,
    check_out,
    driver_connection,
    engine_for,
    guarded,
    is_about_data,
    require_tables,
)
from voc_stream.postgres.entities import ChangedMeanwhileError, EntityStore
from voc_stream.postgres.facts import Fact, FactTable
from voc_stream.postgres.folding import Folding
from voc_stream.postgres.staging import create_staging_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    import sqlalchemy
    from psycopg2.extensions import connection as Connection  # noqa: N812  psycopg2 names its class in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812  likewise

    from voc_stream.catalogue import Catalogue
    from voc_stream.events.types import AnyEvent
    from voc_stream.ports import Batch

# Writers hold it shared; whoever replaces whole tables (rebuild) holds it alone.
WRITERS_LOCK = 7_602_001
ATTEMPTS_ON_CONFLICT = 20


class PostgresSink:
    """Batches made durable. One connection, kept; not for two threads at once."""

    def __init__(self, database_url: str, catalogue: Catalogue, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._engine = engine_for(database_url)
        self._deadline_seconds = deadline_seconds
        self._catalogue = catalogue
        self._connection: sqlalchemy.PoolProxiedConnection | None = None
        self._entities = EntityStore()
        self._facts = FactTable()
        self._ahead = Ahead()

    def close(self) -> None:
        """Give the connection back."""
        self._forget_connection()
        self._engine.dispose()
        self._ahead.close()

    def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, StoredPosition]:
        """The stored positions of those partitions that have one."""
        with self._transaction() as cursor:
            cursor.execute("SELECT topic, partition, topic_id, next_offset FROM stream_position")
            stored = {Partition(topic, number): StoredPosition(topic_id, offset) for topic, number, topic_id, offset in cursor}
        return {partition: stored[partition] for partition in partitions if partition in stored}

    def start_at(self, partition: Partition, position: StoredPosition) -> None:
        """Make `position` the stored one: first sight of a partition, or another log."""
        with self._transaction() as cursor:
            cursor.execute(
                "INSERT INTO stream_position (topic, partition, topic_id, next_offset) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (topic, partition) DO UPDATE SET topic_id = excluded.topic_id, next_offset = excluded.next_offset,"
                " updated_at = now()",
                (*partition, *position),
            )

    def process(self, batch: Batch, now: datetime) -> BatchResult:
        """Decode, fold and save one batch in one transaction, or in several where the data of one message is refused by PostgreSQL."""
        decoded = [(message.offset, message.value, decode(message.value, now, self._catalogue)) for message in batch.messages]
        return self._process(batch.partition, batch.expected_offset, decoded, now)

    def pass_over(self, partition: Partition, expected_offset: int, next_offset: int) -> None:
        """Move the position over offsets that hold nothing to read, such as the markers of transactions."""
        with self._transaction() as cursor:
            _claim(cursor, partition, expected_offset, next_offset, None)

    def _process(self, partition: Partition, expected: int, decoded: Sequence[Decoded], now: datetime) -> BatchResult:
        try:
            return self._until_unchanged(partition, expected, decoded, now)
        except psycopg2.Error as error:
            if not is_about_data(error):
                raise
            if len(decoded) == 1:
                offset, value, _ = decoded[0]
                refusal = Refusal("storage", f"PostgreSQL refused it: {str(error).strip().splitlines()[0]}")
                return self._until_unchanged(partition, expected, [(offset, value, refusal)], now)
        middle = len(decoded) // 2
        first = self._process(partition, expected, decoded[:middle], now)
        second = self._process(partition, first.next_offset, decoded[middle:], now)
        return BatchResult(
            first.accepted + second.accepted,
            first.duplicate + second.duplicate,
            first.rejected + second.rejected,
            second.next_offset,
            max(filter(None, (first.latest_event_time, second.latest_event_time)), default=None),
        )

    def _until_unchanged(self, partition: Partition, expected: int, decoded: Sequence[Decoded], now: datetime) -> BatchResult:
        for _ in range(ATTEMPTS_ON_CONFLICT):
            try:
                with self._transaction() as cursor:
                    return self._write(cursor, partition, expected, decoded, now)
            except ChangedMeanwhileError:
                continue
        raise StoreUnavailableError(f"rows of {partition.topic}[{partition.number}] kept changing under {ATTEMPTS_ON_CONFLICT} attempts")

    def _write(self, cursor: Cursor, partition: Partition, expected: int, decoded: Sequence[Decoded], now: datetime) -> BatchResult:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))
        facts: dict[str, Fact] = {}
        refusals = []
        for offset, value, result in decoded:
            if isinstance(result, Refusal):
                refusals.append((offset, value, result))
            elif value is not None:
                facts.setdefault(result.event_id, Fact(result, value, offset))
        next_offset = decoded[-1][0] + 1
        event_time = max([fact.event.occurred_at for fact in facts.values()], default=None)
        topic_id = _claim(cursor, partition, expected, next_offset, event_time)
        # Sorted, so that two workers that insert the same ids wait for each other instead of deadlocking.
        accepted = self._accept(cursor, partition, [facts[event_id] for event_id in sorted(facts)], now) if facts else 0
        if refusals:
            insert_dead_letters(cursor, topic_id, partition, refusals, now)
        return BatchResult(accepted, len(decoded) - len(refusals) - accepted, len(refusals), next_offset, event_time)

    def _accept(self, cursor: Cursor, partition: Partition, facts: Sequence[Fact], now: datetime) -> int:
        """Insert and fold the events that are new; how many."""
        data = self._facts.format(partition, facts)
        if not self._facts.expects_repetition:
            if self._accept_all(cursor, data, [fact.event for fact in facts], now):
                return len(facts)
            self._entities.forget()
        inserted = self._facts.insert_unseen(cursor, data, len(facts))
        unseen = [fact.event for fact in facts if fact.event.event_id in inserted]
        if unseen:
            folding = Folding(cursor, self._entities, self._catalogue, unseen, now)
            folding.load()
            folding.apply()
            folding.save(self._ahead)
        return len(unseen)

    def _accept_all(self, cursor: Cursor, data: bytes, events: Sequence[AnyEvent], now: datetime) -> bool:
        """Fold the events while they are inserted, as if all were new; False where one was not, and the states at hand are spoilt."""
        folding = Folding(cursor, self._entities, self._catalogue, events, now)
        folding.load()
        cursor.execute("SAVEPOINT facts")
        self._ahead.run(partial(self._facts.copy, cursor, data))
        folding.apply()
        try:
            self._ahead.wait()
        except UniqueViolation:
            cursor.execute("ROLLBACK TO SAVEPOINT facts")
            return False
        folding.save(self._ahead)
        return True

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        connection = self._connect()
        try:
            with guarded(connection, self._deadline_seconds), connection.cursor() as cursor:
                try:
                    yield cursor
                finally:
                    self._ahead.abandon()  # within the deadline: what is under way may hang
                connection.commit()
        except BaseException as error:
            # What a failed transaction touched may differ from what is stored.
            self._entities.forget()
            self._roll_back(connection, error)
            raise
        self._entities.keep()

    def _roll_back(self, connection: Connection, error: BaseException) -> None:
        if isinstance(error, StoreUnavailableError):
            self._forget_connection()
            return
        try:
            with guarded(connection, self._deadline_seconds):
                connection.rollback()
        except StoreUnavailableError:
            self._forget_connection()

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = check_out(self._engine)
            try:
                with self._transaction() as cursor:
                    require_tables(cursor)
                    create_staging_tables(cursor)
            except BaseException:
                self._forget_connection()  # one without them would fail for ever
                raise
        return driver_connection(self._connection)

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None


Decoded = tuple[int, "bytes | None", "AnyEvent | Refusal"]


def _claim(cursor: Cursor, partition: Partition, expected: int, next_offset: int, event_time: datetime | None) -> str:
    """Move the position by compare-and-swap; the log's id. This fences a worker that lost its partition."""
    cursor.execute(
        "UPDATE stream_position SET next_offset = %s, event_time = greatest(event_time, %s), updated_at = now()"
        " WHERE topic = %s AND partition = %s AND next_offset = %s RETURNING topic_id",
        (next_offset, event_time, *partition, expected),
    )
    row = cursor.fetchone()
    if row is None:
        raise FencedError(f"the position of {partition.topic}[{partition.number}] is no longer {expected}")
    return str(row[0])


def insert_dead_letters(
    cursor: Cursor, topic_id: str, partition: Partition, refusals: Sequence[tuple[int, bytes | None, Refusal]], now: datetime
) -> None:
    """Write refused messages, whole; one that stands there already (the log is read again) stays as it is."""
    for offset, value, refusal in refusals:
        cursor.execute(
            'INSERT INTO dead_letter (topic_id, topic, partition, "offset", reason, detail, payload, received_at)'
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (topic_id, *partition, offset, refusal.reason, refusal.detail, None if value is None else psycopg2.Binary(value), now),
        )
