"""Upkeep from the loop: each blocking call runs in one thread of its own, beside the one of the batches."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from voc_stream.pipeline.clocks import ClockReading
    from voc_stream.pipeline.ports import Membership, OutboxKind, OutboxMessage, Reading, Upkeep

T = TypeVar("T")


class UpkeepCalls:
    """The methods of `ports.Upkeep`, awaitable."""

    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voc-upkeep")

    async def join(self) -> Membership:
        """See `Upkeep.join`."""
        return await self._call(self._upkeep.join)

    async def read_clocks(self) -> ClockReading:
        """See `Upkeep.read_clocks`."""
        return await self._call(self._upkeep.read_clocks)

    async def move_histories(self) -> int | None:
        """See `Upkeep.move_histories`."""
        return await self._call(self._upkeep.move_histories)

    async def settle_sites(self, now: datetime) -> bool:
        """See `Upkeep.settle_sites`."""
        return await self._call(self._upkeep.settle_sites, now)

    async def settle_details(self, now: datetime, *, in_parts: bool) -> bool:
        """See `Upkeep.settle_details`."""
        return await self._call(partial(self._upkeep.settle_details, in_parts=in_parts), now)

    async def assess_churn(self, now: datetime, *, in_parts: bool) -> int | None:
        """See `Upkeep.assess_churn`."""
        return await self._call(partial(self._upkeep.assess_churn, in_parts=in_parts), now)

    async def evaluate(self, now: datetime, every: timedelta, *, catching_up: bool) -> bool | None:
        """See `Upkeep.evaluate`."""
        return await self._call(partial(self._upkeep.evaluate, catching_up=catching_up), now, every)

    async def take_back(self, now: datetime) -> int | None:
        """See `Upkeep.take_back`."""
        return await self._call(self._upkeep.take_back, now)

    async def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """See `Upkeep.claim_messages`."""
        return await self._call(self._upkeep.claim_messages, kind, limit)

    async def settle_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """See `Upkeep.settle_messages`."""
        await self._call(self._upkeep.settle_messages, kind, sent, now)

    async def delete_dead_letters(self, before: datetime) -> int:
        """See `Upkeep.delete_dead_letters`."""
        return await self._call(self._upkeep.delete_dead_letters, before)

    async def readings(self, now: datetime) -> Sequence[Reading]:
        """See `Upkeep.readings`."""
        return await self._call(self._upkeep.readings, now)

    def close(self) -> None:
        """Let the thread end after what it is doing now."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _call(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(function, *arguments)
        )
