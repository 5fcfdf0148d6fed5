"""Keeps increments until each level of sums has merged them.

The increments of a source are numbered, and whoever inserts them holds a lock of their source until
the end of the transaction: of the position of a partition, or of a chore that corrects. So they
are committed in the order of their numbers, and one number for each level and source says what is
merged. Numbers are not offsets, because a topic that is made anew begins again at offset 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.pipeline.ports import Partition
from voc_stream.postgres.increments.encoding import increment_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voc_stream.domain.contribution import Contribution
    from voc_stream.postgres.increments.levels import Level
    from voc_stream.postgres.session.cursor import Cursor

# No topic of Kafka may have such a name. They are merged last: what they take back came before.
OF_HISTORIES = Partition("~histories", 0)
OF_RETRACTIONS = Partition("~retractions", 0)
OF_REBUILD = Partition("~rebuild", 0)

PIECE = 50_000
"""A piece has about so many measures: more take more memory, and are no faster."""
_INSERT = """
INSERT INTO increment (topic, partition, number, measures, earliest, data)
SELECT %(topic)s, %(partition)s, 1 + greatest(
    (SELECT max(number) FROM increment WHERE topic = %(topic)s AND partition = %(partition)s),
    (SELECT max(number) FROM merged WHERE topic = %(topic)s AND partition = %(partition)s),
    0), %(measures)s, %(earliest)s, %(data)s
"""
_WAITING = """
FROM increment i LEFT JOIN merged m
    ON m.level = %s AND m.topic = i.topic AND m.partition = i.partition
WHERE i.number > coalesce(m.number, 0)
"""
# Sources take turns, those that correct come last.
_READ = f"""
SELECT topic, partition, number, measures, data FROM (
    SELECT i.*, sum(measures) OVER (
        ORDER BY i.topic LIKE '~%%', i.number - coalesce(m.number, 0), i.topic, i.partition
    ) - measures AS before
    {_WAITING}
) waiting WHERE before < %s ORDER BY before
"""
_MOVE = """
INSERT INTO merged (level, topic, partition, number)
SELECT %s, * FROM unnest(%s::text[], %s::int[], %s::bigint[])
ON CONFLICT (level, topic, partition) DO UPDATE SET number = excluded.number
"""
_DELETE = """
DELETE FROM increment i USING (
    SELECT topic, partition, min(number) AS number FROM merged
    GROUP BY topic, partition HAVING count(*) = %s
) passed
WHERE i.topic = passed.topic AND i.partition = passed.partition AND i.number <= passed.number
"""


class Waiting(NamedTuple):
    """An increment that a level has not merged yet."""

    source: Partition
    number: int
    measures: int
    data: bytes


def insert_increment(
    cursor: Cursor, source: Partition, contributions: Sequence[Contribution]
) -> None:
    """Keep what a transaction adds to the sums; it holds the lock of the source."""
    if contributions:
        insert_packed(cursor, source, increment_of(contributions), contributions)


def insert_packed(
    cursor: Cursor, source: Partition, data: bytes, contributions: Sequence[Contribution]
) -> None:
    """The same, of contributions that are packed already."""
    if contributions:
        cursor.execute(
            _INSERT,
            {
                "topic": source.topic,
                "partition": source.number,
                "measures": sum([len(one.measures) for one in contributions]),
                "earliest": min([one.moment for one in contributions]),
                "data": data,
            },
        )


def measures_waiting(cursor: Cursor, level: Level) -> int:
    """How many measures a level has not merged yet."""
    cursor.execute(f"SELECT coalesce(sum(i.measures), 0) {_WAITING}", (level,))
    return int(cursor.fetchone()[0])  # type: ignore[index]  # an aggregate gives one row


def is_waiting(cursor: Cursor, level: Level, before: object) -> bool:
    """Whether a level has not merged something yet that counts before a moment."""
    cursor.execute(f"SELECT EXISTS (SELECT {_WAITING} AND i.earliest < %s)", (level, before))
    return bool(cursor.fetchone()[0])  # type: ignore[index]  # a SELECT without FROM gives one row


def read_waiting(cursor: Cursor, level: Level, measures: int) -> Iterator[list[Waiting]]:
    """What a level has not merged yet, in pieces; about so many measures at most in all.

    Of each source the increments come in the order of their numbers, and none is left out.
    """
    with cursor.connection.cursor("increments") as reading:
        reading.itersize = 4  # of some thousands of events each
        reading.execute(_READ, (level, measures))
        piece: list[Waiting] = []
        for topic, partition, number, count, data in reading:
            piece.append(Waiting(Partition(topic, partition), number, count, bytes(data)))
            if sum(each.measures for each in piece) >= PIECE:
                yield piece
                piece = []
        if piece:
            yield piece


def move_on(
    cursor: Cursor, level: Level, merged: dict[Partition, int], levels: Sequence[Level]
) -> None:
    """Note what a level has merged, and delete what all levels have."""
    if merged:
        columns = [
            [source.topic for source in merged],
            [source.number for source in merged],
            list(merged.values()),
        ]
        cursor.execute(_MOVE, (level, *columns))
        cursor.execute(_DELETE, (len(levels),))
