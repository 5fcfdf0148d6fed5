"""A partition refuses too much.

It stops visibly, the others go on, and so does it when somebody has looked.
"""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from builders import START, message, touchpoint
from kafka import KafkaProducer
from kafka_worker import place_of, produce, started_workers, wait_until

from voc_stream.events.decode import decode as decode_event
from voc_stream.events.refusal import Refusal
from voc_stream.kafka.isolation import ward
from voc_stream.kafka.topics import input_topics
from voc_stream.pipeline.ports import DecodedMessage, Partition, RefusalLimitError
from voc_stream.pipeline.refusal_limit import RefusalRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from fakes import MemoryChores, MemorySink
    from kafka_worker import ThreadWorker

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.ports import Batch, BatchResult, Message
    from voc_stream.settings import Settings

    Start = Callable[[], ThreadWorker]

RUN = 20


@pytest.fixture
def limited(voc: Settings) -> Settings:
    """A service whose partitions stop after 20 refused messages in a row."""
    return replace(voc, dead_letter_limit_run=RUN)


@pytest.fixture
def start(
    limited: Settings,
    sink: MemorySink,
    chores: MemoryChores,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Start]:
    """Start a worker that refuses what is `bad`.

    It looks every moment whether a partition may go on.
    """
    monkeypatch.setattr("voc_stream.kafka.worker.own_chores.LIMIT_INTERVAL_SECONDS", 0.2)

    def decode(messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:  # noqa: ARG001  the port's signature
        refusal, event = (
            Refusal("invalid_json", "bad"),
            decode_event(message(touchpoint()), START, catalogue),
        )
        return [
            DecodedMessage(*each, refusal if each.value == b"bad" else event) for each in messages
        ]

    monkeypatch.setattr(sink, "decode", decode)
    with started_workers() as start_one:
        yield lambda: start_one(limited, sink, chores)


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
    labels = {
        "topic": partition.topic,
        "partition": str(partition.number),
        "cause": "dead_letter_limit",
    }
    return worker.sample("voc_partition_held", **labels) == 1


def test_a_broken_producer_stops_its_partition_and_nothing_else(
    start: Start,
    limited: Settings,
    sink: MemorySink,
    broken: Partition,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Metric, `/readyz` and log say where and why.

    Not one message is refused beyond the limit, and the others go on.
    """
    worker = start()
    wait_until(lambda: stopped(worker, broken), "the partition stops")
    wait_until(
        lambda: sink.stored[broken].next_offset == RUN, "what was refused before it is stored"
    )
    assert len(sink.rejected[broken]) == RUN
    sentence = (
        f"{broken} has stopped at offset {RUN}, which would be refused (invalid_json): {RUN}"
        f" messages in a row were refused"
    )
    assert any(line.startswith(sentence) for line in worker.parts.not_ready())
    assert sentence in caplog.text
    ids = [f"e{number:06d}" for number in range(100)]
    produce(limited, ids)
    elsewhere = sum(place_of(limited, each) != broken for each in ids)
    wait_until(lambda: sink.count == elsewhere, "the events of other partitions")
    assert sink.stored[broken].next_offset == RUN


def test_a_restart_does_not_begin_to_count_anew(
    start: Start, sink: MemorySink, broken: Partition
) -> None:
    """Otherwise every restart would drain as many messages again into dead letters."""
    first = start()
    wait_until(lambda: stopped(first, broken), "the partition stops")
    wait_until(
        lambda: sink.stored[broken].next_offset == RUN, "what was refused before it is stored"
    )
    first.stop()
    second = start()
    wait_until(lambda: stopped(second, broken), "the partition stops at once")
    assert sink.stored[broken].next_offset == RUN


@pytest.mark.parametrize("behind", ["refused", "event", "nothing"])
def test_a_restarted_worker_is_not_ready_before_it_knows_whether_a_partition_stays_stopped(
    start: Start, limited: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch, behind: str
) -> None:
    """What is stored says so when positions are loaded.

    The next message then stops the partition again, or lets it go on.

    Where there is none, nothing is stopped.
    """
    partition, value = (
        Partition(input_topics(limited.topic_prefix)[0], 0),
        {"refused": b"bad", "event": b'{"event_id": "behind"}'},
    )
    with closing(KafkaProducer(bootstrap_servers=limited.kafka_bootstrap)) as producer:
        for each in [b"bad"] * RUN:
            producer.send(partition.topic, value=each, partition=partition.number).get(20)
        first = start()
        wait_until(
            lambda: partition in sink.stored and sink.stored[partition].next_offset == RUN,
            "all are refused",
        )
        first.stop()
        if behind in value:
            producer.send(partition.topic, value=value[behind], partition=partition.number).get(20)
    may_read, decode = threading.Event(), sink.decode

    def decode_later(messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:
        assert may_read.wait(30)
        return decode(messages, now)

    monkeypatch.setattr(sink, "decode", decode_later)
    second = start()
    state = second.parts.state
    try:
        wait_until(
            lambda: state.positions_loaded and state.rebalancing_since is None,
            "positions are loaded",
        )
        if behind in value:
            sentence = (
                f"{partition} had stopped: {RUN} messages in a row were refused; its next message"
                f" shows whether it goes on"
            )
            assert second.parts.not_ready() == [sentence]
    finally:
        may_read.set()
    if behind == "refused":
        wait_until(lambda: stopped(second, partition), "the partition stops")
        assert [line.partition(",")[0] for line in second.parts.not_ready()] == [
            f"{partition} has stopped at offset {RUN}"
        ]
    else:
        wait_until(lambda: second.is_ready, "it is ready")


def test_it_goes_on_when_an_operator_allows_it(
    start: Start, sink: MemorySink, broken: Partition
) -> None:
    """With what `dead-letters resume --refuse 40` writes.

    40 pass uncounted, and all that is behind them.
    """
    worker = start()
    wait_until(lambda: stopped(worker, broken), "the partition stops")
    wait_until(
        lambda: sink.stored[broken].next_offset == RUN, "what was refused before it is stored"
    )
    sink.records[broken] = RefusalRecord(allowed=40)
    wait_until(lambda: "behind" in sink.seen, "what is behind")
    assert len(sink.rejected[broken]) == 50
    wait_until(lambda: worker.is_ready and not stopped(worker, broken), "ready again")


def labels_of(partition: Partition) -> dict[str, str]:
    return {"topic": partition.topic, "partition": str(partition.number)}


def test_what_fails_one_after_another_stops_its_partition(
    start: Start, limited: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that every message meets does not drain a batch into dead letters.

    Such a fault is one of ours. A restart changes nothing.

    Once it is mended and an operator lets it go on, all that is left counts.
    """
    # Pauses between tries of one message would take half a minute here.
    monkeypatch.setattr(ward, "retry_pause_seconds", lambda _: 0.1)
    partition, faulty = Partition(input_topics(limited.topic_prefix)[0], 0), [True]

    def fail(batch: Batch) -> None:
        if (
            faulty
            and batch.partition == partition
            and not all(isinstance(each.content, Refusal) for each in batch.messages)
        ):
            raise ZeroDivisionError("a fault that every message meets")

    sink.before_commit = fail
    ids = [f"e{number:06d}" for number in range(100)]
    there = [each for each in ids if place_of(limited, each) == partition]
    produce(limited, ids)
    for set_aside in (1, 0):  # each counts as 100
        worker = start()
        wait_until(lambda: stopped(worker, partition), "the partition stops")  # noqa: B023
        assert worker.sample("voc_messages_set_aside_total", **labels_of(partition)) == set_aside
        assert sink.stored[partition].next_offset == 1
        sentence = (
            f"{partition} has stopped at offset 1, which would be refused (processing_failed): 100"
            f" messages in a row were refused"
        )
        assert any(line.startswith(sentence) for line in worker.parts.not_ready())
        worker.stop()
    faulty.clear()
    start()
    wait_until(lambda: set(there[1:]) <= sink.seen, "all that is left")


@pytest.mark.parametrize("is_apart", [False, True], ids=["in the stream", "tried apart"])
def test_what_only_the_store_refuses_stops_its_partition(
    start: Start, limited: Settings, sink: MemorySink, is_apart: bool
) -> None:
    """The store says at which message: what comes before it counts, and not one more is refused.

    Others go on.
    """
    partition, most = Partition(input_topics(limited.topic_prefix)[0], 0), 5
    failing = [True, True] if is_apart else []

    def refuse(batch: Batch) -> None:
        if batch.partition == partition and failing:
            failing.pop()
            raise ZeroDivisionError("twice: then each is tried apart")
        if batch.partition == partition and batch.next_offset > most:
            raise RefusalLimitError(
                partition, most, Refusal("conflicting_event", ""), RefusalRecord(run=RUN)
            )

    def remember(batch: Batch) -> None:
        if batch.partition == partition:  # otherwise it would seem as if somebody let it go on
            sink.records[partition] = RefusalRecord(run=RUN)

    sink.before_commit, sink.after_commit = refuse, remember
    ids = [f"e{number:06d}" for number in range(200)]
    produce(limited, ids)
    worker = start()
    wait_until(lambda: stopped(worker, partition), "the partition stops")
    there = [each for each in ids if place_of(limited, each) == partition]
    assert len(there) > most
    wait_until(
        lambda: sink.seen == set(ids) - set(there[most:]),
        "what comes before it, and all of the others",
    )
    sentence = (
        f"{partition} has stopped at offset {most}, which would be refused (conflicting_event):"
        f" {RUN} messages in a row were refused"
    )
    wait_until(
        lambda: any(line.startswith(sentence) for line in worker.parts.not_ready()),
        "it says where it has stopped",
    )
    assert sink.stored[partition].next_offset == most


def test_what_the_store_took_in_before_it_stopped_a_partition_is_gone_on_from(
    start: Start, limited: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may need several transactions for what came together.

    Others of them are read on from where they stand, with nothing behind.
    """
    partition, process = Partition(input_topics(limited.topic_prefix)[0], 0), sink.process
    parted: list[Partition] = []

    def stop_amid(
        batches: Sequence[Batch], now: datetime, seconds: float | None = None
    ) -> Sequence[BatchResult]:
        others = [
            batch for batch in batches if batch.partition != partition and len(batch.messages) > 1
        ]
        broken = [batch for batch in batches if batch.partition == partition]
        if broken and others and not parted:
            parted.append(others[0].partition)
            process([others[0].first(1)], now)
            raise RefusalLimitError(
                partition,
                broken[0].messages[0].offset,
                Refusal("storage", ""),
                RefusalRecord(run=RUN),
            )
        return process(batches, now, seconds)

    monkeypatch.setattr(sink, "process", stop_amid)
    ids = [f"e{number:06d}" for number in range(100)]
    produce(limited, ids)
    start()
    wait_until(
        lambda: {each for each in ids if place_of(limited, each) != partition} <= sink.seen,
        "all that the others hold",
    )
    assert parted
