"""A whole worker on the embedded broker, with a store in memory.

The store keeps the promises of PostgreSQL.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from fakes import NOT_READ, event_id_of
from kafka import KafkaAdminClient, KafkaConsumer
from kafka_worker import place_of, produce, wait_until

from voc_stream.events.topics import INPUTS
from voc_stream.kafka.topics import dead_letter_topic, input_topics
from voc_stream.kafka.worker.outbox import headers_of
from voc_stream.pipeline.ports import (
    DeadLetter,
    DecodedMessage,
    FencedError,
    GaugeSample,
    Partition,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import pytest
    from fakes import MemoryChores, MemorySink
    from kafka_worker import ThreadWorker

    from voc_stream.pipeline.ports import Batch, Message
    from voc_stream.settings import Settings

    Start = Callable[[], ThreadWorker]


def ids(count: int, first: int = 0) -> list[str]:
    return [f"e{number:06d}" for number in range(first, first + count)]


PARTITIONS = 2 * len(INPUTS)
"""Of all input topics, as the tests' settings have it."""


def produce_in_parts(settings: Settings, parts: int) -> None:
    """Parts of 200 events, a moment apart.

    So some arrive during each step of what the test does meanwhile.
    """
    for part in range(parts):
        produce(settings, ids(200, first=200 * part))
        threading.Event().wait(0.5)


def assert_all_taken_in(sink: MemorySink, settings: Settings, event_ids: list[str]) -> None:
    """Each event once, and in each partition in the order in which it was sent."""
    for topic in input_topics(settings.topic_prefix):
        for partition in (Partition(topic, number) for number in range(settings.partitions)):
            chosen = [
                event_id for event_id in event_ids if place_of(settings, event_id) == partition
            ]
            assert sink.accepted.get(partition, []) == chosen
            if chosen:
                assert sink.stored[partition].next_offset == len(chosen)


def test_every_message_reaches_the_sink_once_and_in_order(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """What was sent before and after the start is handed on.

    In batches of at most the configured size.
    """
    produce(voc, ids(1500))
    worker = start()
    wait_until(lambda: sink.count == 1500, "the events sent before the start")
    produce(voc, ids(1500) + ids(500, first=1500))
    wait_until(
        lambda: sum(stored.next_offset for stored in sink.stored.values()) == 3500,
        "the events sent after it",
    )
    assert sink.seen == set(ids(2000))
    assert max(len(batch.messages) for batch in sink.batches) == voc.maximum_batch_messages
    assert worker.is_ready
    wait_until(
        lambda: worker.sample("voc_events_total", outcome="accepted") == 2000,
        "2000 accepted events, counted after the commit",
    )
    wait_until(
        lambda: worker.sample("voc_events_total", outcome="duplicate") == 1500, "1500 repeated ones"
    )


def test_messages_are_let_go_once_they_are_taken_in(
    start: Start, voc: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker holds the batch it is at and the one it gathers, and no message of earlier ones."""

    class Content:
        """What a message says, as far as this test cares."""

    decoded: list[weakref.ref[Content]] = []

    def decode(messages: Sequence[Message], _now: datetime) -> Sequence[DecodedMessage]:
        contents: list[Any] = [Content() for _ in messages]
        decoded.extend(map(weakref.ref, contents))
        return [
            DecodedMessage(*message, content)
            for message, content in zip(messages, contents, strict=True)
        ]

    monkeypatch.setattr(sink, "decode", decode)
    start()
    for part in range(3):
        produce(voc, ids(100, first=100 * part))
        wait_until(lambda part=part: sink.count == 100 * (part + 1), "the events")  # type: ignore[misc]  # a default binds the loop's value
        sink.batches.clear()
    wait_until(lambda: not any(content() for content in decoded), "messages that are let go")
    assert len(decoded) >= 300


def test_a_fenced_batch_makes_the_worker_read_the_position_again(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """If another worker moved the position, its batch is not repeated.

    What follows is not lost.
    """
    moved: list[Batch] = []

    def move_once(batch: Batch) -> None:
        if not moved and batch.messages[0].offset > 0:
            moved.append(batch)
            sink._apply(batch)  # the other worker was faster with this very batch
            raise FencedError([batch.partition])

    sink.before_commit = move_once
    start()
    wait_until(lambda: len(sink.stored) == PARTITIONS, "the positions")
    for part in range(4):
        produce(voc, ids(500, first=500 * part))
        wait_until(lambda part=part: sink.count == 500 * (part + 1), "all events")  # type: ignore[misc]  # a default binds the loop's value
    assert moved
    assert len(sink.batches) == len({(batch.partition, batch.expected) for batch in sink.batches})


def test_a_position_that_was_moved_back_is_followed(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """A store restored from a backup stands earlier.

    The worker goes back there, and nothing between is missed.
    """
    worker = start()
    produce(voc, ids(200))
    wait_until(lambda: sink.count == 200, "the first events")
    with sink._lock:
        sink.seen.clear()
        sink.accepted.clear()
        for partition, stored in sink.stored.items():
            sink.stored[partition] = stored._replace(next_offset=0)
    produce(voc, ids(200, first=200))
    wait_until(lambda: sink.count == 400, "the events of before and after the backup")
    assert_all_taken_in(sink, voc, ids(200) + ids(200, first=200))
    assert worker.sample("voc_position_resets_total") == 0


def test_commits_that_the_store_lost_are_read_again_where_nothing_follows(
    start: Start, voc: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover to a replica that lagged, no message comes to show it.

    The worker looks by itself.
    """
    monkeypatch.setattr("voc_stream.kafka.worker.own_chores.LOST_COMMITS_INTERVAL_SECONDS", 0.5)
    worker = start()
    produce(voc, ids(200))
    wait_until(lambda: sink.count == 200, "the events")
    with sink._lock:
        partition = next(
            partition for partition, stored in sink.stored.items() if stored.next_offset > 5
        )
        stored = sink.stored[partition]
        sink.seen.difference_update(sink.accepted[partition][-5:])
        del sink.accepted[partition][-5:]
        sink.stored[partition] = stored._replace(next_offset=stored.next_offset - 5)
    wait_until(lambda: sink.count == 200, "the events whose commit was lost")
    assert_all_taken_in(sink, voc, ids(200))
    assert worker.sample("voc_position_resets_total") == 0


def test_an_absent_store_holds_the_partition_and_shows(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """While the store does not answer, nothing is lost, and then it goes on by itself.

    Retries are counted, and the worker is not ready meanwhile.
    """
    worker = start()
    produce(voc, ids(100))
    wait_until(lambda: sink.count == 100, "the first events")
    sink.available = False
    produce(voc, ids(300, first=100))
    wait_until(lambda: worker.sample("voc_postgres_retries_total") >= 3, "retries")
    assert "PostgreSQL does not answer (the test switched it off)" in worker.parts.not_ready()
    assert sink.count == 100
    sink.available = True
    wait_until(lambda: sink.count == 400, "the rest")
    assert_all_taken_in(sink, voc, ids(400))
    assert len(sink.batches) == len({(batch.partition, batch.expected) for batch in sink.batches})


def test_a_commit_whose_answer_was_lost_is_not_repeated(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """After a connection error the worker first asks where the store stands.

    A batch that went through is not sent again.
    """
    lost: list[Batch] = []

    def lose_first_answers(batch: Batch) -> None:
        if len(lost) < 3:
            lost.append(batch)
            raise StoreUnavailableError("the answer to COMMIT was lost")

    sink.after_commit = lose_first_answers
    start()
    produce(voc, ids(1000))
    wait_until(lambda: sink.count == 1000, "all events")
    assert len(lost) == 3
    assert_all_taken_in(sink, voc, ids(1000))
    assert len(sink.batches) == len({(batch.partition, batch.expected) for batch in sink.batches})


def test_an_unexpected_error_of_the_sink_loses_nothing(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """A fault in our own code must neither end the loop nor skip the batch.

    Faust would acknowledge it.
    """
    failures: list[Batch] = []

    def fail_twice(batch: Batch) -> None:
        if len(failures) < 2:
            failures.append(batch)
            raise ZeroDivisionError("a fault")

    sink.before_commit = fail_twice
    worker = start()
    # Of one partition: a failure counts for each that was handed on with it.
    events = [
        each for each in ids(500 * PARTITIONS) if place_of(voc, each) == place_of(voc, ids(1)[0])
    ]
    produce(voc, events)
    wait_until(lambda: sink.count == len(events), "all events")
    assert worker.sample("voc_batch_failures_total") == 2
    assert_all_taken_in(sink, voc, events)


def test_a_second_worker_takes_over_partitions_and_all_of_them_when_the_first_stops(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """Rebalances lose nothing and repeat nothing, also while events arrive."""
    sent = threading.Thread(target=produce_in_parts, args=(voc, 15))
    first = start()
    wait_until(lambda: first.is_ready, "the first worker")
    sent.start()
    second = start()
    wait_until(
        lambda: len(second.parts.ledger.durable) == PARTITIONS // 2,
        "half of the partitions at the second worker",
    )
    wait_until(
        lambda: len(first.parts.ledger.durable) == PARTITIONS // 2,
        "half of the partitions at the first worker",
    )
    first.stop()
    wait_until(
        lambda: len(second.parts.ledger.durable) == PARTITIONS,
        "all partitions at the second worker",
    )
    sent.join()
    wait_until(lambda: sink.count == 3000, "all events")
    assert sum(stored.next_offset for stored in sink.stored.values()) == 3000
    assert (
        first.sample("voc_events_total", outcome="accepted")
        + second.sample("voc_events_total", outcome="accepted")
        == 3000
    )


def test_the_committed_offset_in_kafka_follows_the_store(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """Kafka's committed offset is the store's position, so that lag tools tell the truth.

    It is not what Faust acknowledged.
    """
    start()
    produce(voc, ids(100))
    wait_until(lambda: sink.count == 100, "the events")
    admin = KafkaAdminClient(bootstrap_servers=voc.kafka_bootstrap)
    try:

        def committed() -> dict[tuple[str, int], int]:
            offsets = admin.list_group_offsets(voc.group)[voc.group]
            return {tuple(partition): each.offset for partition, each in offsets.items()}

        expected = {
            tuple(partition): stored.next_offset for partition, stored in sink.stored.items()
        }
        wait_until(lambda: committed() == expected, "commits in Kafka")
        sink.available = False
        produce(voc, ids(100, first=100))
        threading.Event().wait(2.5)  # several commit intervals in which nothing may be committed
        assert committed() == expected
    finally:
        sink.available = True
        admin.close()


def test_dead_letters_go_to_their_topic_with_headers(
    start: Start, voc: Settings, chores: MemoryChores
) -> None:
    """Each unpublished refusal becomes one message.

    The refused bytes, and where they came from in the headers.
    """
    letter = DeadLetter(
        7, 70, Partition("voc.callbacks", 3), 42, "not_json", "not JSON: 回访", b"\x00\xff{"
    )
    chores.outbox.append(letter)
    start()
    wait_until(lambda: 7 in chores.published, "the mark")
    consumer = KafkaConsumer(
        dead_letter_topic(voc.topic_prefix),
        bootstrap_servers=voc.kafka_bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5000,
    )
    try:
        record = next(consumer)
    finally:
        consumer.close()
    assert record.value == letter.value
    assert [tuple(header) for header in record.headers] == headers_of(letter)
    assert dict(headers_of(letter))["source-offset"] == b"42"


def test_timers_run_and_lag_and_gauges_show(
    start: Start,
    voc: Settings,
    sink: MemorySink,
    chores: MemoryChores,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chores are called from the start on, also while the store is away.

    The lag is that of the log's end.
    """
    monkeypatch.setattr("voc_stream.kafka.worker.own_chores.LAG_INTERVAL_SECONDS", 1.0)
    chores.fixed_gauges = [GaugeSample("voc_complaints_open", ("s1", "major"), 3)]
    worker = start()
    wait_until(lambda: bool(chores.refreshed and chores.assessed), "chores")
    wait_until(lambda: worker.sample("voc_complaints_open", site="s1") == 3, "a reading")
    sink.available = False
    produce(voc, ids(60))
    wait_until(lambda: worker.sample("voc_consumer_lag_events") == 60, "the lag")
    assert worker.parts.state.lag_events == 60
    sink.available = True
    wait_until(lambda: worker.sample("voc_consumer_lag_events") == 0, "no lag")


def test_a_failure_of_ours_while_decoding_is_counted_and_tried_again(
    start: Start, voc: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends neither the worker nor what waits behind it."""
    failures = [ValueError("ours")]
    decode = sink.decode

    def failing_once(messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:
        if failures:
            raise failures.pop()
        return decode(messages, now)

    monkeypatch.setattr(sink, "decode", failing_once)
    worker = start()
    produce(voc, ids(200))
    wait_until(lambda: sink.count == 200, "all events")
    assert worker.sample("voc_batch_failures_total") >= 1


def test_a_message_that_cannot_be_read_is_set_aside(
    start: Start, voc: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours that one message meets stops neither its partition nor the others.

    The message meets it every time.
    """
    decode = sink.decode

    def failing(messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:
        if any(ids(124)[123].encode() in (message.value or b"") for message in messages):
            raise ValueError("ours")
        return decode(messages, now)

    def id_of(message: DecodedMessage) -> str:
        return "unreadable" if message.content != NOT_READ else event_id_of(message)

    monkeypatch.setattr(sink, "decode", failing)
    sink.read_id = id_of
    worker = start()
    produce(voc, ids(200))
    wait_until(lambda: sink.seen == {*ids(123), *ids(76, first=124), "unreadable"}, "all others")
    assert worker.sample("voc_messages_set_aside_total") == 1


def test_what_is_too_much_for_one_transaction_goes_in_by_parts(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """A slow store gets to the end of a large batch.

    It gives up on such batches again and again.
    """

    def give_up_on_many(batch: Batch) -> None:
        if len(batch.messages) > 5:
            raise StoreUnavailableError("canceling statement due to statement timeout")

    sink.before_commit = give_up_on_many
    produce(voc, ids(400))
    start()
    wait_until(lambda: sink.count == 400, "all events")
    assert_all_taken_in(sink, voc, ids(400))
    assert max(len(batch.messages) for batch in sink.batches) <= 5
