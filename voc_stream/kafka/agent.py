"""The one loop that takes fetched batches to the sink. It never raises: Faust acknowledges a message also when its agent fails.

Delivery: a batch is applied only if it continues exactly where the store stands; what does not is skipped or fetched again. The store
checks the same once more by compare-and-swap. So nothing is lost and nothing counts twice, whatever is repeated, dropped or late.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from voc_stream.kafka.batches import FetchedBatch, Verdict, from_offset, judge
from voc_stream.ports import Batch, FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from voc_stream.kafka.ledger import Ledger
    from voc_stream.kafka.transport import BatchConsumer
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.ports import BatchResult, Partition

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

log = logging.getLogger(__name__)


class BatchAgent:
    """Applies batches in order, and holds a partition while the store does not answer."""

    def __init__(self, app: Any, ledger: Ledger, metrics: Metrics) -> None:
        self._app = app
        self._ledger = ledger
        self._metrics = metrics

    async def __call__(self, stream: Any) -> None:
        """Faust's agent: one batch after another, for ever."""
        async for fetched in stream:
            try:
                await self._take(fetched)
            except Exception as error:  # noqa: BLE001  the loop must live: a seek is refused where the partition was lost meanwhile
                log.warning("%s partition %d: %r; looking at its position again", *fetched.partition, error)
                await self._reload(fetched.partition)

    @property
    def _consumer(self) -> BatchConsumer:
        consumer: BatchConsumer = self._app.consumer
        return consumer

    async def _take(self, fetched: FetchedBatch) -> None:
        partition = fetched.partition
        expected = self._ledger.durable.get(partition)
        verdict = judge(fetched, expected, self._consumer.seek_number(partition))
        if expected is None or verdict is Verdict.SKIP:
            return
        if verdict is Verdict.APPLY:
            await self._apply(fetched, expected)
        else:
            log.info("%s partition %d: %s to offset %d", partition.topic, partition.number, verdict.value, expected)
            self._metrics.rewinds.labels(partition.topic).inc()
            await (self._rewind(partition, expected) if verdict is Verdict.REWIND else self._reload(partition))

    async def _apply(self, fetched: FetchedBatch, expected: int) -> None:
        if fetched.skipped_offsets:
            self._metrics.skipped_offsets.labels(fetched.partition.topic).inc(fetched.skipped_offsets)
        batch = Batch(fetched.partition, expected, from_offset(fetched.messages, expected))
        pause = FIRST_PAUSE_SECONDS
        while self._holds(batch):
            started = time.monotonic()
            try:
                result = await self._ledger.process(batch, datetime.now(UTC))
            except FencedError:
                log.warning("%s partition %d: another worker moved the position from %d; reading it again", *batch.partition, expected)
                await self._reload(batch.partition)
                return
            except StoreUnavailableError as error:
                log.warning("PostgreSQL does not answer (%s); trying again in %.1f s, nothing is lost", error, pause)
                await self._wait_for_store(batch.partition, pause)
            except Exception:
                log.exception(
                    "%s partition %d: the batch at offset %d failed and is tried again; nothing is lost", *batch.partition, expected
                )
                self._metrics.batch_failures.labels(batch.partition.topic).inc()
                await self._wait_for_store(batch.partition, pause)
            else:
                self._committed(batch, result, time.monotonic() - started)
                return
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _holds(self, batch: Batch) -> bool:
        """Whether the batch is still the next one of a partition that is ours."""
        still_next = self._ledger.durable.get(batch.partition) == batch.expected_offset
        return still_next and not (self._app.rebalancing or self._app.should_stop)

    async def _wait_for_store(self, partition: Partition, pause_seconds: float) -> None:
        """Pause, then learn whether a COMMIT whose answer was lost had gone through."""
        self._metrics.postgres_retries.inc()
        await asyncio.sleep(pause_seconds)
        try:
            stored = await self._ledger.stored_offset(partition)
        except StoreUnavailableError:
            self._metrics.postgres_retries.inc()
            return
        if stored is not None and partition in self._ledger.durable:
            self._ledger.durable[partition] = stored

    async def _rewind(self, partition: Partition, offset: int) -> None:
        await self._consumer.seek_to({partition: offset})

    async def _reload(self, partition: Partition) -> None:
        """Read the position again and go there; where the partition was lost meanwhile, its next owner does."""
        pause = FIRST_PAUSE_SECONDS
        while self._consumer.owns(partition) and not self._app.should_stop:
            try:
                await self._consumer.load_positions([partition])
            except Exception as error:  # noqa: BLE001  whatever it is, without a position nothing can be applied
                log.warning("%s partition %d: no position yet (%r); trying again in %.1f s", *partition, error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                return

    def _committed(self, batch: Batch, result: BatchResult, seconds: float) -> None:
        self._ledger.state.last_progress = time.monotonic()
        self._metrics.committed(batch.partition, len(batch.messages), result, seconds, datetime.now(UTC))
