"""Declares every metric of the service once: name, help, labels.

There are two kinds. Counters and gauges of the worker's own life are attributes of `Metrics`.
Gauges that are read from the tables are listed in `table_gauges` and set by `Metrics.publish`. A
sample that is not read any more disappears, because no data is not zero. Label values come from the
catalogue, the topics and the sites, never from a customer or a text.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from voc_stream.monitoring.table_gauges import TableGauges

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from prometheus_client import CollectorRegistry

    from voc_stream.pipeline.ports import BatchResult, GaugeSample, Partition

BATCH_SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_EVENTS_BUCKETS = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000)

# The outcomes of a message, as the fields of BatchResult.
OUTCOMES = ("accepted", "duplicate", "rejected", "conflicting", "retracted")


class Metrics:
    """All metrics on one registry.

    Args:
        registry: where they are registered; each test brings its own.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        topic, partition = ("topic",), ("topic", "partition")
        self.events = Counter(
            "voc_events_total", "Messages taken in.", ("topic", "outcome"), registry=registry
        )
        self.batch_seconds = Histogram(
            "voc_batch_seconds",
            "Time of what was handed on together, decoded, until COMMIT, retries included.",
            buckets=BATCH_SECONDS_BUCKETS,
            registry=registry,
        )
        self.batch_events = Histogram(
            "voc_batch_events",
            "Messages of one partition in a transaction.",
            topic,
            buckets=BATCH_EVENTS_BUCKETS,
            registry=registry,
        )
        self.postgres_retries = Counter(
            "voc_postgres_retries_total",
            "Times PostgreSQL did not answer and was asked again.",
            registry=registry,
        )
        self.batch_failures = Counter(
            "voc_batch_failures_total",
            "Batches that failed unexpectedly and were tried again.",
            topic,
            registry=registry,
        )
        self.set_aside_messages = Counter(
            "voc_messages_set_aside_total",
            "Messages that failed again and again, alone, and became dead letters so that the"
            " others go on.",
            partition,
            registry=registry,
        )
        self.set_aside_offset = Gauge(
            "voc_message_set_aside_offset",
            "Offset of the message or batch that was set aside last.",
            partition,
            registry=registry,
        )
        self.partition_held = Gauge(
            "voc_partition_held",
            "1 while nothing of the partition is taken in, for this cause; 0 for the other causes.",
            ("topic", "partition", "cause"),
            registry=registry,
        )
        self.unreadable_batches = Counter(
            "voc_unreadable_batches_total",
            "Batches, or rests of them, that Kafka holds and that cannot be read or would unpack to"
            " too much: a dead letter each.",
            (*partition, "reason"),
            registry=registry,
        )
        self.lag_events = Gauge(
            "voc_consumer_lag_events",
            "Messages in the log that are not yet in the tables.",
            partition,
            registry=registry,
        )
        self.event_delay_seconds = Gauge(
            "voc_event_delay_seconds",
            "At the last commit: its time less that of its latest event.",
            partition,
            registry=registry,
        )
        self.last_commit = Gauge(
            "voc_last_commit_timestamp_seconds",
            "Unix time of the last committed batch.",
            partition,
            registry=registry,
        )
        self.position_resets = Counter(
            "voc_position_resets_total",
            "Stored positions that were outside the log.",
            topic,
            registry=registry,
        )
        self.rewinds = Counter(
            "voc_rewinds_total",
            "Batches fetched again because something before them was missing.",
            topic,
            registry=registry,
        )
        self.skipped_offsets = Counter(
            "voc_skipped_offsets_total",
            "Offsets that held no message: retention, compaction, transactions or a batch that"
            " cannot be read.",
            topic,
            registry=registry,
        )
        self.timer_errors = Counter(
            "voc_timer_errors_total", "Runs of a timer that failed.", ("timer",), registry=registry
        )
        self.timer_seconds = Gauge(
            "voc_timer_seconds",
            "How long the last run of a timer took.",
            ("timer",),
            registry=registry,
        )
        self.chore_process_starts = Counter(
            "voc_chore_process_starts_total",
            "Starts of the process in which this worker has its chores done.",
            registry=registry,
        )
        self.chore_process_memory = Gauge(
            "voc_chore_process_memory_bytes",
            "What the process of the chores held of memory when it last answered, beside"
            " libraries that it shares with the worker.",
            registry=registry,
        )
        self.chore_process_seconds = Counter(
            "voc_chore_process_cpu_seconds_total",
            "Processor time of the processes of the chores.",
            registry=registry,
        )
        self.strange_installations = Gauge(
            "voc_strange_installations",
            "Other installations whose workers are in this worker's consumer group.",
            registry=registry,
        )
        self.clock_skew = Gauge(
            "voc_clock_skew_seconds",
            "How far this worker's clock is ahead of PostgreSQL's; below 0, behind it.",
            registry=registry,
        )
        self.stored_clock_ahead = Gauge(
            "voc_stored_clock_ahead_seconds",
            "How far the latest stored moment of a refresh or evaluation is ahead of PostgreSQL's"
            " clock.",
            registry=registry,
        )
        self.dead_letters_published = Counter(
            "voc_dead_letters_published_total",
            "Refused messages handed to the dead-letter topic.",
            ("outcome",),
            registry=registry,
        )
        self.dead_letters_deleted = Counter(
            "voc_dead_letters_deleted_total",
            "Refused messages that were older than VOC_DEAD_LETTER_RETENTION_DAYS.",
            registry=registry,
        )
        self.label_overflow = Counter(
            "voc_label_overflow_total",
            "Samples of sites beyond the first 1000, put together as 'other'.",
            ("metric",),
            registry=registry,
        )
        self._held: dict[Partition, tuple[str, ...]] = {}
        self._tables = TableGauges(self.label_overflow)
        registry.register(self._tables)

    def committed(
        self, partition: Partition, messages: int, result: BatchResult, now: datetime
    ) -> None:
        """Count a committed batch of `messages` messages."""
        for outcome in OUTCOMES:
            self.events.labels(partition.topic, outcome).inc(getattr(result, outcome))
        self.batch_events.labels(partition.topic).observe(messages)
        self.last_commit.labels(*partition).set(now.timestamp())
        if result.latest_event_time is not None:
            self.event_delay_seconds.labels(*partition).set(
                (now - result.latest_event_time).total_seconds()
            )

    def lag(self, lags: Mapping[Partition, int]) -> None:
        """Show how many messages of each partition wait."""
        for partition, events in lags.items():
            self.lag_events.labels(*partition).set(events)

    def set_aside(self, partition: Partition, offset: int) -> None:
        """Count a message that was set aside."""
        self.set_aside_messages.labels(*partition).inc()
        self.set_aside_offset.labels(*partition).set(offset)

    def unreadable(self, partition: Partition, offset: int, reason: str) -> None:
        """Count a batch that cannot be read."""
        self.unreadable_batches.labels(*partition, reason).inc()
        self.set_aside_offset.labels(*partition).set(offset)

    def held(self, partition: Partition, cause: str, causes: Iterable[str]) -> None:
        """Show that a partition is held, and for which of all causes."""
        for each in causes:
            self.partition_held.labels(*partition, each).set(each == cause)
        self._held[partition] = tuple(causes)

    def not_held(self, partition: Partition) -> None:
        """Show that a partition is held no more."""
        for cause in self._held.pop(partition, ()):
            self.partition_held.remove(partition.topic, str(partition.number), cause)

    def forget_partition(self, partition: Partition) -> None:
        """Remove the values of a partition that went to another worker."""
        for gauge in (self.lag_events, self.event_delay_seconds, self.last_commit):
            with suppress(KeyError):
                gauge.remove(partition.topic, str(partition.number))

    def chore_process_started(self) -> None:
        """Count a start."""
        self.chore_process_starts.inc()

    def chore_process_used(self, memory_bytes: int, more_processor_seconds: float) -> None:
        """Show what memory the process holds for itself, and how much longer it worked."""
        self.chore_process_memory.set(memory_bytes)
        self.chore_process_seconds.inc(more_processor_seconds)

    def letters_deleted(self, count: int) -> None:
        """Count dead letters that were kept no longer."""
        self.dead_letters_deleted.inc(count)

    def publish(self, gauges: Sequence[GaugeSample]) -> None:
        """Replace all gauges that are read from the tables.

        Raises KeyError or ValueError for a name or labels that are not declared here.
        """
        self._tables.publish(gauges)
