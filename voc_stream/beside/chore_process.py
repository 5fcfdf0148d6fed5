"""Has the store's chores done by a process of their own: the side of the worker.

The worker decides what is due, and counts and logs what failed. If the process dies or falls
silent, the worker goes on taking in events, and starts another one for the next chore.
"""

from __future__ import annotations

import logging
import socket
import subprocess
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Protocol

from voc_stream.beside.messages import BEAT, Answer, Ask, decode_answer, encode, unpack_gauges
from voc_stream.errors import VocError
from voc_stream.pipeline.clocks import LARGEST_SKEW

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from voc_stream.pipeline.chores import Chore, Circumstances, Due, ShowChores, WorkerStore
    from voc_stream.pipeline.clocks import ClockReading
    from voc_stream.pipeline.ports import Membership, OutboxKind, OutboxMessage

SILENT_SECONDS = 30.0
"""A process that works says so every second."""
STARTING_SECONDS = 120.0
"""On a machine that is overloaded, it takes half a minute to import what it needs."""

log = logging.getLogger(__name__)


class ChoreProcessError(VocError):
    """The process of the chores ended or fell silent; another one is started."""


class ChoreFailedError(VocError):
    """A chore failed in its process, for the reason that the text gives."""


class WatchProcess(Protocol):
    """Where the worker shows how the process fares; any thread may use it."""

    def chore_process_started(self) -> None:
        """Count a start."""

    def chore_process_used(self, memory_bytes: int, more_processor_seconds: float) -> None:
        """Show what it holds of memory for itself, and how long it worked since the last time."""


class ChoreProcess:
    """A `ChoreStore` whose chores are done in a process of their own.

    What the worker asks its store beside them is answered in this process.

    Args:
        store: answers that.
        timetable: the chores of the process, by how often alerts are evaluated.
        command: starts the process; the number of its end of the connection is added.
        watch: is shown how the process fares.
    """

    def __init__(
        self,
        store: WorkerStore,
        timetable: Callable[[timedelta], Sequence[Due]],
        command: Sequence[str],
        watch: WatchProcess,
    ) -> None:
        self._store = store
        self._timetable = timetable
        self._command = command
        self._watch = watch
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._clock_was_ahead = False
        self._worked_seconds = 0.0
        self._has_spoken = False

    def join(self) -> Membership:
        """See the port."""
        return self._store.join()

    def read_clocks(self) -> ClockReading:
        """See the port."""
        reading = self._store.read_clocks()
        self._clock_was_ahead |= reading.stored_ahead > LARGEST_SKEW
        return reading

    def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """See the port."""
        return self._store.claim_messages(kind, limit)

    def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """See the port."""
        self._store.finish_messages(kind, sent, now)

    def chores(
        self,
        show: ShowChores,
        evaluate_every: timedelta,
        keep_letters: timedelta | None,  # noqa: ARG002  the process has it from its settings
    ) -> Sequence[Chore[object]]:
        """See the port; each is for one thread at a time."""
        return [
            each.done_by(partial(self._do, show, each.name))
            for each in self._timetable(evaluate_every)
        ]

    def close(self) -> None:
        """End the process; PostgreSQL rolls back what is under way."""
        if self._process is not None:
            self._end()

    def _do(self, show: ShowChores, chore: str, at: Circumstances) -> None:
        connection = self._running()
        ahead, self._clock_was_ahead = self._clock_was_ahead, False
        try:
            connection.send_bytes(encode(Ask(chore, at.now, at.events_wait, at.in_backlog, ahead)))
            answer = self._answer(connection)
        except (EOFError, OSError) as error:
            self._clock_was_ahead |= ahead
            code = self._end()
            how = (
                "said nothing for long and was killed"
                if isinstance(error, TimeoutError)
                else f"ended with {code}"
            )
            raise ChoreProcessError(
                f"the process of the chores {how}: it is started again"
            ) from error
        self._watch.chore_process_used(
            answer.memory_bytes, answer.processor_seconds - self._worked_seconds
        )
        self._worked_seconds = answer.processor_seconds
        if answer.gauges is not None:
            show.publish(unpack_gauges(answer.gauges))
        if answer.letters_deleted:
            show.letters_deleted(answer.letters_deleted)
        if answer.error is not None:
            raise ChoreFailedError(answer.error)

    def _answer(self, connection: Connection) -> Answer:
        """The answer. Raises TimeoutError, which is an OSError, if nothing is heard for long."""
        while True:
            if not connection.poll(SILENT_SECONDS if self._has_spoken else STARTING_SECONDS):
                raise TimeoutError
            data, self._has_spoken = connection.recv_bytes(), True
            if data != BEAT:
                return decode_answer(data)

    def _running(self) -> Connection:
        """The connection to the process, which is started if it does not run."""
        if self._process is not None and self._process.poll() is not None:
            log.warning("the process of the chores ended with %d: it is started again", self._end())
        if self._connection is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  our own command
                    [*self._command, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            self._connection = Connection(ours.detach())
            self._worked_seconds, self._has_spoken = 0.0, False
            self._watch.chore_process_started()
        return self._connection

    def _end(self) -> int:
        """End what is left of the process; its exit code.

        A process that ends already keeps its code. The wait has no limit, since limits need a clock
        that nobody sets; a process that is killed ends.
        """
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is None:
            return 0
        process.kill()
        return process.wait()
