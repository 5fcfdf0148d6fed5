"""Does the worker's own chores.

They look after its clock, its place in the group, its positions, its logs, and what it has to send.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError

from voc_stream.kafka.life.group import read_strangers, shared_group
from voc_stream.kafka.worker.outbox import OutboxPublisher
from voc_stream.pipeline.chores import Chore
from voc_stream.pipeline.lag import lags

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.kafka.worker.chore_thread import ChoreThread
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.chores import ChoreStore, Circumstances
    from voc_stream.pipeline.ports import OutboxKind
    from voc_stream.settings import Settings

CLOCKS_INTERVAL_SECONDS = 5.0
MEMBERSHIP_INTERVAL_SECONDS = 30.0
DEAD_LETTER_INTERVAL_SECONDS = 1.0
ALERT_INTERVAL_SECONDS = 1.0
LIMIT_INTERVAL_SECONDS = 5.0
LAG_INTERVAL_SECONDS = 5.0
LOG_IDENTITY_INTERVAL_SECONDS = 30.0
LOST_COMMITS_INTERVAL_SECONDS = 30.0
LAG_TIMEOUT_SECONDS = 10.0

log = logging.getLogger(__name__)


class OwnChores:
    """What a worker does for itself; each body runs on the loop."""

    def __init__(
        self,
        app: Any,
        ledger: Ledger,
        store: ChoreStore,
        thread: ChoreThread,
        *,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._app = app
        self._settings = settings
        self._ledger = ledger
        self._store = store
        self._thread = thread
        self._metrics = metrics

    def chores(self) -> Sequence[Chore[Awaitable[None]]]:
        """All chores that a worker does for itself."""
        outbox = OutboxPublisher(
            self._app, self._settings.topic_prefix, self._store, self._thread, self._metrics
        )

        def publish(kind: OutboxKind, _: Circumstances) -> Awaitable[None]:
            return outbox.publish(kind)

        chores: Sequence[Chore[Awaitable[None]]] = [
            Chore("clocks", CLOCKS_INTERVAL_SECONDS, self.clocks),
            Chore("membership", MEMBERSHIP_INTERVAL_SECONDS, self.membership),
            Chore("alerts", ALERT_INTERVAL_SECONDS, partial(publish, "alert")),
            Chore("dead_letters", DEAD_LETTER_INTERVAL_SECONDS, partial(publish, "dead_letter")),
            Chore("dead_letter_limit", LIMIT_INTERVAL_SECONDS, self.dead_letter_limit),
            Chore("lag", LAG_INTERVAL_SECONDS, self.lag),
            Chore("log_identity", LOG_IDENTITY_INTERVAL_SECONDS, self.log_identity),
            Chore("lost_commits", LOST_COMMITS_INTERVAL_SECONDS, self.lost_commits),
        ]
        # They go on while the clock is wrong: one of them finds out that it is right again.
        return [chore._replace(needs_clock=False) for chore in chores]

    async def membership(self, _: Circumstances | None = None) -> None:
        """Look whether another catalogue rules, or another installation is in the group."""
        membership = await self._thread.call(self._store.join)
        if membership.problem is not None:
            self._ledger.state.give_way(membership.problem)
            return
        others = await asyncio.to_thread(read_strangers, self._settings, membership.installation)
        self._metrics.strange_installations.set(len(others))
        problem = shared_group(self._settings, others) if others else None
        self._ledger.state.group_problem = problem
        # Both installations came at the same moment, else the later one would have waited. The same
        # one of them stays, whichever worker looks.
        if problem is not None and others[0] < membership.installation:
            self._ledger.state.give_way(problem)
        elif problem is not None:
            log.error("%s; the other one gives way", problem)

    async def dead_letter_limit(self, _: Circumstances | None = None) -> None:
        """Let partitions go on that stopped for too many refusals, if somebody has looked."""
        await self._app.batches.breaker.look_again()

    async def clocks(self, _: Circumstances | None = None) -> None:
        """Compare the clocks. Events wait, and the tables stand, while they are wrong."""
        self._ledger.clock.compare(await self._thread.call(self._store.read_clocks))

    async def lag(self, _: Circumstances | None = None) -> None:
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

    async def log_identity(self, _: Circumstances | None = None) -> None:
        """Notice by its id that a topic was deleted and made again.

        Such a topic keeps its name, and need not cause a rebalance.
        """
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

    async def lost_commits(self, _: Circumstances | None = None) -> None:
        """Read again what a store has lost that it had confirmed.

        The next message would tell, but a quiet partition has none.
        """
        lost = await self._ledger.lost_commits() if self._ledger.durable else []
        if lost and not self._app.rebalancing:
            log.warning(
                "PostgreSQL has lost commits of %s; reading them again", ", ".join(map(str, lost))
            )
            await self._app.consumer.load_positions(lost)
