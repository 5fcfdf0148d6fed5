"""Faust's aiokafka transport, changed to hand on whole fetches and to take its positions from the store.

It reads only what is committed: aborted messages and the markers of transactions move the position as a batch without messages. Commits to
Kafka are for tools that watch consumer groups: they have a deadline and may fail.

Every override states what it is against. They rely on internals of faust-streaming 0.15.3, which is why that is pinned.
All topics of the app are input topics, and all of them are batched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from aiokafka.consumer import fetcher
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from voc_stream.kafka.batches import FetchedBatch
from voc_stream.kafka.topics import TopicsError
from voc_stream.ports import FencedError, Message, Partition, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence

    from voc_stream.kafka.ledger import Ledger

# Faust takes a seek that outlasts `broker_request_timeout` (90 s) for the end of the service and then never serves another rebalance.
POSITIONS_DEADLINE_SECONDS = 75
# aiokafka asks again for a partition only when the fetch under way for its broker has come back, so a long wait there delays everything.
FETCH_WAIT_MS = 200
FETCH_BYTES = 32 * 1024 * 1024
GAP_INTERVAL_SECONDS = 1.0
# One fetch waits while the agent is at another: so it never idles, and what arrives meanwhile becomes one larger fetch.
FETCHES_AHEAD = 1
AGENT_WAIT_SECONDS = 1.0
COMMIT_TIMEOUT_SECONDS = 3
LEAVE_TIMEOUT_SECONDS = 3

log = logging.getLogger(__name__)


class _FetchRecord:
    """What was fetched together, in the shape that Faust expects of one record of one of its partitions."""

    __slots__ = ("offset", "partition", "topic", "value")

    timestamp = None
    timestamp_type = None
    headers = None
    key = None
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, batches: Sequence[FetchedBatch]) -> None:
        self.topic, self.partition = batches[0].partition
        self.offset = batches[0].next_offset - 1
        self.value = batches


class _Messages(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """The records of one partition in the shape in which we hand them on; aiokafka's own takes twice as long to make."""

    def _consumer_record(self, tp: Any, record: Any) -> Message:  # noqa: ARG002  aiokafka's signature
        return Message(record.offset, record.value)


# aiokafka has no setting for it; there is no other consumer of it in this process.
fetcher.PartitionRecords = _Messages


class BatchThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread: the only place that sees fetches and seeks in one order, so batches are labelled here."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cursor: dict[Partition, int] = {}
        self.seek_number: defaultdict[Partition, int] = defaultdict(int)
        self._looked_for_gaps = 0.0

    @Service.task
    async def _beat(self) -> None:
        """Show the watchdog that this thread's loop runs."""
        while not self.should_stop:
            cast("BatchTransport", self.transport).ledger.state.consumer_beat = time.monotonic()
            await self.sleep(1.0)

    async def on_thread_stop(self) -> None:
        """Stop the consumer; where the broker is gone, aiokafka lets the cancellation of its own fetch escape, or waits for an answer."""
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_SECONDS):
                await super().on_thread_stop()

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        # Only tools that watch consumer groups look at these. Faust would end the worker where the broker refuses them, and wait for ever
        # where it is away.
        mine = {TopicPartition(*each): OffsetAndMetadata(offset, "") for each, offset in offsets.items() if each in self.assignment()}
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
        consumer._fetch_max_bytes = FETCH_BYTES  # noqa: SLF001  bounds the memory of prefetched data
        consumer._isolation_level = "read_committed"  # noqa: SLF001  Faust ties it to a mode of its own; what was aborted must not count
        return consumer

    async def _fetch_records(self, consumer: Any, active: Any, timeout: float | None = None, max_records: int | None = None) -> Any:  # noqa: ASYNC109  Faust's signature
        # Nothing may be awaited between the fetch and the labels: that makes both atomic with respect to `_seek_wait`.
        fetched = await super()._fetch_records(consumer, active, timeout, max_records)
        batches = [self._label(Partition(*topic_partition), messages) for topic_partition, messages in fetched.items() if messages]
        moment = time.monotonic()
        if moment - self._looked_for_gaps > GAP_INTERVAL_SECONDS:
            self._looked_for_gaps = moment
            silent = set(active or ()) - {TP(*batch.partition) for batch in batches}
            batches += [gap for topic_partition in silent if (gap := self._gap(consumer, topic_partition)) is not None]
        # All in one record of Faust's, so that they become one transaction. Should its partition be lost on the way, Faust drops the
        # record; the agent then misses what the other partitions should have continued with, and rewinds them.
        return {TP(*batches[0].partition): [_FetchRecord(batches)]} if batches else {}

    def _gap(self, consumer: Any, topic_partition: Any) -> FetchedBatch | None:
        """What aiokafka read without handing out anything: the markers of transactions, and what was aborted.

        Without it, the position would stay before a marker that ends the log, which would look like lag for ever.
        """
        partition = Partition(*topic_partition)
        start, end = self.cursor.get(partition), _position(consumer, topic_partition)
        if start is None or end is None or end <= start:
            return None
        self.cursor[partition] = end
        return FetchedBatch(partition, start, self.seek_number[partition], (), end)

    def _label(self, partition: Partition, messages: Sequence[Message]) -> FetchedBatch:
        batch = FetchedBatch(partition, self.cursor.get(partition), self.seek_number[partition], messages)
        self.cursor[partition] = batch.next_offset
        return batch

    def stable_end(self, topic_partition: Any) -> int:
        """The end of the log, without open transactions, as the last fetch told it; 0 where there was none."""
        return self._ensure_consumer().last_stable_offset(TopicPartition(*topic_partition)) or 0

    async def _seek_wait(self, consumer: Any, partitions: Mapping[Any, int]) -> None:
        # The label follows each seek by itself: were one refused, the others must not be labelled as if they had moved.
        for topic_partition, offset in partitions.items():
            consumer.seek(TopicPartition(*topic_partition), offset)
            self.cursor[Partition(*topic_partition)] = offset
            self.seek_number[Partition(*topic_partition)] += 1


def _position(consumer: Any, topic_partition: Any) -> int | None:
    """Where aiokafka will read on; None where it does not know. Its public method would wait for that."""
    subscription = consumer._subscription.subscription  # noqa: SLF001  see above
    assignment = None if subscription is None else subscription.assignment
    state = None if assignment is None else assignment.state_value(topic_partition)
    return state.position if state is not None and state.has_valid_position else None


class BatchConsumer(driver.Consumer):
    """The consumer on the main loop: positions come from the ledger, and Kafka's committed offset follows it."""

    _thread: BatchThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._handed_on = 0
        self._taken = asyncio.Event()

    @property
    def ledger(self) -> Ledger:
        """The worker's view of the positions in the store."""
        return cast("BatchTransport", self.transport).ledger

    def seek_number(self, partition: Partition) -> int:
        """How often this partition has been repositioned."""
        return self._thread.seek_number[partition]

    def _new_consumer_thread(self) -> BatchThread:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Nothing: Faust takes a quiet partition for a stopped commit; our watchdog judges instead."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to the stored position. Raises TimeoutError: a worker that ends is better than one that idles."""
        async with asyncio.timeout(POSITIONS_DEADLINE_SECONDS):
            while True:
                assigned = [Partition(*topic_partition) for topic_partition in self.assignment()]
                try:
                    offsets = await self.load_positions(assigned)
                except IllegalStateError:
                    raise  # the assignment has changed; Faust seeks again
                except (FencedError, StoreUnavailableError, TopicsError, KafkaError) as error:
                    log.warning("the positions cannot be learnt yet (%s); asking again", error)
                    await asyncio.sleep(1.0)
                else:
                    self.ledger.state.positions_loaded = True
                    return {TP(*partition): offset for partition, offset in offsets.items()}

    async def load_positions(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Compare log and store, and read on from where the store stands.

        Raises FencedError, StoreUnavailableError, TopicsError, KafkaError, IllegalStateError.
        """
        # One at a time: Faust seeks from two places, and each would find the same log anew.
        async with self.ledger.loading:
            positions = await self.ledger.load(partitions, self._bounds)
            offsets = {partition: position.next_offset for partition, position in positions.items()}
            await self.seek_to(offsets)  # refused where the assignment changed meanwhile
            self.ledger.durable.update(positions)
            return offsets

    async def _bounds(self, partitions: Collection[Partition]) -> Mapping[Partition, tuple[int, int]]:
        topic_partitions = [TP(*partition) for partition in partitions]
        earliest = await self.earliest_offsets(*topic_partitions)
        ends = await self.highwaters(*topic_partitions)
        return {Partition(*each): (earliest[each], ends[each]) for each in topic_partitions}

    async def log_ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Where the logs end: asked for, since what the fetcher remembers would hide that it stopped fetching.

        An open transaction is no end that could be reached, so it is the last stable offset that counts.
        The embedded broker lists too small an end, but never one before a batch that nobody has fetched; hence the greater of both.
        """
        listed = await self.highwaters(*(TP(*partition) for partition in partitions))
        return {Partition(*each): max(end, self._thread.stable_end(each)) for each, end in listed.items() if self.owns(Partition(*each))}

    def owns(self, partition: Partition) -> bool:
        """Whether the partition is assigned to this worker now."""
        return TP(*partition) in self.assignment()

    async def seek_to(self, offsets: Mapping[Partition, int]) -> None:
        """Read on from these offsets; what was fetched before is stale from now on. Raises IllegalStateError for a lost partition."""
        await self.seek_wait({TP(*partition): offset for partition, offset in offsets.items()})
        for partition in offsets:
            self._committed_offset[TP(*partition)] = None  # else commits stop until the old one is passed

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109  Faust's signature
        """Fetches as Faust messages, without Faust's own bookkeeping of offsets. None while the agent has enough to do."""
        while self._handed_on > FETCHES_AHEAD and not self.should_stop:
            self._taken.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._taken.wait(), AGENT_WAIT_SECONDS)
        async for topic_partition, message in super().getmany(timeout):
            self._handed_on += 1
            # Without this, Faust counts the offsets inside a batch as gaps, and drops what a rewind fetches again.
            self._read_offset.pop(topic_partition, None)
            yield topic_partition, message

    def taken(self) -> None:
        """The agent is done with one fetch."""
        self._handed_on = max(0, self._handed_on - 1)
        self._taken.set()

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: Faust would fetch no more of one partition until the agent has nothing at all to do, and under load that never comes."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Nothing, likewise: `getmany` waits for the agent, for all partitions at once."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        # Faust acknowledges one partition of each fetch; the store may have moved on in all of them.
        owned = [TP(*partition) for partition in self.ledger.durable]
        return (each for each in owned if topics is None or each in topics or each.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        # Faust would commit what was acknowledged, and it acknowledges also what failed. Commit what the store has, and never more.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        self._gap.pop(tp, None)
        position = self.ledger.durable.get(Partition(*tp))
        return None if position is None else position.next_offset

    async def on_partitions_revoked(self, revoked: Iterable[TP]) -> None:
        """Forget positions: nothing of these partitions may be applied until they are loaded again."""
        self.ledger.state.positions_loaded = False
        await super().on_partitions_revoked(revoked)
        # Faust has thrown away what it had handed on.
        self._handed_on = 0
        self._taken.set()
        for topic_partition in revoked:
            self._thread.cursor.pop(Partition(*topic_partition), None)
            self.ledger.forget(Partition(*topic_partition))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget positions again: a seek under way during the revocation may have told some. Who has no partitions is ready."""
        # What aiokafka fetches now, until the next seek, begins where the group has committed, and not at a cursor of before.
        self._thread.cursor.clear()
        for partition in list(self.ledger.durable):
            self.ledger.forget(partition)
        await super().on_partitions_assigned(assigned, generation_id)
        if not assigned:
            self.ledger.state.positions_loaded = True


class BatchTransport(driver.Transport):
    """Hands the ledger to the consumer that Faust makes."""

    Consumer = BatchConsumer

    def __init__(self, *args: Any, ledger: Ledger, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger = ledger
