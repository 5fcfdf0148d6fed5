"""What each partition has refused of late, beside its position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.pipeline.ports import Partition
from voc_stream.pipeline.refusal_limit import RefusalRecord
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.postgres.session.cursor import Cursor


COLUMNS = "refused_run, recent_messages, recent_refused, refusals_allowed"


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
        " FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
        " AS c(topic, partition, run, messages, refused, allowed) WHERE p.topic = c.topic AND p.partition = c.partition",
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
    """Forget what a partition has refused, and let the next `allowed` refusals pass uncounted. Raises StoreUnavailableError."""
    with asking(database_url) as connection:
        connection.exec_driver_sql(
            "UPDATE stream_position SET refused_run = 0, recent_messages = 0, recent_refused = 0, refusals_allowed = %s"
            " WHERE topic = %s AND partition = %s",
            (allowed, *partition),
        )
