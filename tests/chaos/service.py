"""The service under faults.

Workers that die, freeze or are cut off, who starts them again, and the end that all must reach.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
from end_to_end.harness import Service, Worker, environment_of, wait_until
from kafka import KafkaAdminClient
from kafka.errors import BrokerResponseError

from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.life.watchdog import EXIT_CODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from chaos.server import Server

    from voc_stream.settings import Settings

RECOVERY_TIMEOUT_SECONDS = 120.0
ENTRY_POINT = Path(__file__).with_name("worker_with_failpoints.py")


class ChaosWorker(Worker):
    """A worker with faults inside it.

    Args:
        settings: of the service; the web port is the worker's own.
        log_path: file of its output.
        failpoints: arguments of `worker_with_failpoints`; without any, it is the plain command.
        prefix: a command that runs the worker, such as one that enters a network namespace.
    """

    def __init__(
        self,
        settings: Settings,
        log_path: Path,
        failpoints: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.settings = replace(settings, web_port=free_port())
        program = [str(ENTRY_POINT), *failpoints] if failpoints else ["-m", "voc_stream", "worker"]
        self.child = Child(
            "worker",
            [*prefix, sys.executable, *program],
            log_path,
            environment=environment_of(self.settings),
        )

    @property
    def log(self) -> str:
        """All that it said."""
        return self.child.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def is_frozen(self) -> bool:
        """Whether it has been stopped and not been let go on."""
        try:
            return bool(psutil.Process(self.child.pid).status() == psutil.STATUS_STOPPED)
        except psutil.NoSuchProcess:
            return False

    def freeze(self) -> None:
        """Stop it in the midst of whatever it does."""
        os.kill(self.child.pid, signal.SIGSTOP)

    def chores(self) -> list[psutil.Process]:
        """The process of its chores; none while there is none."""
        return psutil.Process(self.child.pid).children()

    def thaw(self) -> None:
        """Let it go on, and its chores."""
        for each in (*self.chores(), psutil.Process(self.child.pid)):
            each.resume()

    def is_ready(self) -> bool:
        """Whether it has its partitions and takes in events."""
        return " 200 " in self._answer("/readyz")

    def _answer(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.web_port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return f"HTTP {answer.status} {answer.read().decode()}"
        except OSError as error:
            return repr(error)
        finally:
            connection.close()


class ChaosService(Service):
    """A service between Apache Kafka and the suite's own PostgreSQL.

    Attributes:
        direct_url: PostgreSQL without a proxy between; the tests' own questions go there.
        expected_exits: codes with which a worker may end and be started again.

    Args:
        settings: of the workers; their database may lie behind a proxy.
        folder: for logs.
        direct_url: see above; the workers' where absent.
    """

    def __init__(self, settings: Settings, folder: Path, direct_url: str | None = None) -> None:
        self.direct_url = direct_url or settings.require_database_url()
        self.expected_exits = {EXIT_CODE}
        self.restarts = 0
        super().__init__(replace(settings, database_url=self.direct_url), folder)
        self.worker_settings = settings

    def start_worker(
        self, *failpoints: str, settings: Settings | None = None, prefix: Sequence[str] = ()
    ) -> ChaosWorker:
        """One worker more, with faults if any are named."""
        number = next(self._numbers)
        worker = ChaosWorker(
            settings or self.worker_settings,
            self.folder / f"worker-{number}.log",
            failpoints,
            prefix,
        )
        self.workers.append(worker)
        return worker

    def stop_worker(self, worker: Worker) -> None:
        """One worker less, after a clean end: its code says so."""
        super().stop_worker(worker)
        code = worker.child.exit_code()
        # One that is asked before it has begun to listen (it still imports) is ended by the signal
        # itself.
        not_begun = code == -signal.SIGTERM and not worker.child.log_tail()
        assert code == 0 or not_begun, (
            f"a worker that was asked to end did so with {code}:\n{worker.child.log_tail()}"
        )

    def supervise(self) -> None:
        """What a supervisor does.

        Start a worker again that ended with an expected code, in the same group and with its own
        settings.
        """
        for worker in [worker for worker in self.workers if not worker.is_running]:
            code = worker.child.exit_code()
            assert code in self.expected_exits, (
                f"a worker ended with {code}:\n{worker.child.log_tail()}"
            )
            self.workers.remove(worker)
            self.ended.append(worker)
            self.restarts += 1
            self.start_worker(settings=worker.settings)

    def wait_until_ready(
        self, workers: Sequence[ChaosWorker], timeout_seconds: float = 60.0
    ) -> None:
        """Until these workers have their partitions."""
        self.wait_until(
            lambda: all(worker.is_ready() for worker in workers),
            timeout_seconds,
            "the workers are ready",
        )

    def seconds_to_progress(
        self, since: float, timeout_seconds: float = RECOVERY_TIMEOUT_SECONDS
    ) -> float:
        """Wait until the tables move on from where they are now.

        Returns how long after the moment `since`.
        """
        before = self.progress()
        self.wait_until(
            lambda: self.progress() > before,
            timeout_seconds,
            f"the tables move on from {before} messages",
        )
        return time.monotonic() - since

    def seconds_until_in(
        self,
        ends: dict[tuple[str, int], int],
        since: float,
        timeout_seconds: float = RECOVERY_TIMEOUT_SECONDS,
    ) -> float:
        """Wait until the tables have everything before these ends.

        Returns how long after the moment `since`.
        """
        self.wait_until(
            lambda: self._lag(ends) == 0,
            timeout_seconds,
            lambda: f"the tables lack {self._lag(ends)} messages",
        )
        return time.monotonic() - since

    def seconds_to_full_service(
        self, since: float, timeout_seconds: float = RECOVERY_TIMEOUT_SECONDS
    ) -> float:
        """Wait until the tables have all that the logs held when this was called.

        Returns how long after the moment `since`.
        """
        found: list[dict[tuple[str, int], int]] = []

        def are_known() -> bool:
            with suppress(TopicsError):
                found.append(self.log_ends())
            return bool(found)

        self.wait_until(are_known, timeout_seconds, "Kafka tells the ends of its logs")
        return self.seconds_until_in(found[0], since, timeout_seconds)

    def coordinator(self) -> int:
        """Number of the broker that keeps the group."""
        with closing(KafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)) as admin:
            return int(
                admin._manager.run(admin._find_coordinator_id, self.settings.group)
            )  # the public methods do not tell

    def members(self) -> set[str]:
        """Ids of the members of the consumer group; none while no broker keeps it."""
        with (
            closing(KafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)) as admin,
            suppress(BrokerResponseError),
        ):
            described = admin.describe_groups([self.settings.group])
            return {member["member_id"] for member in described[self.settings.group]["members"]}
        return set()

    def assert_everything_holds(self) -> None:
        """All messages are in.

        The positions are the ends of the logs, and every table is the oracle's.
        """
        self.wait_until_caught_up()
        assert {place: offset for place, offset in self.positions().items() if offset} == {
            place: end for place, end in self.log_ends().items() if end
        }
        self.assert_tables_are_right()


def through(settings: Settings, port: int, host: str = "127.0.0.1") -> Settings:
    """The same settings with the database behind a proxy."""
    url = urlsplit(settings.require_database_url())
    return replace(settings, database_url=f"{url.scheme}://{url.username}@{host}:{port}{url.path}")


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The server stands still for the block."""
    server.pause()
    try:
        yield
    finally:
        server.resume()


def hold_for(seconds: float, condition: Callable[[], Any] = lambda: True) -> None:
    """Let the fault last; fail at once where `condition` breaks."""
    ends = time.monotonic() + seconds

    def over() -> bool:
        assert condition(), "it holds as long as the fault does"
        return time.monotonic() >= ends

    wait_until(over, seconds + 30, "the fault is over")
