"""Every PostgreSQL that is supported, as a managed one gives it.

The master has CREATEROLE and CREATEDB, and is no superuser.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from alembic import command
from builders import messages
from deploy.tools import DEPLOY, run
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send
from postgres_server import PostgresServer, programs_of

from voc_stream.embedded.postgres import _programs
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.reading.summary import read_status
from voc_stream.postgres.schema.migrate import _alembic_config, migrate
from voc_stream.postgres.session.connection import SCHEMA_VERSION, asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue

pytestmark = pytest.mark.deploy

VERSIONS = {"15": "15.15.0", "16": "16.11.0", "17": "17.7.0", "18": None}
ROLES = DEPLOY / "postgres" / "roles.sql"


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A server of one version, with a master who is no superuser."""
    version = VERSIONS[request.param]
    programs = _programs() if version is None else programs_of(version)
    with (
        tempfile.TemporaryDirectory(prefix="voc-tests-") as name,
        PostgresServer(Path(name), programs=programs) as started,
    ):
        [(found,)] = started.ask("SELECT current_setting('server_version_num')::int / 10000")
        assert found == int(request.param)
        started.ask("CREATE ROLE master LOGIN CREATEROLE CREATEDB")
        yield started


def apply_roles(server: PostgresServer, database: str) -> str:
    """As the head of the file says, by the master; what psql says."""
    url = server.database(database, "master")
    return run(
        [
            _programs() / "psql",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--dbname",
            url,
            "--file",
            ROLES,
        ]
    )


def test_all_of_it_works_without_a_superuser(server: PostgresServer, catalogue: Catalogue) -> None:
    """Roles by the master, `init` by the owner, events, alerts and risks by the writer, `rebuild`.

    The tables are the oracle's.
    """
    server.ask(
        "CREATE DATABASE shop ENCODING 'UTF8' TEMPLATE template0",
        server.database("postgres", "master"),
    )
    apply_roles(server, "shop")
    migrate(server.database("shop", "voc_owner"))
    apply_roles(server, "shop")
    values = [*messages(crowd(80)), b"no event"]
    with Store(server.database("shop", "voc_writer"), catalogue) as store:
        sink, chores = store.sink(0), store.chores()
        # In two halves: rows that are merged into others need more rights than new ones.
        for half in (values[::2], values[1::2]):
            send(sink, half)
            assert chores.refresh(NOW)
            assert chores.assess_churn(NOW) is not None
            assert chores.evaluate(NOW) is not None
        store.assert_as_expected(values)
        assert {reading.metric for reading in chores.gauges(NOW)} >= {
            "voc_satisfaction_score",
            "voc_customers_at_risk",
        }
        assert read_status(store.url)
        store.ask("UPDATE voc.experience SET is_key = is_key")
    owner = server.database("shop", "voc_owner")
    report = rebuild(owner, catalogue, lambda _done, _of: None)
    assert (report.events, report.differing) == (80, 0)
    server.ask("UPDATE voc.customer SET segment = 'platinum' WHERE customer_id = 'u-1'", owner)
    assert rebuild(owner, catalogue, lambda _done, _of: None).differing == 1
    apply_roles(server, "shop")
    assert server.ask(
        "SELECT count(*) FROM voc_bi.rolling_satisfaction", server.database("shop", "voc_bi")
    )
    # Before 17 there is no right to vacuum for whoever does not own a table; then nothing is tried,
    # and nothing complains.
    assert "permission denied" not in (server.data.parent / "log").read_text()


def test_tables_of_the_first_version_are_brought_up_to_date(server: PostgresServer) -> None:
    """What stands in tables of 0005 is taken along."""
    server.ask("CREATE DATABASE old ENCODING 'UTF8' TEMPLATE template0")
    url = server.database("old")
    state = {
        "order_id": "o-1",
        "entered": {"work": 1_790_000_000_000_000},
        "exited": {"work": 1_790_000_060_000_000},
    }
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0005")
        connection.execute(
            sqlalchemy.text(
                "INSERT INTO repair_order (order_id, version, fold_state, customer_id) VALUES"
                " ('o-1', 3, :state, 'u-1')"
            ),
            {"state": json.dumps(state)},
        )
    migrate(url)
    assert server.ask("SELECT version_num FROM voc.schema_version", url) == [(SCHEMA_VERSION,)]
    assert server.ask("SELECT order_id, stage, minutes FROM voc.repair_stage", url) == [
        ("o-1", "work", 1.0)
    ]


def test_init_says_what_to_do_without_createrole(server: PostgresServer) -> None:
    """A role that may make no roles, schemas or tables is told who can, and nothing is changed."""
    server.ask("DROP DATABASE IF EXISTS bare")
    server.ask("CREATE DATABASE bare ENCODING 'UTF8' TEMPLATE template0")
    server.ask("DROP ROLE IF EXISTS nobody_special; CREATE ROLE nobody_special LOGIN")
    advice = "run deploy/postgres/roles.sql once as a role with CREATEROLE that owns the database"
    roles = server.ask("SELECT count(*) FROM pg_roles WHERE rolname = 'voc_bi'")
    what = "make the schema voc_bi" if roles == [(1,)] else "make the role voc_bi"
    with pytest.raises(StoreUnavailableError, match=rf"may not {what} .*{advice}"):
        migrate(server.database("bare", "nobody_special"))
    assert server.ask(
        "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'voc%'", server.database("bare")
    ) == [(0,)]
