"""Runs one worker until it is told to stop: app, watchdog and health server together.

When it is told to stop, it ends with 0 within seconds, even if Kafka is away. If something hangs,
it ends with 75 after 20 s.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import faust

from voc_stream.kafka.life.group import client_id, read_strangers, shared_group
from voc_stream.kafka.life.settings_watch import SettingsWatch
from voc_stream.kafka.life.state import WorkerState
from voc_stream.kafka.life.wait_for_servers import wait_for_both
from voc_stream.kafka.life.watchdog import EXIT_CODE, Watchdog, exit_unless_done, reason_to_end
from voc_stream.kafka.log_reader import LogReader
from voc_stream.kafka.positions.decoding import Decoding
from voc_stream.kafka.positions.ledger import Ledger
from voc_stream.kafka.worker.app import create_app
from voc_stream.kafka.worker.chore_thread import ChoreThread
from voc_stream.kafka.worker.timers import Timers
from voc_stream.monitoring.health import HealthServer
from voc_stream.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voc_stream.kafka.worker.app import VocApp
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.chores import ChoreStore
    from voc_stream.pipeline.ports import BatchSink, Decode
    from voc_stream.settings import Settings

STOP_DEADLINE_SECONDS = 20.0

log = logging.getLogger(__name__)


class WorkerParts:
    """Everything a worker is made of, wired but not started."""

    def __init__(
        self,
        settings: Settings,
        sink: BatchSink,
        decode: Decode,
        chores: ChoreStore,
        metrics: Metrics,
        **faust_settings: Any,
    ) -> None:
        self.settings = settings
        self._sink = sink
        self._chores = chores
        self._metrics = metrics
        self.state = WorkerState(started=time.monotonic())
        self.ledger = Ledger(sink, LogReader(settings), metrics, self.state)
        self.own_thread, self.chore_thread = ChoreThread(), ChoreThread()
        self.decoding = Decoding(decode, metrics)
        self.app: VocApp = create_app(
            settings, self.ledger, self.decoding, metrics, **faust_settings
        )
        Timers(
            self.app,
            self.ledger,
            self.own_thread,
            self.chore_thread,
            metrics=metrics,
            settings=settings,
        ).add_all(chores)

    def not_alive(self) -> Sequence[str]:
        """Why this process should be restarted."""
        if self.state.waiting_for is not None:
            return []
        reason = reason_to_end(
            self.state.life(), time.monotonic(), self.settings.stall_timeout_seconds
        )
        return [reason] if reason else []

    def not_ready(self) -> Sequence[str]:
        """Why this worker takes in no events now."""
        checks = {
            "the worker is stopping": self.state.stopping,
            "partitions are being assigned": self.state.rebalancing_since is not None,
            "positions are not loaded": not self.state.positions_loaded,
        }
        state = self.state
        problems = (
            state.waiting_for,
            state.kafka_problem,
            state.store_problem,
            state.clock_problem,
            state.stored_clock_problem,
            state.group_problem,
        )
        named = list(dict.fromkeys(problem for problem in problems if problem is not None))
        held = [*(hold.sentence for hold in state.held.values()), *state.doubtful.values()]
        return named + held + [problem for problem, applies in checks.items() if applies]

    def in_trouble(self) -> bool:
        """Whether Kafka or PostgreSQL does not serve this worker."""
        return any((self.state.waiting_for, self.state.kafka_problem, self.state.store_problem))

    def wait_for_both(self, stopped: threading.Event) -> bool:
        """Wait for Kafka and PostgreSQL; False if `stopped` was set first."""

        def report(problem: str | None) -> None:
            self.state.waiting_for = problem

        ready = wait_for_both(
            self.settings, self._sink, self._what_else_is_missing, stopped, report
        )
        self.state.restart(time.monotonic())
        return ready

    def _what_else_is_missing(self) -> str | None:
        membership = self._chores.join()
        if membership.problem is not None:
            return membership.problem
        others = read_strangers(self.settings, membership.installation)
        self._metrics.strange_installations.set(len(others))
        if others:
            return shared_group(self.settings, others)
        # The client id is read when the consumer starts. It shows other installations whose worker
        # this is.
        self.app.conf.broker_client_id = client_id(membership.installation)
        self.ledger.clock.compare(self._chores.read_clocks())
        return self.state.clock_problem

    def close(self) -> None:
        """End the threads of store and decoder."""
        self.ledger.close()
        self.decoding.close()
        self.own_thread.close()
        self.chore_thread.close()


class FaustWorker(faust.Worker):
    """Faust's runner with our signals: no debugger on SIGUSR2, and a deadline for stopping."""

    def __init__(self, parts: WorkerParts, **options: Any) -> None:
        super().__init__(
            parts.app, quiet=True, override_logging=False, redirect_stdouts=False, **options
        )
        self._parts = parts
        self.spinner = None

    def _install_signal_handlers_unix(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self._stop_soon, number)

    def _stop_soon(self, number: signal.Signals) -> None:
        if not self._parts.state.stopping:
            log.info("stopping (%s)", number.name)
            self._parts.state.stopping = True
            exit_unless_done(STOP_DEADLINE_SECONDS)
        self._schedule_shutdown(number)


def _stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set, until Faust's loop takes the signals over."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def run_worker(
    settings: Settings,
    sink: BatchSink,
    decode: Decode,
    chores: ChoreStore,
    metrics: Metrics,
    *,
    settings_changed: Callable[[], bool] = lambda: False,
) -> int:
    """Consume until SIGTERM or SIGINT (0), or until something failed (75: start me again).

    The watchdog may end the process with 75, too. Call it from the main thread of a process that
    does nothing else. Logging must be set up already. `settings_changed` tells whether the worker
    would be started with other settings now. If so, and something refuses the worker, the worker
    ends with 75.

    Raises:
        SettingsError: the web port is taken.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    parts = WorkerParts(settings, sink, decode, chores, metrics)
    settings_watch = SettingsWatch(parts.in_trouble, settings_changed)
    watchdog = Watchdog(parts.state.life, settings.stall_timeout_seconds)
    try:
        server = HealthServer(
            settings.web_host, settings.web_port, metrics.registry, parts.not_alive, parts.not_ready
        )
    except OSError as error:
        raise SettingsError(
            f"VOC_WEB_HOST, VOC_WEB_PORT: cannot listen on {settings.web_host}:{settings.web_port}"
            f" ({error.strerror})"
        ) from error
    with server as health:
        log.info("metrics and health at %s", health.url)
        settings_watch.start()
        try:
            if not parts.wait_for_both(_stop_event()):
                return 0
            watchdog.start()
            FaustWorker(parts, loop=loop).execute_from_commandline()
        except SystemExit as ended:
            if parts.state.gives_way_to is not None:
                return EXIT_CODE
            return ended.code if isinstance(ended.code, int) else 1
        except Exception:
            # Whatever Kafka did to this worker, only a new process begins anew.
            log.exception(
                "the worker failed: ending with code %d, to be started again; nothing is lost",
                EXIT_CODE,
            )
            return EXIT_CODE
        finally:
            settings_watch.stop()
            watchdog.stop()
            parts.close()
    return 0 if parts.state.gives_way_to is None else EXIT_CODE
