"""Does the chores that a worker asks for, one after the other: the side of their own process.

It ends with the worker, whatever ended that: the connection then has an end. What is under way is
rolled back by PostgreSQL.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from voc_stream.beside.messages import BEAT, Answer, Ask, decode_ask, encode, pack_gauges
from voc_stream.pipeline.chores import Circumstances

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from multiprocessing.connection import Connection

    from voc_stream.pipeline.chores import ChoreStore
    from voc_stream.pipeline.ports import GaugeSample

BEAT_SECONDS = 1.0


class _Shown:
    """Keeps what chores show until it is sent."""

    def __init__(self) -> None:
        self.gauges: list[GaugeSample] | None = None
        self.deleted = 0

    def publish(self, gauges: Sequence[GaugeSample]) -> None:
        """Keep the gauges. PostgreSQL's `numeric` comes as a decimal number."""
        self.gauges = [each._replace(value=float(each.value)) for each in gauges]

    def letters_deleted(self, count: int) -> None:
        """Keep the count."""
        self.deleted += count


class _Voice:
    """Sends messages; beats while a chore runs. Threads may use it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._works = threading.Event()
        threading.Thread(target=self._beat, name="voc-beat", daemon=True).start()

    def greet(self) -> None:
        """Say that the process has started."""
        self._send(BEAT)

    def begin(self) -> None:
        """Beat from now on."""
        self._works.set()

    def end(self, answer: Answer) -> None:
        """Beat no more, and answer."""
        self._works.clear()
        self._send(encode(answer))

    def _beat(self) -> None:
        pause = threading.Event()  # a sleep fails where the clock is set meanwhile
        while True:
            self._works.wait()
            self._send(BEAT)
            pause.wait(BEAT_SECONDS)

    def _send(self, data: bytes) -> None:
        with self._lock, suppress(OSError):  # the worker has ended: so does this process
            self._connection.send_bytes(data)


def serve(
    connection: Connection,
    store: ChoreStore,
    evaluate_every: timedelta,
    keep_letters: timedelta | None,
) -> None:
    """Do what is asked for, for ever."""
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the worker, which then ends both
        signal.signal(number, signal.SIG_IGN)
    asked: SimpleQueue[Ask] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, asked), name="voc-ear", daemon=True).start()
    shown, voice = _Shown(), _Voice(connection)
    voice.greet()
    chores = {each.name: each for each in store.chores(shown, evaluate_every, keep_letters)}
    while True:
        ask = asked.get()
        voice.begin()
        error = None
        try:
            if ask.clock_was_ahead:
                store.read_clocks()
            chores[ask.chore].run(Circumstances(ask.now, ask.events_wait, ask.in_backlog))
        except Exception as failed:  # noqa: BLE001  the worker logs and counts it
            error = repr(failed)
        gauges = None if shown.gauges is None else pack_gauges(shown.gauges)
        voice.end(Answer(error, gauges, shown.deleted, _memory_bytes(), time.process_time()))
        shown.gauges, shown.deleted = None, 0


def _listen(connection: Connection, asked: SimpleQueue[Ask]) -> None:
    """Hear what is asked for. Without the worker there is nothing left to do."""
    with suppress(EOFError, OSError):
        while True:
            asked.put(decode_ask(connection.recv_bytes()))
    os._exit(0)


def _memory_bytes() -> int:
    """The memory that no other process shares; 0 if the system does not say.

    What is shared is libraries, which the worker counts as its own memory.
    """
    with suppress(OSError):
        lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024
    return 0
