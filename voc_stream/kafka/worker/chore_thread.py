"""Runs the store's chores in a thread, one after the other, beside the thread of the batches."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class ChoreThread:
    """Runs blocking calls for the loop."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voc-chores")

    async def call(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Call the function when its turn has come, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(function, *arguments, **options)
        )

    def close(self) -> None:
        """Let the thread end after what it is doing now."""
        self._executor.shutdown(wait=False, cancel_futures=True)
