"""A service under test.

Real worker processes between a real broker and a real PostgreSQL, and what they must end with.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import psycopg2
from builders import automotive_catalogue
from comparison import assert_tables_equal, read_tables
from histories import assert_histories_are_right
from kafka import KafkaProducer
from oracle import expected_tables
from oracle.reading import read_events

from voc_stream.catalogue.load import load_catalogue
from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port
from voc_stream.kafka.connection.security import client_options
from voc_stream.kafka.life.watchdog import EXIT_CODE
from voc_stream.kafka.log_reader import read_log_ends
from voc_stream.postgres.cells.schemas import schemas_of
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from voc_stream.simulator.delivery.message import SimulatedMessage

EVENTS_OF_HISTORIES = 1_000
"""About so many events are compared of histories, which the oracle works out one by one."""
WORKER_STOP_SECONDS = 40.0
MAXIMUM_REQUEST_BYTES = 16 * 1024 * 1024


def from_environment(name: str, usual: int) -> int:
    """A size of the tests, such as VOC_TEST_EVENTS; `usual` where it is not set."""
    return int(os.environ.get(name, usual))


def chance() -> random.Random:
    """Randomness that VOC_TEST_SEED replays; pytest shows the seed where the test fails."""
    seed = from_environment("VOC_TEST_SEED", random.randrange(2**32))
    print(f"replay with VOC_TEST_SEED={seed}")  # noqa: T201  pytest shows it with a failure
    return random.Random(seed)


def wait_until(
    condition: Callable[[], bool], timeout_seconds: float, what: Callable[[], str] | str
) -> None:
    """Look every few milliseconds.

    AssertionError with `what` was waited for when the time is up.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {timeout_seconds:.0f} s: {what if isinstance(what, str) else what()}"
            )
        time.sleep(0.05)


class Worker:
    """One `voc-stream worker` process with its own web port.

    `more` are variables of its environment.
    """

    def __init__(
        self, settings: Settings, log_path: Path, more: Mapping[str, str] | None = None
    ) -> None:
        self.settings = replace(settings, web_port=free_port())
        environment = environment_of(self.settings) | dict(more or {})
        self.child = Child(
            "worker",
            [sys.executable, "-m", "voc_stream", "worker"],
            log_path,
            environment=environment,
        )

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self.child.exit_code() is None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.is_running:
            os.kill(self.child.pid, signal.SIGKILL)
        self.child.stop(WORKER_STOP_SECONDS)

    def stop(self) -> None:
        """Ask it to end."""
        self.child.stop(WORKER_STOP_SECONDS)

    def unready(self) -> str:
        """Why it takes in nothing; empty where it is ready."""
        try:
            urllib.request.urlopen(
                f"http://{LOOPBACK}:{self.settings.web_port}/readyz", timeout=5
            ).close()
        except urllib.error.HTTPError as error:
            with error:
                return str(error.read().decode())
        except OSError:
            return "it does not answer"
        return ""

    def metric(self, name: str) -> float:
        """The sum of a metric's samples; 0 if it has none."""
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{self.settings.web_port}/metrics", timeout=5
        ) as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith((f"{name} ", f"{name}{{"))
        )


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables of a command of the service; none of the tests' own."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("VOC_")
    } | to_environment(settings)


class Restart(Enum):
    """What a supervisor does about a worker that ended with the code that asks for it."""

    NEW_GROUP = "start it again in a new group"
    """Whether the embedded broker has lost this group.

    Its coordinator can lose itself for ever when members come and go during a rebalance. Then
    nobody can join that group any more, not even another client when all members are gone. The
    positions are PostgreSQL's anyway.
    """
    NEVER = "no worker may end by itself"


class Service:
    """Everything between the topics and the tables, with the messages that were sent so far.

    Attributes:
        restart: what becomes of a worker that ended by itself.
    """

    restart = Restart.NEW_GROUP

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.workers: list[Worker] = []
        self.ended: list[Worker] = []
        self.sent: list[bytes | None] = []
        self._numbers = count(1)
        self.command("init")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.kill()

    def command(self, *arguments: str) -> str:
        """Run `voc-stream …` to its end and return its output; AssertionError where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "voc_stream", *arguments],
            env=environment_of(self.settings),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, (
            f"voc-stream {' '.join(arguments)}: code"
            f" {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def start_worker(self) -> Worker:
        """One worker more."""
        return self.start_other()

    def start_other(
        self, settings: Settings | None = None, more: Mapping[str, str] | None = None
    ) -> Worker:
        """One worker more, with settings and variables of its own where they are given."""
        worker = Worker(
            settings or self.settings, self.folder / f"worker-{next(self._numbers)}.log", more
        )
        self.workers.append(worker)
        return worker

    def kill_worker(self, worker: Worker) -> None:
        """One worker less, as by a power cut."""
        self.workers.remove(worker)
        worker.kill()

    def stop_worker(self, worker: Worker) -> None:
        """One worker less, after a clean end."""
        self.workers.remove(worker)
        worker.stop()

    def stop_workers(self) -> None:
        """No worker any more, after a clean end of each."""
        for worker in list(self.workers):
            self.stop_worker(worker)

    def supervise(self) -> None:
        """What a supervisor does: start a worker again that ended with the code that asks for it.

        Any other end is a failure.
        """
        for worker in [worker for worker in self.workers if not worker.is_running]:
            may_end = self.restart is not Restart.NEVER and worker.child.exit_code() == EXIT_CODE
            assert may_end, (
                f"a worker ended with {worker.child.exit_code()}:\n{worker.child.log_tail()}"
            )
            self.workers.remove(worker)
            self.ended.append(worker)
            if self.restart is Restart.NEW_GROUP and worker.settings.group == self.settings.group:
                self.settings = replace(self.settings, group=f"{self.settings.group}-again")
            self.start_worker()

    def wait_until(
        self, condition: Callable[[], bool], timeout_seconds: float, what: Callable[[], str] | str
    ) -> None:
        """The same as the function, under supervision.

        If the time is up, the error has the workers' last words.
        """

        def looked_after() -> bool:
            self.supervise()
            return condition()

        wait_until(
            looked_after,
            timeout_seconds,
            lambda: f"{what if isinstance(what, str) else what()}\n{self.worker_logs()}",
        )

    def send(self, messages: Iterable[SimulatedMessage], *, remember: bool = True) -> None:
        """Send in order and wait for all acknowledgements.

        `remember` counts them among those that the tables must show.
        """
        with closing(self.producer()) as producer:
            for message in messages:
                producer.send(
                    self.settings.topic_prefix + message.topic, value=message.value, key=message.key
                )
                if remember:
                    self.sent.append(message.value)
            producer.flush(timeout=120)

    def producer(self) -> Any:
        """A Kafka producer as a careful client would configure it."""
        return KafkaProducer(
            **client_options(self.settings),
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_request_size=MAXIMUM_REQUEST_BYTES,
            allow_auto_create_topics=False,
        )

    def log_ends(self) -> dict[tuple[str, int], int]:
        """The end of each input partition's log."""
        return {
            (partition.topic, partition.number): end
            for partition, end in read_log_ends(self.settings).items()
        }

    def positions(self) -> dict[tuple[str, int], int]:
        """How far the tables have come in each input partition."""
        return {
            (topic, partition): offset
            for topic, partition, offset in self.query(
                "SELECT topic, partition, next_offset FROM stream_position"
            )
        }

    def progress(self) -> int:
        """Messages that the tables contain."""
        return sum(self.positions().values())

    def wait_until_caught_up(self, timeout_seconds: float = 240.0) -> None:
        """Until every message in the topics is in the tables."""
        ends = self.log_ends()
        self.wait_until(
            lambda: self._lag(ends) == 0,
            timeout_seconds,
            lambda: f"the tables lack {self._lag(ends)} messages",
        )

    def wait_for_progress(self, target: float, timeout_seconds: float = 240.0) -> None:
        """Until the tables contain so many messages."""
        self.wait_until(
            lambda: self.progress() >= target,
            timeout_seconds,
            lambda: f"{target:.0f} messages, found {self.progress()}",
        )

    def _lag(self, ends: dict[tuple[str, int], int]) -> int:
        positions = self.positions()
        return sum(max(0, end - positions.get(partition, 0)) for partition, end in ends.items())

    def wait_until_all_are_stored(self, timeout_seconds: float = 240.0) -> None:
        """Until every event that was sent is stored, whatever became of the log."""
        wanted = len(read_events(self.sent, automotive_catalogue(), datetime.now(UTC)))
        self.wait_until(
            lambda: self._stored() >= wanted,
            timeout_seconds,
            lambda: f"{wanted} events stored, found {self._stored()}",
        )

    def _stored(self) -> int:
        [(number,)] = self.query("SELECT count(*) FROM touchpoint_event")
        return int(number)

    def worker_logs(self) -> str:
        """The last lines of the logs of the present workers.

        Those of the last worker that asked to be started again come with them.
        """
        return "\n".join(
            f"--- {worker.child.log_path.name}\n{worker.child.log_tail()}"
            for worker in [*self.ended[-1:], *self.workers]
        )

    def query(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement, with schema voc in sight."""
        with _connection(self.settings) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    @property
    def schema(self) -> str:
        """The schema of the tables."""
        return schemas_of(self.settings.require_database_url()).live

    def assert_tables_are_right(self, as_of: datetime | None = None) -> None:
        """Stop the workers, refresh everything as of now, and compare every table.

        Each is compared with the oracle and with its own recomputation.
        """
        self.stop_workers()
        as_of = self.refresh(as_of)
        scatter = self.query("SELECT scope_type, scope, phi FROM detector ORDER BY phi")
        phi = {(scope_type, scope): of_scope for scope_type, scope, of_scope in scatter}
        assert_tables_equal(
            expected_tables(self.sent, automotive_catalogue(), as_of, phi=phi),
            read_tables(self.settings.require_database_url(), schema=self.schema),
        )
        assert_histories_are_right(
            self.settings.require_database_url(),
            self.sent,
            automotive_catalogue(),
            as_of,
            schema=self.schema,
            one_of=1 + len(self.sent) // EVENTS_OF_HISTORIES,
        )
        self.command("rebuild")  # fails where anything differs

    def _is_pending(self) -> bool:
        queues = ("retraction_pending", "customer_move", "increment")
        return bool(
            self.query(f"{' UNION ALL '.join(f'SELECT FROM {queue}' for queue in queues)} LIMIT 1")
        )

    def refresh(self, as_of: datetime | None = None) -> datetime:
        """Merge all that is pending and assess every customer, as the workers' timers do.

        The moment it shows.
        """
        as_of = as_of or datetime.now(UTC)
        with closing(
            PostgresChores(self.settings.require_database_url(), load_catalogue())
        ) as chores:
            wait_until(
                lambda: chores.refresh(as_of) and not self._is_pending(),
                120,
                "everything is merged",
            )
            wait_until(
                lambda: chores.assess_churn(as_of, everyone=True) is not None,
                60,
                "nobody else assesses",
            )
        assert self.query("SELECT DISTINCT as_of FROM rolling_clock") == [(as_of,)], (
            "the horizons end at the moment that was asked for"
        )
        return as_of


@contextmanager
def _connection(settings: Settings) -> Iterator[Any]:
    url = settings.require_database_url()
    options = f"-c search_path={schemas_of(url).live}"
    with closing(psycopg2.connect(url, options=options)) as connection:
        yield connection
