"""R19: messages that unpack to hundreds of megabytes, and batches that nobody can read.

The worker has 1 GiB.

A watch kills the worker above that, as the limit of a container does. Without a bound one such
message ended each life of a worker.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from builders import message, touchpoint
from chaos.recovery import Recovery, note
from raw_producer import send_batch
from record_batches import (
    GZIP,
    LZ4,
    NAMES,
    SNAPPY,
    ZSTD,
    batch,
    packed_batch,
    raw_batch,
    record,
    varint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.service import ChaosService, ChaosWorker

LIMIT_BYTES = 1 << 30
SECONDS = 60.0
BOMB_BYTES = 200 << 20
LARGEST_BOMB_BYTES = 600 << 20
# Fewer in a row than those at which a partition stops on purpose.
TINY_RECORDS = 500
# As large as a batch may be, in every partition at once: only one of them may be unpacked at a
# time.
LEGAL_EVENTS = 2_000
LEGAL_PADDING = "x" * 30_000

pytestmark = [pytest.mark.chaos, pytest.mark.chaos_ci]


def events(tag: str, number: int, **fields: object) -> list[bytes]:
    """Valid events of so many customers."""
    return [
        message(touchpoint(f"{tag}-{place}", customer_id=f"{tag}-u{place % 50}", **fields))
        for place in range(number)
    ]


def bomb(codec: int, size: int = BOMB_BYTES) -> bytes:
    """One message of so many blanks."""
    return packed_batch(0, 0, 1, record(0, b" " * size), codec)


def largest_bomb() -> bytes:
    """The same of 600 MB, made without the memory for it."""
    head = record(0, b"")[:-2]  # without the length of the value and the number of headers
    head = head[1:] + varint(LARGEST_BOMB_BYTES)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(varint(len(head) + LARGEST_BOMB_BYTES + 1) + head)]
    parts += [packer.compress(b" " * (1 << 20)) for _ in range(LARGEST_BOMB_BYTES >> 20)]
    parts += [packer.compress(b"\x00"), packer.flush()]
    return raw_batch(0, 0, 1, b"".join(parts), attributes=GZIP)


def hostile() -> list[tuple[int, bytes]]:
    """Batches, and how many dead letters each must become."""
    many_headers = varint(5_000_000) + (varint(0) + varint(-1)) * 5_000_000
    tiny = b"".join(record(place, None) for place in range(TINY_RECORDS))
    return [
        *((1, bomb(codec)) for codec in NAMES),
        (1, largest_bomb()),
        *((1, bomb(codec)) for codec in (ZSTD, GZIP)),
        (1, raw_batch(0, 2, 3, record(-1, b"a") + record(10**6, b"b") + record(2, b"c"))),
        (1, packed_batch(0, 0, 1, record(0, b"{}", tail=many_headers), ZSTD)),
        (TINY_RECORDS, packed_batch(0, TINY_RECORDS - 1, TINY_RECORDS, tiny, ZSTD)),
        (3, batch(0, [b" " * (10 << 20), b" " * (20 << 20), b" " * (15 << 20)], SNAPPY)),
        (1, packed_batch(0, 0, 1, record(0, b"{}", key=b"k" * (50 << 20)), LZ4)),
    ]


def peak_bytes(worker: ChaosWorker) -> int:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{worker.child.pid}/status").read_text(encoding="ascii")
    [kibibytes] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kibibytes) * 1024


@contextmanager
def limited(worker: ChaosWorker) -> Iterator[None]:
    """Kill the worker when it has more than the limit."""
    over = threading.Event()

    def watch() -> None:
        process = psutil.Process(worker.child.pid)
        while not over.wait(0.01):
            if process.memory_info().rss > LIMIT_BYTES:
                os.kill(worker.child.pid, signal.SIGKILL)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_bombs_and_unreadable_batches(service: ChaosService) -> None:
    """In all partitions of two topics, among good events.

    Those are in the tables within a minute, and the worker stays below 1 GiB.
    """
    bootstrap, prefix = service.settings.kafka_bootstrap, service.settings.topic_prefix
    topics = [f"{prefix}{name}" for name in ("touchpoints", "callbacks")]
    worker = service.start_worker()
    service.wait_until_ready([worker])
    batches = hostile()
    with limited(worker):
        began = time.monotonic()
        for number, (_, bad) in enumerate(batches):
            good = events(f"good-{number}", 20)
            for topic in topics:
                for partition in (0, 1):
                    send_batch(bootstrap, topic, partition, batch(0, good, ZSTD))
                send_batch(bootstrap, topic, number % 2, bad)
            service.sent += good
        legal = events("legal", LEGAL_EVENTS, note=LEGAL_PADDING)
        data = batch(0, legal, ZSTD)
        for topic in topics:
            for partition in (0, 1):
                send_batch(bootstrap, topic, partition, data)
        last = events("last", 20)
        send_batch(bootstrap, topics[0], 1, batch(0, last))
        service.sent += [*legal, *last]
        sent = time.monotonic()
        service.wait_until_caught_up(SECONDS)
        seconds = time.monotonic() - sent
    peak = peak_bytes(worker)
    print(  # noqa: T201  pytest shows it with a failure
        f"peak {peak >> 20} MiB, sent in {sent - began:.1f} s, all in the tables {seconds:.1f} s"
        f" later"
    )
    assert peak < LIMIT_BYTES
    letters = len(topics) * sum(number for number, _ in batches)
    assert service.query("SELECT count(*) FROM dead_letter") == [(letters,)]
    assert worker.is_running
    service.wait_until(
        lambda: (
            service.query("SELECT count(*) FROM dead_letter WHERE published_at IS NULL") == [(0,)]
        ),
        SECONDS,
        "published",
    )
    assert peak_bytes(worker) < LIMIT_BYTES
    service.assert_everything_holds()
    note(
        Recovery(
            "R19",
            "bombs and batches that cannot be read",
            f"{2 * len(batches)} batches, of every codec, up to 600 MB unpacked, under a worker"
            f" that is killed above 1 GiB",
            f"a dead letter each; at most {peak >> 20} MiB",
            seconds,
        )
    )
