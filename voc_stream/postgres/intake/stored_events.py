"""Reads the stored events again.

It reads all events that fulfil a condition, the next ones of a customer, or the earliest after a
moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.events.decode import decode_stored
from voc_stream.postgres.schema.tables.events import COMPLAINT_ID

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

    from voc_stream.events.types import AnyEvent
    from voc_stream.postgres.session.cursor import Connection, Cursor

EVENTS_A_TIME = 2_000
EVENTS_IN_MEMORY = 100
"""How many events that may be large are in memory: a message has up to 256 KiB."""


def stored_events(
    connection: Connection,
    condition: str,
    alias: Mapping[str, str],
    parameters: Sequence[object] | None = None,
) -> Generator[AnyEvent, None, None]:
    """The events that fulfil a condition in SQL, in any order.

    They come through a cursor on the server, so memory does not grow with them.
    """
    with connection.cursor(name="stored_events") as reader:
        reader.itersize = EVENTS_A_TIME
        reader.execute(f"SELECT body::text FROM touchpoint_event WHERE {condition}", parameters)
        for (body,) in reader:
            yield decode_stored(body, alias)


def scored_events_after(
    cursor: Cursor, after: Mapping[str, str], limit: int, alias: Mapping[str, str]
) -> Generator[AnyEvent, None, None]:
    """Events that measure something by themselves, by customer.

    Of each customer they are the next `limit` after an event id, in the order of ids. However large
    the events are, few are in memory at once.
    """
    with cursor.connection.cursor(name="scored_events") as reader:
        reader.itersize = EVENTS_IN_MEMORY
        reader.execute(
            "SELECT e.body::text FROM unnest(%s::text[], %s::text[]) AS wanted (customer_id, after)"
            " CROSS JOIN LATERAL ("
            " SELECT event_id, body FROM touchpoint_event"
            " WHERE customer_id = wanted.customer_id AND event_id > wanted.after AND is_scored"
            " ORDER BY event_id LIMIT %s) e",
            (list(after), list(after.values()), limit),
        )
        for (body,) in reader:
            yield decode_stored(body, alias)


def earliest_steps(
    cursor: Cursor, after: Mapping[tuple[str, str], datetime]
) -> dict[tuple[str, str], datetime]:
    """The earliest step after a moment, by complaint and action."""
    wanted = [(complaint_id, action, moment) for (complaint_id, action), moment in after.items()]
    cursor.execute(
        "SELECT complaint_id, action, (SELECT min(occurred_at) FROM touchpoint_event"
        f" WHERE type = 'complaint' AND {COMPLAINT_ID} = complaint_id"
        " AND body ->> 'action' = action AND occurred_at > after)"
        " FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS wanted"
        " (complaint_id, action, after)",
        [list(column) for column in zip(*wanted, strict=True)] or [[], [], []],
    )
    return {
        (complaint_id, action): moment
        for complaint_id, action, moment in cursor.fetchall()
        if moment is not None
    }


def earliest_contacts(cursor: Cursor, after: Mapping[str, datetime]) -> dict[str, datetime]:
    """The earliest completed callback or exit from the follow-up after a moment, by order."""
    cursor.execute(
        "SELECT order_id, (SELECT min(occurred_at) FROM touchpoint_event e"
        " WHERE e.order_id = wanted.order_id AND occurred_at > after AND is_contact)"
        " FROM unnest(%s::text[], %s::timestamptz[]) AS wanted (order_id, after)",
        (list(after), list(after.values())),
    )
    return {order_id: moment for order_id, moment in cursor.fetchall() if moment is not None}


def restate_contacts(cursor: Cursor, follow_up: str | None) -> None:
    """Mark each step anew as a contact or not: the catalogue may name another follow-up."""
    is_contact = "coalesce(body ->> 'stage' = %s AND body ->> 'edge' = 'exit', false)"
    cursor.execute(
        f"UPDATE touchpoint_event SET is_contact = {is_contact}"
        f" WHERE type = 'repair_step' AND is_contact <> {is_contact}",
        (follow_up, follow_up),
    )
