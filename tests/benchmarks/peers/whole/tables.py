"""The tables that a peer writes, as absolute rows by key: a repetition changes nothing.

Orders, complaints, customers, facts and risks stand in the project's own tables. Its sums come by
way of its chores, so the sums of a peer stand in two tables of their own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
import psycopg2
from benchmarks.peers.whole.sums import COLUMNS_OF, CUBE_KEY, NAMES, PANE_KEY

from voc_stream.domain.moment import moment_of
from voc_stream.events.types import EVENT_TYPES
from voc_stream.postgres.intake.event_log import COLUMNS as EVENT_COLUMNS
from voc_stream.postgres.rolling.churn_risk import COLUMNS as RISK_COLUMNS
from voc_stream.postgres.schema.tables.complaint import COMPLAINT
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import copy_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.peers.whole.customer import Arrived, Changes

    from voc_stream.domain.churn.hazard import ChurnRisk
    from voc_stream.postgres.session.cursor import Connection, Cursor

Row = tuple[str, tuple[object, ...]]
"""The name of a table, and the values of its columns."""
SUMS = ", ".join(
    f"{name} {'numeric' if name == 'score_sq_sum' else 'bigint'} NOT NULL" for name in NAMES
)
TABLES = f"""
CREATE TABLE voc.peer_cube (day int,
    {", ".join(f'{name} text COLLATE "C"' for name in CUBE_KEY[1:])},
    {SUMS}, PRIMARY KEY ({", ".join(CUBE_KEY)})) WITH (fillfactor = 50);
CREATE TABLE voc.peer_pane (resolution int, start bigint,
    {", ".join(f'{name} text COLLATE "C"' for name in PANE_KEY[2:])},
    {SUMS}, PRIMARY KEY ({", ".join(PANE_KEY)})) WITH (fillfactor = 50);
CREATE VIEW voc.peer_event AS
    SELECT {", ".join(each for each in EVENT_COLUMNS if each != "offset")}, e.offset AS log_offset
    FROM voc.touchpoint_event e;
"""
COLUMNS = {
    "touchpoint_event": EVENT_COLUMNS,
    "customer_state": CUSTOMER.columns,
    "repair_order": REPAIR_ORDER.columns,
    "complaint": COMPLAINT.columns,
    "churn_risk": RISK_COLUMNS,
    **COLUMNS_OF,
}
"""Of each table; its key stands first."""
KEYS = {name: columns[:1] for name, columns in COLUMNS.items()} | {
    "peer_cube": CUBE_KEY,
    "peer_pane": PANE_KEY,
}
_encode = msgspec.json.Encoder().encode
_TYPES = {struct: name for name, struct in EVENT_TYPES.items()}


def connect(database_url: str) -> Connection:
    """A connection for `write`."""
    connection = psycopg2.connect(database_url, options="-c search_path=voc -c timezone=UTC")
    with connection, connection.cursor() as cursor:
        for table in COLUMNS:
            cursor.execute(
                f"CREATE TEMP TABLE staged_{table} (LIKE {table} INCLUDING DEFAULTS)"
                " ON COMMIT DELETE ROWS"
            )
    return connection


def write(connection: Connection, rows: Iterable[Row]) -> None:
    """Write rows in one transaction; of several for one key the last one stays."""
    tables: defaultdict[str, dict[tuple[object, ...], tuple[object, ...]]] = defaultdict(dict)
    for table, row in rows:
        tables[table][row[: len(KEYS[table])]] = row
    with connection, connection.cursor() as cursor:
        for table, newest in tables.items():
            _upsert(cursor, table, newest.values())


def _upsert(cursor: Cursor, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    columns, key = COLUMNS[table], KEYS[table]
    copy_lines(cursor, f"staged_{table}", columns, lines(rows))  # type: ignore[arg-type]  # all are values of COPY
    names = ", ".join(f'"{name}"' for name in columns)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    # A fact never changes.
    action = "NOTHING" if table == "touchpoint_event" else f"UPDATE SET {changes}"
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM staged_{table}"
        f" ORDER BY {', '.join(key)} ON CONFLICT ({', '.join(key)}) DO {action}"
    )


class RowMaker:
    """Makes the rows of what a customer's events changed."""

    def __init__(self, follow_up: str | None) -> None:
        self._follow_up = follow_up

    def rows(self, changes: Changes) -> Iterator[Row]:
        """All rows but those of sums."""
        for each in changes.facts:
            yield "touchpoint_event", self._fact_row(each)
        yield "customer_state", CUSTOMER.values(changes.customer, changes.version)
        for order in changes.orders.values():
            yield "repair_order", REPAIR_ORDER.values(order, changes.version)
        for complaint in changes.complaints.values():
            yield "complaint", COMPLAINT.values(complaint, changes.version)
        if changes.risk is not None:
            yield "churn_risk", _risk_row(changes.risk)

    def _fact_row(self, arrived: Arrived) -> tuple[object, ...]:
        event = arrived.event
        return (
            event.event_id,
            _TYPES[type(event)],
            moment_of(event),
            event.customer_id,
            event.site_id,
            event.department,
            event.employee_id,
            event.product,
            event.channel,
            event.order_id,
            arrived.value.decode(),
            *arrived.partition,
            arrived.offset,
            event.is_scored(),
            event.is_contact(self._follow_up),
        )


def _risk_row(risk: ChurnRisk) -> tuple[object, ...]:
    drivers = [{"driver": each.driver, "contribution": each.contribution} for each in risk.drivers]
    return (
        risk.customer_id,
        risk.risk,
        risk.band,
        _encode(drivers).decode(),
        risk.value_at_risk,
        risk.model_version,
        risk.as_of,
        risk.next_change_at,
    )
