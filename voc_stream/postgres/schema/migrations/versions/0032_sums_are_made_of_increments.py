"""What a batch adds to sums is one row, which each level of sums merges.

What waits in the two queues of rows becomes increments: those of the second queue are in the sums
of sites already.
"""

from __future__ import annotations

import zlib
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}
TOPIC = "topic of the batch; '~histories' or '~retractions' of what corrects"
DIMENSIONS = (
    "site_id", "department", "employee_id", "product", "channel", "mode", "segment", "region",
)  # fmt: skip
ROWS_AN_INCREMENT = 10_000
# The queue, under which name its rows wait, and which levels have merged them.
WAITED = (
    ("detail_contribution", "~before-0032-details", ("sites",)),
    ("contribution", "~before-0032", ()),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "increment",
        _column(
            "topic", KEY, "topic of the batch; '~histories' or '~retractions' of what corrects"
        ),
        _column("partition", sa.Integer(), "its partition"),
        _column(
            "number", sa.BigInteger(), "in the order in which those of a partition are committed"
        ),
        _column("measures", sa.Integer(), "how many values it holds"),
        _column(
            "earliest",
            sa.DateTime(timezone=True),
            "the earliest moment of which it says something",
        ),
        _column("data", sa.LargeBinary(), "columns of integers, and the names they stand for"),
        sa.PrimaryKeyConstraint("topic", "partition", "number"),
        schema="voc",
        comment="What a batch adds to sums and takes back, until every level has merged it; deleted"
        " by the chores",
        postgresql_with=QUEUE,
    )
    op.create_table(
        "merged",
        _column("level", KEY, "sites or details: which sums"),
        _column("topic", KEY, "topic of increments"),
        _column("partition", sa.Integer(), "its partition"),
        _column("number", sa.BigInteger(), "the number of the last increment that is in the sums"),
        sa.PrimaryKeyConstraint("level", "topic", "partition"),
        schema="voc",
        comment="Which increments the sums of a level hold: those up to a number of each partition",
    )
    for queue, topic, levels in WAITED:
        _convert(queue, topic, levels)
        op.drop_table(queue, schema="voc")
    op.drop_column("rolling_clock", "turn", schema="voc")
    op.create_table_comment(
        "experience_cube",
        "What experience_daily shows with its dimensions; read that view instead",
        schema="voc",
    )


def _column(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def _convert(queue: str, topic: str, levels: Sequence[str]) -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT (floor(extract(epoch FROM moment)))::bigint AS second, moment,"
            f" ARRAY[{', '.join(DIMENSIONS)}] AS dimensions, weight, experience, value,"
            f" expectation, importance FROM voc.{queue} ORDER BY number"
        )
    )
    number = 0
    for number, waiting in enumerate(_pieces(rows), 1):
        connection.execute(
            sa.text(
                "INSERT INTO voc.increment (topic, partition, number, measures, earliest, data)"
                " VALUES (:topic, 0, :number, :measures, :earliest, :data)"
            ),
            {
                "topic": topic,
                "number": number,
                "measures": sum(len(row.value) for row in waiting),
                "earliest": min(row.moment for row in waiting),
                "data": _packed_together(waiting),
            },
        )
    for level in levels if number else ():
        connection.execute(
            sa.text("INSERT INTO voc.merged VALUES (:level, :topic, 0, :number)"),
            {"level": level, "topic": topic, "number": number},
        )


def _pieces(rows: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while piece := list(islice(iterator, ROWS_AN_INCREMENT)):
        yield piece


def _packed_together(rows: Sequence[Any]) -> bytes:
    names, dimensions = [], []
    for column in zip(*[row.dimensions for row in rows], strict=True):
        found, numbers = _numbered(column)
        names.append(found)
        dimensions.append(numbers)
    experiences, measured = _numbered([name for row in rows for name in row.experience])
    values = [value for row in rows for value in row.value]
    stated = [
        (expected, weighed)
        for row in rows
        for expected, weighed in zip(
            row.expectation or [None] * len(row.value),
            row.importance or [None] * len(row.value),
            strict=True,
        )
    ]
    places = [place for place, pair in enumerate(stated) if pair != (None, None)]
    columns = msgspec.msgpack.encode(
        [
            _packed([row.second for row in rows]),
            names,
            dimensions,
            _packed([row.weight for row in rows]),
            _packed([len(row.value) for row in rows]),
            experiences,
            measured,
            _packed(values),
            _packed(places),
            *(
                _packed(
                    [-1 if (value := stated[place][which]) is None else value for place in places]
                )
                for which in (0, 1)
            ),
        ]
    )
    return zlib.compress(columns, 1)


def _stated(value: int | None) -> int:
    return -1 if value is None else value


def _numbered(names: Sequence[str]) -> tuple[list[str], bytes]:
    found = list(dict.fromkeys(names))
    numbers = {name: number for number, name in enumerate(found)}
    return found, _packed([numbers[name] for name in names])


def _packed(values: Sequence[int]) -> bytes:
    """All of them as integers of 64 bits, which `increments/encoding.py` reads, too."""
    return b"q" + b"".join(value.to_bytes(8, "little", signed=True) for value in values)
