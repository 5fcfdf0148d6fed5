"""What the machine can do at best: COPY of the same events into one table with a primary key."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

from voc_stream.simulator.load.benchmark_mix import benchmark_events

if TYPE_CHECKING:
    from voc_stream.postgres.session.cursor import Cursor


def copy_rate(cursor: Cursor, rows: int = 300_000) -> float:
    """Rows a second by COPY of raw events of the mix, into a table that is dropped again."""
    lines = b"".join(
        b"%d\t%s\n" % (number, (message.value or b"").replace(b"\\", b"\\\\"))
        for number, message in enumerate(
            benchmark_events(count=rows, seed=2, start=datetime.now(UTC))
        )
    )
    cursor.execute("CREATE TABLE bench_copy (id bigint PRIMARY KEY, body text)")
    try:
        started = time.monotonic()
        cursor.copy_expert("COPY bench_copy FROM STDIN", BytesIO(lines), 1 << 18)
        return rows / (time.monotonic() - started)
    finally:
        cursor.execute("DROP TABLE bench_copy")
