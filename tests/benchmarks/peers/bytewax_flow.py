"""Bytewax: a Kafka source, and a decoding step that takes whole batches.

The sink is a `DynamicSink` whose `write_batch` is one transaction.

Its recovery store keeps the offsets of finished snapshots. A restart goes back to the last of them,
and the ids in PostgreSQL make what is read again count once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import bytewax.operators as op  # type: ignore[import-not-found]  # installed in this peer's own environment only
import orjson  # type: ignore[import-not-found]  # has its own environment
from benchmarks.peers.writer import connect, write
from bytewax.connectors.kafka import operators as kop  # type: ignore[import-not-found]  # has its own environment
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]  # has its own environment
from bytewax.outputs import DynamicSink, StatelessSinkPartition  # type: ignore[import-not-found]  # has its own environment

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH_MESSAGES = int(os.environ.get("BATCH_MESSAGES", "20000"))


class PostgresPartition(StatelessSinkPartition):  # type: ignore[misc]  # its base is unknown to the checker
    """One worker's connection."""

    def __init__(self) -> None:
        self._connection = connect(os.environ["DATABASE_URL"])

    def write_batch(self, items: list[dict[str, Any]]) -> None:
        """Write what arrived together."""
        write(self._connection, items)


class PostgresSink(DynamicSink):  # type: ignore[misc]  # its base is unknown to the checker
    """Every worker writes for itself."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> PostgresPartition:
        """The part of one worker."""
        return PostgresPartition()


def decoded(messages: list[Any]) -> Iterator[dict[str, Any]]:
    """The events of a batch of messages."""
    return (orjson.loads(message.value) for message in messages)


flow = Dataflow("peer")
source = kop.input(
    "events",
    flow,
    brokers=[os.environ["KAFKA_BOOTSTRAP"]],
    topics=os.environ["TOPICS"].split(","),
    batch_size=BATCH_MESSAGES,
)
op.output("postgres", op.flat_map_batch("decode", source.oks, decoded), PostgresSink())
