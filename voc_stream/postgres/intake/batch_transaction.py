"""Runs the steps of `pipeline/take_in.py` in one transaction.

All of it commits together or not at all. If PostgreSQL refuses the data, the batch is halved until
the guilty message stands alone. If another worker changed a row meanwhile, the batch starts again.
A connection error is raised, and the caller tries again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2

from voc_stream.events.refusal import Refusal
from voc_stream.pipeline.ports import (
    Batch,
    BatchResult,
    Partition,
    StoredPosition,
    StoreUnavailableError,
)
from voc_stream.pipeline.refusal_limit import RefusalLimit
from voc_stream.pipeline.take_in import take_in
from voc_stream.postgres.intake.accept import BatchSteps, Intake
from voc_stream.postgres.intake.stream_position import read_positions, read_records, start_at
from voc_stream.postgres.intake.versioned_rows import ATTEMPTS_ON_CONFLICT, ChangedMeanwhileError
from voc_stream.postgres.schema.installation import require_catalogue
from voc_stream.postgres.schema.probe import probe
from voc_stream.postgres.session.connection import (
    DEADLINE_SECONDS,
    check_out,
    driver_connection,
    engine_for,
    guarded,
    is_about_data,
    require_tables,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    import sqlalchemy

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.refusal_limit import RefusalRecord
    from voc_stream.postgres.session.cursor import Connection, Cursor

# The share of a transaction's time that a statement may take, or wait for a lock. Then the server
# says which of the two it was.
STATEMENT_SHARE = 0.8
LOCK_SHARE = 0.3
NO_LIMIT = RefusalLimit(0, 0)


class PostgresSink:
    """Makes batches durable on one connection, which is kept; not for two threads at once."""

    def __init__(
        self,
        database_url: str,
        catalogue: Catalogue,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        limit: RefusalLimit = NO_LIMIT,
    ) -> None:
        self._limit = limit
        self._database_url = database_url
        self._engine = engine_for(database_url)
        self._deadline_seconds = deadline_seconds
        self._catalogue = catalogue
        self._connection: sqlalchemy.PoolProxiedConnection | None = None
        self._intake = Intake(catalogue, limit)

    def close(self) -> None:
        """Give the connection back."""
        self._forget_connection()
        self._engine.dispose()
        self._intake.close()

    def probe(self) -> None:
        """Find out on a connection of its own whether PostgreSQL is well.

        Raises StoreUnavailableError with the cause if it is not.
        """
        probe(self._database_url, catalogue=self._catalogue)

    def twin(self) -> PostgresSink:
        """Another sink on the same database, for another thread."""
        return PostgresSink(
            self._database_url,
            self._catalogue,
            deadline_seconds=self._deadline_seconds,
            limit=self._limit,
        )

    def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, StoredPosition]:
        """The stored positions of those partitions that have a position."""
        with self._transaction() as cursor:
            stored = read_positions(cursor)
        return {partition: stored[partition] for partition in partitions if partition in stored}

    def start_at(
        self, partition: Partition, position: StoredPosition, replacing: StoredPosition | None
    ) -> None:
        """Put `position` in the place of the stored one, which is `replacing`.

        `replacing` is None if there is no stored position yet.
        """
        with self._transaction() as cursor:
            start_at(cursor, partition, position, replacing)

    def refusals(self, partitions: Collection[Partition]) -> Mapping[Partition, RefusalRecord]:
        """How much the partitions have refused of late, for partitions that have a position."""
        with self._transaction() as cursor:
            records = read_records(cursor)
        return {partition: records[partition] for partition in partitions if partition in records}

    def process(
        self, batches: Sequence[Batch], now: datetime, seconds: float | None = None
    ) -> Sequence[BatchResult]:
        """Fold and save batches in one transaction.

        If PostgreSQL refuses the data of a message, there are several transactions.
        """
        try:
            return self._until_unchanged(batches, now, seconds)
        except psycopg2.Error as error:
            if not is_about_data(error):
                raise
            if sum(len(batch.messages) for batch in batches) <= 1:
                refusal = Refusal(
                    "storage", f"PostgreSQL refused it: {str(error).strip().splitlines()[0]}"
                )
                return self._until_unchanged(
                    [_refused(batch, refusal) for batch in batches], now, seconds
                )
        if len(batches) > 1:
            middle = len(batches) // 2
            return [
                *self.process(batches[:middle], now, seconds),
                *self.process(batches[middle:], now, seconds),
            ]
        first_half = batches[0].first(len(batches[0].messages) // 2)
        (first,) = self.process([first_half], now, seconds)
        (second,) = self.process([batches[0].after(first_half)], now, seconds)
        return [
            BatchResult(
                first.accepted + second.accepted,
                first.duplicate + second.duplicate,
                first.rejected + second.rejected,
                second.next_offset,
                max(
                    filter(None, (first.latest_event_time, second.latest_event_time)), default=None
                ),
                first.conflicting + second.conflicting,
                first.retracted + second.retracted,
                second.refusals,
            )
        ]

    def _until_unchanged(
        self, batches: Sequence[Batch], now: datetime, seconds: float | None
    ) -> Sequence[BatchResult]:
        for _ in range(ATTEMPTS_ON_CONFLICT):
            try:
                with self._transaction(seconds) as cursor:
                    if (
                        most := self._deadline_seconds if seconds is None else seconds
                    ) < DEADLINE_SECONDS:
                        _limit(cursor, most)
                    require_tables(cursor)
                    require_catalogue(cursor, self._catalogue)
                    return take_in(BatchSteps(cursor, self._intake, batches, now))
            except ChangedMeanwhileError:
                continue
        raise StoreUnavailableError(f"rows kept changing under {ATTEMPTS_ON_CONFLICT} attempts")

    @contextmanager
    def _transaction(self, seconds: float | None = None) -> Iterator[Cursor]:
        connection = self._connect()
        try:
            with (
                guarded(connection, self._deadline_seconds if seconds is None else seconds),
                connection.cursor() as cursor,
            ):
                try:
                    yield cursor
                finally:
                    self._intake.abandon()  # within the deadline: what is under way may hang
                connection.commit()
        except BaseException as error:
            # What a failed transaction touched may differ from what is stored.
            if isinstance(error, ChangedMeanwhileError):
                self._intake.entities.forget_touched()
            else:
                self._intake.entities.forget()
            self._roll_back(connection, error)
            raise
        self._intake.entities.keep()

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
            except BaseException:
                self._forget_connection()  # the next call looks for the tables again
                raise
        return driver_connection(self._connection)

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None


def _limit(cursor: Cursor, seconds: float) -> None:
    """Let the server give up before the client does, until the end of the transaction.

    What the client cuts off keeps its locks for a while.
    """
    for name, share in (("statement_timeout", STATEMENT_SHARE), ("lock_timeout", LOCK_SHARE)):
        cursor.execute(
            "SELECT set_config(%s, %s, true)", (name, f"{max(1, round(1000 * share * seconds))}ms")
        )


def _refused(batch: Batch, refusal: Refusal) -> Batch:
    """The same messages, all refused."""
    return batch._replace(
        messages=[message._replace(content=refusal) for message in batch.messages]
    )
