"""The benchmark's own parts: what it compares with, and the two writers whose speed it compares."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import pytest
from benchmarks.peers import job, writer
from benchmarks.peers.ours import ReducedSink

from voc_stream.pipeline.ports import Batch, FencedError, Message, Partition, StoredPosition
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.simulator.load.benchmark_mix import benchmark_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.catalogue.model import Catalogue

NOW = datetime.now(UTC)
BATCH_MESSAGES = 250


@pytest.fixture
def tables_url(database_url: str) -> str:
    """URL of a database with the empty tables of the job."""
    with (
        closing(psycopg2.connect(database_url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(job.TABLES)
    return database_url


def found(database_url: str) -> job.Tables:
    """What is in the tables."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        return job.read_tables(cursor)


def mixed(count: int) -> tuple[dict[Partition, list[bytes]], job.ReducedJob]:
    """Messages of the mix by partition, a fifth of them repeated, and what must come of them."""
    partitions: defaultdict[Partition, list[bytes]] = defaultdict(list)
    expected = job.ReducedJob()
    for message in benchmark_events(
        count=count, seed=3, start=NOW - timedelta(hours=1), customers=100, duplicate_share=0.2
    ):
        value = message.value or b""
        partitions[Partition(message.topic, zlib.crc32(message.key) % 2)].append(value)
        expected.add(value)
    return dict(partitions), expected


def messages(values: Sequence[bytes], offset: int) -> list[Message]:
    """The next messages of a partition from an offset on."""
    return [
        Message(offset + place, value)
        for place, value in enumerate(values[offset : offset + BATCH_MESSAGES])
    ]


def test_the_naive_fold_counts_an_id_once_and_sums_hundredths() -> None:
    """The tables that every peer is compared with are worked out by hand.

    There are three messages, of which one is repeated.
    """
    callback = {
        "event_id": "1",
        "customer_id": "a",
        "answers": [{"item": "x", "score": 7.5}, {"item": "y", "done": True}],
    }
    expected = job.ReducedJob()
    for event in (callback, {"event_id": "2", "customer_id": "a"}, callback):
        expected.add(json.dumps(event).encode())
    assert expected.tables == job.Tables({"a": 2}, {"x": (1, 750, 562_500)})
    assert (expected.messages, expected.goal) == (3, job.Progress(2, 1))


def test_a_difference_tells_lost_from_counted_twice() -> None:
    """Events that are missing and events that are too many do not cancel each other."""
    wanted = job.Tables({"a": 2, "b": 1}, {"x": (1, 100, 10_000)})
    assert job.difference(wanted, wanted).is_right
    wrong = job.Tables({"a": 3, "c": 1}, {"x": (1, 100, 10_001), "y": (1, 0, 0)})
    assert job.difference(wrong, wanted) == job.Difference(
        lost=1, counted_twice=2, wrong_customers=3, wrong_experiences=2
    )


def test_our_sink_ends_with_the_tables_of_the_naive_fold(
    tables_url: str, catalogue: Catalogue
) -> None:
    """Repeated events count once.

    Remembered ones, and, after a restart from the beginning, all that PostgreSQL has already.
    """
    partitions, expected = mixed(3000)
    for topic_id in ("first log", "the same read again"):
        with closing(ReducedSink(tables_url, catalogue)) as sink:
            for partition, values in partitions.items():
                sink.start_at(partition, StoredPosition(topic_id, 0), None)
                offset = 0
                while offset < len(values):
                    (result,) = sink.process(
                        [
                            Batch(
                                partition,
                                StoredPosition(topic_id, offset),
                                decode_messages(messages(values, offset), NOW, catalogue),
                            )
                        ],
                        NOW,
                    )
                    assert result.rejected == 0
                    offset = result.next_offset
            assert sink.positions(partitions) == {
                each: StoredPosition(topic_id, len(values)) for each, values in partitions.items()
            }
        assert job.difference(found(tables_url), expected.tables) == job.Difference(0, 0, 0, 0)


def test_our_sink_refuses_a_batch_whose_position_was_moved(
    tables_url: str, catalogue: Catalogue
) -> None:
    """A worker that lost its partition changes nothing."""
    partitions, _ = mixed(200)
    partition, values = next(iter(partitions.items()))
    with closing(ReducedSink(tables_url, catalogue)) as sink:
        sink.start_at(partition, StoredPosition("log", 7), None)
        with pytest.raises(FencedError):
            sink.process(
                [
                    Batch(
                        partition,
                        StoredPosition("log", 0),
                        decode_messages(messages(values, 0), NOW, catalogue),
                    )
                ],
                NOW,
            )
        assert sink.positions([partition]) == {partition: StoredPosition("log", 7)}
    assert found(tables_url) == job.Tables({}, {})


def test_the_writer_of_the_peers_ends_with_the_tables_of_the_naive_fold(tables_url: str) -> None:
    """A batch that is written again, as after a restart, changes nothing."""
    partitions, expected = mixed(1000)
    with closing(writer.connect(tables_url)) as connection:
        for values in [*partitions.values(), *partitions.values()]:
            writer.write(connection, [json.loads(value) for value in values])
    assert job.difference(found(tables_url), expected.tables) == job.Difference(0, 0, 0, 0)
