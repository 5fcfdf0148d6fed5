"""Shows where every thread and every task of this process stands.

It is written for a worker that hangs, before the worker is ended.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import traceback
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def whereabouts() -> str:
    """The stacks of all threads, and where each unfinished task is suspended.

    For a task these are its own lines and those of what it waits for.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    found = []
    for ident, frame in sys._current_frames().items():  # noqa: SLF001  its documented purpose is to debug what hangs
        found.append(f"thread {names.get(ident, ident)}\n{''.join(traceback.format_stack(frame))}")
    found += [f"task {task.get_name()}\n{''.join(_lines(task.get_coro()))}" for task in _tasks()]
    return "\n".join(found)


def _tasks() -> list[asyncio.Task[Any]]:
    """The tasks of all loops; asyncio itself tells only those of a loop that is known."""
    return [
        each
        for each in gc.get_objects()
        if issubclass(type(each), asyncio.Task) and not each.done()
    ]


def _lines(awaited: Any) -> Iterator[str]:
    """The lines of what is awaited, from the outermost on.

    Coroutines (cr), generators (gi), and asynchronous generators (ag) behind their steps.
    """
    while awaited is not None:
        if type(awaited).__name__ == "async_generator_asend":
            awaited = next(
                (
                    each
                    for each in gc.get_referents(awaited)
                    if isinstance(each, AsyncGeneratorType)
                ),
                None,
            )
        for kind, waits_for in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
            frame = getattr(awaited, f"{kind}_frame", None)
            if frame is not None:
                yield f"  {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}\n"
                awaited = getattr(awaited, waits_for)
                break
        else:
            return
