"""The one loop that takes fetched batches to the sink. It never raises: Faust acknowledges a message also when its agent fails.

Delivery: a batch is applied only if it continues exactly where the store stands; what does not is skipped or fetched again. The store
checks the same once more by compare-and-swap. So nothing is lost and nothing counts twice, whatever is repeated, dropped or late.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from voc_stream.kafka.batches import Verdict, from_offset, judge
from voc_stream.ports import Batch, FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from voc_stream.kafka.batches import FetchedBatch
    from voc_stream.kafka.ledger import Ledger
    from voc_stream.kafka.transport import BatchConsumer
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.ports import BatchResult, DecodedMessage, Partition

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
MOST_PARTS = 256

log = logging.getLogger(__name__)


class BatchAgent:
    """Applies batches in order, and holds a partition while the store does not answer."""

    def __init__(self, app: Any, ledger: Ledger, metrics: Metrics) -> None:
        self._app = app
        self._ledger = ledger
        self._metrics = metrics

    async def __call__(self, stream: Any) -> None:
        """Faust's agent: what was handed on together, one after another, for ever."""
        async for handed_on in stream:
            try:
                await self._take(handed_on.batches)
            finally:
                self._consumer.taken(handed_on)

    @property
    def _consumer(self) -> BatchConsumer:
        consumer: BatchConsumer = self._app.consumer
        return consumer

    async def _take(self, fetched: Sequence[FetchedBatch[DecodedMessage]]) -> None:
        ready: dict[Partition, Batch] = {}
        for each in fetched:
            async with self._reloading_after_failure([each.partition]):
                # Two that do not go on from each other cannot both be next; what is missing then is fetched again.
                if each.partition not in ready and (batch := await self._judged(each)) is not None:
                    ready[each.partition] = batch
        async with self._reloading_after_failure(list(ready)):
            await self._apply(list(ready.values()))

    @asynccontextmanager
    async def _reloading_after_failure(self, partitions: Sequence[Partition]) -> AsyncIterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  the loop must live: a seek is refused where the partition was lost meanwhile
            log.warning("%s: %r; looking at the positions again", ", ".join(map(str, partitions)), error)
            for partition in partitions:
                await self._reload(partition)

    async def _judged(self, fetched: FetchedBatch[DecodedMessage]) -> Batch | None:
        """What of it is to be applied now; a partition that has to be read again is sent back."""
        partition = fetched.partition
        expected = self._ledger.durable.get(partition)
        verdict = judge(fetched, None if expected is None else expected.next_offset, self._consumer.seek_number(partition))
        if expected is None or verdict is Verdict.SKIP:
            return None
        if verdict is Verdict.APPLY:
            if fetched.skipped_offsets:
                self._metrics.skipped_offsets.labels(partition.topic).inc(fetched.skipped_offsets)
            return Batch(partition, expected, from_offset(fetched.messages, expected.next_offset), fetched.end)
        log.info("%s: %s to offset %d", partition, verdict.value, expected.next_offset)
        self._metrics.rewinds.labels(partition.topic).inc()
        await (self._rewind(partition, expected.next_offset) if verdict is Verdict.REWIND else self._reload(partition))
        return None

    async def _apply(self, batches: Sequence[Batch]) -> None:
        pause, started, parts = FIRST_PAUSE_SECONDS, time.monotonic(), 1
        while batches := [batch for batch in batches if self._holds(batch)]:
            portion = [batch.first(math.ceil(len(batch.messages) / parts)) for batch in batches]
            try:
                results = await self._ledger.process(portion, await self._ledger.now())
            except FencedError as error:
                log.warning("%s; reading it again", error)
                for partition in error.partitions:
                    await self._reload(partition)
                batches = [batch for batch in batches if batch.partition not in error.partitions]
                continue
            except StoreUnavailableError as error:
                log.warning("PostgreSQL does not answer (%s); trying again in %.1f s, nothing is lost", error, pause)
                # Perhaps it is only too much for the time that a transaction may take: then it would never get through.
                parts = min(2 * parts, MOST_PARTS)
            except Exception:
                partitions = [batch.partition for batch in batches]
                log.exception("what was fetched from %s failed and is tried again; nothing is lost", ", ".join(map(str, partitions)))
                for partition in partitions:
                    self._metrics.batch_failures.labels(partition.topic).inc()
            else:
                self._committed(portion, results, time.monotonic() - started)
                done = zip(batches, portion, strict=True)
                batches = [batch.after(first) for batch, first in done if first.next_offset < batch.next_offset]
                pause, started, parts = FIRST_PAUSE_SECONDS, time.monotonic(), max(1, parts // 2)
                continue
            await self._wait_for_store([batch.partition for batch in batches], pause)
            await self._follow(batches)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _holds(self, batch: Batch) -> bool:
        """Whether the batch is still the next one of a partition that is ours."""
        still_next = self._ledger.durable.get(batch.partition) == batch.expected
        return still_next and not (self._app.rebalancing or self._app.should_stop)

    async def _wait_for_store(self, partitions: Sequence[Partition], pause_seconds: float) -> None:
        """Pause, then learn whether a COMMIT whose answer was lost had gone through."""
        self._metrics.postgres_retries.inc()
        await asyncio.sleep(pause_seconds)
        try:
            await self._ledger.reread(partitions)
        except StoreUnavailableError:
            self._metrics.postgres_retries.inc()

    async def _follow(self, batches: Sequence[Batch]) -> None:
        """Go where the store turned out to stand, if neither before nor behind a batch; else only the next message would tell."""
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
        """Read the position again and go there; where the partition was lost meanwhile, its next owner does."""
        pause = FIRST_PAUSE_SECONDS
        while self._consumer.owns(partition) and not self._app.should_stop:
            try:
                await self._consumer.load_positions([partition])
            except Exception as error:  # noqa: BLE001  whatever it is, without a position nothing can be applied
                log.warning("%s: no position yet (%r); trying again in %.1f s", partition, error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                return

    def _committed(self, batches: Sequence[Batch], results: Sequence[BatchResult], seconds: float) -> None:
        self._ledger.state.last_progress = time.monotonic()
        self._metrics.batch_seconds.observe(seconds)
        now = datetime.now(UTC)
        for batch, result in zip(batches, results, strict=True):
            self._metrics.committed(batch.partition, len(batch.messages), result, now)
