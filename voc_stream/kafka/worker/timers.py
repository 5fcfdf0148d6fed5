"""Runs chores as Faust timers.

What a timer runs never raises: an exception in a Faust timer ends the worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiokafka.errors import TopicAuthorizationFailedError

from voc_stream.kafka.connection.permissions import WRITE, refusal
from voc_stream.kafka.worker.own_chores import OwnChores
from voc_stream.kafka.worker.pace import Pace
from voc_stream.pipeline.chores import Chore, Circumstances

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.kafka.worker.app import VocApp
    from voc_stream.kafka.worker.chore_thread import ChoreThread
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.chores import ChoreStore
    from voc_stream.settings import Settings

log = logging.getLogger(__name__)


class Timers:
    """The timers of one worker.

    If the lag is more than a whole batch, the chores leave the stream in peace.
    """

    def __init__(
        self,
        app: VocApp,
        ledger: Ledger,
        own_thread: ChoreThread,
        store_thread: ChoreThread,
        *,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        # A smaller lag is what lies between two batches of a stream that keeps up.
        self._backlog_events = settings.maximum_batch_messages
        self._app = app
        self._settings = settings
        self._ledger = ledger
        self._own_thread, self._store_thread = own_thread, store_thread
        self._metrics = metrics

    def add_all(self, store: ChoreStore) -> None:
        """Register every chore on the app, and the beat that the watchdog watches.

        The app has not started yet.
        """
        own = OwnChores(
            self._app,
            self._ledger,
            store,
            self._own_thread,
            metrics=self._metrics,
            settings=self._settings,
        )
        days = self._settings.dead_letter_retention_days
        of_store = store.chores(
            self._metrics,
            timedelta(seconds=self._settings.evaluation_interval_seconds),
            timedelta(days=days) if days else None,
        )
        for chore in [*own.chores(), *map(self._in_thread, of_store)]:
            self._add(chore)

        @self._app.task  # type: ignore[untyped-decorator]  # Faust ships no usable types
        async def beat() -> None:
            """Show the watchdog that the main loop runs."""
            while not self._app.should_stop:
                self._ledger.state.loop_beat = time.monotonic()
                await asyncio.sleep(1.0)

    def _in_thread(self, chore: Chore[object]) -> Chore[Awaitable[None]]:
        """The same chore as one of the loop, which waits for the thread."""

        async def run(circumstances: Circumstances) -> None:
            await self._store_thread.call(chore.run, circumstances)

        return Chore(chore.name, chore.every_seconds, run, chore.needs_clock)

    def _add(self, chore: Chore[Awaitable[None]]) -> None:
        pace, name = Pace(chore.every_seconds), chore.name

        @self._app.timer(interval=min(chore.every_seconds, 1.0), name=name)  # type: ignore[untyped-decorator]  # Faust ships no usable types
        async def tick() -> None:
            started = time.monotonic()
            if not pace.is_due(started, events_wait=self._is_busy(self._backlog_events)):
                return
            try:
                await self._run(chore)
            except Exception as error:  # noqa: BLE001  an exception would end the worker
                log.warning("%s failed and will run again: %s", name, self._in_words(error))
                self._metrics.timer_errors.labels(name).inc()
            ended = time.monotonic()
            self._metrics.timer_seconds.labels(name).set(ended - started)
            pace.ran(started, ended)

    async def _run(self, chore: Chore[Awaitable[None]]) -> None:
        now = self._ledger.clock.chores_time() if chore.needs_clock else datetime.now(UTC)
        if now is not None:
            await chore.run(
                Circumstances(
                    now,
                    events_wait=self._is_busy(),
                    in_backlog=self._is_busy(self._backlog_events),
                )
            )

    def _in_words(self, error: Exception) -> str:
        """What an operator can do about the error, if that is known."""
        if isinstance(error.__cause__, TopicAuthorizationFailedError):
            return refusal(self._settings, WRITE, "topic", str(error.__cause__.args[0]))
        return repr(error)

    def _is_busy(self, backlog_events: int = 0) -> bool:
        """Whether events wait.

        A worker without partitions cannot know, and assumes that another worker is busy.
        """
        return not self._ledger.durable or self._ledger.state.lag_events > backlog_events
