"""One run of one peer.

Started on a filled topic and empty tables, watched through the tables, and perhaps killed in the
middle.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import psycopg2
from benchmarks.peers.job import Progress
from benchmarks.peers.processes import Trees

from voc_stream.embedded.processes.child import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from types import TracebackType

    from benchmarks.peers.inputs import Input
    from benchmarks.peers.job import Found, Job
    from benchmarks.peers.peers import Peer

    from voc_stream.postgres.session.cursor import Cursor

# A look at the tables costs PostgreSQL some milliseconds; so much longer than it took, the next one
# waits.
POLL_RATIO = 20
POLL_SECONDS = 0.05
# A killed member of a consumer group is missed after its session: 45 s with Java's and librdkafka's
# defaults, 60 s with Faust's.
QUIET_SECONDS = 100.0
FIRST_ROW_SECONDS = 180.0
RUN_SECONDS = 600.0
LATE_OUTPUT_SECONDS = 3.0
PREPARE_SECONDS = 60.0
STOP_SECONDS = 10.0
# More than the broker says while a peer joins its group, less than its first answer with messages.
FIRST_MESSAGES_BYTES = 64 * 1024
_runs = count(1)


class PeerFailedError(Exception):
    """A peer ended by itself or did nothing; the message holds its last words."""


class Place(NamedTuple):
    """What all runs share.

    A folder for state and logs, PostgreSQL's URL, and the processes beside the peer.
    """

    folder: Path
    database_url: str
    postgres: Trees
    broker: Trees


class Speed(NamedTuple):
    """What a run without a fault measured.

    Attributes:
        start_up_seconds: from the start of the process until the broker had sent it the first
            messages.
        messages_per_second: from then until the last row was visible.
        processor: seconds of the peer, of PostgreSQL and of the broker for a million messages, over
            the same time.
        peak_memory_bytes: of the peer's processes together.
        difference: of the tables from what they must hold.
    """

    start_up_seconds: float
    messages_per_second: float
    processor: tuple[float, float, float]
    peak_memory_bytes: int
    difference: Found


class AfterKill(NamedTuple):
    """What a run with one kill -9 measured.

    Attributes:
        killed_at: share of the events that was visible then.
        recovery_seconds: from the restart to the next visible event; None if there came none.
        difference: of the tables from what they must hold in the end.
    """

    killed_at: float
    recovery_seconds: float | None
    difference: Found


class Run:
    """A peer at work. A context manager: it leaves no process and no database behind."""

    def __init__(self, peer: Peer, program: str, given: Input, job: Job, place: Place) -> None:
        self._peer, self._program, self._given, self._place = peer, program, given, place
        self._job = job
        self._name = f"peer_{next(_runs)}_{peer.name.replace('-', '_')}"
        self._state = place.folder / self._name
        self._children: list[Child] = []
        self._starts = count(1)
        self.trees = Trees([])

    def __enter__(self) -> Self:
        with _administration(self._place.database_url) as cursor:
            cursor.execute(f"CREATE DATABASE {self._name}")
        self._job.make_tables(self._database_url)
        self._connection = psycopg2.connect(self._database_url)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self._state.mkdir()
        if self._peer.prepare is not None:
            command = self._peer.prepare(self._program, self._state)
            done = subprocess.run(
                command,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=PREPARE_SECONDS,
                check=False,
            )
            if done.returncode != 0:
                raise PeerFailedError(f"{' '.join(command)}: {done.stderr[-1000:]}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        self._connection.close()
        with _administration(self._place.database_url) as cursor:
            cursor.execute(f"DROP DATABASE {self._name} WITH (FORCE)")

    def start(self) -> None:
        """Start the peer's processes, or start them again with the state that they left."""
        start = next(self._starts)
        self._children = [
            Child(
                self._peer.name,
                self._peer.command(self._program, self._state, number),
                self._place.folder / f"{self._name}.{start}.{number}.log",
                environment=self._environment,
            )
            for number in range(self._peer.processes)
        ]
        self.trees = Trees(child.pid for child in self._children)

    def start_and_wait_for_messages(self) -> float:
        """Start, and wait until the broker has sent the first messages.

        Returns how many seconds that took. Raises PeerFailedError.
        """
        written = self._place.broker.written_bytes()
        started = time.monotonic()
        self.start()
        while self._place.broker.written_bytes() < written + FIRST_MESSAGES_BYTES:
            self.raise_if_ended()
            if time.monotonic() > started + FIRST_ROW_SECONDS:
                raise PeerFailedError(
                    f"{self._peer.name} fetched nothing within {FIRST_ROW_SECONDS:.0f}"
                    f" s:\n{self.log_tail()}"
                )
            time.sleep(POLL_SECONDS)
        return time.monotonic() - started

    def kill(self) -> None:
        """End the peer with SIGKILL, all its processes at once."""
        self.trees.kill()
        for child in self._children:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # what outlived the process that started it
            child.stop(STOP_SECONDS)

    def raise_if_ended(self) -> None:
        """Raise PeerFailedError if a process of the peer has ended."""
        for child in self._children:
            if child.exit_code() is not None:
                raise PeerFailedError(
                    f"{self._peer.name} ended with code {child.exit_code()}:\n{child.log_tail()}"
                )

    def progress(self) -> Progress:
        """Look at the tables. Raises PeerFailedError if a process of the peer has ended."""
        self.raise_if_ended()
        return self._job.progress(self._cursor)

    def compare(self) -> Found:
        """End the peer, and compare its tables with what they must hold."""
        time.sleep(LATE_OUTPUT_SECONDS)  # what is counted too often may come late
        self.kill()
        return self._job.compare(self._database_url)

    def log_tail(self) -> str:
        """The last lines of the peer's processes."""
        return "\n".join(child.log_tail() for child in self._children)

    @property
    def _database_url(self) -> str:
        return f"{self._place.database_url.rpartition('/')[0]}/{self._name}"

    @property
    def _environment(self) -> dict[str, str]:
        """The variables of the contract in `job`; none of this process's own VOC_ ones."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("VOC_")
        }
        return inherited | {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "KAFKA_BOOTSTRAP": self._given.bootstrap,
            "TOPICS": ",".join(self._given.topics),
            "GROUP": self._name,
            "DATABASE_URL": self._database_url,
            "STATE_DIR": str(self._state),
            "AS_OF": self._given.filled_at.isoformat(),
        }


def measure_speed(peer: Peer, program: str, given: Input, job: Job, place: Place) -> Speed:
    """Let the peer do the whole job. Raises PeerFailedError."""
    with Run(peer, program, given, job, place) as run:
        start_up = run.start_and_wait_for_messages()
        watched = (run.trees, place.postgres, place.broker)
        before = [tree.sample().processor_seconds for tree in watched]
        fetching = time.monotonic()
        last, seen, after = fetching, Progress(0, 0), before
        for progress in looks(run, job.goal):
            used = [tree.sample().processor_seconds for tree in watched]
            if progress != seen:
                last, seen, after = time.monotonic(), progress, used
        if not seen.events:
            raise PeerFailedError(
                f"{peer.name} wrote nothing within {FIRST_ROW_SECONDS:.0f} s; its last"
                f" lines:\n{run.log_tail()}"
            )
        found = run.compare()
        messages = len(given.values)
        spent = [1e6 * (late - early) / messages for early, late in zip(before, after, strict=True)]
        return Speed(
            start_up_seconds=start_up,
            messages_per_second=messages
            * min(1.0, seen.events / job.goal.events)
            / (last - fetching),
            processor=(spent[0], spent[1], spent[2]),
            peak_memory_bytes=run.trees.peak_memory_bytes,
            difference=found,
        )


def measure_after_kill(
    peer: Peer,
    program: str,
    given: Input,
    job: Job,
    place: Place,
    *,
    usual: Speed,
    random: Random,
) -> AfterKill:
    """Kill the peer at a random moment of the time that it usually needs.

    Then start it again as its documentation says, and wait.

    Raises PeerFailedError.
    """
    with Run(peer, program, given, job, place) as run:
        run.start_and_wait_for_messages()
        time.sleep(random.uniform(0.1, 0.8) * len(given.values) / usual.messages_per_second)
        run.kill()
        run.start()
        restarted = time.monotonic()
        before = run.progress()
        recovery = None
        for progress in looks(run, job.goal):
            if recovery is None and progress != before:
                recovery = time.monotonic() - restarted
        return AfterKill(before.events / job.goal.events, recovery, run.compare())


def looks(run: Run, goal: Progress) -> Iterator[Progress]:
    """Look at the tables again and again, until all is there or nothing more comes.

    Raises PeerFailedError.
    """
    started = changed = time.monotonic()
    seen = Progress(0, 0)
    while True:
        before = time.monotonic()
        progress = run.progress()
        after = time.monotonic()
        yield progress
        if progress.events >= goal.events and progress.scores >= goal.scores:
            return
        if progress != seen:
            seen, changed = progress, after
        if (
            after - changed > (QUIET_SECONDS if seen.events else FIRST_ROW_SECONDS)
            or after - started > RUN_SECONDS
        ):
            return
        time.sleep(max(POLL_SECONDS, POLL_RATIO * (after - before)))


@contextmanager
def _administration(url: str) -> Iterator[Cursor]:
    """A cursor outside any transaction."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        yield connection.cursor()
