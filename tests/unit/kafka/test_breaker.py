"""A partition refuses too much: it stops visibly, the others go on, and so does it when somebody has looked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fakes import NOT_READ
from kafka import KafkaProducer
from kafka_worker import place_of, produce, started_workers, wait_until

from voc_stream.events.refusal import Refusal
from voc_stream.events.refusal_limit import RefusalRecord
from voc_stream.kafka.topics import input_topics
from voc_stream.ports import DecodedMessage, Partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from fakes import MemorySink, MemoryUpkeep
    from kafka_worker import ThreadWorker

    from voc_stream.ports import Message
    from voc_stream.settings import Settings

    Start = Callable[[], ThreadWorker]

RUN = 20


@pytest.fixture
def limited(voc: Settings) -> Settings:
    """A service whose partitions stop after 20 refused messages in a row."""
    return replace(voc, dead_letter_limit_run=RUN)


@pytest.fixture
def start(limited: Settings, sink: MemorySink, upkeep: MemoryUpkeep, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a worker that refuses what is `bad`, and looks every moment whether a partition may go on."""
    monkeypatch.setattr("voc_stream.kafka.timers.LIMIT_INTERVAL_SECONDS", 0.2)

    def decode(messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:  # noqa: ARG001  the port's signature
        refusal = Refusal("invalid_json", "bad")
        return [DecodedMessage(*each, refusal if each.value == b"bad" else NOT_READ) for each in messages]

    monkeypatch.setattr(sink, "decode", decode)
    with started_workers() as start_one:
        yield lambda: start_one(limited, sink, upkeep)


@pytest.fixture
def broken(limited: Settings) -> Partition:
    """A partition with 50 messages that nobody can read, and one event behind them."""
    partition = Partition(input_topics(limited.topic_prefix)[0], 0)
    producer = KafkaProducer(bootstrap_servers=limited.kafka_bootstrap)
    try:
        for value in [b"bad"] * 50 + [b'{"event_id": "behind"}']:
            producer.send(partition.topic, value=value, partition=partition.number).get(20)
    finally:
        producer.close()
    return partition


def stopped(worker: ThreadWorker, partition: Partition) -> bool:
    labels = {"topic": partition.topic, "partition": str(partition.number), "cause": "dead_letter_limit"}
    return worker.sample("voc_partition_held", **labels) == 1


def test_a_broken_producer_stops_its_partition_and_nothing_else(
    start: Start, limited: Settings, sink: MemorySink, broken: Partition, caplog: pytest.LogCaptureFixture
) -> None:
    """Metric, `/readyz` and log say where and why; not one message is refused beyond the limit, and the others go on."""
    worker = start()
    wait_until(lambda: stopped(worker, broken), "the partition stops")
    wait_until(lambda: sink.stored[broken].next_offset == RUN, "what was refused before it is stored")
    assert len(sink.rejected[broken]) == RUN
    sentence = f"{broken} has stopped at offset {RUN}, which would be refused (invalid_json): {RUN} messages in a row were refused"
    assert any(line.startswith(sentence) for line in worker.parts.not_ready())
    assert sentence in caplog.text
    ids = [f"e{number:06d}" for number in range(100)]
    produce(limited, ids)
    elsewhere = sum(place_of(limited, each) != broken for each in ids)
    wait_until(lambda: sink.count == elsewhere, "the events of other partitions")
    assert sink.stored[broken].next_offset == RUN


def test_a_restart_does_not_begin_to_count_anew(start: Start, sink: MemorySink, broken: Partition) -> None:
    """Otherwise every restart would drain as many messages again into dead letters."""
    first = start()
    wait_until(lambda: stopped(first, broken), "the partition stops")
    wait_until(lambda: sink.stored[broken].next_offset == RUN, "what was refused before it is stored")
    first.stop()
    second = start()
    wait_until(lambda: stopped(second, broken), "the partition stops at once")
    assert sink.stored[broken].next_offset == RUN


def test_it_goes_on_when_an_operator_allows_it(start: Start, sink: MemorySink, broken: Partition) -> None:
    """With what `dead-letters resume --refuse 40` writes: 40 pass uncounted, and all that is behind them."""
    worker = start()
    wait_until(lambda: stopped(worker, broken), "the partition stops")
    wait_until(lambda: sink.stored[broken].next_offset == RUN, "what was refused before it is stored")
    sink.records[broken] = RefusalRecord(allowed=40)
    wait_until(lambda: "behind" in sink.seen, "what is behind")
    assert len(sink.rejected[broken]) == 50
    wait_until(lambda: worker.is_ready and not stopped(worker, broken), "ready again")
