from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import messages, touchpoint
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send
from postgres_server import PostgresServer

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.postgres.session.connection import asking, check_out, engine_for
from voc_stream.postgres.session.opening import _SETTINGS, connect, parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from voc_stream.catalogue.model import Catalogue

# Each means something else than what a session of ours relies on. The first three are those of
# libpq.
ENVIRONMENT = {
    "PGCLIENTENCODING": "GBK",
    "PGTZ": "Asia/Shanghai",
    "PGDATESTYLE": "SQL, DMY",
    "PGOPTIONS": "-c search_path=public -c statement_timeout=1",
}
OF_THE_DATABASE = {
    "array_nulls": "off",
    "bytea_output": "escape",
    "client_encoding": "GBK",
    "datestyle": "SQL, DMY",
    "default_transaction_isolation": "serializable",
    "extra_float_digits": "-10",
    "intervalstyle": "sql_standard",
    "search_path": "public",
    "standard_conforming_strings": "off",
    "timezone": "Asia/Shanghai",
    "transform_null_equals": "on",
}
CHINESE = {"customer_id": "张三", "site_id": "上海店", "department": "客服", "text": "很好 ё 😀"}


def administer(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)


@pytest.mark.parametrize("where", ["environment", "database"])
def test_nobody_else_decides_what_a_session_means(
    new_database: Callable[[], str],
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """Variables of libpq and settings of the database change nothing.

    Chinese events count, whole, and the tables are the oracle's.
    """
    url = new_database()
    if where == "database":
        name = url.rpartition("/")[2]
        administer(
            url,
            *(
                f"ALTER DATABASE {name} SET {setting} = '{value}'"
                for setting, value in OF_THE_DATABASE.items()
            ),
        )
    values = [*messages(crowd(40)), *messages([touchpoint(event_id="chinese", **CHINESE)]), b"\xff"]
    with monkeypatch.context() as patched:
        for name, value in ENVIRONMENT.items() if where == "environment" else ():
            patched.setenv(name, value)
        migrate(url)
        with Store(url, catalogue) as store:
            # In two halves: rows that are merged into others are read back first.
            sink, chores = store.sink(0), store.chores()
            for half in (values[::2], values[1::2]):
                send(sink, half)
                chores.refresh(NOW)
                chores.assess_churn(NOW)
            [letter] = chores.claim_messages("dead_letter", 10)
    assert letter.value == b"\xff"
    if where == "database":  # the oracle's own reader has no settings of its own
        administer(url, f"ALTER DATABASE {name} RESET ALL")
    with Store(url, catalogue) as store:
        store.assert_as_expected(values)
        assert store.ask(
            "SELECT customer_id, site_id, body ->> 'text' FROM touchpoint_event WHERE event_id ="
            " 'chinese'"
        ) == [("张三", "上海店", "很好 ё 😀")]


def test_every_setting_is_what_was_asked_for(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what stands in the address reaches the server, unless it is ours to say."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    options = "-c%20work_mem%3D5MB%20-c%20statement_timeout%3D1"
    url = f"{postgres_url}?application_name=shop&options={options}"
    with closing(connect(url, "voc")) as connection, connection.cursor() as cursor:
        for name, value in {
            **_SETTINGS,
            "search_path": "voc",
            "timezone": "UTC",
            "work_mem": "5MB",
        }.items():
            cursor.execute("SELECT current_setting(%s)", (name,))
            assert cursor.fetchall() == [(value,)], name
        cursor.execute(
            "SELECT current_setting('client_encoding'), current_setting('datestyle'),"
            " current_setting('application_name')"
        )
        assert cursor.fetchall() == [("UTF8", "ISO, YMD", "shop")]


def test_of_several_hosts_the_one_that_takes_writes_is_looked_for() -> None:
    """Unless the address says otherwise."""
    assert parameters("postgresql://a:1,b:2/voc", "voc")["target_session_attrs"] == "read-write"
    assert (
        parameters("postgresql://a,b/voc?target_session_attrs=any", "voc")["target_session_attrs"]
        == "any"
    )
    assert "target_session_attrs" not in parameters("postgresql://a/voc", "voc")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_CN"])
def test_database_of_another_encoding_is_refused(
    new_database: Callable[[], str], catalogue: Catalogue, encoding: str
) -> None:
    """It could not hold every text.

    `init`, a worker and `status` say so in one sentence, and nothing is written.
    """
    url = new_database()
    base, _, name = url.rpartition("/")
    other = f"{base}/{name}_{encoding.lower()}"
    options = f"ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    administer(url, f"CREATE DATABASE {name}_{encoding.lower()} {options}")
    sentence = (
        f"has the encoding {encoding} and cannot hold every text: make one with CREATE DATABASE"
    )
    with pytest.raises(StoreUnavailableError, match=sentence):
        migrate(other)
    with Store(other, catalogue) as store, pytest.raises(StoreUnavailableError, match=sentence):
        store.sink().positions([])
    with pytest.raises(StoreUnavailableError, match=sentence), asking(other):
        pass
    with closing(psycopg2.connect(other)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'voc%'")
        assert cursor.fetchall() == [(0,)]


def test_refused_session_is_closed(new_database: Callable[[], str]) -> None:
    """A worker that waits for another database does not take all connections meanwhile.

    It tries every second.
    """
    url = new_database()
    base, _, name = url.rpartition("/")
    administer(
        url,
        f"CREATE DATABASE {name}_ascii ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
        f" TEMPLATE template0",
    )
    engine = engine_for(f"{base}/{name}_ascii?application_name=refused")
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            check_out(engine)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'refused' AND state <>"
            " 'idle'"
        )
        assert cursor.fetchall() == [(0,)]


def test_socket_is_as_good_as_an_address(catalogue: Catalogue) -> None:
    """Deadlines and time limits are set on a connection that has no network under it, too."""
    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folder = Path(name)
        server = PostgresServer(
            folder, settings={"listen_addresses": ""}, access="local all all trust\n"
        )
        server.set(unix_socket_directories=str(server.data))
        with server:
            url = f"postgresql://voc@/postgres?host={server.data}&port={server.port}"
            migrate(url)
            with Store(url, catalogue) as store:
                send(store.sink(0), messages(crowd(20)))
                assert store.one("SELECT count(*) FROM touchpoint_event") == 20
                assert store.one("SELECT inet_client_addr() IS NULL")
