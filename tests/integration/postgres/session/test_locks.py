from __future__ import annotations

import re
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
import sqlalchemy
from builders import messages
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send, wait_until
from psycopg2 import errors

import voc_stream.postgres
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.schema import migrate as migration
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.postgres.session.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

RELATIONS = (
    "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid ="
    " relnamespace"
    " WHERE nspname IN ('voc', 'voc_bi') AND relkind IN ('r', 'v')"
)


@contextmanager
def session(url: str) -> Iterator[Cursor]:
    """A transaction of somebody else's that stays open."""
    with (
        closing(psycopg2.connect(url, application_name="a report")) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor
        connection.rollback()


@pytest.fixture
def stranger(store: Store) -> Iterator[str]:
    """URL of a role that may connect, and has no other right."""
    store.ask("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    yield sqlalchemy.make_url(store.url).set(username="stranger").render_as_string()
    store.ask("DROP ROLE stranger")


def test_a_stranger_stops_nothing(store: Store, stranger: str) -> None:
    """Whoever has no right on the tables takes no lock that the service waits for.

    Neither a worker, a refresh, an evaluation nor `rebuild`.
    """
    sink, chores = store.sink(0), store.chores()
    with session(stranger) as cursor:
        # The numbers of the advisory locks that the service once took, and some around them.
        for number in range(7_601_990, 7_602_030):
            cursor.execute("SELECT pg_advisory_lock(%s)", (number,))
        for statement in (
            "SELECT FROM voc.lock FOR UPDATE",
            "LOCK TABLE voc.schema_version IN ACCESS SHARE MODE",
            "LOCK TABLE voc.stream_position IN ACCESS SHARE MODE",
            "COMMENT ON SCHEMA voc IS 'mine'",
        ):
            cursor.execute("SAVEPOINT before")
            with pytest.raises(errors.InsufficientPrivilege):
                cursor.execute(statement)
            cursor.execute("ROLLBACK TO before")
        send(sink, messages(crowd(20)))
        assert chores.refresh(NOW)
        assert chores.assess_churn(NOW) is not None
        assert chores.evaluate(NOW) is not None
        assert chores.claim_messages("alert", 1) is not None
        migrate(store.url)
        assert rebuild(store.url, store.catalogue, lambda _done, _of: None).differing == 0


def test_no_statement_takes_an_advisory_lock() -> None:
    """Such a lock is free to everybody who may connect."""
    folder = Path(voc_stream.postgres.__file__).parent
    found = [
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"advisory\w*lock", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_lock_has_its_row(store: Store) -> None:
    """Who finds no row has no lock; `init` makes those that are missing."""
    assert {name for (name,) in store.ask("SELECT name FROM lock")} == set(Lock)
    store.ask("DELETE FROM lock WHERE name = 'sites'")
    migrate(store.url)
    assert {name for (name,) in store.ask("SELECT name FROM lock")} == set(Lock)


def test_rows_that_are_locked_for_years_cost_nothing(store: Store) -> None:
    """Refreshes leave no dead row in the table of locks, and make no multixact.

    Nothing has to be vacuumed for them.
    """
    chores, other = store.chores(), store.chores()
    # The age of the first multixact counts those that were ever made.
    seen = "SELECT mxid_age('1'), array_agg(ctid ORDER BY name) FROM lock"
    before = store.ask(seen)
    for _ in range(10):
        chores.refresh(NOW)
        other.refresh(NOW)
    assert store.ask(seen) == before


def test_readers_are_not_held_up_by_a_rebuild_nor_it_by_them(store: Store) -> None:
    """A report that stays open keeps `rebuild` from nothing, also if rows differ.

    The report has read every table and view.
    """
    send(store.sink(), messages(crowd(80)))
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.ask(
        "UPDATE rolling_sum SET score_sum = score_sum + 100; UPDATE customer SET segment ="
        " 'platinum' WHERE customer_id = 'u-1'"
    )
    with session(store.url) as cursor:
        cursor.execute(RELATIONS)
        for (relation,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {relation}")
        found: list[int] = []
        working = threading.Thread(
            target=lambda: found.append(
                rebuild(store.url, store.catalogue, lambda _done, _of: None).differing
            ),
            daemon=True,
        )
        working.start()
        working.join(20)
        assert found
        assert found[0] > 1
        cursor.execute("SELECT count(*) FROM voc.rolling_satisfaction")
    assert rebuild(store.url, store.catalogue, lambda _done, _of: None).differing == 0


def test_rebuild_changes_the_rows_that_differ_and_no_other(store: Store) -> None:
    """All others stay where they are, so that readers and backups see no new tables."""
    send(store.sink(), messages(crowd(80)))
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    places = {
        table: f"SELECT ctid FROM {table} ORDER BY 1"
        for table in ("customer_state", "repair_order", "churn_risk", "pane", "rolling_sum")
    }
    store.ask("UPDATE customer SET segment = 'platinum' WHERE customer_id = 'u-1'")
    before = {table: store.ask(statement) for table, statement in places.items()}
    assert rebuild(store.url, store.catalogue, lambda _done, _of: None).differing == 1
    moved = {
        table: len(set(store.ask(statement)) - set(before[table]))
        for table, statement in places.items()
    }
    assert moved == {
        "customer_state": 1,
        "repair_order": 0,
        "churn_risk": 0,
        "pane": 0,
        "rolling_sum": 0,
    }


def test_rebuild_that_is_cut_off_leaves_nothing(store: Store) -> None:
    """Neither its own schema nor a lock: it is one transaction."""
    send(store.sink(), messages(crowd(20)))

    def cut(_done: int, _of: int) -> None:
        store.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
            " current_database() AND pid <> pg_backend_pid()"
        )

    with pytest.raises(StoreUnavailableError):
        rebuild(store.url, store.catalogue, cut)
    assert store.one("SELECT count(*) FROM pg_namespace WHERE nspname = 'voc_rebuild'") == 0
    locks = (
        "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND relation IN"
        " ('lock'::regclass, 'stream_position'::regclass)"
    )
    wait_until(lambda: store.one(locks) == 0)


def test_init_leaves_alone_what_is_right_already(database_url: str, catalogue: Catalogue) -> None:
    """It waits for no reader, and writes no view and no comment again.

    Though a reader has read every view.
    """
    written = (
        "SELECT 'view', oid, xmin FROM pg_rewrite"
        " UNION ALL SELECT 'comment', objoid, xmin FROM pg_description WHERE classoid ="
        " 'pg_class'::regclass ORDER BY 1, 2"
    )
    with Store(database_url, catalogue) as store, session(database_url) as cursor:
        migrate(database_url)
        before = store.ask(written)
        cursor.execute(RELATIONS)
        for (relation,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {relation}")
        heard: list[str] = []
        migrate(database_url, heard.append)
        assert heard == []
        assert store.ask(written) == before


@pytest.mark.parametrize(
    "change",
    [
        (
            "DROP VIEW voc_bi.customer; CREATE VIEW voc_bi.customer AS SELECT customer_id FROM"
            " voc.customer WHERE false"
        ),
        "DROP VIEW voc_bi.customer",
        "COMMENT ON VIEW voc_bi.customer IS 'mine'",
        "COMMENT ON COLUMN voc_bi.customer.segment IS NULL",
        "DROP VIEW voc_bi.repair_stage; DROP VIEW voc.repair_stage",
    ],
)
def test_init_mends_views_that_are_others(
    database_url: str, catalogue: Catalogue, change: str
) -> None:
    """What somebody changed or dropped is what this version needs afterwards.

    Comments and rights included.
    """
    state = (
        "SELECT c.oid::regclass::text, pg_get_viewdef(c.oid), c.relacl::text,"
        " obj_description(c.oid),"
        " array(SELECT col_description(c.oid, attnum) FROM pg_attribute WHERE attrelid = c.oid"
        " ORDER BY attnum)"
        " FROM pg_class c WHERE relkind = 'v' AND relnamespace IN ('voc'::regnamespace,"
        " 'voc_bi'::regnamespace) ORDER BY 1"
    )
    with Store(database_url, catalogue) as store:
        right = store.ask(state)
        store.ask(change)
        assert store.ask(state) != right
        migrate(database_url)
        assert store.ask(state) == right


def test_init_names_who_keeps_it_waiting(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Session, role, application and since when.

    While it waits, and at the end, where it gives up and changes nothing.
    """
    monkeypatch.setattr(migration, "LOCK_SECONDS", 3)
    url, heard = new_database(), list[str]()
    migrate(url)
    with session(url) as cursor:
        cursor.execute("UPDATE voc.schema_version SET version_num = '0006'")
        cursor.connection.commit()
        cursor.execute("SELECT pg_backend_pid(), count(*) FROM voc.schema_version")
        ((pid, _),) = cursor.fetchall()
        who = (
            rf"session {pid} of role voc \(application a report, since 20\d\d-\d\d-\d\d"
            rf" \d\d:\d\d:\d\d UTC\)"
        )
        with pytest.raises(
            StoreUnavailableError, match=rf"locked for 3 s already by {who}: end that session"
        ):
            migrate(url, heard.append)
    assert len(heard) == 1
    assert re.fullmatch(f"waiting for {who}", heard[0])
