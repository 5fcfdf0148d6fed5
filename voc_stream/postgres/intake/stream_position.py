"""Reads and moves the position of each partition, and keeps what it has refused of late.

Both stand in the rows of `stream_position`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.pipeline.ports import FencedError, Partition, StoredPosition
from voc_stream.pipeline.refusal_limit import RefusalRecord
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from voc_stream.pipeline.ports import Batch
    from voc_stream.postgres.session.cursor import Cursor


COLUMNS = "refused_run, recent_messages, recent_refused, refusals_allowed"


def read_positions(cursor: Cursor) -> Mapping[Partition, StoredPosition]:
    """The positions of all partitions."""
    cursor.execute("SELECT topic, partition, topic_id, next_offset FROM stream_position")
    return {
        Partition(topic, number): StoredPosition(topic_id, offset)
        for topic, number, topic_id, offset in cursor
    }


def start_at(
    cursor: Cursor,
    partition: Partition,
    position: StoredPosition,
    replacing: StoredPosition | None,
) -> None:
    """Put `position` in the place of the stored one, which is `replacing`.

    None if there is none yet. Raises FencedError.
    """
    if replacing is None:
        cursor.execute(
            "INSERT INTO stream_position (topic, partition, topic_id, next_offset)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (*partition, *position),
        )
    else:
        cursor.execute(
            "UPDATE stream_position SET topic_id = %s, next_offset = %s, updated_at = now(),"
            " refused_run = 0, recent_messages = 0, recent_refused = 0, refusals_allowed = 0"
            " WHERE topic = %s AND partition = %s AND topic_id = %s AND next_offset = %s",
            (*position, *partition, *replacing),
        )
    if cursor.rowcount != 1:
        raise FencedError([partition])


def claim(
    cursor: Cursor, batches: Sequence[Batch], event_times: Sequence[datetime | None]
) -> Mapping[Partition, RefusalRecord]:
    """Move the positions by compare-and-swap.

    Returns what the partitions had refused until then. This fences a worker that lost its
    partitions, or that read another log.
    """
    cursor.execute(
        "UPDATE stream_position p SET next_offset = c.next_offset, event_time ="
        " greatest(p.event_time, c.event_time), updated_at = now()"
        " FROM unnest(%s::text[], %s::int[], %s::text[], %s::bigint[], %s::bigint[],"
        " %s::timestamptz[])"
        " AS c(topic, partition, topic_id, expected_offset, next_offset, event_time)"
        " WHERE p.topic = c.topic AND p.partition = c.partition AND p.topic_id = c.topic_id AND"
        " p.next_offset = c.expected_offset"
        f" RETURNING p.topic, p.partition, {COLUMNS}",
        (
            [batch.partition.topic for batch in batches],
            [batch.partition.number for batch in batches],
            [batch.expected.topic_id for batch in batches],
            [batch.expected.next_offset for batch in batches],
            [batch.next_offset for batch in batches],
            list(event_times),
        ),
    )
    records = {
        Partition(topic, number): RefusalRecord(*counters) for topic, number, *counters in cursor
    }
    fenced = {batch.partition for batch in batches} - records.keys()
    if fenced:
        raise FencedError(fenced)
    return records


def read_records(cursor: Cursor) -> Mapping[Partition, RefusalRecord]:
    """The records of all partitions, in their order."""
    cursor.execute(
        f"SELECT topic, partition, {COLUMNS} FROM stream_position ORDER BY topic, partition"
    )
    return {
        Partition(topic, number): RefusalRecord(*counters) for topic, number, *counters in cursor
    }


def write_records(cursor: Cursor, records: Mapping[Partition, RefusalRecord]) -> None:
    """Replace records; the transaction must have locked their positions."""
    cursor.execute(
        f"UPDATE stream_position p SET ({COLUMNS}) = (c.run, c.messages, c.refused, c.allowed)"
        " FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[],"
        " %s::bigint[])"
        " AS c(topic, partition, run, messages, refused, allowed) WHERE p.topic = c.topic AND"
        " p.partition = c.partition",
        [
            list(column)
            for column in zip(
                *((*partition, *record) for partition, record in records.items()), strict=True
            )
        ],
    )


def refusal_records(database_url: str) -> Mapping[Partition, RefusalRecord]:
    """The records of all partitions, for a command. Raises StoreUnavailableError."""
    with asking(database_url) as connection:
        return read_records(connection.connection.cursor())  # type: ignore[arg-type]  # SQLAlchemy cannot know the driver's class


def begin_anew(database_url: str, partition: Partition, allowed: int) -> None:
    """Forget what a partition has refused, and let the next `allowed` refusals pass uncounted.

    Raises StoreUnavailableError.
    """
    with asking(database_url) as connection:
        connection.exec_driver_sql(
            "UPDATE stream_position SET refused_run = 0, recent_messages = 0, recent_refused = 0,"
            " refusals_allowed = %s"
            " WHERE topic = %s AND partition = %s",
            (allowed, *partition),
        )
