"""`voc-stream worker`, with a fault at a chosen moment.

For the fault suite only; the service itself knows nothing of it.

Arguments: any of
    NAME:N:kill         end at once (SIGKILL) the Nth time the worker comes by the place NAME
    NAME:N:stop         freeze there (SIGSTOP), until somebody lets it go on
    max_poll_interval:S leave the group after S seconds without a fetch; else it never does
    log_identity:S      look every S seconds, not 30, whether topics were made anew
    rebalance_timeout:S let the watchdog end a rebalance after S seconds, not 180
    decoding:S          take S seconds longer to decode what was fetched, so that rebalances meet it
    stream_wait_empty:1 let a revocation wait for the batch under way; else it never does
    chores_port:PORT    let the process of the chores reach PostgreSQL at this port of this machine

The places: `before_claim` (a batch's transaction is open, its position not yet moved), `after_copy`
(a batch's events are in PostgreSQL, its transaction is open), `before_commit` and `after_commit` of
a batch, `in_seek` (a partition is being positioned), `in_refresh` (the rolling tables are being
refreshed, the transaction is open). The last one is in the process of the chores. There `kill` and
`stop` are for the worker, too; `kill_chores` and `stop_chores` leave the worker alone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiokafka
import psycopg2
from psycopg2 import extensions

from voc_stream import cli
from voc_stream.cli import worker as cli_worker
from voc_stream.kafka.life import watchdog
from voc_stream.kafka.worker import app, own_chores
from voc_stream.kafka.worker import run as worker
from voc_stream.pipeline import take_in

if TYPE_CHECKING:
    from collections.abc import Callable

FAUST_SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "max_poll_interval": ("broker_max_poll_interval", float),
    "stream_wait_empty": ("stream_wait_empty", bool),
}
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
CHORES = "chores"


class Failpoints:
    """What is to happen where."""

    def __init__(self, arguments: list[str]) -> None:
        self._wanted = {
            name: (int(number), SIGNALS[action.partition("_")[0]])
            for name, number, action in (each.split(":") for each in arguments)
        }
        self._spares_worker = any(each.endswith(f"_{CHORES}") for each in arguments)
        self._passed: Counter[str] = Counter()

    def passes(self, name: str) -> None:
        """The worker is at the place."""
        self._passed[name] += 1
        number, what = self._wanted.get(name, (0, signal.SIGKILL))
        if self._passed[name] == number:
            if name == "in_refresh" and not self._spares_worker:
                os.kill(os.getppid(), what)
            # To this very thread: another one could take a signal of the process while this one
            # goes on for a statement more.
            signal.pthread_kill(threading.get_ident(), what)


failpoints = Failpoints([])


class Cursor(extensions.cursor):
    """Knows a batch by its COPY of events, and a refresh by its clock."""

    connection: Connection

    def execute(self, query: Any, variables: Any = None) -> None:
        """See psycopg2."""
        if "UPDATE stream_position" in str(query):
            failpoints.passes("before_claim")
        super().execute(query, variables)
        if "INTO rolling_clock" in str(query) and "sites" in (variables or ()):
            failpoints.passes("in_refresh")

    def copy_expert(self, sql: Any, *arguments: Any) -> None:
        """See psycopg2."""
        super().copy_expert(sql, *arguments)
        if "touchpoint_event" in str(sql):
            self.connection.has_events = True
            failpoints.passes("after_copy")


class Connection(extensions.connection):
    """Knows whether its transaction is a batch."""

    has_events = False

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """See psycopg2."""
        return super().cursor(*arguments, **({"cursor_factory": Cursor} | options))

    def commit(self) -> None:
        """See psycopg2."""
        is_batch, self.has_events = self.has_events, False
        if is_batch:
            failpoints.passes("before_commit")
        super().commit()
        if is_batch:
            failpoints.passes("after_commit")

    def rollback(self) -> None:
        """See psycopg2."""
        self.has_events = False
        super().rollback()


def patch(arguments: list[str]) -> None:
    """Put the faults in place."""
    global failpoints  # noqa: PLW0603  one process, one set of faults
    failpoints = Failpoints([each for each in arguments if each.count(":") == 2])
    connect: Callable[..., Any] = psycopg2.connect
    psycopg2.connect = lambda *given, **options: connect(
        *given, **({"connection_factory": Connection} | options)
    )
    seek = aiokafka.AIOKafkaConsumer.seek

    def seek_past_failpoint(self: Any, *given: Any, **options: Any) -> None:
        failpoints.passes("in_seek")
        seek(self, *given, **options)

    aiokafka.AIOKafkaConsumer.seek = seek_past_failpoint
    chosen = dict(each.split(":") for each in arguments if each.count(":") == 1)
    if "decoding" in chosen:
        decode, longer = take_in.decode_messages, threading.Event()

        def slow_decode(*given: Any, **options: Any) -> Any:
            longer.wait(float(chosen["decoding"]))
            return decode(*given, **options)

        command: Any = cli_worker  # it has imported the name already
        command.decode_messages = slow_decode
    if "log_identity" in chosen:
        own_chores.LOG_IDENTITY_INTERVAL_SECONDS = float(chosen["log_identity"])
    if "rebalance_timeout" in chosen:
        watchdog.REBALANCE_TIMEOUT_SECONDS = float(chosen["rebalance_timeout"])
    changed = {
        faust_name: meaning(chosen[name])
        for name, (faust_name, meaning) in FAUST_SETTINGS.items()
        if name in chosen
    }
    chores: Any = cli_worker
    chores.CHORES = [sys.executable, __file__, *arguments, CHORES]
    patched: Any = worker  # it imports the name, and exports it to nobody
    patched.create_app = lambda *given, **options: app.create_app(*given, **(options | changed))


def reach_postgresql(arguments: list[str]) -> None:
    """Reach PostgreSQL at the port of the arguments, if they name one."""
    for each in arguments:
        name, _, port = each.partition(":")
        if name == "chores_port":
            url = urlsplit(os.environ["VOC_DATABASE_URL"])
            behind = url._replace(netloc=f"{url.username}@{url.hostname}:{port}")
            os.environ["VOC_DATABASE_URL"] = behind.geturl()


if __name__ == "__main__":
    *given, last = sys.argv[1:]
    if given and given[-1] == CHORES:  # with the number of the connection behind it
        patch(given[:-1])
        reach_postgresql(given[:-1])
        sys.argv[1:] = [CHORES, last]
    else:
        patch([*given, last])
        sys.argv[1:] = ["worker"]
    cli.main()
