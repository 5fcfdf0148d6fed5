"""voc_stream doing the reduced job.

Its real transport, agent, ledger, worker and decoder, over a sink that writes the job's tables.

Exactly once: the position moves by compare-and-swap in the transaction that writes a batch, and the
primary key of `seen_event` decides what is new. What this process has committed lately is
remembered, so that nearly every batch can be copied straight into that table. If an id was there
all the same, the batch is staged and inserted with ON CONFLICT instead.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from benchmarks.peers.job import TOPICS
from prometheus_client import CollectorRegistry
from psycopg2.errors import UniqueViolation

from voc_stream.catalogue.load import load_catalogue
from voc_stream.cli.running.log_lines import configure_logging
from voc_stream.cli.running.tuning import tune_interpreter
from voc_stream.events.decode import Refusal
from voc_stream.events.types import Callback, Retraction
from voc_stream.events.types.hundredths import hundredths
from voc_stream.kafka.worker.run import run_worker
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.clocks import ClockReading
from voc_stream.pipeline.ports import (
    BatchResult,
    FencedError,
    Membership,
    Partition,
    StoredPosition,
    StoreUnavailableError,
)
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.session.connection import check_out, driver_connection, engine_for, guarded
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import sqlalchemy

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import AnyEvent
    from voc_stream.pipeline.chores import Chore, ShowChores
    from voc_stream.pipeline.ports import Batch, OutboxKind, OutboxMessage
    from voc_stream.pipeline.refusal_limit import RefusalRecord
    from voc_stream.postgres.session.cursor import Cursor

# Of two workers that create it at once, one would fail.
POSITION_TABLE = """
SELECT pg_advisory_xact_lock(1);
CREATE TABLE IF NOT EXISTS position (
    topic text, partition int, topic_id text NOT NULL, next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
"""
STAGING_TABLES = """
CREATE TEMPORARY TABLE staged_event (event_id text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE staged_customer (customer_id text, events bigint) ON COMMIT DELETE ROWS;
"""
REMEMBERED_EVENTS = 100_000


class ReducedSink:
    """A `BatchSink` of the reduced job. One connection, kept."""

    def __init__(self, database_url: str, catalogue: Catalogue) -> None:
        self._database_url = database_url
        self._engine = engine_for(database_url)
        self._catalogue = catalogue
        self._proxied: sqlalchemy.PoolProxiedConnection | None = None
        self._committed: set[str] = set()
        self._committed_before: set[str] = set()

    def close(self) -> None:
        """Give the connection back."""
        self._forget()
        self._engine.dispose()

    def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, StoredPosition]:
        """The stored positions of those partitions that have one."""
        with self._transaction() as cursor:
            cursor.execute("SELECT topic, partition, topic_id, next_offset FROM position")
            stored = {
                Partition(topic, number): StoredPosition(topic_id, offset)
                for topic, number, topic_id, offset in cursor
            }
        return {partition: stored[partition] for partition in partitions if partition in stored}

    def start_at(
        self,
        partition: Partition,
        position: StoredPosition,
        replacing: StoredPosition | None,  # noqa: ARG002  one log a run
    ) -> None:
        """Make `position` the stored one."""
        with self._transaction() as cursor:
            cursor.execute(
                "INSERT INTO position VALUES (%s, %s, %s, %s) ON CONFLICT (topic, partition)"
                " DO UPDATE SET topic_id = excluded.topic_id, next_offset = excluded.next_offset",
                (*partition, *position),
            )

    def refusals(self, partitions: Collection[Partition]) -> Mapping[Partition, RefusalRecord]:  # noqa: ARG002  the port's signature
        """Nothing is ever refused here."""
        return {}

    def probe(self) -> None:
        """Whatever fails is the server: all that is sent here is good."""
        raise StoreUnavailableError("the reduced job judges no message")

    def twin(self) -> ReducedSink:
        """Never asked for, since the server is always to blame."""
        return ReducedSink(self._database_url, self._catalogue)

    def process(
        self,
        batches: Sequence[Batch],
        now: datetime,  # noqa: ARG002  the port's signature
        seconds: float | None = None,  # noqa: ARG002  the port's signature
    ) -> Sequence[BatchResult]:
        """Fold and save batches in one transaction."""
        owners: dict[str, Partition] = {}
        events: dict[str, AnyEvent] = {}
        rejected: Counter[Partition] = Counter()
        committed, committed_before = self._committed, self._committed_before
        for batch in batches:
            for _, _, event in batch.messages:
                if isinstance(event, Refusal | Retraction):
                    rejected[batch.partition] += 1
                elif (
                    event.event_id not in committed
                    and event.event_id not in committed_before
                    and event.event_id not in events
                ):
                    events[event.event_id] = event
                    owners[event.event_id] = batch.partition
        with self._transaction() as cursor:
            for batch in batches:
                _claim(cursor, batch)
            inserted = _insert_ids(cursor, sorted(events)) if events else set()
            if inserted:
                _add(
                    cursor,
                    events.values()
                    if len(inserted) == len(events)
                    else [events[event_id] for event_id in inserted],
                )
        self._remember(events)
        accepted = Counter([owners[event_id] for event_id in inserted])
        return [
            BatchResult(
                accepted[batch.partition],
                len(batch.messages) - rejected[batch.partition] - accepted[batch.partition],
                rejected[batch.partition],
                batch.next_offset,
                None,
            )
            for batch in batches
        ]

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        if self._proxied is None:
            self._proxied = check_out(self._engine)
            with self._transaction() as cursor:
                cursor.execute(POSITION_TABLE + STAGING_TABLES)
        connection = driver_connection(self._proxied)
        try:
            with guarded(connection), connection.cursor() as cursor:
                yield cursor
                connection.commit()
        except FencedError:
            with guarded(connection):
                connection.rollback()
            raise
        except BaseException:
            self._forget()
            raise

    def _remember(self, event_ids: Iterable[str]) -> None:
        self._committed.update(event_ids)
        if len(self._committed) > REMEMBERED_EVENTS:
            self._committed, self._committed_before = set(), self._committed

    def _forget(self) -> None:
        """Drop the connection, and what is believed of its tables."""
        self._committed, self._committed_before = set(), set()
        if self._proxied is not None:
            self._proxied.invalidate()
            self._proxied = None


def _claim(cursor: Cursor, batch: Batch) -> None:
    cursor.execute(
        "UPDATE position SET next_offset = %s WHERE topic = %s AND partition = %s AND topic_id = %s"
        " AND next_offset = %s",
        (batch.next_offset, *batch.partition, *batch.expected),
    )
    if cursor.rowcount != 1:
        raise FencedError([batch.partition])


def _insert_ids(cursor: Cursor, event_ids: Sequence[str]) -> set[str]:
    """Insert ids; those that were not there.

    Sorted, so that two workers wait for each other instead of deadlocking.
    """
    cursor.execute("SAVEPOINT ids")
    try:
        _copy(cursor, "seen_event", event_ids)
    except UniqueViolation:
        cursor.execute("ROLLBACK TO SAVEPOINT ids")
    else:
        return set(event_ids)
    _copy(cursor, "staged_event", event_ids)
    cursor.execute(
        "INSERT INTO seen_event SELECT event_id FROM staged_event ON CONFLICT DO NOTHING RETURNING"
        " event_id"
    )
    return {event_id for (event_id,) in cursor}


def _add(cursor: Cursor, events: Iterable[AnyEvent]) -> None:
    """Add what new events contribute to both tables.

    The few rows of the experiences last, since all workers share them.
    """
    customers: dict[str, int] = {}
    experiences: dict[str, list[int]] = {}
    for event in events:
        customers[event.customer_id] = customers.get(event.customer_id, 0) + 1
        if isinstance(event, Callback):
            for answer in event.answers:
                if answer.score is not None:
                    score = hundredths(answer.score)
                    sums = experiences.setdefault(answer.item, [0, 0, 0])
                    sums[0] += 1
                    sums[1] += score
                    sums[2] += score * score
    _copy(
        cursor,
        "staged_customer",
        [f"{customer}\t{events}" for customer, events in sorted(customers.items())],
    )
    cursor.execute(
        "INSERT INTO customer_count AS known SELECT customer_id, events FROM staged_customer"
        " ON CONFLICT (customer_id) DO UPDATE SET events = known.events + excluded.events"
    )
    if experiences:
        keys = sorted(experiences)
        cursor.execute(
            "INSERT INTO experience_sum AS known SELECT * FROM unnest(%s::text[], %s::bigint[],"
            " %s::bigint[], %s::bigint[])"
            " ON CONFLICT (experience) DO UPDATE SET n = known.n + excluded.n,"
            " score_sum = known.score_sum + excluded.score_sum, score_sq_sum = known.score_sq_sum +"
            " excluded.score_sq_sum",
            (keys, *([experiences[key][place] for key in keys] for place in range(3))),
        )


def _copy(cursor: Cursor, table: str, lines: Sequence[str]) -> None:
    """COPY rows whose texts need no escaping.

    Identifiers of the mix are letters, digits and hyphens.
    """
    cursor.copy_expert(
        f"COPY {table} FROM STDIN", BytesIO(("\n".join(lines) + "\n").encode()), 1 << 18
    )


class NoChores:
    """The reduced job has nothing to keep up beside the stream."""

    def join(self) -> Membership:  # noqa: D102  see ChoreStore
        return Membership("reduced", None)

    def read_clocks(self) -> ClockReading:  # noqa: D102  see ChoreStore
        now = datetime.now(UTC)
        return ClockReading(now, now, time.monotonic(), timedelta(0))

    def chores(
        self,
        show: ShowChores,  # noqa: ARG002  the port's signature
        evaluate_every: timedelta,  # noqa: ARG002  the port's signature
        keep_letters: timedelta | None,  # noqa: ARG002  the port's signature
    ) -> Sequence[Chore[object]]:
        """There are none."""
        return []

    def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:  # noqa: ARG002, D102  see ChoreStore
        return []

    def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """There are none."""


def main() -> None:
    """Run one worker on what the environment says."""
    settings = Settings(
        kafka_bootstrap=os.environ["KAFKA_BOOTSTRAP"],
        database_url=os.environ["DATABASE_URL"],
        topic_prefix=os.environ["TOPICS"].partition(TOPICS[0])[0],
        group=os.environ["GROUP"],
        web_port=0,
        maximum_batch_messages=20_000,
    )
    configure_logging("TEXT", verbose=False)
    catalogue = load_catalogue(settings.catalogue)
    sink = ReducedSink(settings.require_database_url(), catalogue)
    decode = partial(decode_messages, catalogue=catalogue)
    tune_interpreter()
    sys.exit(run_worker(settings, sink, decode, NoChores(), Metrics(CollectorRegistry())))


if __name__ == "__main__":
    main()
