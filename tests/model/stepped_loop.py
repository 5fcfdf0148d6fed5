"""An event loop without threads, sockets and clock.

Whatever leaves the process is held until the test lets it go on.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OWNER: ContextVar[object] = ContextVar("OWNER", default=None)
"""Whose task it is; tasks inherit it."""
MOST_TURNS = 5_000


class StillWaitsError(Exception):
    """A call cannot be carried out yet: something else holds what it needs."""


class Call:
    """A question to the world outside: first it is carried out there, then its answer comes back.

    Each may be late or never happen.
    """

    def __init__(self, loop: SteppedLoop, function: Callable[[], Any], queue: object) -> None:
        self.owner = OWNER.get()
        self.function = function
        self.queue = queue
        self.carried_out = False
        self.answer: asyncio.Future[Any] = loop.create_future()
        self._value: Any = None
        self._error: BaseException | None = None

    def carry_out(self) -> None:
        """Do it. What it returns or raises is the answer, which is still on its way."""
        try:
            self._value = self.function()
        except StillWaitsError:
            return
        except Exception as error:  # noqa: BLE001  it belongs to whoever asked
            self._error = error
        self.carried_out = True

    def fail(self, error: BaseException) -> None:
        """Let the answer be this error, whatever was done."""
        self._error = error
        self.carried_out = True

    def reply(self) -> None:
        """Let the answer arrive."""
        if self.answer.done():
            return
        if self._error is None:
            self.answer.set_result(self._value)
        else:
            self.answer.set_exception(self._error)


class SteppedLoop(asyncio.SelectorEventLoop):
    """Runs what is ready and nothing else. Its time stands still until `elapse`."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()
        self.calls: list[Call] = []

    def time(self) -> float:
        """Seconds since the start, as far as the test let them elapse."""
        return self._now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]  # no thread, no real one
        """Hold a blocking call; an executor carries its calls out one after the other."""
        return self.hold(partial(func, *args), executor or object())

    def hold(self, function: Callable[[], Any], queue: object) -> asyncio.Future[Any]:
        """Hold a call until the test carries it out and lets it answer."""
        call = Call(self, function, queue)
        self.calls.append(call)
        return call.answer

    def pending(self, owner: object) -> list[Call]:
        """The calls of an owner that can go on now: of each queue the oldest."""
        self.calls = [call for call in self.calls if not call.answer.done()]
        heads: dict[int, Call] = {}
        for call in self.calls:
            if call.owner is owner:
                heads.setdefault(id(call.queue), call)
        return list(heads.values())

    def run_ready(self) -> None:
        """Run tasks until each of them waits for a call or for time."""
        for _ in range(MOST_TURNS):
            self.call_soon(self.stop)
            self.run_forever()
            if not self._ready:  # type: ignore[attr-defined]  # asyncio has no other way to ask
                return
        raise AssertionError("a task spins without ever waiting")

    def elapse(self, seconds: float) -> None:
        """Let time pass, and what it wakes run."""
        self._now += seconds
        self.run_ready()
