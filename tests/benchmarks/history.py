"""Tables that already hold customers and days, as they would after months.

Made by our own code from a few events, then multiplied.

A few customers, or one day, go through the real sink and chores. Their rows are copied out as text,
and copied back again and again with other numbers or dates in place of theirs. So whatever columns
and states the tables have, the multiplied rows have them, too.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from benchmarks.load import Load, messages

from voc_stream.catalogue.load import load_catalogue
from voc_stream.domain.horizons import DAY, PANES_KEPT
from voc_stream.pipeline.ports import Batch, Message, Partition, StoredPosition
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.intake.batch_transaction import PostgresSink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voc_stream.postgres.session.cursor import Cursor


EVENTS_A_DAY = 10_000
KINDS = 20
"""Different customers that all others are copies of.

Each tells its profile, and every fourth had a repair and was asked about it.
"""
ROWS_A_COPY = 50_000
SOURCE = Partition("history", 0)
_MARK = "MARK{:03d}"
DAY_SEED = 9
_COPIED_BY_CUSTOMER = {
    "customer_state": "customer_id",
    "churn_risk": "customer_id",
    "repair_order": "customer_id",
}


def add_customers(database_url: str, cursor: Cursor, customers: int) -> None:
    """Rows for customers c-0000000 and so on, as the mix names them.

    Profile and risk for each, an order of the past for every fourth.

    Takes about 15 s for a million, and PostgreSQL a gigabyte.
    """
    _take_in(database_url, _kinds())
    for table, owner in _COPIED_BY_CUSTOMER.items():
        rows = {
            kind: _rows(cursor, table, f"{owner} = 'c-{_MARK.format(kind)}'")
            for kind in range(KINDS)
        }
        _copy_back(cursor, table, _numbered(rows, customers))
    for table in (*_COPIED_BY_CUSTOMER, "touchpoint_event"):
        cursor.execute(f"DELETE FROM {table} WHERE customer_id LIKE 'c-MARK%'")
    for table in ("experience_cube", "pane", "rolling_sum", "rolling_clock"):
        cursor.execute(f"TRUNCATE {table}")
    _rest(cursor)


def add_days(database_url: str, cursor: Cursor, days: int, sites: int, customers: int) -> None:
    """The events of as many days before today, EVENTS_A_DAY each.

    With them comes what cube and panes keep of them.
    """
    if not days:
        return
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    load = Load(events=EVENTS_A_DAY, customers=customers, sites=sites, seed=DAY_SEED)
    day = messages(load, today - DAY, DAY.total_seconds() / EVENTS_A_DAY)
    _take_in(database_url, [message.value or b"" for message in day])
    yesterday, number = _date(today - DAY), f"b{DAY_SEED}-"
    of_yesterday = {
        "touchpoint_event": f"event_id LIKE '{number}%'",
        "experience_cube": f"day = '{yesterday}'",
        # Not what falls due later, such as follow-ups: the same moments would come from several
        # days.
        **{
            f"pane {each}": f"resolution = {each} AND start BETWEEN '{yesterday}' AND '{yesterday}"
            f" 23:59'"
            for each in _minutes_kept()
        },
    }
    for name, condition in of_yesterday.items():
        table, _, resolution = name.partition(" ")
        rows = _rows(cursor, table, condition)
        kept = min(days, _minutes_kept()[int(resolution)]) if resolution else days
        earlier = (
            rows.replace(yesterday.encode(), _date(today - back * DAY).encode()).replace(
                number.encode(), f"d{back}-".encode()
            )
            for back in range(2, kept + 1)
        )
        _copy_back(cursor, table, earlier)
    # They are summed up again from the panes at the next refresh.
    cursor.execute("TRUNCATE rolling_sum, rolling_clock")
    _rest(cursor)


def _take_in(database_url: str, values: Sequence[bytes]) -> None:
    """Let our own code make rows of events, and bring all tables up to date."""
    now = datetime.now(UTC)
    catalogue = load_catalogue()
    with (
        closing(PostgresSink(database_url, catalogue)) as sink,
        closing(PostgresChores(database_url, catalogue)) as chores,
    ):
        sink.start_at(SOURCE, StoredPosition("history", 0), None)
        decoded = decode_messages(
            [Message(offset, value) for offset, value in enumerate(values)], now, catalogue
        )
        [result] = sink.process([Batch(SOURCE, StoredPosition("history", 0), decoded)], now)
        if result.accepted != len(values):
            raise ValueError(
                f"of {len(values)} events of the history {result.accepted} were accepted"
            )
        chores.refresh(now)
        while chores.assess_churn(now):
            pass


def _kinds() -> list[bytes]:
    """The events of the customers of each kind; how long ago they were here differs."""
    now = datetime.now(UTC)
    events = []
    for kind in range(KINDS):
        customer = _MARK.format(kind)
        at = now - timedelta(days=40 + 7 * kind)

        def event(number: int, rest: str, *, customer: str = customer, at: datetime = at) -> bytes:
            moment = (at + timedelta(hours=number)).isoformat(timespec="milliseconds")
            return (
                f'{{"event_id":"h-{customer}-{number}","occurred_at":"{moment}","customer_id":"c-{customer}",'
                f'"site_id":"site-001","product":"compact",{rest}}}'
            ).encode()

        segment = ("retail", "fleet", "warranty")[kind % 3]
        profile = (
            f'"type":"customer","change":"profile","segment":"{segment}",'
            f'"region":"region-{kind % 8}","annual_value":{900 + kind}'
        )
        events.append(event(0, profile))
        if kind % 4 == 0:
            step = f'"type":"repair_step","order_id":"h-{customer}"'
            stages = ("reception", "estimate", "work", "inspection", "delivery")
            edges = [(stage, edge) for stage in stages for edge in ("enter", "exit")]
            events += [
                event(1 + place, f'{step},"stage":"{stage}","edge":"{edge}"')
                for place, (stage, edge) in enumerate(edges)
            ]
            answers = '[{"item":"overall","score":8},{"item":"repair_quality","score":9}]'
            events.append(
                event(
                    30,
                    f'"type":"callback","order_id":"h-{customer}","outcome":"completed","answers":{answers}',
                )
            )
    return events


def _numbered(rows: dict[int, bytes], customers: int) -> Iterator[bytes]:
    """The rows of as many customers, each a copy of its kind with a number of its own."""
    marks = {kind: _MARK.format(kind).encode() for kind in rows}
    for first in range(0, customers, ROWS_A_COPY):
        numbers = range(first, min(customers, first + ROWS_A_COPY))
        yield b"".join(
            [
                rows[number % KINDS].replace(marks[number % KINDS], b"%07d" % number)
                for number in numbers
            ]
        )


def _rows(cursor: Cursor, table: str, condition: str) -> bytes:
    copied = BytesIO()
    cursor.copy_expert(f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT", copied)
    return copied.getvalue()


def _copy_back(cursor: Cursor, table: str, copies: Iterable[bytes]) -> None:
    for copy in copies:
        cursor.copy_expert(f"COPY {table} FROM STDIN", BytesIO(copy), 1 << 20)


def _rest(cursor: Cursor) -> None:
    """Nothing is left to do for PostgreSQL that would be done in the middle of a measurement."""
    cursor.execute("DELETE FROM stream_position WHERE topic = %s", (SOURCE.topic,))
    for table in (
        "customer_state",
        "churn_risk",
        "repair_order",
        "touchpoint_event",
        "experience_cube",
        "pane",
    ):
        cursor.execute(f"VACUUM (ANALYZE, FREEZE) {table}")
    cursor.execute("CHECKPOINT")


def _minutes_kept() -> dict[int, int]:
    """For each resolution of panes in minutes, for how many days it is kept."""
    return {int(width.total_seconds() // 60): kept // DAY for width, kept in PANES_KEPT.items()}


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
