"""Changes Faust's aiokafka transport: it hands on what it gathered, decoded.

It takes its positions from the store. Every override says which behaviour of Faust it replaces, and
why. They rely on internals of faust-streaming 0.15.3, which is why that is pinned. All topics of
the app are input topics, and all of them are batched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.positions.batches import HandedOn, joined
from voc_stream.kafka.worker.consumer_thread import BatchThread
from voc_stream.pipeline.ports import FencedError, Partition, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence

    from voc_stream.kafka.positions.batches import FetchedBatch
    from voc_stream.kafka.positions.decoding import Decoding
    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.kafka.worker.agent import BatchAgent
    from voc_stream.pipeline.ports import FetchedMessage

# If a seek outlasts `broker_request_timeout` (90 s), Faust takes it for the end of the service and
# never serves another rebalance.
POSITIONS_DEADLINE_SECONDS = 75
# How often what has arrived is gathered while the agent is at a batch. The reason: aiokafka asks
# for no more of a partition while something of it waits. So what is not gathered is not fetched
# either, and the next batch would hold little that is new.
GATHERING_SECONDS = 0.025
AGENT_WAIT_SECONDS = 1.0

log = logging.getLogger(__name__)


class HasAgent(Protocol):
    """What the consumer needs of the app that Faust gives it."""

    batches: BatchAgent


class BatchConsumer(driver.Consumer):
    """The consumer on the main loop.

    Positions come from the ledger, and Kafka's committed offset follows them.
    """

    _thread: BatchThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gathered: tuple[TP, Any] | None = None
        self._handed_on = 0
        self._revocations = 0
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
        """Do nothing: Faust takes a quiet partition for a stopped commit.

        Our watchdog judges instead.
        """

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to the stored position.

        Raises TimeoutError: a worker that ends is better than one that idles.
        """
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
        # One load at a time: Faust seeks from two places, and each would find the same log anew.
        async with self.ledger.loading:
            positions = await self.ledger.load(partitions, self._bounds)
            offsets = {partition: position.next_offset for partition, position in positions.items()}
            await self.seek_to(offsets)  # refused where the assignment changed meanwhile
            self.ledger.durable.update(positions)
            cast("HasAgent", self.app).batches.breaker.look_back(positions)
            return offsets

    async def _bounds(
        self, partitions: Collection[Partition]
    ) -> Mapping[Partition, tuple[int, int]]:
        topic_partitions = [TP(*partition) for partition in partitions]
        earliest = await self.earliest_offsets(*topic_partitions)
        ends = await self.highwaters(*topic_partitions)
        return {Partition(*each): (earliest[each], ends[each]) for each in topic_partitions}

    async def log_ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Where the logs end, asked from the broker.

        What the fetcher remembers would hide that it stopped fetching. An open transaction is no
        end that could be reached, so the last stable offset counts. The embedded broker lists too
        small an end, but never one before a batch that nobody has fetched; hence the greater of
        both.
        """
        listed = await self.highwaters(*(TP(*partition) for partition in partitions))
        return {
            Partition(*each): max(end, self._thread.stable_end(each))
            for each, end in listed.items()
            if self.owns(Partition(*each))
        }

    def owns(self, partition: Partition) -> bool:
        """Whether the partition is assigned to this worker now."""
        return TP(*partition) in self.assignment()

    async def seek_to(self, offsets: Mapping[Partition, int]) -> None:
        """Read on from these offsets; what was fetched before is stale from now on.

        Raises IllegalStateError for a lost partition.
        """
        await self.seek_wait({TP(*partition): offset for partition, offset in offsets.items()})
        for partition in offsets:
            self._committed_offset[TP(*partition)] = (
                None  # else commits stop until the old one is passed
            )

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109  Faust's signature
        """All that was gathered and decoded while the agent was at work, as one Faust message.

        None while the agent still is at work. A transaction costs as much for one partition as for
        all, and less for each message the more there are.
        """
        if self._gathered is None:
            self._thread.allow(self.app.conf.broker_max_poll_records)
        if self._handed_on:
            await self._wait_for_agent(
                GATHERING_SECONDS if self._thread.may_fetch else AGENT_WAIT_SECONDS
            )
        if self._thread.may_fetch and (self._handed_on or self._gathered is None):
            await self._gather(0.0 if self._handed_on else timeout)
        # Faust's loop calls again. It alone looks whether the fetcher shall stop; the consumer is
        # told only later.
        if self._gathered is None or self._handed_on:
            return
        (topic_partition, message), self._gathered = self._gathered, None
        message.value = cast("Any", HandedOn(self._revocations, message.value))
        self._handed_on += 1
        # Without this, Faust counts the offsets inside a batch as gaps, and drops what a rewind
        # fetches again.
        self._read_offset.pop(topic_partition, None)
        yield topic_partition, message

    async def _wait_for_agent(self, seconds: float) -> None:
        self._taken.clear()
        # Not wait_for: before Python 3.12 it loses a cancellation that comes just as the wait ends.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._taken.wait()

    async def _gather(self, timeout: float) -> None:  # noqa: ASYNC109  as `getmany`
        """Decode what has arrived, and put it behind what was gathered before.

        Faust's own bookkeeping of offsets is left out.
        """
        async for topic_partition, message in super().getmany(timeout):
            revocations = self._revocations
            # Decoding is done here, not in the transaction: PostgreSQL may be at work on what was
            # gathered before.
            fetched = await cast("BatchTransport", self.transport).decoding.read(
                cast("Sequence[FetchedBatch[FetchedMessage]]", message.value),
                await self.ledger.now(),
            )
            if revocations != self._revocations:
                return
            if self._gathered is None:
                message.value = cast("Any", fetched)
                self._gathered = topic_partition, message
            else:
                before = self._gathered[1]
                before.value = joined(before.value, fetched)

    def taken(self, handed_on: HandedOn) -> None:
        """Note that the agent is done with what was handed on.

        What was handed on before a revocation is not counted any more.
        """
        if handed_on.revocations == self._revocations:
            self._handed_on -= 1
            self._taken.set()

    def on_buffer_full(self, tp: TP) -> None:
        """Do nothing: else Faust would fetch no more of one partition until the agent is idle.

        Under load the agent is never idle.
        """

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing: `getmany` waits for the agent, for all partitions at once."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        # Faust acknowledges one partition of each fetch; the store may have moved on in all of
        # them.
        owned = [TP(*partition) for partition in self.ledger.durable]
        return (each for each in owned if topics is None or each in topics or each.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        # Faust would commit what was acknowledged, and it acknowledges also what failed. Commit
        # what the store has, and never more.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        self._gap.pop(tp, None)
        position = self.ledger.durable.get(Partition(*tp))
        return None if position is None else position.next_offset

    async def on_partitions_revoked(self, revoked: Iterable[TP]) -> None:
        """Forget positions.

        Nothing of these partitions may be applied until their positions are loaded again.
        """
        self.ledger.state.positions_loaded = False
        await super().on_partitions_revoked(revoked)
        # Faust has thrown away what it had handed on; what waits or is just decoded is stale.
        self._handed_on, self._gathered = 0, None
        self._revocations += 1
        self._taken.set()
        for topic_partition in revoked:
            self._thread.cursor.pop(Partition(*topic_partition), None)
            self.ledger.forget(Partition(*topic_partition))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget positions again: a seek under way during the revocation may have stored some.

        A worker without partitions is ready.
        """
        # Holds belong to an assignment: what failed before may not fail in the new one.
        for partition in list(self.ledger.state.held):
            self.ledger.holds.release(partition)
        # What aiokafka fetches now, until the next seek, begins at the offset that the group has
        # committed, and not at an earlier cursor.
        self._thread.cursor.clear()
        for partition in list(self.ledger.durable):
            self.ledger.forget(partition)
        await super().on_partitions_assigned(assigned, generation_id)
        if not assigned:
            self.ledger.state.positions_loaded = True


class BatchTransport(driver.Transport):
    """Hands ledger and decoder to the consumer that Faust makes."""

    Consumer = BatchConsumer

    def __init__(self, *args: Any, ledger: Ledger, decoding: Decoding, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger = ledger
        self.decoding = decoding
