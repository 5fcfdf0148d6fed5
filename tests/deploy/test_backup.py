"""What the operator's page says about backups, done with PostgreSQL's own programs."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import sqlalchemy
from builders import messages
from deploy.conftest import OperatorsDatabase
from deploy.tools import run
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, position_of, send

from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.schema.migrate import migrate

if TYPE_CHECKING:
    from pathlib import Path

    from voc_stream.catalogue.model import Catalogue

VALUES = messages(crowd(80))
EARLIER = len(VALUES) // 2


def test_a_restored_database_reads_again_what_it_lacks(
    operators_database: OperatorsDatabase, catalogue: Catalogue, tmp_path: Path
) -> None:
    """The positions come back with the tables, so the workers go on from the backup.

    At the end nothing differs and nothing counts twice.

    The roles' rights come back, too: the writer takes in, the owner migrates and rebuilds.
    """
    backup = tmp_path / "voc.dump"
    with Store(operators_database.url("voc_writer"), catalogue) as store:
        sink = store.sink(0)
        send(sink, VALUES[:EARLIER])
        store.chores().refresh(NOW)
        run(
            [
                operators_database.psql.with_name("pg_dump"),
                "--format=custom",
                f"--file={backup}",
                operators_database.superuser_url,
            ]
        )
        send(sink, VALUES[EARLIER:])
    restored = restore(operators_database, backup)
    with Store(restored.url("voc_writer"), catalogue) as store:
        sink = store.sink()
        at = position_of(sink).next_offset
        assert at == EARLIER
        # A call centre that sends once more what it sent before the disaster does no harm.
        assert send(sink, [*VALUES[at:], *VALUES[:3]]).duplicate == 3
        chores = store.chores()
        assert chores.refresh(NOW)
        assert chores.assess_churn(NOW) is not None
        store.assert_as_expected(VALUES)
    migrate(restored.url("voc_owner"))
    assert rebuild(restored.url("voc_owner"), catalogue, lambda _done, _of: None).differing == 0


def restore(database: OperatorsDatabase, backup: Path) -> OperatorsDatabase:
    """Into a new database, as the page says."""
    with closing(psycopg2.connect(database.superuser_url)) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE voc_restored")
    url = (
        sqlalchemy.make_url(database.superuser_url).set(database="voc_restored").render_as_string()
    )
    restored = OperatorsDatabase(url, database.psql)
    restored.apply_roles()
    run(
        [
            database.psql.with_name("pg_restore"),
            "--clean",
            "--if-exists",
            "--exit-on-error",
            f"--dbname={url}",
            backup,
        ]
    )
    restored.apply_roles()
    return restored
