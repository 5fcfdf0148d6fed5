"""Quix Streams with a `BatchingSink`.

It writes what a checkpoint gathered for a partition as one transaction.

At least once, as it comes. Offsets are committed to Kafka after the sink has written, and the ids
in PostgreSQL make what a restart reads again count once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from benchmarks.peers.writer import connect, write
from quixstreams import Application  # type: ignore[import-not-found]  # installed in this peer's own environment only
from quixstreams.sinks import BatchingSink  # type: ignore[import-not-found]  # has its own environment

if TYPE_CHECKING:
    from quixstreams.sinks import SinkBatch

COMMIT_SECONDS = float(os.environ.get("COMMIT_SECONDS", "5"))
BUFFERED_MESSAGES = 10_000


class PostgresSink(BatchingSink):  # type: ignore[misc]  # its base is unknown to the checker
    """Writes with psycopg2."""

    def setup(self) -> None:
        """Connect, once the application runs."""
        self._connection = connect(os.environ["DATABASE_URL"])

    def write(self, batch: SinkBatch) -> None:
        """Write the events of one partition."""
        write(self._connection, [item.value for item in batch])


def main() -> None:
    """Run until killed."""
    app = Application(
        broker_address=os.environ["KAFKA_BOOTSTRAP"],
        consumer_group=os.environ["GROUP"],
        auto_offset_reset="earliest",
        commit_interval=COMMIT_SECONDS,
        state_dir=os.environ["STATE_DIR"],
        auto_create_topics=False,
        max_partition_buffer_size=BUFFERED_MESSAGES,
    )
    sink: Any = PostgresSink()
    for name in os.environ["TOPICS"].split(","):
        app.dataframe(app.topic(name, value_deserializer="json")).sink(sink)
    app.run()


if __name__ == "__main__":
    main()
