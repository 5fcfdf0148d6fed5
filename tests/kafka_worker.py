"""Workers on threads of the test's process, so that they can share an in-memory store."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kafka import KafkaProducer
from prometheus_client import CollectorRegistry

from voc_stream.kafka.connection.security import client_options
from voc_stream.kafka.topics import input_topics
from voc_stream.kafka.worker.run import FaustWorker, WorkerParts
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.ports import Partition
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from fakes import MemoryChores, MemorySink

    from voc_stream.pipeline.ports import Decode, DecodedMessage, Message

TIMEOUT_SECONDS = 40.0
# Shorter than the settings allow: the embedded broker lets a first member wait for half of the
# session.
SHORT_SESSIONS = {"broker_session_timeout": 2.0, "broker_heartbeat_interval": 0.3}


def wait_until(condition: Callable[[], bool], what: str, seconds: float = TIMEOUT_SECONDS) -> None:
    """Return as soon as the condition holds; fail with `what` after the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        threading.Event().wait(0.02)


class _UnsignalledWorker(FaustWorker):
    """Signals belong to the main thread, where the test is."""

    def _install_signal_handlers_unix(self) -> None:
        pass


class ThreadWorker:
    """A worker that runs on a thread of its own until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        sink: MemorySink,
        chores: MemoryChores,
        decode: Decode | None = None,
        **options: Any,
    ) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.error: BaseException | None = None
        self._sink = sink
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._arguments = (settings, sink, decode or self._decode, chores, self.metrics)
        self._options = SHORT_SESSIONS | options
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _decode(self, messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:
        """As the sink does it by then: a test may replace that."""
        return self._sink.decode(messages, now)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self.parts = WorkerParts(*self._arguments, **self._options)
        self._worker = _UnsignalledWorker(self.parts, loop=self._loop)
        self._ready.set()
        try:
            self._worker.execute_from_commandline()
        except SystemExit:
            pass
        except BaseException as error:  # noqa: BLE001  shown by the test that waits for it
            self.error = error
        finally:
            self.parts.close()

    @property
    def is_ready(self) -> bool:
        """Whether it takes in events."""
        return not self.parts.not_ready()

    def sample(self, name: str, **labels: str) -> float:
        """The value of a metric, summed over the labels that are not given; 0 if there is none."""
        return sum(
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def stop(self) -> None:
        """Stop it and wait for its thread."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._worker.stop(), self._loop)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the worker did not stop within 20 s"


def settings_for(broker: str, prefix: str, **changes: Any) -> Settings:
    """Settings of a test's own group and topics."""
    options: dict[str, Any] = {
        "partitions": 2,
        "web_port": 0,
        "broker_session_timeout_seconds": 6,
        "maximum_batch_messages": 50,
    }
    return Settings(
        kafka_bootstrap=broker, topic_prefix=prefix, group=f"{prefix}group", **(options | changes)
    )


@contextmanager
def started_workers() -> Iterator[Callable[..., ThreadWorker]]:
    """Start workers; all are stopped afterwards, and none may have failed."""
    workers: list[ThreadWorker] = []

    def start_one(
        settings: Settings, sink: MemorySink, chores: MemoryChores, **options: Any
    ) -> ThreadWorker:
        workers.append(ThreadWorker(settings, sink, chores, **options))
        return workers[-1]

    try:
        yield start_one
    finally:
        for worker in workers:
            worker.stop()
    assert [worker.error for worker in workers if worker.error is not None] == []


def place_of(settings: Settings, event_id: str) -> Partition:
    """Where an event goes, by the number in its id.

    One after the other through all partitions of all input topics.
    """
    topics = input_topics(settings.topic_prefix)
    partition, topic = divmod(int(event_id[1:]), len(topics))
    return Partition(topics[topic], partition % settings.partitions)


def produce(settings: Settings, event_ids: Iterable[str]) -> None:
    """Send one small JSON object for each id, and wait for all acknowledgements.

    They are spread over all input topics and partitions.
    """
    producer = KafkaProducer(**client_options(settings), linger_ms=5)
    try:
        places = [(event_id, place_of(settings, event_id)) for event_id in event_ids]
        sent = [
            producer.send(
                place.topic,
                value=json.dumps({"event_id": event_id}).encode(),
                partition=place.number,
            )
            for event_id, place in places
        ]
        for each in sent:
            each.get(20)
    finally:
        producer.close()
