"""The transaction that the Python peers write a batch with.

Ids that are new, then what they add to both tables.

It is what psycopg2 offers a careful developer for many rows at once: COPY into a temporary table,
then one INSERT … ON CONFLICT. So a batch that a restart repeats counts once. It imports nothing of
voc_stream, since it runs in the environments of the peers.
"""

from __future__ import annotations

from collections import defaultdict
from io import StringIO
from typing import TYPE_CHECKING, Any

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voc_stream.postgres.session.cursor import Connection, Cursor


STAGING_TABLES = """
CREATE TEMPORARY TABLE staged_event (event_id text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE staged_customer (customer_id text, events bigint) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE staged_experience (
    experience text, n bigint, score_sum bigint, score_sq_sum bigint
) ON COMMIT DELETE ROWS;
"""
INSERT_EVENTS = (
    "INSERT INTO seen_event SELECT * FROM staged_event ON CONFLICT DO NOTHING RETURNING event_id"
)
ADD_CUSTOMERS = (
    "INSERT INTO customer_count AS known SELECT * FROM staged_customer"
    " ON CONFLICT (customer_id) DO UPDATE SET events = known.events + excluded.events"
)
ADD_EXPERIENCES = (
    "INSERT INTO experience_sum AS known SELECT * FROM staged_experience ON CONFLICT (experience)"
    " DO UPDATE SET n = known.n + excluded.n,"
    " score_sum = known.score_sum + excluded.score_sum, score_sq_sum = known.score_sq_sum +"
    " excluded.score_sq_sum"
)


def connect(database_url: str) -> Connection:
    """A connection for `write`."""
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(STAGING_TABLES)
    return connection


def write(connection: Connection, events: Sequence[dict[str, Any]]) -> None:
    """Make a batch of decoded events durable.

    Raises psycopg2.Error, and has then changed nothing.
    """
    by_id = {event["event_id"]: event for event in events}
    with connection, connection.cursor() as cursor:
        # All sorted, so that two processes wait for each other instead of deadlocking.
        _copy(cursor, "staged_event", [(event_id,) for event_id in sorted(by_id)])
        cursor.execute(INSERT_EVENTS)
        customers, experiences = sums([by_id[event_id] for (event_id,) in cursor.fetchall()])
        _copy(cursor, "staged_customer", sorted(customers.items()))
        cursor.execute(ADD_CUSTOMERS)
        _copy(
            cursor,
            "staged_experience",
            [(key, *values) for key, values in sorted(experiences.items())],
        )
        cursor.execute(ADD_EXPERIENCES)


def _copy(cursor: Cursor, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    """COPY rows whose texts need no escaping.

    Identifiers of the mix are letters, digits and hyphens.
    """
    cursor.copy_expert(
        f"COPY {table} FROM STDIN",
        StringIO("".join("\t".join(map(str, row)) + "\n" for row in rows)),
    )


def sums(
    events: Sequence[dict[str, Any]],
) -> tuple[dict[str, int], dict[str, tuple[int, int, int]]]:
    """What distinct events add to both tables."""
    customers: defaultdict[str, int] = defaultdict(int)
    experiences: dict[str, tuple[int, int, int]] = {}
    for event in events:
        customers[event["customer_id"]] += 1
        for answer in event.get("answers", ()):
            score = answer.get("score")
            if score is not None:
                hundredths = round(100 * score)
                n, total, squares = experiences.get(answer["item"], (0, 0, 0))
                experiences[answer["item"]] = (
                    n + 1,
                    total + hundredths,
                    squares + hundredths * hundredths,
                )
    return customers, experiences
