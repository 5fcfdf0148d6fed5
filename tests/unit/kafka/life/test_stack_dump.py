from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from voc_stream.kafka.life.stack_dump import whereabouts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def inner(waiting: asyncio.Event, let_go: asyncio.Event) -> AsyncIterator[None]:
    waiting.set()
    await let_go.wait()
    yield


async def outer(waiting: asyncio.Event, let_go: asyncio.Event) -> None:
    async for _ in inner(waiting, let_go):
        pass


def test_a_task_that_hangs_is_found_with_what_it_waits_for() -> None:
    """From another thread, as the watchdog asks; and each thread by its name."""

    async def main() -> str:
        waiting, let_go = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(outer(waiting, let_go), name="the one that hangs")
        await waiting.wait()
        found: list[str] = []
        asking = threading.Thread(target=lambda: found.append(whereabouts()), name="who asks")
        asking.start()
        await asyncio.to_thread(asking.join)
        let_go.set()
        await task
        return found[0]

    told = asyncio.run(main())
    of_task = told[told.index("task the one that hangs") :]
    assert of_task.index(" outer\n") < of_task.index(" inner\n") < of_task.index(" wait\n")
    assert "thread who asks" in told
    assert "thread MainThread" in told
