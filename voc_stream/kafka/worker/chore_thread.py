"""Chores from the loop: each blocking call runs in one thread of its own, beside the one of the batches."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from voc_stream.pipeline.clocks import ClockReading
    from voc_stream.pipeline.ports import Chores, GaugeSample, Membership, OutboxKind, OutboxMessage

T = TypeVar("T")


class ChoreCalls:
    """The methods of `ports.Chores`, awaitable."""

    def __init__(self, chores: Chores) -> None:
        self._chores = chores
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voc-chores")

    async def join(self) -> Membership:
        """See `Chores.join`."""
        return await self._call(self._chores.join)

    async def read_clocks(self) -> ClockReading:
        """See `Chores.read_clocks`."""
        return await self._call(self._chores.read_clocks)

    async def move_histories(self) -> int | None:
        """See `Chores.move_histories`."""
        return await self._call(self._chores.move_histories)

    async def refresh_sites(self, now: datetime) -> bool:
        """See `Chores.refresh_sites`."""
        return await self._call(self._chores.refresh_sites, now)

    async def refresh_details(self, now: datetime, *, in_parts: bool) -> bool:
        """See `Chores.refresh_details`."""
        return await self._call(partial(self._chores.refresh_details, in_parts=in_parts), now)

    async def assess_churn(self, now: datetime, *, in_parts: bool) -> int | None:
        """See `Chores.assess_churn`."""
        return await self._call(partial(self._chores.assess_churn, in_parts=in_parts), now)

    async def evaluate(self, now: datetime, every: timedelta, *, catching_up: bool) -> bool | None:
        """See `Chores.evaluate`."""
        return await self._call(partial(self._chores.evaluate, catching_up=catching_up), now, every)

    async def take_back(self, now: datetime) -> int | None:
        """See `Chores.take_back`."""
        return await self._call(self._chores.take_back, now)

    async def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """See `Chores.claim_messages`."""
        return await self._call(self._chores.claim_messages, kind, limit)

    async def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """See `Chores.finish_messages`."""
        await self._call(self._chores.finish_messages, kind, sent, now)

    async def delete_dead_letters(self, before: datetime) -> int:
        """See `Chores.delete_dead_letters`."""
        return await self._call(self._chores.delete_dead_letters, before)

    async def gauges(self, now: datetime) -> Sequence[GaugeSample]:
        """See `Chores.gauges`."""
        return await self._call(self._chores.gauges, now)

    def close(self) -> None:
        """Let the thread end after what it is doing now."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _call(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(function, *arguments)
        )
