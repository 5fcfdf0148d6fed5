from __future__ import annotations

import json
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import sqlalchemy
from alembic import command
from builders import messages, touchpoint
from integration.postgres.store import NOW, send

from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.latest_step import LatestStep
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.folds.since import Since
from voc_stream.domain.scale import scale_of
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.postgres.schema.all_tables import metadata
from voc_stream.postgres.schema.migrate import _alembic_config, migrate
from voc_stream.postgres.schema.reader_views import READER_VIEWS
from voc_stream.postgres.schema.tables.complaint import COMPLAINT
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.session.connection import SCHEMA_VERSION, asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from integration.postgres.store import Store

    from voc_stream.catalogue.model import Catalogue

# Everything that makes up the tables of a schema: columns, constraints, indexes, storage, comments.
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           a.attidentity::text, l.collname,
           pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relnamespace = 'voc'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_version'
    ORDER BY 1, 2
"""
TABLES = """
    SELECT relname, reloptions, obj_description(oid, 'pg_class') FROM pg_class
    WHERE relnamespace = 'voc'::regnamespace AND relkind = 'r' AND relname <> 'schema_version'
    ORDER BY 1
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'voc'::regnamespace AND contype <> 'n'
      AND conrelid <> 'voc.schema_version'::regclass ORDER BY 1, 2
"""
INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'voc'"
    " AND tablename <> 'schema_version' ORDER BY 1"
)
WITHOUT_COMMENT = """
    SELECT c.oid::regclass::text, a.attname FROM pg_class c
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace IN ('voc'::regnamespace, 'voc_bi'::regnamespace)
      AND c.relkind IN ('r', 'v')
      AND (coalesce(obj_description(c.oid, 'pg_class'), '') = ''
           OR coalesce(col_description(c.oid, a.attnum), '') = '')
"""


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def shape(url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {part: ask(url, part) for part in (COLUMNS, TABLES, CONSTRAINTS, INDEXES)}


def test_migrations_make_the_tables_that_the_code_declares(new_database: Callable[[], str]) -> None:
    """Migrations from nothing to head make the tables of the metadata.

    Columns, types, collations, constraints, indexes, storage and comments are the same.
    """
    migrated, declared = new_database(), new_database()
    migrate(migrated)
    engine = sqlalchemy.create_engine(
        sqlalchemy.make_url(declared).set(drivername="postgresql+psycopg2")
    )
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc; CREATE TABLE voc.schema_version ()"))
        metadata.create_all(connection)
    engine.dispose()
    for part, rows in shape(declared).items():
        assert rows, part
        assert ask(migrated, part) == rows


def test_migrating_again_changes_nothing(database_url: str) -> None:
    """`init` may be repeated, even if the tables are full."""
    before, views = (
        shape(database_url),
        ask(
            database_url,
            "SELECT schemaname, viewname, definition FROM pg_views WHERE schemaname ~ '^voc'"
            " ORDER BY 1, 2",
        ),
    )
    with asking(database_url) as connection:
        connection.execute(sqlalchemy.text("INSERT INTO churn_pending VALUES (0, '{u-1}')"))
    migrate(database_url)
    assert shape(database_url) == before
    assert (
        ask(
            database_url,
            "SELECT schemaname, viewname, definition FROM pg_views WHERE schemaname ~ '^voc'"
            " ORDER BY 1, 2",
        )
        == views
    )
    assert ask(database_url, "SELECT * FROM voc.churn_pending") == [(0, ["u-1"])]


def test_many_may_migrate_at_once(new_database: Callable[[], str]) -> None:
    """Several workers that start together on an empty database wait for each other."""
    url, errors = new_database(), []

    def run() -> None:
        try:
            migrate(url)
        except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(ask(url, COLUMNS)) > 100


def test_everything_carries_a_comment(database_url: str) -> None:
    """Each table, view and column of voc and voc_bi explains itself."""
    assert ask(database_url, WITHOUT_COMMENT) == []


def test_reader_views_stand_beside_the_tables(database_url: str) -> None:
    """Readers of schema voc see what the contract names but is stored otherwise."""
    found = {
        name
        for (name,) in ask(database_url, "SELECT viewname FROM pg_views WHERE schemaname = 'voc'")
    }
    assert found == {name for name, _ in READER_VIEWS}


def test_a_database_that_is_not_there_is_reported() -> None:
    """The error is the one that commands know how to tell."""
    with pytest.raises(StoreUnavailableError, match="refused"):
        migrate("postgresql://voc@127.0.0.1:1/voc")


def test_a_question_before_the_migration_says_what_to_do(empty_database: str) -> None:
    """An empty database names the command that fills it."""
    with (
        pytest.raises(StoreUnavailableError, match="voc-stream init"),
        asking(empty_database) as connection,
    ):
        connection.execute(sqlalchemy.text("SELECT * FROM voc.customer"))


def test_tables_of_another_version_are_refused(database_url: str, catalogue: Catalogue) -> None:
    """Neither a worker nor a migration touches tables that a newer program made; both say so."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE voc.schema_version SET version_num = '9999'")
        connection.commit()
    with (
        closing(PostgresSink(database_url, catalogue)) as sink,
        pytest.raises(StoreUnavailableError, match="version 9999"),
    ):
        sink.positions([])
    with pytest.raises(StoreUnavailableError, match="another version"):
        migrate(database_url)


def test_the_program_needs_the_newest_migration(database_url: str, catalogue: Catalogue) -> None:
    """Whoever adds a migration raises the version that workers look for."""
    with closing(PostgresSink(database_url, catalogue)) as sink:
        assert sink.positions([]) == {}


def test_views_of_the_tables_do_not_forbid_their_change(new_database: Callable[[], str]) -> None:
    """Readers' views, ours in both schemas, are there before and after an upgrade.

    Views of somebody else are named.
    """
    url = new_database()
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc_bi"))
        command.upgrade(_alembic_config(connection), "0002")
        connection.execute(
            sqlalchemy.text(
                "CREATE VIEW voc.rolling_satisfaction AS SELECT as_of FROM voc.rolling_clock"
            )
        )
        connection.execute(
            sqlalchemy.text(
                "CREATE VIEW voc_bi.rolling_satisfaction AS SELECT as_of"
                " FROM voc.rolling_satisfaction"
            )
        )
        connection.execute(
            sqlalchemy.text("CREATE VIEW public.mine AS SELECT as_of FROM voc.rolling_satisfaction")
        )
    with pytest.raises(StoreUnavailableError, match="drop your own views"):
        migrate(url)
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("DROP VIEW public.mine"))
    migrate(url)
    assert ask(url, "SELECT count(*) FROM voc_bi.rolling_satisfaction") == [(0,)]


def test_a_worker_of_another_version_writes_nothing(store: Store) -> None:
    """A worker that was connected before an upgrade waits to be replaced.

    It refuses no events and moves no position.
    """
    sink, chores = store.sink(0), store.chores()
    chores.refresh(NOW)
    store.ask("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailableError, match="9999"):
        send(sink, messages([touchpoint()]))
    with pytest.raises(StoreUnavailableError, match="9999"):
        chores.refresh(NOW)
    store.ask("UPDATE schema_version SET version_num = %s", SCHEMA_VERSION)
    assert store.one("SELECT sum(next_offset) FROM stream_position") == 0
    assert store.one("SELECT count(*) FROM dead_letter") == 0


def test_what_stands_in_the_tables_is_taken_along(new_database: Callable[[], str]) -> None:
    """Upgrades from the first tables keep what stands in them.

    Queued customers stay queued, and the moments of orders are the same to the microsecond.
    """
    url = new_database()
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0001")
        state = {
            "order_id": "o-1",
            "entered": {"work": "2026-11-22T01:25:35.259001Z"},
            "exited": {
                "work": "9998-12-31T23:59:59.999999Z",
                "wash": "1969-12-31T23:59:59.000001Z",
            },
        }
        for statement, values in (
            (
                (
                    "INSERT INTO repair_order (order_id, version, fold_state, customer_id) VALUES"
                    " ('o-1', 3, :state, 'u-1')"
                ),
                {"state": state},
            ),
            (
                (
                    "INSERT INTO repair_order (order_id, version, fold_state, customer_id) VALUES"
                    " ('o-2', 1, :state, 'u-1')"
                ),
                {"state": {"order_id": "o-2"}},
            ),
            ("INSERT INTO churn_pending VALUES ('u-1'), ('u-2')", {}),
        ):
            connection.execute(
                sqlalchemy.text(statement),
                {name: json.dumps(value) for name, value in values.items()},
            )
    migrate(url)
    assert ask(url, "SELECT unnest(customer_ids) FROM voc.churn_pending ORDER BY 1") == [
        ("u-1",),
        ("u-2",),
    ]
    assert ask(url, "SELECT stage, entered_at, exited_at FROM voc.repair_stage ORDER BY 1") == [
        ("wash", None, datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)),
        (
            "work",
            datetime(2026, 11, 22, 1, 25, 35, 259001, tzinfo=UTC),
            datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
    ]
    found = {
        key: REPAIR_ORDER.decode(found)
        for key, found in ask(url, "SELECT order_id, fold_state FROM voc.repair_order")
    }
    assert found["o-1"].exited == {"work": 253370764799999999, "wash": -999999}
    assert found["o-2"] == OrderState("o-2")


def test_stored_ids_are_composed(new_database: Callable[[], str]) -> None:
    """An event that was stored with a decomposed id is found under its customer's id of now.

    Its body stays as it came.
    """
    url = new_database()
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0005")
        for number, customer in enumerate(("e\u0301", "u-1", "王")):
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO touchpoint_event (event_id, type, occurred_at, customer_id, body,"
                    ' topic, partition, "offset")'
                    " VALUES (:id, 'customer', now(), :customer, :body, 't', 0, 0)"
                ),
                {
                    "id": f"v-{number}",
                    "customer": customer,
                    "body": json.dumps({"customer_id": customer}),
                },
            )
    migrate(url)
    assert ask(
        url,
        "SELECT customer_id, site_id, body ->> 'customer_id' FROM voc.touchpoint_event"
        " ORDER BY event_id",
    ) == [
        ("\u00e9", None, "e\u0301"),
        ("u-1", None, "u-1"),
        ("王", None, "王"),
    ]


def test_of_many_moments_the_first_and_the_last_are_kept(new_database: Callable[[], str]) -> None:
    """What a complaint or an order has kept of its steps is cut to what it keeps today.

    Rows without any step stay as they are.
    """
    url = new_database()
    days = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 5)]
    complaints: list[dict[str, object]] = [
        {"times": {"acknowledged": days, "resolved": days[2:3]}, "reopened": 2},
        {"reopened": 0},
    ]
    orders: list[dict[str, object]] = [
        {"contacts": days[1:], "exited": {"delivery": 5}},
        {"segment": "gold"},
    ]
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0005")
        for number, state in enumerate(complaints):
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO complaint (complaint_id, version, fold_state, customer_id,"
                    " site_id, severity, state, reopened)"
                    " VALUES (:id, 1, :state, 'u-1', 's-1', 'minor', 'opened', 0)"
                ),
                {
                    "id": f"q-{number}",
                    "state": json.dumps({"complaint_id": f"q-{number}", **state}),
                },
            )
        for number, state in enumerate(orders):
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO repair_order (order_id, version, fold_state, customer_id) VALUES"
                    " (:id, 1, :state, 'u-1')"
                ),
                {"id": f"o-{number}", "state": json.dumps({"order_id": f"o-{number}", **state})},
            )
    migrate(url)
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 5)]
    kept = [
        COMPLAINT.decode(state)
        for (state,) in ask(url, "SELECT fold_state::text FROM voc.complaint ORDER BY complaint_id")
    ]
    assert kept[0].times == {
        "acknowledged": Since(moments[0], moments[3]),
        "resolved": Since(moments[2], moments[2]),
    }
    assert (kept[0].reopened, kept[1]) == (2, ComplaintState("q-1"))
    left = [
        REPAIR_ORDER.decode(state)
        for (state,) in ask(url, "SELECT fold_state FROM voc.repair_order ORDER BY order_id")
    ]
    assert (left[0].contact, left[0].exited) == (Since(moments[1], moments[3]), {"delivery": 5})
    assert left[1] == OrderState("o-1", profile=("gold", ""))


def test_a_state_names_the_stage_of_its_latest_step(new_database: Callable[[], str]) -> None:
    """A place in the flow becomes the stage, and the exit from the delivery is the delivery."""
    url = new_database()
    moment = "2026-01-05T00:00:00Z"
    states: list[tuple[str | None, dict[str, object]]] = [
        ("delivery", {"step": [moment, False, 10], "exited": {"delivery": 7, "wash": 5}}),
        ("wash", {"step": [moment, True, 8], "entered": {"wash": 5}}),
        (None, {"segment": "gold"}),
    ]
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0012")
        for number, (stage, state) in enumerate(states):
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO repair_order (order_id, version, fold_state, customer_id,"
                    " current_stage) VALUES (:id, 1, :state, 'u-1', :stage)"
                ),
                {
                    "id": f"o-{number}",
                    "state": json.dumps({"order_id": f"o-{number}", **state}),
                    "stage": stage,
                },
            )
    migrate(url)
    at = datetime(2026, 1, 5, tzinfo=UTC)
    assert [
        REPAIR_ORDER.decode(state)
        for (state,) in ask(url, "SELECT fold_state FROM voc.repair_order ORDER BY order_id")
    ] == [
        OrderState(
            "o-0",
            step=LatestStep(at, enters=False, stage="delivery"),
            exited={"delivery": 7, "wash": 5},
            delivered=7,
        ),
        OrderState("o-1", step=LatestStep(at, enters=True, stage="wash"), entered={"wash": 5}),
        OrderState("o-2", profile=("gold", "")),
    ]


def test_a_stored_experience_gets_its_scale(
    new_database: Callable[[], str], catalogue: Catalogue
) -> None:
    """Also one that no catalogue names any more; the scale is that which the code declares."""
    url = new_database()
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0020")
        for key, one in catalogue.experience.items():
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO experience (experience, label_en, label_zh, factor, kind, unit,"
                    " is_key, is_hygiene, drop_threshold, satisfaction_threshold, minimum_samples)"
                    " VALUES (:key, '', '', 'service', :kind, :unit, false, false, 1, 0, 20)"
                ),
                {"key": key, "kind": one.kind, "unit": one.unit},
            )
    migrate(url)
    found = ask(
        url,
        "SELECT experience, scale, shown_times, shown_unit, difference_unit FROM voc.experience",
    )
    assert sorted(found) == sorted(
        (key, scale.name, scale.times, scale.unit, scale.difference_unit)
        for key, one in catalogue.experience.items()
        for scale in [scale_of(one)]
    )
