"""Takes fetched batches to the sink, in the one loop that does so.

It never raises: Faust acknowledges a message also when its agent fails. A batch is applied only if
it continues exactly at the stored position; another one is skipped or fetched again. The store
checks the same once more by compare-and-swap. So nothing is lost and nothing counts twice, whatever
is repeated, dropped or late.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from voc_stream.kafka.isolation.breaker import Breaker
from voc_stream.kafka.isolation.ward import IsolationWard
from voc_stream.kafka.positions.batches import Verdict, before_offset, from_offset, judge
from voc_stream.kafka.retry_pause import retry_pause_seconds
from voc_stream.pipeline.ports import Batch, FencedError, RefusalLimitError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from voc_stream.kafka.positions.batches import FetchedBatch, HandedOn
    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.ports import BatchResult, DecodedMessage, Partition
    from voc_stream.pipeline.refusal_limit import RefusalLimit

FAILURES_UNTIL_APART = 2
"""How many failures, while PostgreSQL is well, until batches are tried apart.

One may be a failure for a moment; the next one is not.
"""
SLOW_SECONDS = 5.0
"""A batch that takes longer than this to fail is not tried again with the others waiting for it."""

log = logging.getLogger(__name__)


class Reader(Protocol):
    """What the agent needs of the consumer that Faust makes."""

    def seek_number(self, partition: Partition) -> int:
        """How often this partition has been repositioned."""

    def owns(self, partition: Partition) -> bool:
        """Whether the partition is assigned to this worker now."""

    async def seek_to(self, offsets: Mapping[Partition, int]) -> None:
        """Read on from these offsets. Raises IllegalStateError for a lost partition."""

    async def load_positions(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Compare log and store, and read on from where the store stands."""

    def taken(self, handed_on: HandedOn) -> None:
        """The agent is done with what was handed on."""


class BatchAgent:
    """Applies batches in order, all partitions together.

    It waits while the store does not answer, and isolates what fails by itself.
    """

    def __init__(
        self,
        app: Any,
        ledger: Ledger,
        metrics: Metrics,
        deadline_seconds: float,
        limit: RefusalLimit,
    ) -> None:
        self._app = app
        self._ledger = ledger
        self._metrics = metrics
        self.breaker = Breaker(ledger, limit, self._reload)
        self._ward = IsolationWard(
            app,
            ledger,
            self._reload,
            self._committed,
            metrics,
            breaker=self.breaker,
            deadline_seconds=deadline_seconds,
        )

    async def __call__(self, stream: Any) -> None:
        """Faust's agent: what was handed on together, one after another, for ever."""
        async for handed_on in stream:
            try:
                await self._take(handed_on.take_out())
            finally:
                self._consumer.taken(handed_on)

    @property
    def _consumer(self) -> Reader:
        consumer: Reader = self._app.consumer
        return consumer

    async def _take(self, fetched: Sequence[FetchedBatch[DecodedMessage]]) -> None:
        ready: dict[Partition, Batch] = {}
        for each in fetched:
            async with self._reloading_after_failure([each.partition]):
                # Two batches of a partition that do not follow each other cannot both be next. What
                # is missing then is fetched again.
                if each.partition not in ready and (batch := await self._judged(each)) is not None:
                    ready[each.partition] = batch
        async with self._reloading_after_failure(list(ready)):
            await self._apply(list(ready.values()))

    @asynccontextmanager
    async def _reloading_after_failure(
        self, partitions: Sequence[Partition]
    ) -> AsyncIterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  the loop must live: a seek is refused where the partition was lost meanwhile
            log.warning(
                "%s: %r; looking at the positions again", ", ".join(map(str, partitions)), error
            )
            for partition in partitions:
                await self._reload(partition)

    async def _judged(self, fetched: FetchedBatch[DecodedMessage]) -> Batch | None:
        """The part of it that is to be applied now.

        A partition that must be read again is sent back.
        """
        partition = fetched.partition
        expected = self._ledger.durable.get(partition)
        verdict = judge(
            fetched,
            None if expected is None else expected.next_offset,
            self._consumer.seek_number(partition),
        )
        if expected is None or verdict is Verdict.SKIP or self._ledger.holds.is_held(partition):
            return None  # what is held is fetched again when it is released
        if verdict is Verdict.APPLY:
            if fetched.skipped_offsets:
                self._metrics.skipped_offsets.labels(partition.topic).inc(fetched.skipped_offsets)
            batch = Batch(
                partition,
                expected,
                from_offset(fetched.messages, expected.next_offset),
                fetched.end,
            )
            return self.breaker.admitted(batch)
        log.info("%s: %s to offset %d", partition, verdict.value, expected.next_offset)
        self._metrics.rewinds.labels(partition.topic).inc()
        await (
            self._rewind(partition, expected.next_offset)
            if verdict is Verdict.REWIND
            else self._reload(partition)
        )
        return None

    async def _apply(self, batches: Sequence[Batch]) -> None:
        retries, started, failures = 0, time.monotonic(), 0
        while batches := [batch for batch in batches if self._is_ours(batch)]:
            now, tried = await self._ledger.now(), time.monotonic()
            try:
                results = await self._ledger.process(batches, now)
            except FencedError as error:
                log.warning("%s; reading it again", error)
                for partition in error.partitions:
                    await self._reload(partition)
                batches = [batch for batch in batches if batch.partition not in error.partitions]
                continue
            except RefusalLimitError as error:
                self.breaker.stop(error)
                await self._reread(batches)  # of several transactions some may have gone through
                await self._follow(batches)
                cut = [
                    before_offset(batch, error.offset)
                    if batch.partition == error.partition
                    else batch
                    for batch in batches
                ]
                batches = [batch for batch in cut if batch is not None]
                continue
            except Exception as error:  # noqa: BLE001  whatever it is, nothing behind it may wait for it
                seconds = time.monotonic() - tried
                problem = await self._ledger.problem_of_store()
                if problem is not None:
                    pause = retry_pause_seconds(retries)
                    log.warning(
                        "PostgreSQL does not answer (%s); trying again in %.1f s, nothing is lost",
                        problem,
                        pause,
                    )
                    self._metrics.postgres_retries.inc()
                    failures = 0
                else:
                    self._count_failure(batches, error)
                    failures += FAILURES_UNTIL_APART if seconds > SLOW_SECONDS else 1
                if failures >= FAILURES_UNTIL_APART:
                    await self._reread(batches)
                    await self._follow(batches)
                    self._ward.admit([batch for batch in batches if self._is_ours(batch)], error)
                    return
            else:
                self._committed(batches, results, time.monotonic() - started)
                return
            await asyncio.sleep(retry_pause_seconds(retries))
            await self._reread(batches)
            await self._follow(batches)
            retries += 1

    def _count_failure(self, batches: Sequence[Batch], error: Exception) -> None:
        """Count and log a failure that is not the server's."""
        partitions = ", ".join(str(batch.partition) for batch in batches)
        if isinstance(error, StoreUnavailableError):
            log.warning(
                "what was fetched from %s failed while PostgreSQL is well (%s); tried again,"
                " nothing is lost",
                partitions,
                error,
            )
        else:
            log.error(
                "what was fetched from %s failed; nothing is lost", partitions, exc_info=error
            )
        for batch in batches:
            self._metrics.batch_failures.labels(batch.partition.topic).inc()

    def _is_ours(self, batch: Batch) -> bool:
        """Whether the batch is still the next one of a partition that is ours."""
        still_next = self._ledger.durable.get(batch.partition) == batch.expected
        return still_next and not (self._app.rebalancing or self._app.should_stop)

    async def _reread(self, batches: Sequence[Batch]) -> None:
        """Read the positions again: a COMMIT whose answer was lost may have gone through."""
        try:
            await self._ledger.reread([batch.partition for batch in batches])
        except StoreUnavailableError:
            self._metrics.postgres_retries.inc()

    async def _follow(self, batches: Sequence[Batch]) -> None:
        """Go to the stored position if it is neither before nor behind a batch.

        Else only the next message would tell.
        """
        for batch in batches:
            stored = self._ledger.durable.get(batch.partition)
            if stored is None or self._app.rebalancing:
                continue
            if stored.topic_id != batch.expected.topic_id:
                await self._reload(batch.partition)
            elif stored.next_offset not in (batch.expected.next_offset, batch.next_offset):
                await self._rewind(batch.partition, stored.next_offset)

    async def _rewind(self, partition: Partition, offset: int) -> None:
        await self._consumer.seek_to({partition: offset})

    async def _reload(self, partition: Partition) -> None:
        """Read the stored position again, and go there.

        If the partition was lost meanwhile, its next owner does so.
        """
        retries = 0
        while self._consumer.owns(partition) and not self._app.should_stop:
            try:
                await self._consumer.load_positions([partition])
            except Exception as error:  # noqa: BLE001  whatever it is, without a position nothing can be applied
                pause = retry_pause_seconds(retries)
                log.warning(
                    "%s: no position yet (%r); trying again in %.1f s", partition, error, pause
                )
                await asyncio.sleep(pause)
                retries += 1
            else:
                return

    def _committed(
        self, batches: Sequence[Batch], results: Sequence[BatchResult], seconds: float
    ) -> None:
        self._ledger.state.last_progress = time.monotonic()
        self._metrics.batch_seconds.observe(seconds)
        now = datetime.now(UTC)
        for batch, result in zip(batches, results, strict=True):
            self._metrics.committed(batch.partition, len(batch.messages), result, now)
