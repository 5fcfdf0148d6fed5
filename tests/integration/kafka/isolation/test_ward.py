"""One message fails whatever is done: it is set aside, and nothing else waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_worker import place_of, produce, wait_until

from voc_stream.events.refusal import Refusal
from voc_stream.pipeline.ports import StoreGaveUpError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from fakes import MemorySink
    from kafka_worker import ThreadWorker

    from voc_stream.pipeline.ports import Batch
    from voc_stream.settings import Settings

    Start = Callable[[], ThreadWorker]

IDS = [f"e{number:06d}" for number in range(400)]
GUILTY = IDS[123]
OTHERS = set(IDS) - {GUILTY}


def holds_guilty(batch: Batch) -> bool:
    """Whether it holds the guilty message as an event that is to be taken in."""
    return any(
        GUILTY.encode() in (message.value or b"") and not is_set_aside(message.content)
        for message in batch.messages
    )


def is_set_aside(content: object) -> bool:
    return isinstance(content, Refusal) and content.reason == "processing_failed"


def test_a_message_that_always_fails_is_set_aside_and_named(
    start: Start, voc: Settings, sink: MemorySink, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever exception it causes.

    Its partition goes on behind it, metric and log name its place, and the worker is ready again.
    """

    def fail(batch: Batch) -> None:
        if holds_guilty(batch):
            raise ZeroDivisionError("a fault that this message always meets")

    sink.before_commit = fail
    sink.read_id = lambda message: (
        "" if is_set_aside(message.content) else message.value.decode()[14:21]  # type: ignore[union-attr]
    )
    worker = start()
    produce(voc, IDS)
    wait_until(lambda: sink.seen >= OTHERS, "all other events")
    partition = place_of(voc, GUILTY)
    labels = {"topic": partition.topic, "partition": str(partition.number)}
    wait_until(lambda: worker.sample("voc_messages_set_aside_total", **labels) == 1, "the metric")
    wait_until(lambda: worker.is_ready, "ready again")
    aside = [
        message
        for batch in sink.batches
        for message in batch.messages
        if is_set_aside(message.content)
    ]
    assert [GUILTY.encode() in (message.value or b"") for message in aside] == [True]
    assert worker.sample("voc_message_set_aside_offset", **labels) == aside[0].offset
    assert worker.sample("voc_messages_set_aside_total") == 1
    assert worker.sample("voc_partition_held") == 0
    assert f"{partition} offset {aside[0].offset} (" in caplog.text
    assert "PostgreSQL does not answer" not in caplog.text
    assert GUILTY not in sink.seen


def test_other_partitions_do_not_wait_for_a_guilty_one(
    start: Start, voc: Settings, sink: MemorySink
) -> None:
    """While a lock holds one message up, all others go in.

    `/readyz` names the place and the cause, and nothing becomes a dead letter.
    """
    locked = [True]

    def wait_for_lock(batch: Batch) -> None:
        if locked and holds_guilty(batch):
            raise StoreUnavailableError("canceling statement due to lock timeout")

    sink.before_commit = wait_for_lock
    worker = start()
    produce(voc, IDS)
    partition = place_of(voc, GUILTY)
    elsewhere = {each for each in IDS if place_of(voc, each) != partition}
    more = [f"f{number:06d}" for number in range(200)]
    wait_until(lambda: elsewhere <= sink.seen, "all events of other partitions")
    produce(voc, more)
    more_elsewhere = {each for each in more if place_of(voc, each) != partition}
    wait_until(lambda: sink.seen >= more_elsewhere, "what the others get meanwhile")
    wait_until(
        lambda: any("is tried alone" in line for line in worker.parts.not_ready()), "the place"
    )
    place = sum(place_of(voc, each) == partition for each in IDS[: IDS.index(GUILTY)])
    (told,) = [line for line in worker.parts.not_ready() if "tried alone" in line]
    assert (
        told
        == f"{partition} offset {place} is tried alone: canceling statement due to lock timeout"
    )
    assert worker.sample("voc_partition_held", cause="isolation") == 1
    assert worker.sample("voc_postgres_retries_total") == 0
    locked.clear()
    wait_until(lambda: set(IDS) <= sink.seen and len(sink.seen) == 600, "all of it")
    assert worker.sample("voc_messages_set_aside_total") == 0
    wait_until(lambda: worker.is_ready, "ready again")


def test_nothing_is_set_aside_while_the_store_is_ill(
    start: Start, voc: Settings, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that gives up on everything and fails the probe, too, is waited for.

    However long that takes.
    """
    ill = [True]

    def give_up(batch: Batch) -> None:
        if ill and holds_guilty(batch):
            raise StoreGaveUpError("no answer within 25 s")

    def probe() -> None:
        if ill:
            raise StoreUnavailableError("disk full")

    monkeypatch.setattr(sink, "before_commit", give_up)
    monkeypatch.setattr(sink, "probe", probe)
    worker = start()
    produce(voc, IDS)
    wait_until(lambda: worker.sample("voc_postgres_retries_total") >= 5, "retries")
    assert "PostgreSQL does not answer (disk full)" in worker.parts.not_ready()
    ill.clear()
    wait_until(lambda: set(IDS) <= sink.seen, "all events")
    assert worker.sample("voc_messages_set_aside_total") == 0
    assert worker.sample("voc_partition_held") == 0
