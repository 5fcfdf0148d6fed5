"""What must hold at every moment, told from the log and the store alone.

The tables are worked out by the oracle.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from builders import automotive_catalogue
from comparison import assert_tables_equal
from model.fake_histories import move_pieces
from msgspec.structs import replace
from oracle.complaints import complaint_rows
from oracle.customers import customer_rows
from oracle.orders import moments_of_orders, order_rows, stage_rows
from oracle.reading import InvalidError, read_event, read_events
from oracle.satisfaction import contributions

from voc_stream.catalogue.load import load_catalogue
from voc_stream.catalogue.measures import HappenedWithin
from voc_stream.pipeline.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.fake_log import FakeLog
    from model.fake_store import FakeStore, Tables
    from model.worker import Worker
    from oracle.reading import Row, Table

    from voc_stream.pipeline.ports import FetchedMessage


# The double keeps no table of customers' moments. Tests with PostgreSQL hold what follows from it.
PACKAGED = replace(
    load_catalogue(),
    experience={
        key: one
        for key, one in load_catalogue().experience.items()
        if not isinstance(one.source, HappenedWithin)
    },
)
CATALOGUE = automotive_catalogue()
CATALOGUE["experience"] = {key: CATALOGUE["experience"][key] for key in PACKAGED.experience}
RECEIVED_AT = datetime(2025, 6, 1, tzinfo=UTC)


def id_of(value: bytes | None) -> str | None:
    """The id of a valid event; None for a message that must be refused."""
    try:
        return str(read_event(value, CATALOGUE, RECEIVED_AT)["event_id"])
    except (InvalidError, KeyError, ValueError):
        return None


def assert_tables_are_the_fold(tables: Tables) -> None:
    """The rows and sums are those of an independent reading of the accepted events.

    Each event counts once.

    So they are once the histories are moved whose move is under way.
    """
    tables = tables.copied()
    while tables.moves:
        move_pieces(tables, PACKAGED, rows=100)
    events = read_events(tables.events.values(), CATALOGUE, RECEIVED_AT)
    assert {event["event_id"] for event in events} == set(tables.events)
    stages = stage_rows(events)
    expected: dict[str, Table] = {
        "customer": customer_rows(events),
        "complaint": complaint_rows(events),
        "repair_order": order_rows(events, stages, moments_of_orders(events, CATALOGUE), CATALOGUE),
    }
    stored = {**tables.rows, "customer": tables.rows["customer_state"]}
    actual = {name: {(key,): row for key, row in stored[name].items()} for name in expected}
    assert_tables_equal(
        {
            name: {
                key: _stored_columns(row, actual[name].get(key, {})) for key, row in rows.items()
            }
            for name, rows in expected.items()
        },
        actual,
    )
    sums = Counter(
        (
            one.moment,
            *one.dimensions,
            *one[1:5],
        )
        for one in contributions(events, {**expected, "repair_stage": stages}, CATALOGUE)
    )
    assert tables.sums == sums


def _stored_columns(expected: Row, actual: Row) -> Row:
    """The expected values as JSON has them.

    Only of those columns that the table has and no view works out.
    """
    return {
        column: _as_json(value)
        for column, value in expected.items()
        if not actual or column in actual
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return float(value) if isinstance(value, Decimal) else value


def assert_nothing_is_missing(log: FakeLog, store: FakeStore) -> None:
    """Before the position in a log every message that is there was taken in.

    An event among the events, anything else refused.

    An event whose id came before with other content is refused, too.
    """
    for partition, position in store.tables.positions.items():
        if position.topic_id == log.topic_ids[partition.topic]:
            missing = [
                record
                for record in _records(log, partition)
                if record.offset < position.next_offset
                and not _taken(store, log, partition, record)
            ]
            assert not missing, f"lost before {partition.number}/{position.next_offset}: {missing}"


def _records(log: FakeLog, partition: Partition) -> Iterator[FetchedMessage]:
    """The messages whose offsets were given out once."""
    one = log.logs[partition]
    return (record for record in one.records if record.offset >= one.reused_until)


def _taken(store: FakeStore, log: FakeLog, partition: Partition, record: FetchedMessage) -> bool:
    event_id = id_of(record.value)
    if event_id is not None and store.tables.events.get(event_id) == record.value:
        return True
    return (log.topic_ids[partition.topic], partition, record.offset) in store.tables.dead_letters


def assert_nobody_is_ahead(log: FakeLog, store: FakeStore, workers: list[Worker]) -> None:
    """Neither a worker's position nor the one committed in Kafka passes the store's.

    But where the store went back meanwhile.
    """
    assert not store.moved_back, f"a batch moved a position back: {store.moved_back}"
    positions = {
        partition: position.next_offset for partition, position in store.tables.positions.items()
    }
    believed = {
        worker.name: {
            partition: position.next_offset for partition, position in worker.ledger.durable.items()
        }
        for worker in workers
    }
    for name, offsets in [("Kafka", log.committed), *believed.items()]:
        for partition, offset in offsets.items():
            limit = store.highest if partition in store.went_back else positions
            assert offset <= limit.get(partition, 0), (
                f"{name} is at {offset} of {partition.number}, the store at"
                f" {positions.get(partition)}"
            )


def unfinished(log: FakeLog, store: FakeStore) -> list[Partition]:
    """The partitions whose position lies before the end of their log.

    A log that lost its end may end before the position.
    """
    return [
        partition
        for partition, one in log.logs.items()
        if (position := store.tables.positions.get(partition)) is None
        or position.topic_id != log.topic_ids[partition.topic]
        or position.next_offset < one.end
    ]


def is_settled(log: FakeLog, workers: list[Worker]) -> bool:
    """Whether every partition has one living owner, and each worker knows its own."""
    believed = [Partition(*each) for worker in workers for each in worker.client.assignment()]
    alive = not any(worker.ended or worker.joins for worker in workers)
    return (
        alive
        and sorted(believed) == sorted(log.logs)
        and all(log.owners[each] in workers for each in log.logs)
    )
