"""Faust with the batches that its documentation offers.

`stream.take`, each written as one transaction.
"""

from __future__ import annotations

import os
from typing import Any

import faust
from benchmarks.peers.writer import connect, write

MAXIMUM_EVENTS = 5_000
WITHIN_SECONDS = 1.0

app = faust.App(
    os.environ["GROUP"],
    broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP']}",
    store="memory://",
    datadir=os.environ["STATE_DIR"],
    consumer_auto_offset_reset="earliest",
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
)
topic = app.topic(*os.environ["TOPICS"].split(","), value_serializer="json")


@app.agent(topic)
async def count(stream: Any) -> None:
    """Write events as they were taken together."""
    connection = connect(os.environ["DATABASE_URL"])
    async for events in stream.take(MAXIMUM_EVENTS, within=WITHIN_SECONDS):
        write(connection, events)


if __name__ == "__main__":
    app.main()
