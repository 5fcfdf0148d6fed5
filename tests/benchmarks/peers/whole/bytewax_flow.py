"""Bytewax doing the whole job: a stateful step by customer, one by group of sums, and a sink.

As its documentation has it, state lives in keyed operators and is kept by snapshots. A sink that
writes absolute values by key makes exactly once of what a restart repeats.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import bytewax.operators as op  # type: ignore[import-not-found]  # installed in this peer's own environment only
from benchmarks.peers.whole.customer import Arrived, CustomerJob
from benchmarks.peers.whole.sums import (
    Group,
    Place,
    decode_group,
    encode_group,
    merge,
    partial_sums,
    row_of,
)
from benchmarks.peers.whole.tables import Row, RowMaker, connect, write
from bytewax.connectors.kafka import operators as kop  # type: ignore[import-not-found]  # has its own environment
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]  # has its own environment
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition  # type: ignore[import-not-found]  # has its own environment

from voc_stream.catalogue.load import load_catalogue
from voc_stream.domain.calendar import calendars_of
from voc_stream.events.decode import Refusal, decode
from voc_stream.events.types import Retraction
from voc_stream.pipeline.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voc_stream.domain.contribution import Contribution

BATCH_MESSAGES = int(os.environ.get("BATCH_MESSAGES", "5000"))
CATALOGUE = load_catalogue()
AS_OF = datetime.fromisoformat(os.environ["AS_OF"]).astimezone(UTC)
JOB = CustomerJob(CATALOGUE, AS_OF)
ROWS = RowMaker(CATALOGUE.flow.follow_up)
CALENDARS = calendars_of(CATALOGUE)
UNITS = {name: each.unit for name, each in CATALOGUE.experience.items()}


def arrived(messages: list[Any]) -> Iterator[tuple[str, Arrived]]:
    """The events of a batch of messages, by customer; what is refused is left out."""
    for message in messages:
        event = decode(message.value, AS_OF, CATALOGUE)
        if not isinstance(event, Refusal | Retraction):
            place = Partition(message.topic, message.partition)
            yield event.customer_id, Arrived(event, message.value, place, message.offset)


class OneCustomer(StatefulBatchLogic):  # type: ignore[misc]  # its base is unknown to the checker
    """What is known of a customer."""

    def __init__(self, encoded: bytes | None) -> None:
        self._known = JOB.decode(encoded) if encoded else None

    def on_batch(self, values: list[Arrived]) -> tuple[list[Row | list[Contribution]], bool]:
        """Rows to write, and contributions in one list."""
        if self._known is None:
            self._known = JOB.nothing_known(values[0].event.customer_id)
        changes = JOB.take_in(self._known, values)
        if changes is None:
            return [], self.RETAIN
        out: list[Any] = list(ROWS.rows(changes))
        if changes.contributions:
            out.append(changes.contributions)
        return out, self.RETAIN

    def snapshot(self) -> bytes:
        """A copy, for recovery."""
        return b"" if self._known is None else JOB.encode(self._known)


class OneGroup(StatefulBatchLogic):  # type: ignore[misc]  # its base is unknown to the checker
    """The sums of one scope, or of one cell of the cube."""

    def __init__(self, encoded: bytes | None) -> None:
        self._group = decode_group(encoded) if encoded else {}

    def on_batch(self, values: list[Group]) -> tuple[list[tuple[Place, list[int]]], bool]:
        """The sums that changed, as they are now."""
        changed = merge(self._group, values)
        return [(place, list(self._group[place])) for place in changed], self.RETAIN

    def snapshot(self) -> bytes:
        """A copy, for recovery."""
        return encode_group(self._group)


class PostgresPartition(StatelessSinkPartition):  # type: ignore[misc]  # its base is unknown to the checker
    """One worker's connection."""

    def __init__(self) -> None:
        self._connection = connect(os.environ["DATABASE_URL"])

    def write_batch(self, items: list[Row]) -> None:
        """Write what arrived together."""
        write(self._connection, items)


class PostgresSink(DynamicSink):  # type: ignore[misc]  # its base is unknown to the checker
    """Every worker writes for itself, and each key belongs to one worker."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> PostgresPartition:
        """The part of one worker."""
        return PostgresPartition()


def rows(items: list[tuple[str, Any]]) -> list[Row]:
    """The rows among what customers gave."""
    return [item for _, item in items if isinstance(item, tuple)]


def sums(items: list[tuple[str, Any]]) -> Iterable[tuple[str, Group]]:
    """What the contributions among them add, by group: once for the whole batch."""
    found = [each for _, item in items if isinstance(item, list) for each in item]
    return partial_sums(found, CALENDARS, UNITS).items()


def sum_rows(items: list[tuple[str, tuple[Place, list[int]]]]) -> list[Row]:
    """The rows of sums."""
    return [row_of(group, *item) for group, item in items]


flow = Dataflow("whole")
source = kop.input(
    "events",
    flow,
    brokers=[os.environ["KAFKA_BOOTSTRAP"]],
    topics=os.environ["TOPICS"].split(","),
    batch_size=BATCH_MESSAGES,
)
customers = op.stateful_batch(
    "customers", op.flat_map_batch("decode", source.oks, arrived), OneCustomer
)
groups = op.stateful_batch("groups", op.flat_map_batch("sums", customers, sums), OneGroup)
written = op.merge(
    "rows",
    op.flat_map_batch("entities", customers, rows),
    op.flat_map_batch("cells", groups, sum_rows),
)
op.output("postgres", written, PostgresSink())
