"""A database under test with what writes to it: sinks, chores and plain queries."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import psycopg2
from builders import START, automotive_catalogue, message
from comparison import KEYS, assert_tables_equal, read_tables
from oracle import expected_tables

from voc_stream.pipeline.ports import (
    Batch,
    FencedError,
    Message,
    Partition,
    StoredPosition,
    StoreUnavailableError,
)
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.cells.schemas import schemas_of
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.postgres.rolling.catalogue_copy import copy_catalogue
from voc_stream.postgres.schema.all_tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from builders import Event
    from oracle.reading import Table

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.ports import BatchResult

NOW = START + timedelta(days=29)
LOG = "log-1"
CATALOGUE = automotive_catalogue()


def partition(number: int = 0) -> Partition:
    """A partition of the only topic."""
    return Partition("test.events", number)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; fail where it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.005)


class Store:
    """One database. Sinks and chores that it opens are closed with it."""

    def __init__(self, url: str, catalogue: Catalogue) -> None:
        self.url = url
        self.schema = schemas_of(url).live
        self.catalogue = catalogue
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def sink(self, *partitions: int) -> PostgresSink:
        """A new sink; the partitions stand at offset 0."""
        sink = PostgresSink(self.url, self.catalogue)
        self._open.callback(sink.close)
        for number in partitions:
            sink.start_at(partition(number), StoredPosition(LOG, 0), None)
        return sink

    def chores(self) -> PostgresChores:
        """A worker's chores."""
        chores = PostgresChores(self.url, self.catalogue)
        self._open.callback(chores.close)
        return chores

    def move_histories(self) -> None:
        """Count under the present profiles what came before them."""
        chores = self.chores()
        while chores.move_histories():
            pass

    def take_in(
        self, *events: Event, sink: PostgresSink | None = None, number: int = 0, now: datetime = NOW
    ) -> BatchResult:
        """One batch behind what the partition holds already."""
        sink = sink or self.sink()
        return send(sink, [message(event) for event in events], number, now)

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own; the rows, if it has any."""
        options = f"-c search_path={self.schema} -c timezone=UTC -c lock_timeout=10s"
        with closing(psycopg2.connect(self.url, options=options)) as connection, connection:
            cursor = connection.cursor()
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def vacuum(self, table: str) -> None:
        """What autovacuum does: dead rows go, and the planner learns how many are left."""
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"VACUUM ANALYZE {self.schema}.{table}")

    def one(self, statement: str, *values: object) -> Any:
        """The only value of the only row."""
        ((value,),) = self.ask(statement, *values)
        return value

    def clear(self) -> None:
        """Empty all tables, and close the sinks and chores, which remember what they wrote."""
        self._open.close()
        # Not TRUNCATE: new files for all tables and indexes each time would make the server's last
        # checkpoint long. What one worker does at a time has a row for good.
        self.ask(
            "; ".join(
                f"DELETE FROM {table.name}"
                for table in metadata.tables.values()
                if table.name != "lock"
            )
        )
        # A worker writes its catalogue before it takes in anything.
        self.copy_catalogue()

    def copy_catalogue(self) -> None:
        """What a worker does first."""
        options = f"-c search_path={self.schema}"
        with closing(psycopg2.connect(self.url, options=options)) as connection, connection:
            copy_catalogue(connection.cursor(), self.catalogue)

    def tables(self) -> dict[str, Table]:
        """All tables of the contract as they stand."""
        return read_tables(self.url, schema=self.schema)

    def assert_as_expected(
        self,
        values: Iterable[bytes | None],
        as_of: datetime = NOW,
        *,
        names: Iterable[str] = KEYS,
        received_at: datetime = NOW,
        fitted: Mapping[str, Any] | None = None,
        catalogue: Mapping[str, Any] = CATALOGUE,
    ) -> None:
        """The tables are the oracle's; `fitted` is the churn model that decides, if one does.

        The cube follows the stream, so what waits for it is merged first.
        """
        if "experience_daily" in names and self.one("SELECT count(*) FROM increment"):
            assert self.chores().refresh_details(as_of, when_due=False)
        expected = expected_tables(values, catalogue, as_of, received_at, fitted=fitted)
        wanted = {name: expected[name] for name in names}
        assert_tables_equal(wanted, read_tables(self.url, wanted, self.schema))


def send(
    sink: PostgresSink, values: Sequence[bytes | None], number: int = 0, now: datetime = NOW
) -> BatchResult:
    """One batch behind what the partition holds already."""
    (result,) = sink.process([batch_of(sink, values, number, now)], now)
    return result


def batch_of(
    sink: PostgresSink, values: Sequence[bytes | None], number: int = 0, now: datetime = NOW
) -> Batch:
    """A batch that begins where the partition stands."""
    expected = position_of(sink, number)
    messages = [Message(expected.next_offset + place, value) for place, value in enumerate(values)]
    return Batch(partition(number), expected, decode_messages(messages, now, sink._catalogue))


def position_of(sink: PostgresSink, number: int = 0) -> StoredPosition:
    """Where the partition stands; a partition never seen is put at 0."""
    positions: Mapping[Partition, StoredPosition] = sink.positions([partition(number)])
    if partition(number) not in positions:
        start = StoredPosition(LOG, 0)
        sink.start_at(partition(number), start, None)
        return start
    return positions[partition(number)]


def send_as_a_worker_does(
    sink: PostgresSink,
    batches: Sequence[Sequence[bytes | None]],
    number: int = 0,
    attempts: int = 20,
) -> None:
    """Send batches in order.

    If the outcome is unknown, look at the position and go on from there.
    """
    log = [value for batch in batches for value in batch]
    ends: list[int] = []
    for batch in batches:
        ends.append((ends[-1] if ends else 0) + len(batch))
    for end in ends:
        for _ in range(attempts):
            begin = position_of(sink, number)
            if begin.next_offset >= end:
                break
            found = [Message(offset, log[offset]) for offset in range(begin.next_offset, end)]
            try:
                sink.process(
                    [Batch(partition(number), begin, decode_messages(found, NOW, sink._catalogue))],
                    NOW,
                )
            except (StoreUnavailableError, FencedError):
                continue
        else:
            raise AssertionError(f"{attempts} attempts did not suffice")
