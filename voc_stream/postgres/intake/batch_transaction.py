"""The transaction of batches: claim their positions, insert unseen events, load, fold, save.

All of it commits together or not at all. A data error isolates the guilty message by halving the batch; a row that another worker
changed meanwhile makes the batch start again; a connection error is the caller's to retry.
"""

from __future__ import annotations

from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING

import psycopg2

from voc_stream.domain.moment import moment_of
from voc_stream.events.decode import Refusal, decode
from voc_stream.pipeline.ports import (
    Batch,
    BatchResult,
    DecodedMessage,
    FencedError,
    Partition,
    RefusalLimitError,
    StoredPosition,
    StoreUnavailableError,
)
from voc_stream.pipeline.refusal_limit import RefusalLimit, RefusalRecord
from voc_stream.postgres.intake.accept import Intake, facts_of
from voc_stream.postgres.intake.dead_letters import insert_dead_letters
from voc_stream.postgres.intake.event_log import Place
from voc_stream.postgres.intake.refusal_records import COLUMNS, read_records, write_records
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
from voc_stream.postgres.session.locks import keep_batches_out
from voc_stream.postgres.session.staging import create_staging_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    import sqlalchemy

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.ports import Message
    from voc_stream.postgres.session.cursor import Connection, Cursor

# Of the time that a transaction may take: so long a statement may take, or wait for a lock. Then the server says which it was.
STATEMENT_SHARE = 0.8
LOCK_SHARE = 0.3
NO_LIMIT = RefusalLimit(0, 0)


class PostgresSink:
    """Batches made durable. One connection, kept; but for `decode`, not for two threads at once."""

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
        self._intake = Intake(catalogue)

    def close(self) -> None:
        """Give the connection back."""
        self._forget_connection()
        self._engine.dispose()
        self._intake.close()

    def probe(self) -> None:
        """Find out on a connection of its own whether PostgreSQL is well. Raises StoreUnavailableError with the cause where it is not."""
        probe(self._database_url, catalogue=self._catalogue)

    def twin(self) -> PostgresSink:
        """Another one on the same database, for another thread."""
        return PostgresSink(
            self._database_url,
            self._catalogue,
            deadline_seconds=self._deadline_seconds,
            limit=self._limit,
        )

    def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, StoredPosition]:
        """The stored positions of those partitions that have one."""
        with self._transaction() as cursor:
            cursor.execute("SELECT topic, partition, topic_id, next_offset FROM stream_position")
            stored = {
                Partition(topic, number): StoredPosition(topic_id, offset)
                for topic, number, topic_id, offset in cursor
            }
        return {partition: stored[partition] for partition in partitions if partition in stored}

    def start_at(
        self, partition: Partition, position: StoredPosition, replacing: StoredPosition | None
    ) -> None:
        """Put `position` in the place of the stored one; None where there is none yet."""
        with self._transaction() as cursor:
            if replacing is None:
                cursor.execute(
                    "INSERT INTO stream_position (topic, partition, topic_id, next_offset) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (*partition, *position),
                )
            else:
                cursor.execute(
                    "UPDATE stream_position SET topic_id = %s, next_offset = %s, updated_at = now(),"
                    " refused_run = 0, recent_messages = 0, recent_refused = 0, refusals_allowed = 0"
                    " WHERE topic = %s AND partition = %s AND topic_id = %s AND next_offset = %s",
                    (*position, *partition, *replacing),
                )
            if cursor.rowcount != 1:
                raise FencedError([partition])

    def refusals(self, partitions: Collection[Partition]) -> Mapping[Partition, RefusalRecord]:
        """What those of the partitions that have a position have refused of late."""
        with self._transaction() as cursor:
            records = read_records(cursor)
        return {partition: records[partition] for partition in partitions if partition in records}

    def decode(self, messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:
        """Read what the messages say."""
        return [
            DecodedMessage(offset, value, decode(value, now, self._catalogue))
            for offset, value in messages
        ]

    def process(
        self, batches: Sequence[Batch], now: datetime, seconds: float | None = None
    ) -> Sequence[BatchResult]:
        """Fold and save batches in one transaction, or in several where the data of one message is refused by PostgreSQL."""
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
    ) -> list[BatchResult]:
        for _ in range(ATTEMPTS_ON_CONFLICT):
            try:
                with self._transaction(seconds) as cursor:
                    if (
                        most := self._deadline_seconds if seconds is None else seconds
                    ) < DEADLINE_SECONDS:
                        _limit(cursor, most)
                    return self._write(cursor, batches, now)
            except ChangedMeanwhileError:
                continue
        raise StoreUnavailableError(f"rows kept changing under {ATTEMPTS_ON_CONFLICT} attempts")

    def _write(self, cursor: Cursor, batches: Sequence[Batch], now: datetime) -> list[BatchResult]:
        require_tables(cursor)
        require_catalogue(cursor, self._catalogue)
        facts, retractions = facts_of(batches)
        if retractions:
            # What was taken in before is then committed and will be found; whatever comes after sees the ids.
            keep_batches_out(cursor)
        event_times = [_latest_event_time(batch) for batch in batches]
        before = _claim(cursor, batches, event_times)
        judged = self._intake.take_in(cursor, facts, retractions, now)
        results, records = [], dict(before)
        for batch, event_time in zip(batches, event_times, strict=True):
            refusals = [
                (offset, value, content)
                for offset, value, content in batch.messages
                if isinstance(content, Refusal)
            ]
            conflicting = _of_partition(judged.conflicts, batch) if judged.conflicts else []
            letters = sorted([*refusals, *conflicting], key=itemgetter(0))
            records[batch.partition] = self._record(batch, before[batch.partition], letters)
            if letters:
                insert_dead_letters(cursor, batch.expected.topic_id, batch.partition, letters, now)
            accepted, retracted = (
                judged.accepted[batch.partition],
                judged.retracted[batch.partition],
            )
            duplicate = (
                len(batch.messages) - len(refusals) - len(conflicting) - retracted - accepted
            )
            counts = (
                accepted,
                duplicate,
                len(refusals),
                batch.next_offset,
                event_time,
                len(conflicting),
                retracted,
            )
            results.append(BatchResult(*counts, records[batch.partition]))
        if changed := {
            partition: record
            for partition, record in records.items()
            if record != before[partition]
        }:
            write_records(cursor, changed)
        return results

    def _record(
        self,
        batch: Batch,
        before: RefusalRecord,
        letters: Sequence[tuple[int, bytes | None, Refusal]],
    ) -> RefusalRecord:
        """What the partition has refused once a batch is taken in. Raises RefusalLimitError where that is too much."""
        refused = {offset: refusal for offset, _, refusal in letters}
        contents = [refused.get(message.offset) for message in batch.messages]
        admitted = self._limit.admits(before, contents)
        if admitted < len(contents):
            offset = batch.messages[admitted].offset
            raise RefusalLimitError(
                batch.partition, offset, refused[offset], before.after(contents[:admitted])
            )
        return before.after(contents)

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
                    create_staging_tables(cursor)
            except BaseException:
                self._forget_connection()  # one without them would fail for ever
                raise
        return driver_connection(self._connection)

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None


def _limit(cursor: Cursor, seconds: float) -> None:
    """Let the server give up before the client does, until the end of the transaction: what is cut off keeps its locks for a while."""
    for name, share in (("statement_timeout", STATEMENT_SHARE), ("lock_timeout", LOCK_SHARE)):
        cursor.execute(
            "SELECT set_config(%s, %s, true)", (name, f"{max(1, round(1000 * share * seconds))}ms")
        )


def _latest_event_time(batch: Batch) -> datetime | None:
    """When the latest of its events occurred, in UTC; None where there is none."""
    return max(
        [
            moment_of(content)
            for _, _, content in batch.messages
            if not isinstance(content, Refusal)
        ],
        default=None,
    )


def _of_partition(
    conflicts: Mapping[Place, Refusal], batch: Batch
) -> list[tuple[int, bytes | None, Refusal]]:
    """The messages of a batch that are conflicts."""
    found = [
        (offset, value, conflicts.get(Place(batch.partition, offset)))
        for offset, value, _ in batch.messages
    ]
    return [(offset, value, refusal) for offset, value, refusal in found if refusal is not None]


def _refused(batch: Batch, refusal: Refusal) -> Batch:
    """The same messages, all refused."""
    return batch._replace(
        messages=[message._replace(content=refusal) for message in batch.messages]
    )


def _claim(
    cursor: Cursor, batches: Sequence[Batch], event_times: Sequence[datetime | None]
) -> Mapping[Partition, RefusalRecord]:
    """Move the positions by compare-and-swap; what the partitions had refused until then.

    This fences a worker that lost its partitions, or read another log.
    """
    cursor.execute(
        "UPDATE stream_position p SET next_offset = c.next_offset, event_time = greatest(p.event_time, c.event_time), updated_at = now()"
        " FROM unnest(%s::text[], %s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[])"
        " AS c(topic, partition, topic_id, expected_offset, next_offset, event_time)"
        " WHERE p.topic = c.topic AND p.partition = c.partition AND p.topic_id = c.topic_id AND p.next_offset = c.expected_offset"
        f" RETURNING p.topic, p.partition, {COLUMNS}",
        (
            [batch.partition.topic for batch in batches],
            [batch.partition.number for batch in batches],
            [batch.expected.topic_id for batch in batches],
            [batch.expected.next_offset for batch in batches],
            [batch.next_offset for batch in batches],
            list(event_times),
        ),
    )
    records = {
        Partition(topic, number): RefusalRecord(*counters) for topic, number, *counters in cursor
    }
    fenced = {batch.partition for batch in batches} - records.keys()
    if fenced:
        raise FencedError(fenced)
    return records
