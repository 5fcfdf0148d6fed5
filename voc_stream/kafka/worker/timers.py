"""What the worker does from time to time, as Faust timers. A body never raises: an exception in a Faust timer ends the worker."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from voc_stream.kafka.connection.permissions import WRITE, refusal
from voc_stream.kafka.life.group import read_strangers, shared_group
from voc_stream.kafka.worker.outbox import OutboxPublisher
from voc_stream.kafka.worker.pace import Pace
from voc_stream.pipeline.lag import lags

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.kafka.worker.app import VocApp
    from voc_stream.kafka.worker.chore_thread import ChoreCalls
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.settings import Settings

CLOCKS_INTERVAL_SECONDS = 5.0
HISTORIES_INTERVAL_SECONDS = 2.0
MEMBERSHIP_INTERVAL_SECONDS = 30.0
SITES_INTERVAL_SECONDS = 2.0
DETAILS_INTERVAL_SECONDS = 4.0
CHURN_INTERVAL_SECONDS = 2.0
TAKING_BACK_INTERVAL_SECONDS = 2.0
DEAD_LETTER_INTERVAL_SECONDS = 1.0
ALERT_INTERVAL_SECONDS = 1.0
RETENTION_INTERVAL_SECONDS = 60.0
LIMIT_INTERVAL_SECONDS = 5.0
READINGS_INTERVAL_SECONDS = 10.0
LAG_INTERVAL_SECONDS = 5.0
LOG_IDENTITY_INTERVAL_SECONDS = 30.0
LOST_COMMITS_INTERVAL_SECONDS = 30.0
LAG_TIMEOUT_SECONDS = 10.0

log = logging.getLogger(__name__)


def add_timers(
    app: VocApp, ledger: Ledger, chores: ChoreCalls, metrics: Metrics, settings: Settings
) -> None:
    """Register every timer on an app that has not started. Beyond a lag of a whole batch the chores leave the stream in peace."""
    work = _Work(app, ledger, chores, metrics, settings)
    outbox = OutboxPublisher(app, settings.topic_prefix, chores, metrics)
    timers: dict[str, tuple[float, Callable[[], Awaitable[None]]]] = {
        "clocks": (CLOCKS_INTERVAL_SECONDS, work.clocks),
        "move_histories": (HISTORIES_INTERVAL_SECONDS, work.move_histories),
        "membership": (MEMBERSHIP_INTERVAL_SECONDS, work.membership),
        "settle_sites": (SITES_INTERVAL_SECONDS, work.refresh_sites),
        "settle_details": (DETAILS_INTERVAL_SECONDS, work.refresh_details),
        "assess_churn": (CHURN_INTERVAL_SECONDS, work.assess_churn),
        "take_back": (TAKING_BACK_INTERVAL_SECONDS, work.take_back),
        "evaluate": (settings.evaluation_interval_seconds, work.evaluate),
        "alerts": (ALERT_INTERVAL_SECONDS, partial(outbox.publish, "alert")),
        "dead_letters": (DEAD_LETTER_INTERVAL_SECONDS, partial(outbox.publish, "dead_letter")),
        "dead_letter_limit": (LIMIT_INTERVAL_SECONDS, work.dead_letter_limit),
        "dead_letter_retention": (RETENTION_INTERVAL_SECONDS, work.dead_letter_retention),
        "readings": (READINGS_INTERVAL_SECONDS, work.gauges),
        "lag": (LAG_INTERVAL_SECONDS, work.lag),
        "log_identity": (LOG_IDENTITY_INTERVAL_SECONDS, work.log_identity),
        "lost_commits": (LOST_COMMITS_INTERVAL_SECONDS, work.lost_commits),
    }
    for name, (interval_seconds, body) in timers.items():
        work.add(name, interval_seconds, body)

    @app.task  # type: ignore[untyped-decorator]  # Faust ships no usable types
    async def beat() -> None:
        """Show the watchdog that the main loop runs."""
        while not app.should_stop:
            ledger.state.loop_beat = time.monotonic()
            await asyncio.sleep(1.0)


class _Work:
    """The bodies of the timers."""

    def __init__(
        self, app: Any, ledger: Ledger, chores: ChoreCalls, metrics: Metrics, settings: Settings
    ) -> None:
        # Less is what lies between two batches of a stream that keeps up.
        self._backlog_events = settings.maximum_batch_messages
        self._evaluation_interval = timedelta(seconds=settings.evaluation_interval_seconds)
        days = settings.dead_letter_retention_days
        self._retention = timedelta(days=days) if days else None
        self._app = app
        self._settings = settings
        self._ledger = ledger
        self._chores = chores
        self._metrics = metrics

    def add(self, name: str, interval_seconds: float, body: Callable[[], Awaitable[None]]) -> None:
        """Register a timer on the app."""
        pace = Pace(interval_seconds)

        @self._app.timer(interval=min(interval_seconds, 1.0), name=name)  # type: ignore[untyped-decorator]  # Faust ships no usable types
        async def tick() -> None:
            started = time.monotonic()
            if not pace.is_due(started, events_wait=self._is_busy(self._backlog_events)):
                return
            try:
                await body()
            except Exception as error:  # noqa: BLE001  an exception would end the worker
                log.warning("%s failed and will run again: %s", name, self._in_words(error))
                self._metrics.timer_errors.labels(name).inc()
            ended = time.monotonic()
            self._metrics.timer_seconds.labels(name).set(ended - started)
            pace.ran(started, ended)

    def _in_words(self, error: Exception) -> str:
        """What an operator can do about it, where that is known."""
        if isinstance(error.__cause__, TopicAuthorizationFailedError):
            return refusal(self._settings, WRITE, "topic", str(error.__cause__.args[0]))
        return repr(error)

    def _is_busy(self, backlog_events: int = 0) -> bool:
        """Whether events wait; a worker without partitions cannot know, and takes it that another one is busy."""
        return not self._ledger.durable or self._ledger.state.lag_events > backlog_events

    async def move_histories(self) -> None:
        """Count under their new profile what customers said before they changed it."""
        await self._chores.move_histories()

    async def membership(self) -> None:
        """Look whether another catalogue rules, or another installation is in the group."""
        membership = await self._chores.join()
        if membership.problem is not None:
            self._ledger.state.give_way(membership.problem)
            return
        others = await asyncio.to_thread(read_strangers, self._settings, membership.installation)
        self._metrics.strange_installations.set(len(others))
        problem = shared_group(self._settings, others) if others else None
        self._ledger.state.group_problem = problem
        # Both came at the same moment, else the later one would have waited. The same one of them stays, whoever looks.
        if problem is not None and others[0] < membership.installation:
            self._ledger.state.give_way(problem)
        elif problem is not None:
            log.error("%s; the other one gives way", problem)

    async def refresh_sites(self) -> None:
        """Bring the rolling tables of sites to now, where no other worker is at it."""
        if (now := self._ledger.clock.chores_time()) is not None:
            await self._chores.refresh_sites(now)

    async def refresh_details(self) -> None:
        """Bring the other scopes and the cube to now, where no other worker is at it."""
        if (now := self._ledger.clock.chores_time()) is not None:
            await self._chores.refresh_details(now, in_parts=self._is_busy())

    async def assess_churn(self) -> None:
        """Bring the risks to now, where no other worker is at it."""
        if (now := self._ledger.clock.chores_time()) is not None:
            await self._chores.assess_churn(now, in_parts=self._is_busy())

    async def take_back(self) -> None:
        """Take out of the tables what was retracted, where no other worker is at it."""
        now = self._ledger.clock.chores_time()
        if now is not None and (taken := await self._chores.take_back(now)):
            log.info("%d events that retractions name are out of the tables", taken)

    async def evaluate(self) -> None:
        """Start and end alerts, where no other worker is at it, and show at once what that changed."""
        catching_up = self._is_busy(self._backlog_events)
        now = self._ledger.clock.chores_time()
        if now is not None and await self._chores.evaluate(
            now, self._evaluation_interval, catching_up=catching_up
        ):
            await self.gauges()

    async def dead_letter_limit(self) -> None:
        """Let partitions go on that stopped for too many refusals, where somebody has looked."""
        await self._app.batches.breaker.look_again()

    async def dead_letter_retention(self) -> None:
        """Delete refused messages that are kept no longer."""
        now = self._ledger.clock.chores_time()  # a clock that is ahead must delete nothing
        if self._retention is None or now is None:
            return
        deleted = await self._chores.delete_dead_letters(now - self._retention)
        if deleted:
            log.info(
                "%d dead letters older than %d days were deleted", deleted, self._retention.days
            )
            self._metrics.dead_letters_deleted.inc(deleted)

    async def gauges(self) -> None:
        """Show what the tables say."""
        if (now := self._ledger.clock.chores_time()) is not None:
            self._metrics.publish(await self._chores.gauges(now))

    async def clocks(self) -> None:
        """Compare the clocks. Events wait, and the tables stand, while they are wrong."""
        self._ledger.clock.compare(await self._chores.read_clocks())

    async def lag(self) -> None:
        """Compare the ends of the logs with the positions."""
        durable = dict(self._ledger.durable)
        try:
            async with asyncio.timeout(LAG_TIMEOUT_SECONDS):
                ends = await self._app.consumer.log_ends(list(durable)) if durable else {}
        except (KafkaError, TimeoutError):
            await self._ledger.look_at_access()
            raise
        if self._ledger.state.kafka_problem is not None:
            await self._ledger.look_at_access()
        waiting = lags(ends, {each: position.next_offset for each, position in durable.items()})
        for partition, events in waiting.items():
            if not events:  # there is no message that could stop it
                self._ledger.holds.end_doubt(partition)
        state, moment = self._ledger.state, time.monotonic()
        # What is held does not wait for the chores to leave it in peace, and is no stall.
        state.lag_events = sum(
            events for partition, events in waiting.items() if partition not in state.held
        )
        state.lag_measured = moment
        if state.lag_events == 0:
            state.last_progress = moment
        self._metrics.lag(waiting)

    async def log_identity(self) -> None:
        """A topic that was deleted and made again keeps its name and need not cause a rebalance: notice it by its id."""
        loaded = {
            partition: position.topic_id for partition, position in self._ledger.durable.items()
        }
        current = (
            await self._ledger.current_topic_ids({partition.topic for partition in loaded})
            if loaded
            else {}
        )
        changed = [
            partition
            for partition, topic_id in loaded.items()
            if current[partition.topic] != topic_id
        ]
        if changed and not self._app.rebalancing:
            await self._app.consumer.load_positions(
                [partition for partition in changed if partition in self._ledger.durable]
            )

    async def lost_commits(self) -> None:
        """Read again what a store has lost that it had confirmed. The next message would tell, but in a quiet partition there is none."""
        lost = await self._ledger.lost_commits() if self._ledger.durable else []
        if lost and not self._app.rebalancing:
            log.warning(
                "PostgreSQL has lost commits of %s; reading them again", ", ".join(map(str, lost))
            )
            await self._app.consumer.load_positions(lost)
