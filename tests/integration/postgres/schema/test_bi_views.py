from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from builders import (
    answered_together,
    at,
    callback,
    complaint,
    customer,
    repair_step,
    retraction,
    touchpoint,
)
from integration.postgres.churn_model.fitted import put_model, put_told
from integration.postgres.store import NOW, send
from psycopg2 import errors

from voc_stream.postgres.schema.bi_views import bi_views
from voc_stream.postgres.schema.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.postgres.store import Store

    from voc_stream.postgres.session.cursor import Cursor

SECRET = "the advisor shouted at my grandmother"
CONTRACT = {
    "touchpoint_event", "rolling_satisfaction", "experience_daily", "repair_order", "repair_stage",
    "complaint", "customer", "churn_risk", "alert", "dead_letter", "stream_position",
}  # fmt: skip


@pytest.fixture
def reader(store: Store) -> Iterator[Cursor]:
    """Role voc_bi on a database in which every kind of text holds the secret."""
    store.take_in(
        complaint(text=SECRET, category="overall", comment=SECRET, nested={"text": SECRET}),
        *answered_together(),
        touchpoint(text=SECRET, segment="x"),
        *(
            complaint(
                f"k-1{n}",
                complaint_id=f"q-1{n}",
                order_id="o-1",
                text="rude",
                occurred_at=at(days=-40 * (n == 0)),
            )
            for n in range(4)
        ),
        callback(
            text=SECRET, order_id="o-1", answers=[{"item": "overall", "score": 3, "why": SECRET}]
        ),
        customer(segment="gold", annual_value=1000),
        repair_step("r-0", stage="delivery", occurred_at=at(minutes=-5)),
        repair_step(stage="delivery", edge="exit", promised_at=at()),
        retraction("x-1", "t-2", reason=SECRET),
    )
    unknown_category = json.dumps(complaint("k-2", category=SECRET)).encode()
    send(
        store.sink(),
        [
            f'{{"type": "complaint", "text": "{SECRET}"}}'.encode(),
            SECRET.encode(),
            unknown_category,
        ],
    )
    put_model(store)
    put_told(store)
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.ask(
        "INSERT INTO alert VALUES ('a', 'r', NULL, 'all', '', 'page', now(), NULL, '{}', 's',"
        " now())"
    )
    with closing(psycopg2.connect(store.url, user="voc_bi")) as connection:
        connection.autocommit = True
        yield connection.cursor()


def everything(cursor: Cursor) -> dict[str, list[tuple[Any, ...]]]:
    rows = {}
    for view in bi_views():
        cursor.execute(f"SELECT * FROM voc_bi.{view.name}")
        rows[view.name] = cursor.fetchall()
    return rows


def test_bi_reads_every_table_of_the_contract(reader: Cursor) -> None:
    """Each has a view, and none is empty where the table is not."""
    rows = everything(reader)
    assert set(rows) >= CONTRACT
    assert all(rows.values())


def test_bi_sees_nothing_that_a_customer_wrote(reader: Cursor) -> None:
    """No column of any view holds what somebody said.

    Neither the text of a complaint, a call or a contact, nor a refused message.
    """
    assert [
        name
        for name, rows in everything(reader).items()
        if SECRET in str(rows) or SECRET.encode().hex() in str(rows)
    ] == []


def test_bi_sees_nothing_of_the_writers_schema(reader: Cursor) -> None:
    """Schema voc is closed to it: tables, views, and the text in touchpoint_event.body."""
    for statement in (
        "SELECT * FROM voc.touchpoint_event",
        "SELECT * FROM voc.rolling_satisfaction",
        "SELECT * FROM voc.dead_letter",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(statement)


def test_bi_may_write_nothing_anywhere(reader: Cursor) -> None:
    """It holds no right to change any table or view of either schema, nor to make one."""
    reader.execute(
        "SELECT oid::regclass::text FROM pg_class"
        " WHERE relnamespace IN ('voc'::regnamespace, 'voc_bi'::regnamespace) AND relkind IN ('r',"
        " 'v')"
        " AND (has_table_privilege('voc_bi', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES,"
        " TRIGGER')"
        "      OR has_any_column_privilege('voc_bi', oid, 'INSERT, UPDATE, REFERENCES'))"
    )
    assert reader.fetchall() == []
    reader.execute(
        "SELECT name FROM unnest(ARRAY['voc', 'voc_bi', 'public']) name WHERE"
        " has_schema_privilege('voc_bi', name, 'CREATE')"
    )
    assert reader.fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM voc_bi.customer",
        "UPDATE voc_bi.customer SET segment = 'x'",
        "INSERT INTO voc_bi.customer (customer_id) VALUES ('x')",
        "DROP VIEW voc_bi.customer",
        "CREATE TABLE voc_bi.mine ()",
        "CREATE TABLE public.mine ()",
        "DELETE FROM voc.customer",
    ],
)
def test_bi_fails_where_it_tries_to_write(reader: Cursor, statement: str) -> None:
    """The views are simple enough for PostgreSQL to write through them.

    Sessions are read-only, and who changes that still may not.
    """
    with pytest.raises(errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TEMP TABLE mine ()")
    reader.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement)


@pytest.mark.parametrize(
    "statement",
    ["CREATE TEMP TABLE t (x int)", "SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')"],
)
def test_bi_leaves_nothing_on_the_server_either(
    store: Store, reader: Cursor, statement: str
) -> None:
    """Neither temporary tables nor large objects, even when it takes back its read-only default."""
    migrate(store.url)  # rights on a database are not copied from its template
    reader.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement)
