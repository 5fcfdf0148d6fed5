"""Keeps the worker's view of the positions in the store, and its only way to the sink.

The sink blocks. So what asks PostgreSQL runs in one thread of its own: the loop never waits for it,
and batches stay in order. Decoding runs beside it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from voc_stream.kafka.life.clock_door import ClockDoor
from voc_stream.kafka.positions.holds import Holds
from voc_stream.kafka.positions.where_to_read import Log, place
from voc_stream.pipeline.ports import (
    OtherCatalogueError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.kafka.life.state import WorkerState
    from voc_stream.kafka.log_reader import LogReader
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.ports import (
        Batch,
        BatchResult,
        BatchSink,
        Partition,
        StoredPosition,
    )
    from voc_stream.pipeline.refusal_limit import RefusalRecord

    ReadBounds = Callable[[Collection[Partition]], Awaitable[Mapping[Partition, tuple[int, int]]]]
    """Asks the broker for (earliest, end) of the log of each partition."""

CLOCK_PAUSE_SECONDS = 0.5

A = TypeVar("A")
T = TypeVar("T")
log = logging.getLogger(__name__)


class Ledger:
    """Positions of the assigned partitions as the store last told them.

    Args:
        sink: where batches are made durable.
        log_reader: asks the broker about its logs.
        metrics: counts resets and retries.
        state: told whether the store answers.
    """

    def __init__(
        self, sink: BatchSink, log_reader: LogReader, metrics: Metrics, state: WorkerState
    ) -> None:
        self._sink = sink
        self._log_reader = log_reader
        self._metrics = metrics
        self.state = state
        self.clock = ClockDoor(state, metrics)
        self.durable: dict[Partition, StoredPosition] = {}
        self.refusals: dict[Partition, RefusalRecord] = {}
        self.holds = Holds(state, metrics)
        self.loading = asyncio.Lock()
        self._twin: BatchSink | None = None
        self._is_ill = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voc-sink")
        self._apart = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voc-apart")

    async def load(
        self, partitions: Collection[Partition], read_bounds: ReadBounds
    ) -> Mapping[Partition, StoredPosition]:
        """Decide where to read each partition from, and make the store agree.

        Raises FencedError, StoreUnavailableError, TopicsError, KafkaError.
        """
        # The order matters: if the log is measured before the store is asked, it could seem to end
        # before a position that has just moved.
        stored = await self._call(self._sink.positions, partitions)
        ids = await self.current_topic_ids({partition.topic for partition in partitions})
        bounds = await read_bounds(partitions)
        doubtful = {
            each: end
            for each, (_, end) in bounds.items()
            if each in stored and stored[each].next_offset > end
        }
        ends = await self._ask(self._log_reader.ends, doubtful) if doubtful else {}
        positions: dict[Partition, StoredPosition] = {}
        for partition, (earliest, end) in bounds.items():
            placement = place(
                stored.get(partition), Log(ids[partition.topic], earliest, ends.get(partition, end))
            )
            if placement.reset_reason is not None:
                log.error(
                    "%s partition %d starts again at offset %d: %s. Events that were counted"
                    " before are not counted again.",
                    partition.topic,
                    partition.number,
                    placement.position.next_offset,
                    placement.reset_reason,
                )
                self._metrics.position_resets.labels(partition.topic).inc()
            if placement.is_new:
                await self._call(
                    self._sink.start_at, partition, placement.position, stored.get(partition)
                )
            positions[partition] = placement.position
        self.refusals.update(await self.read_refusals(partitions))
        return positions

    async def read_refusals(
        self, partitions: Collection[Partition]
    ) -> Mapping[Partition, RefusalRecord]:
        """What the partitions have refused of late. Raises StoreUnavailableError."""
        records: Mapping[Partition, RefusalRecord] = await self._call(
            self._sink.refusals, partitions
        )
        return records

    async def current_topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        """The ids of the topics as the broker has them now."""
        return await self._ask(self._log_reader.topic_ids, topics)

    async def look_at_access(self) -> None:
        """Find out why the brokers do not serve us, for the log and `/readyz`."""
        problem = await asyncio.get_running_loop().run_in_executor(
            None, self._log_reader.access_problem
        )
        if problem is not None and problem != self.state.kafka_problem:
            log.warning("%s; going on trying, nothing is lost", problem)
        self.state.kafka_problem = problem

    async def lost_commits(self) -> list[Partition]:
        """Partitions in which the stored position lies before the confirmed one.

        The store has lost its last commits. A failover to a replica that lags does that, and a
        crash with `synchronous_commit` off. Raises StoreUnavailableError.
        """
        before = dict(self.durable)
        stored: Mapping[Partition, StoredPosition] = await self._call(
            self._sink.positions, list(before)
        )
        # A batch that is committed meanwhile moves the stored position on from `before`, never
        # back.
        return [
            partition
            for partition, position in before.items()
            if partition in self.durable
            and (partition not in stored or stored[partition].next_offset < position.next_offset)
        ]

    async def now(self) -> datetime:
        """The time, as soon as it can be believed. Events are judged by it."""
        while (moment := self.clock.now()) is None:
            self.state.last_progress = (
                time.monotonic()
            )  # waiting for the clocks is no stall of ours
            await asyncio.sleep(CLOCK_PAUSE_SECONDS)
        return moment

    async def reread(self, partitions: Collection[Partition]) -> None:
        """Read the stored positions of partitions that are still ours.

        Raises StoreUnavailableError.
        """
        stored: Mapping[Partition, StoredPosition] = await self._call(
            self._sink.positions, partitions
        )
        self._moved(stored)

    async def process(self, batches: Sequence[Batch], now: datetime) -> Sequence[BatchResult]:
        """Make batches durable, together.

        Raises FencedError, StoreUnavailableError: then ask `problem_of_store` whose fault it is.
        """
        results: Sequence[BatchResult] = await self._run(
            self._executor, partial(self._sink.process, batches, now)
        )
        self._is_well()
        self._moved(
            {
                batch.partition: batch.expected._replace(next_offset=batch.next_offset)
                for batch in batches
            }
        )
        self.refusals.update(
            {
                batch.partition: result.refusals
                for batch, result in zip(batches, results, strict=True)
            }
        )
        return results

    async def process_apart(self, batch: Batch, now: datetime, seconds: float) -> BatchResult:
        """Make one batch durable beside the others, on a thread and a connection of its own.

        Raises as `process`.
        """
        (result,) = await self._run(self._apart, partial(self._process_apart, batch, now, seconds))
        self._is_well()
        self._moved({batch.partition: batch.expected._replace(next_offset=batch.next_offset)})
        self.refusals[batch.partition] = result.refusals
        return result

    def _process_apart(self, batch: Batch, now: datetime, seconds: float) -> Sequence[BatchResult]:
        if self._twin is None:
            self._twin = self._sink.twin()
        return self._twin.process([batch], now, seconds)

    async def end_apart(self) -> None:
        """Give back what `process_apart` holds: it is needed seldom."""
        twin, self._twin = self._twin, None
        if twin is not None:
            await self._run(self._apart, twin.close)

    async def problem_of_store(self) -> str | None:
        """Why the store cannot be used now.

        None if it is well, and whatever failed has another cause. `/readyz` tells it.
        """
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._sink.probe)
        except StoreUnavailableError as error:
            self._is_ill, self.state.store_problem = True, f"PostgreSQL does not answer ({error})"
            self.state.last_progress = time.monotonic()
            return str(error)
        self._is_well()
        return None

    def _is_well(self) -> None:
        self._is_ill, self.state.store_problem = False, None

    def _moved(self, positions: Mapping[Partition, StoredPosition]) -> None:
        for partition, position in positions.items():
            if partition not in self.durable:
                continue  # it was revoked meanwhile, and is another worker's business
            if position != self.durable[partition]:
                self.holds.end_doubt(partition)
            self.durable[partition] = position

    def forget(self, partition: Partition) -> None:
        """Forget a partition that was revoked."""
        self.durable.pop(partition, None)
        self.refusals.pop(partition, None)
        self.holds.end_doubt(partition)
        self._is_ill = False  # perhaps no batch comes any more to show that it is well again
        self._metrics.forget_partition(partition)

    def close(self) -> None:
        """Let the sink's thread end after what it is doing now."""
        for executor in (self._executor, self._apart):
            executor.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    async def _ask(function: Callable[[A], T], argument: A) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, function, argument)

    async def _call(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            result = await self._run(self._executor, partial(function, *arguments))
        except OtherCatalogueError:
            raise  # the store is well
        except StoreUnavailableError as error:
            self.state.store_problem = f"PostgreSQL does not answer ({error})"
            raise
        if not self._is_ill:  # a server that takes in nothing may tell its positions all the same
            self.state.store_problem = None
        return result

    async def _run(self, executor: ThreadPoolExecutor, function: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, function)
        except StoreUnavailableError as error:
            if isinstance(error, OtherCatalogueError):
                self.state.give_way(str(error))
            self.state.last_progress = (
                time.monotonic()
            )  # no answer from the store is no stall of ours
            raise
