"""Runs everything that `up` needs on one machine.

These are broker, database, worker and call centre, in the order in which they need each other.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import fields, replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Self

from voc_stream.embedded.apache_broker import ApacheBroker
from voc_stream.embedded.broker import Broker
from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.supervisor import Supervisor
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, listens
from voc_stream.embedded.worker_pages import is_ready, lag_events, why_not_ready
from voc_stream.errors import EmbeddedError
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType


# Half of it passes before the broker lets a first worker in.
SESSION_TIMEOUT_SECONDS = 6
WORKER_START_TIMEOUT_SECONDS = 60.0
WORKER_STOP_TIMEOUT_SECONDS = 30.0
SIMULATOR_STOP_TIMEOUT_SECONDS = 35.0  # it first flushes what it sent
KILL_TIMEOUT_SECONDS = 2.0
POLL_SECONDS = 0.1
TAKE_IN_TIMEOUT_SECONDS = 60.0


def without_security(settings: Settings) -> Settings:
    """The same settings for a broker of our own, which knows neither TLS nor users."""
    names = [
        each.name
        for each in fields(Settings)
        if each.name.startswith(("kafka_security", "kafka_sasl", "kafka_ssl"))
    ]
    return replace(settings, **{name: getattr(Settings(), name) for name in names})


class Ports(NamedTuple):
    """Free ports on 127.0.0.1."""

    kafka: int
    postgres: int
    web: int


class Machine:
    """The running parts; leaving the context stops them in the reverse order.

    Call from the main thread: the children end with the thread that started them.

    Args:
        data_dir: existing folder of this machine alone.
        ports: where to listen.
        kafka_home: folder of Apache Kafka, which is then the broker; None takes the embedded one.
        settings: what is configured; addresses are replaced by those of the embedded parts.
        environ: variables that the children get besides their settings.

    Raises:
        EmbeddedError: broker or database does not start.
    """

    def __init__(
        self,
        data_dir: Path,
        ports: Ports,
        settings: Settings,
        environ: Mapping[str, str],
        kafka_home: Path | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._environ = environ
        self._supervisors: list[Supervisor] = []
        self._worker: Supervisor | None = None
        self._worker_numbers = count(1)
        self._simulator: Supervisor | None = None
        with ExitStack() as started:
            self._broker: Broker | ApacheBroker = (
                Broker(data_dir, ports.kafka)
                if kafka_home is None
                else ApacheBroker(data_dir, ports.kafka, kafka_home)
            )
            started.callback(self._broker.stop)
            self._postgres = Postgres(data_dir, ports.postgres, closed=True)
            self._supervise(self._postgres.child, self._restart_postgres)
            started.callback(self._stop_postgres)
            self._running = started.pop_all()
        self.settings = replace(
            without_security(settings),
            kafka_bootstrap=self._broker.bootstrap,
            database_url=self._postgres.url,
            database_password=None,
            web_host=LOOPBACK,
            web_port=ports.web,
            broker_session_timeout_seconds=SESSION_TIMEOUT_SECONDS,
        )

    @property
    def serves_every_client(self) -> bool:
        """Whether the broker is Apache Kafka.

        The page docs/howto/push.md says which clients the embedded broker does not serve.
        """
        return isinstance(self._broker, ApacheBroker)

    @property
    def worker_url(self) -> str:
        """The URL of the worker's pages."""
        return f"http://{LOOPBACK}:{self.settings.web_port}"

    def start_worker(self, stop_requested: Callable[[], bool]) -> None:
        """Start a worker and wait until it takes in events, or a stop is requested.

        Raises EmbeddedError if it does not get so far.
        """
        self._worker = self._supervise(self._start_one_worker(), self._start_one_worker)
        deadline = time.monotonic() + WORKER_START_TIMEOUT_SECONDS
        child = self._worker.child
        port = self.settings.web_port
        while not (listens(child.pid, port) and is_ready(self.worker_url)) and not stop_requested():
            self.raise_if_broker_died()
            if child.exit_code() is not None:
                raise EmbeddedError(
                    f"the worker ended at once with code {child.exit_code()}; its last"
                    f" lines:\n{child.log_tail()}"
                )
            if time.monotonic() > deadline:
                reason = why_not_ready(self.worker_url) or "it does not say why"
                raise EmbeddedError(
                    f"the worker is not ready after {WORKER_START_TIMEOUT_SECONDS:.0f} s: {reason};"
                    f" see {child.log_path}"
                )
            time.sleep(POLL_SECONDS)

    def start_simulator(self, rate: float, *, with_history: bool) -> None:
        """Start a call centre that sends `rate` events per second.

        It begins with a history of past days, or without.
        """
        history = () if with_history else ("--history-days", "0")

        def start() -> Child:
            return self._start("simulate", "--rate", f"{rate:g}", *history)

        self._simulator = self._supervise(start(), start)

    def check(self) -> Iterator[str]:
        """Start again what ended by itself; yields what happened, for people.

        Raises EmbeddedError if the broker died: its events are gone.
        """
        self.raise_if_broker_died()
        for supervisor in self._supervisors:
            message = supervisor.check(time.monotonic())
            if message is not None:
                yield message

    def lag_events(self) -> int | None:
        """Events that wait in the broker, as the worker last measured it.

        Returns None if no worker tells.
        """
        return lag_events(self.worker_url)

    def stop_simulator(self) -> None:
        """Let the call centre send what it holds, and end."""
        if self._simulator is not None:
            self._supervisors.remove(self._simulator)
            self._simulator.child.stop(SIMULATOR_STOP_TIMEOUT_SECONDS)
            self._simulator = None

    def take_in(self, waiting: Callable[[], int | None], hurried: Callable[[], bool]) -> bool:
        """Wait until the tables hold all that the broker holds, which it forgets when it stops.

        Args:
            waiting: asks broker and database how many messages are not yet in the tables.
            hurried: whether to give up.

        Returns:
            Whether they do; False if `hurried` cut the wait short, or if a minute was not enough.
        """
        deadline = time.monotonic() + TAKE_IN_TIMEOUT_SECONDS
        while time.monotonic() < deadline and not hurried():
            if waiting() == 0:
                return True
            for _ in self.check():
                pass
            time.sleep(POLL_SECONDS)
        return False

    def raise_if_broker_died(self) -> None:
        """Raise EmbeddedError if the broker ended."""
        code = self._broker.child.exit_code()
        if code is not None:
            what = (
                f"the embedded broker died (code {code}) and with it the events that were not yet"
                f" taken in"
            )
            if self._broker.keeps_events:
                what = f"Apache Kafka died (code {code}); it has kept the events, so start again"
            raise EmbeddedError(f"{what}; its last lines:\n{self._broker.child.log_tail()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Without a broker they would wait in vain for its answers.
        without_broker = (
            KILL_TIMEOUT_SECONDS if self._broker.child.exit_code() is not None else None
        )
        with self._running:
            for supervisor, timeout_seconds in (
                (self._simulator, SIMULATOR_STOP_TIMEOUT_SECONDS),
                (self._worker, WORKER_STOP_TIMEOUT_SECONDS),
            ):
                if supervisor is not None:
                    supervisor.child.stop(without_broker or timeout_seconds)

    def _supervise(self, child: Child, restart: Callable[[], Child]) -> Supervisor:
        supervisor = Supervisor(child, restart, time.monotonic())
        self._supervisors.append(supervisor)
        return supervisor

    def _stop_postgres(self) -> None:
        self._postgres.stop()

    def _restart_postgres(self) -> Child:
        self._postgres = Postgres(self._data_dir, self._postgres.port, closed=True)
        return self._postgres.child

    def _start_one_worker(self) -> Child:
        # Each worker gets a new group. So it need not wait until the broker gives up the one
        # before, and that broker has been seen to lose a group for ever. Positions lie in
        # PostgreSQL, so the group holds nothing.
        return self._start(
            "worker",
            settings=replace(
                self.settings, group=f"{self.settings.group}-{next(self._worker_numbers)}"
            ),
        )

    def _start(self, command: str, *arguments: str, settings: Settings | None = None) -> Child:
        environment = {**self._environ, **to_environment(settings or self.settings)}
        line = [sys.executable, "-m", "voc_stream", command, *arguments]
        return Child(command, line, self._data_dir / f"{command}.log", environment=environment)
