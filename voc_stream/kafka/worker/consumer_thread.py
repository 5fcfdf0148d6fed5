"""Fetches and seeks in the consumer's thread, and labels each batch that it hands on.

It reads only what is committed: aborted messages and the markers of transactions move the position
as a batch without messages. Commits to Kafka are for tools that watch consumer groups: they have a
deadline and may fail. It relies on internals of aiokafka and Faust, as consumer.py does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from voc_stream.every import Every
from voc_stream.kafka.positions.batches import FetchedBatch
from voc_stream.kafka.records.reading import HANDED_ON_BYTES, Fetched, take_their_places
from voc_stream.pipeline.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.pipeline.ports import FetchedMessage

# aiokafka asks again for a partition only when the fetch under way for its broker has come back, so
# a long wait there delays everything.
FETCH_WAIT_MS = 200
# Bounds what is read ahead of one broker, in the bytes that come, which are mostly compressed.
FETCH_BYTES = 8 * 1024 * 1024
GAP_INTERVAL_SECONDS = 1.0
REFUSED_PAUSE_SECONDS = 0.5
COMMIT_TIMEOUT_SECONDS = 3
LEAVE_TIMEOUT_SECONDS = 3

log = logging.getLogger(__name__)


class HasLedger(Protocol):
    """What this thread needs of the transport that Faust gives it."""

    ledger: Ledger


class _FetchRecord:
    """What was fetched together, in the shape of one record of Faust.

    Faust expects a record of one of its partitions.
    """

    __slots__ = ("offset", "partition", "topic", "value")

    timestamp = None
    timestamp_type = None
    headers = None
    key = None
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, batches: Sequence[FetchedBatch[FetchedMessage]]) -> None:
        self.topic, self.partition = batches[0].partition
        self.offset = batches[0].next_offset - 1
        self.value = batches


take_their_places()


class BatchThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread, the only place that sees fetches and seeks in one order.

    So batches are labelled here.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cursor: dict[Partition, int] = {}
        self.seek_number: defaultdict[Partition, int] = defaultdict(int)
        self._look_for_gaps = Every(GAP_INTERVAL_SECONDS)
        self._messages_left = 0

    def allow(self, messages: int) -> None:
        """Let the next fetches bring so many messages together, and HANDED_ON_BYTES."""
        self._messages_left, Fetched.bytes_left = messages, HANDED_ON_BYTES

    @property
    def may_fetch(self) -> bool:
        """Whether the next fetches may still bring messages."""
        return self._messages_left > 0 and Fetched.bytes_left > 0

    @Service.task
    async def _beat(self) -> None:
        """Show the watchdog that this thread's loop runs.

        Also show whether the task has ended that keeps the worker in its group: nobody else would
        notice.
        """
        state = cast("HasLedger", self.transport).ledger.state
        while not self.should_stop:
            state.consumer_beat = time.monotonic()
            coordinator = None if self._consumer is None else self._consumer._coordinator  # noqa: SLF001  see below
            if coordinator is not None:
                # aiokafka looks at it only in calls that Faust does not make.
                coordination = coordinator._coordination_task  # noqa: SLF001
                if (
                    coordination.done()
                    and not coordination.cancelled()
                    and (error := coordination.exception()) is not None
                ):
                    state.consumer_error = repr(error)
            await self.sleep(1.0)

    async def on_thread_stop(self) -> None:
        """Stop the consumer.

        If the broker is gone, aiokafka waits for an answer, or lets the cancellation of its own
        fetch escape.
        """
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_SECONDS):
                await super().on_thread_stop()

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        # Only tools that watch consumer groups look at these. Faust would end the worker if the
        # broker refuses them, and wait for ever if it is away.
        mine = {
            TopicPartition(*each): OffsetAndMetadata(offset, "")
            for each, offset in offsets.items()
            if each in self.assignment()
        }
        if not mine:
            return False
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_SECONDS):
                await self._ensure_consumer().commit(mine)
        except (TimeoutError, KafkaError) as error:
            log.warning("the positions were not told to Kafka (%r); PostgreSQL has them", error)
            return False
        return True

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001  Faust has no setting for it and writes 1500
        consumer._fetch_max_bytes = FETCH_BYTES  # noqa: SLF001
        consumer._isolation_level = "read_committed"  # noqa: SLF001  Faust ties it to a mode of its own; what was aborted must not count
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active: Any,
        timeout: float | None = None,  # noqa: ASYNC109  Faust's signature
        max_records: int | None = None,
    ) -> Any:
        held = cast("HasLedger", self.transport).ledger.state.held
        if held:
            # What aiokafka has of held partitions stays there, and it fetches no more of them.
            active = set(active or ()) - {TP(*partition) for partition in held}
            if not active:
                await asyncio.sleep(timeout or 0.0)
                return {}
        # Nothing may be awaited between the fetch and the labels: so both are atomic with respect
        # to `_seek_wait`.
        most = self._messages_left if max_records is None else min(self._messages_left, max_records)
        try:
            fetched = await super()._fetch_records(consumer, active, timeout, most)
        except TopicAuthorizationFailedError as error:
            # Faust would end the worker. The other topics go on, and so does this topic as soon as
            # the rule is back.
            self._refused(f"Kafka does not let this worker read topic {error.args[0]}")
            await self.sleep(REFUSED_PAUSE_SECONDS)
            return {}
        except IllegalSaslStateError:
            # aiokafka takes the broker's challenge, by which it refuses a token, for a welcome. The
            # broker then answers the next request with this error, and closes the connection. Faust
            # would end the worker; aiokafka logs in again.
            self._refused("Kafka refuses the token, or does not know it yet")
            await self.sleep(REFUSED_PAUSE_SECONDS)
            return {}
        except GroupAuthorizationFailedError as error:
            # aiokafka does not recover from this error. The watchdog ends the worker, and its
            # successor says what it waits for.
            cast(
                "HasLedger", self.transport
            ).ledger.state.consumer_error = f"Kafka does not let it: {error!r}"
            await self.sleep(REFUSED_PAUSE_SECONDS)
            return {}
        self._messages_left -= sum([len(messages) for messages in fetched.values()])
        batches = [
            self._label(Partition(*topic_partition), messages)
            for topic_partition, messages in fetched.items()
            if messages
        ]
        moment = time.monotonic()
        if self._look_for_gaps.is_due(moment):
            self._look_for_gaps.done(moment)
            silent = set(active or ()) - {TP(*batch.partition) for batch in batches}
            batches += [
                gap
                for topic_partition in silent
                if (gap := self._gap(consumer, topic_partition)) is not None
            ]
        # All batches go into one record of Faust's, so that they become one transaction. If the
        # partition of that record is lost on the way, Faust drops the record. The agent then misses
        # what the other partitions should have continued with, and rewinds them.
        return {TP(*batches[0].partition): [_FetchRecord(batches)]} if batches else {}

    def _refused(self, problem: str) -> None:
        """Let `/readyz` say so at once.

        The timer of the lag finds the words for it, and notices when it is over.
        """
        state = cast("HasLedger", self.transport).ledger.state
        if state.kafka_problem is None:
            log.error("%s; going on trying, nothing is lost", problem)
            state.kafka_problem = problem

    def _gap(self, consumer: Any, topic_partition: Any) -> FetchedBatch[FetchedMessage] | None:
        """A batch without messages for what aiokafka read without handing out anything.

        These are markers of transactions, and what was aborted. Else the position would stay before
        a marker that ends the log, which would look like lag for ever.
        """
        partition = Partition(*topic_partition)
        start, end = self.cursor.get(partition), _position(consumer, topic_partition)
        if start is None or end is None or end <= start:
            return None
        self.cursor[partition] = end
        return FetchedBatch(partition, start, self.seek_number[partition], (), end)

    def _label(
        self, partition: Partition, messages: Sequence[FetchedMessage]
    ) -> FetchedBatch[FetchedMessage]:
        batch = FetchedBatch(
            partition, self.cursor.get(partition), self.seek_number[partition], messages
        )
        self.cursor[partition] = batch.next_offset
        return batch

    def stable_end(self, topic_partition: Any) -> int:
        """The end of the log, without open transactions, as the last fetch told it.

        0 without a fetch.
        """
        return self._ensure_consumer().last_stable_offset(TopicPartition(*topic_partition)) or 0

    async def _seek_wait(self, consumer: Any, partitions: Mapping[Any, int]) -> None:
        # The label follows each seek by itself: if one seek is refused, the others must not be
        # labelled as if they had moved.
        for topic_partition, offset in partitions.items():
            consumer.seek(TopicPartition(*topic_partition), offset)
            self.cursor[Partition(*topic_partition)] = offset
            self.seek_number[Partition(*topic_partition)] += 1


def _position(consumer: Any, topic_partition: Any) -> int | None:
    """The position from which aiokafka will read on; None if it does not know.

    Its public method would wait until it knows.
    """
    subscription = consumer._subscription.subscription  # noqa: SLF001  see above
    assignment = None if subscription is None else subscription.assignment
    state = None if assignment is None else assignment.state_value(topic_partition)
    return state.position if state is not None and state.has_valid_position else None
