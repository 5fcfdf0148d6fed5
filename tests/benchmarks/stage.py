"""Where a benchmark takes place.

A broker, a PostgreSQL with our tables and workers, in a folder that disappears with them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg2
from apache_kafka import KafkaCluster
from benchmarks.load import messages
from benchmarks.processes import Processes, only_on

from voc_stream.embedded.broker import Broker
from voc_stream.embedded.postgres import SETTINGS, Postgres
from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.push import Pusher, Record
from voc_stream.kafka.topics import ensure_topics, input_topics, topic_ids
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.load import Load

BROKERS = {"embedded": "Tansu (the embedded broker)", "apache": "Apache Kafka 4.4.0, one broker"}
SERVER_SETTINGS = {**SETTINGS, "shared_buffers": "4GB", "max_wal_size": "16GB"}
"""What PostgreSQL's documentation advises for a server that writes all the time.

It is for the machine of the figures; fsync stays on.
"""
POLL_SECONDS = 0.02
TOPICS_SECONDS = 30.0
SEND_SECONDS = 120.0
STOP_SECONDS = 40.0
PAST = timedelta(hours=1)
_WAITS = (
    "EXISTS (SELECT FROM increment i LEFT JOIN merged m ON (m.level, m.topic, m.partition)"
    " = ('{}', i.topic, i.partition) WHERE i.number > coalesce(m.number, 0))"
)
"""What is sent beforehand occurred over the last hour, so that every horizon has work."""


class BenchmarkError(Exception):
    """What was to be measured did not happen; the message says what did."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the stage is set up.

    Attributes:
        broker: a key of BROKERS.
        partitions: of each input topic.
        batch_messages: messages that one transaction takes in at most.
        postgres_core: whether PostgreSQL and the broker get the first processor for themselves, and
            the workers all others.
        catalogue: the workers' catalogue; None for the packaged default.
    """

    broker: str = "embedded"
    partitions: int = 8
    batch_messages: int = Settings().maximum_batch_messages
    postgres_core: bool = False
    catalogue: str | None = None


class Stage:
    """A running broker and PostgreSQL, and any number of workers.

    A context manager: nothing is left behind.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.workers: list[Child] = []
        self._open = ExitStack()
        self._web_ports: list[int] = []

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self.folder = Path(
                started.enter_context(tempfile.TemporaryDirectory(prefix="voc-bench-"))
            )
            with only_on({min(os.sched_getaffinity(0))} if self.plan.postgres_core else None):
                postgres = started.enter_context(
                    Postgres(self.folder, free_port(), SERVER_SETTINGS)
                )
                bootstrap, broker_processes = self._start_broker(started)
            self.postgres, self.broker = (
                Processes([postgres.child.pid]),
                Processes(broker_processes),
            )
            self.settings = Settings(
                kafka_bootstrap=bootstrap,
                database_url=postgres.url,
                partitions=self.plan.partitions,
                maximum_batch_messages=self.plan.batch_messages,
                broker_session_timeout_seconds=6,
                catalogue=self.plan.catalogue,
            )
            migrate(postgres.url)
            connection = started.enter_context(
                closing(
                    psycopg2.connect(postgres.url, options="-c search_path=voc -c timezone=UTC")
                )
            )
            connection.autocommit = True
            self.cursor = connection.cursor()
            ensure_topics(self.settings)
            wait_until(
                self._topics_are_there, TOPICS_SECONDS, "the broker does not tell of its topics"
            )
            self._open = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _start_broker(self, started: ExitStack) -> tuple[str, list[int]]:
        if self.plan.broker == "embedded":
            broker = started.enter_context(Broker(self.folder, free_port()))
            return broker.bootstrap, [broker.child.pid]
        cluster = started.enter_context(KafkaCluster(self.folder))
        return cluster.bootstrap, [child.pid for child in cluster._children.values()]

    def _topics_are_there(self) -> bool:
        """Apache Kafka tells of a topic a moment after it has accepted to make it."""
        try:
            topic_ids(self.settings, input_topics(self.settings.topic_prefix))
        except TopicsError:
            return False
        return True

    def preload(self, load: Load) -> int:
        """Send a load, as `voc-stream push` would; the bytes of all values.

        Raises BenchmarkError.
        """
        interval_seconds = min(0.001, 0.97 * PAST.total_seconds() / load.events)
        failures: list[str] = []
        sizes = 0

        def records() -> Any:
            nonlocal sizes
            for message in messages(load, datetime.now(UTC) - PAST, interval_seconds):
                value = message.value or b""
                sizes += len(value)
                yield Record(self.settings.topic_prefix + message.topic, message.key, value, None)

        with Pusher[None](
            self.settings, SEND_SECONDS, lambda: None, lambda _, why: failures.append(why)
        ) as pusher:
            pusher.push(records())
        if failures:
            raise BenchmarkError(f"{len(failures)} events were not sent: {failures[0]}")
        return sizes

    def start_workers(self, count: int) -> None:
        """Start workers, all at once."""
        processors = os.sched_getaffinity(0)
        with only_on(processors - {min(processors)} if self.plan.postgres_core else None):
            for number in range(count):
                port = free_port()
                settings = replace(self.settings, web_port=port)
                command = [sys.executable, "-m", "voc_stream", "worker"]
                worker = Child(
                    "worker",
                    command,
                    self.folder / f"worker-{number}.log",
                    environment=environment_of(settings),
                )
                self._open.callback(worker.stop, STOP_SECONDS)
                self.workers.append(worker)
                self._web_ports.append(port)

    def workers_processes(self) -> Processes:
        """The workers as processes."""
        return Processes([worker.pid for worker in self.workers])

    def require_workers(self) -> None:
        """Raises BenchmarkError if a worker has ended."""
        for worker in self.workers:
            if worker.exit_code() is not None:
                raise BenchmarkError(
                    f"a worker ended with code {worker.exit_code()}; its last"
                    f" lines:\n{worker.log_tail()}"
                )

    def workers_that_committed(self) -> int:
        """How many workers have written a batch and still have its partition."""
        return sum(
            b"\nvoc_last_commit_timestamp_seconds{" in self._metrics(port)
            for port in self._web_ports
        )

    def number(self, query: str) -> float:
        """The one value of a query, with schema voc in sight."""
        self.cursor.execute(query)
        (found,) = self.cursor.fetchone() or (0,)
        return float(found)

    def taken_in(self) -> int:
        """Messages that the tables contain."""
        return int(self.number("SELECT coalesce(sum(next_offset), 0) FROM stream_position"))

    def chores_wait(self) -> bool:
        """Whether the rolling tables of sites or the risks lack something that was taken in."""
        return bool(
            self.number(
                "SELECT (EXISTS (SELECT FROM customer_move) OR EXISTS (SELECT FROM churn_pending)"
                f" OR {_WAITS.format('sites')})::int"
            )
        )

    def details_wait(self) -> bool:
        """Whether the scopes that explain, or the cube, have not been merged into."""
        return bool(self.number(f"SELECT ({_WAITS.format('details')})::int"))

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float, what: str) -> None:
        """Look every few milliseconds, while all workers run. Raises BenchmarkError."""

        def looked() -> bool:
            self.require_workers()
            return condition()

        wait_until(looked, timeout_seconds, what, self.workers)

    @staticmethod
    def _metrics(port: int) -> bytes:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=5) as answer:
                text: bytes = answer.read()
        except OSError:  # it is still starting
            return b""
        return text


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables of a process of ours; nothing of VOC_ that this process was started with."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("VOC_")}
    folders = [str(Path(__file__).parents[1]), *filter(None, [own.get("PYTHONPATH")])]
    return own | {"PYTHONPATH": os.pathsep.join(folders)} | to_environment(settings)


def run_command(main: Callable[[], None]) -> None:
    """Run a command; what was not measured is said in words, with exit code 1."""
    try:
        main()
    except BenchmarkError as error:
        sys.exit(str(error))


def wait_until(
    condition: Callable[[], bool], timeout_seconds: float, what: str, workers: Sequence[Child] = ()
) -> None:
    """Look every few milliseconds.

    BenchmarkError with `what` happened instead when the time is up.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            tails = "".join(
                f"\n--- {worker.log_path.name}\n{worker.log_tail()}" for worker in workers
            )
            raise BenchmarkError(f"{what}, after {timeout_seconds:.0f} s{tails}")
        time.sleep(POLL_SECONDS)
