"""`make bench`: how many events a second go from a preloaded topic to the last row, on this machine.

Starts the embedded broker and PostgreSQL in a temporary folder, sends the benchmark mix (70 % repair steps, 20 % callbacks with
nine answers, 10 % complaints; 1,000,000 customers, 300 sites), and only then starts the workers. Prints the rate beside the
machine's own COPY rate into one table with a primary key, and how long rolling tables and risks took to catch up.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import psycopg2

from voc_stream.embedded.broker import Broker
from voc_stream.embedded.child import Child
from voc_stream.embedded.ports import free_port
from voc_stream.embedded.postgres import Postgres
from voc_stream.kafka.push import Pusher, Record
from voc_stream.kafka.topics import ensure_topics
from voc_stream.postgres.migrate import migrate
from voc_stream.settings import Settings, to_environment
from voc_stream.simulator.benchmark_mix import benchmark_events

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_SECONDS = 0.02
TIMEOUT_SECONDS = 1800.0


class Throughput(NamedTuple):
    """What one run measured; times in seconds."""

    events: int
    start_up: float
    taking_in: float
    catching_up: float
    worker_processor: float
    worker_memory_bytes: int

    @property
    def events_per_second(self) -> float:
        """From the first row to the last."""
        return self.events / self.taking_in


def copy_rate(database_url: str, rows: int = 300_000) -> float:
    """Rows a second by COPY of raw events of the mix into a table with a primary key."""
    start = datetime.now(UTC)
    lines = b"".join(
        b"%d\t%s\n" % (number, (message.value or b"").replace(b"\\", b"\\\\"))
        for number, message in enumerate(benchmark_events(count=rows, seed=2, start=start))
    )
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_copy (id bigint PRIMARY KEY, body text)")
        started = time.monotonic()
        cursor.copy_expert("COPY bench_copy FROM STDIN", BytesIO(lines), 1 << 18)
        connection.commit()
        taken = time.monotonic() - started
        cursor.execute("DROP TABLE bench_copy")
        connection.commit()
    return rows / taken


def preload(settings: Settings, events: int, customers: int) -> None:
    """Send the mix; it occurred over the last hour, so that every horizon has work."""
    ensure_topics(settings)
    start = datetime.now(UTC) - timedelta(hours=1)
    interval = min(0.001, 3500 / events)
    failures: list[str] = []
    with Pusher[None](settings, 120.0, lambda: None, lambda _, why: failures.append(why)) as pusher:
        pusher.push(
            Record(settings.topic_prefix + message.topic, message.key, message.value or b"", None)
            for message in benchmark_events(count=events, seed=1, start=start, customers=customers, interval_seconds=interval)
        )
    if failures:
        raise SystemExit(f"{len(failures)} events were not sent: {failures[0]}")


def measure(settings: Settings, events: int, log_path: Path) -> Throughput:
    """Start a worker and watch the positions until all is taken in, then the queues of the upkeep until they are empty."""
    database_url = settings.require_database_url()
    started = time.monotonic()
    worker = Child("worker", [sys.executable, "-m", "voc_stream", "worker"], log_path, environment=to_environment(settings))
    try:
        process = psutil.Process(worker.pid)
        with closing(psycopg2.connect(database_url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()

            def number(query: str) -> int:
                cursor.execute(query)
                (found,) = cursor.fetchone() or (0,)
                return int(found)

            def wait(query: str, reached: Callable[[int], bool]) -> float:
                while not reached(number(query)):
                    if worker.exit_code() is not None or time.monotonic() - started > TIMEOUT_SECONDS:
                        raise SystemExit(f"the worker did not finish; its last lines:\n{worker.log_tail()}")
                    time.sleep(POLL_SECONDS)
                return time.monotonic()

            positions = "SELECT coalesce(sum(next_offset), 0) FROM voc.stream_position"
            # The first batch was committed just before; its events are counted, its time is not: a fraction of a percent.
            first = wait(positions, lambda taken_in: taken_in > 0)
            last = wait(positions, lambda taken_in: taken_in == events)
            for queue in ("contribution", "churn_pending"):
                settled = wait(f"SELECT count(*) FROM (SELECT FROM voc.{queue} LIMIT 1) waiting", lambda waiting: waiting == 0)
            used, memory = process.cpu_times(), process.memory_info().rss
        return Throughput(events, first - started, last - first, settled - last, used.user + used.system, memory)
    finally:
        worker.stop(40.0)


def main() -> None:
    """Run it and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="voc-bench-") as folder:
        data_dir = Path(folder)
        with Broker(data_dir, free_port()) as broker, Postgres(data_dir, free_port()) as postgres:
            settings = replace(
                Settings(),
                kafka_bootstrap=broker.bootstrap,
                database_url=postgres.url,
                web_port=free_port(),
                broker_session_timeout_seconds=6,
            )
            migrate(postgres.url)
            copied = copy_rate(postgres.url)
            preload(settings, arguments.events, arguments.customers)
            result = measure(settings, arguments.events, data_dir / "worker.log")
    print(f"machine            {psutil.cpu_count()} processors, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.platform()}")
    print(f"events             {result.events:,} ({arguments.customers:,} customers, 300 sites)")
    print(f"worker start       {result.start_up:.1f} s to its first row")
    print(f"pipeline           {result.events_per_second:,.0f} events/s, preloaded topic to last row, exactly once")
    print(f"upkeep             rolling tables and risks of leaving complete {result.catching_up:.1f} s later")
    processor = result.worker_processor / result.events * 1e6
    print(f"worker             {processor:.0f} us of processor time an event, {result.worker_memory_bytes / 2**20:.0f} MiB")
    print(f"COPY alone         {copied:,.0f} rows/s into a table with a primary key")


if __name__ == "__main__":
    main()
