"""Roles of a PostgreSQL that is shared with others: each can do its work, and no more."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import messages, retraction, touchpoint
from deploy.tools import DEPLOY, run
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send
from msgspec.structs import replace
from psycopg2 import errors

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.intake.dead_letters import DeadLetterOffice
from voc_stream.postgres.reading.summary import read_status
from voc_stream.postgres.schema.all_tables import metadata
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.postgres.schema.reader_views import READER_VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from deploy.conftest import OperatorsDatabase

    from voc_stream.catalogue.model import Catalogue

ROLES = DEPLOY / "postgres" / "roles.sql"
PASSWORDS = DEPLOY / "postgres" / "passwords.sh"
FORBIDDEN_TO_THE_WRITER = (
    "UPDATE voc.touchpoint_event SET customer_id = 'u-2'",
    "DELETE FROM voc.retraction",
    "UPDATE voc.retraction SET reason = ''",
    "DELETE FROM voc.retracted_event",
    "DELETE FROM voc.dead_letter",
    "DELETE FROM voc.stream_position",
    "UPDATE voc.increment SET measures = 1",
    "UPDATE voc.schema_version SET version_num = '0'",
    "TRUNCATE voc.pane",
    "CREATE TABLE voc.more ()",
    "ALTER TABLE voc.customer_state ADD COLUMN more text",
    "DROP TABLE voc.alert",
    "CREATE SCHEMA more",
    "SELECT * FROM voc_bi.customer",
    "SELECT lo_create(0)",
)
FORBIDDEN_TO_READERS = (
    "SELECT * FROM voc.touchpoint_event",
    "SELECT * FROM voc.schema_version",
    "CREATE TEMP TABLE more ()",
    "CREATE SCHEMA more",
)


@pytest.fixture
def writers_store(operators_database: OperatorsDatabase, catalogue: Catalogue) -> Iterator[Store]:
    """A store that has only the writer's rights."""
    with Store(operators_database.url("voc_writer"), catalogue) as store:
        yield store


@pytest.mark.parametrize("cell", ["", "north"])
def test_a_worker_needs_only_the_writer(
    operators_database: OperatorsDatabase, catalogue: Catalogue, cell: str
) -> None:
    """All that a worker does works as voc_writer, and the tables are the oracle's.

    Taking in, taking back, refreshing, assessing, dead letters and gauges.

    So does `rebuild` as the owner, and it finds nothing that differs. Each cell is alike.
    """
    if cell:
        operators_database.add_cell(cell)
    values = [*messages([*crowd(80), retraction("y-1", "x-1-3", "x-1-40")]), b"no event"]
    with Store(operators_database.url("voc_writer", cell), catalogue) as store:
        _do_all_that_a_worker_does(store, values)
        report = rebuild(
            operators_database.url("voc_owner", cell), catalogue, lambda _done, _of: None
        )
    assert (report.events, report.differing) == (len(values) - 4, 0)


def _do_all_that_a_worker_does(store: Store, values: Sequence[bytes]) -> None:
    sink, chores = store.sink(0), store.chores()
    # In two halves: rows that are merged into others need more rights than new ones.
    for half in (values[::2], values[1::2]):
        send(sink, half)
        chores.take_back(NOW)
        assert chores.refresh(NOW)
        assert chores.assess_churn(NOW)
    assert chores.assess_churn(NOW, everyone=True)
    letters = chores.claim_messages("dead_letter", 10)
    chores.finish_messages("dead_letter", [letter.number for letter in letters], NOW)
    assert {reading.metric for reading in chores.gauges(NOW)} >= {
        "voc_satisfaction_score",
        "voc_customers_at_risk",
    }
    store.assert_as_expected(values)
    office = DeadLetterOffice(store.url)
    [letter] = office.not_retried(None)
    office.mark_retried([letter.number], NOW)
    assert read_status(store.url)
    now = datetime.now(UTC)
    assert (chores.delete_dead_letters(NOW), chores.delete_dead_letters(now)) == (0, 1)
    send(sink, [b"no event"], now=now)
    assert chores.delete_dead_letters(now + timedelta(hours=1)) == 0, "none of the last day"


def test_the_writer_of_a_cell_changes_no_fact_and_no_shape_of_it(
    operators_database: OperatorsDatabase,
) -> None:
    """What single tables do not need is taken from the writer in each cell."""
    operators_database.add_cell("south")
    for statement in FORBIDDEN_TO_THE_WRITER:
        with pytest.raises(errors.InsufficientPrivilege):
            operators_database.ask("voc_writer", statement.replace("voc.", "voc_south."))


def test_the_writer_renames_an_experience(
    writers_store: Store, operators_database: OperatorsDatabase
) -> None:
    """A newer catalogue takes over with the rights of a worker.

    What was counted and what waits goes with the new name.
    """
    chores = writers_store.chores()
    assert chores.join().problem is None
    sink = writers_store.sink(2)
    for number in range(2):
        send(
            sink, messages([touchpoint(f"rename-{number}", experience="repair_quality")]), number=2
        )
        assert number or chores.refresh(NOW)
    experiences = {
        "workmanship" if key == "repair_quality" else key: one
        for key, one in writers_store.catalogue.experience.items()
    }
    alias = {"repair_quality": "workmanship"}
    version = writers_store.catalogue.version
    newer = replace(
        writers_store.catalogue,
        version=version + 1,
        digest="newer",
        alias=alias,
        experience=experiences,
    )
    before = operators_database.ask(
        "voc", "SELECT sum(n)::int FROM voc.experience_daily WHERE experience = 'repair_quality'"
    )
    with Store(writers_store.url, newer) as store:
        assert store.chores().join().problem is None
    after = operators_database.ask(
        "voc", "SELECT sum(n)::int FROM voc.experience_daily WHERE experience = 'workmanship'"
    )
    assert after == before
    back = replace(
        writers_store.catalogue,
        version=version + 2,
        digest="back",
        alias={"workmanship": "repair_quality"},
    )
    with Store(writers_store.url, back) as store:
        assert store.chores().join().problem is None
    operators_database.ask("voc", "UPDATE voc.installation SET catalogue_digest = NULL")


def test_the_writer_vacuums_its_queues(
    writers_store: Store, operators_database: OperatorsDatabase
) -> None:
    """The writer may vacuum the queues.

    Without the right PostgreSQL only warns, and the queues grow unseen until autovacuum comes.
    """
    counted = "SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0 ORDER BY 1"
    operators_database.ask("voc", "SELECT pg_stat_reset()")
    send(writers_store.sink(1), messages([touchpoint("vacuum-1")]), number=1)
    assert writers_store.chores().refresh(NOW)
    assert operators_database.ask("voc", counted) == [("increment",), ("walk_pending",)]


@pytest.mark.parametrize("statement", FORBIDDEN_TO_THE_WRITER)
def test_the_writer_changes_no_fact_and_no_shape(
    operators_database: OperatorsDatabase, statement: str
) -> None:
    """A worker that somebody has taken over can do little harm.

    It can neither change what was said, nor the tables, nor bring back what was taken back.
    """
    with pytest.raises(errors.InsufficientPrivilege):
        operators_database.ask("voc_writer", statement)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_READERS)
@pytest.mark.parametrize("role", ["voc_bi", "voc_monitor"])
def test_readers_see_no_words_and_write_nothing(
    operators_database: OperatorsDatabase, role: str, statement: str
) -> None:
    """Neither BI tools nor monitoring get at the tables themselves, and neither makes anything."""
    with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
        operators_database.ask(role, statement)


def test_readers_read_what_is_theirs(operators_database: OperatorsDatabase) -> None:
    """BI tools read the views, monitoring the server's statistics of all sessions."""
    assert operators_database.ask("voc_bi", "SELECT count(*) FROM voc_bi.rolling_satisfaction")
    assert operators_database.ask(
        "voc_monitor", "SELECT pg_has_role('voc_monitor', 'pg_read_all_stats', 'usage')"
    ) == [(True,)]


def test_both_may_be_repeated(operators_database: OperatorsDatabase) -> None:
    """Neither `init` as the owner nor the roles change any right when they run once more."""
    rights = """
        SELECT oid::regclass::text, relacl::text FROM pg_class
        WHERE relnamespace IN ('voc'::regnamespace, 'voc_bi'::regnamespace) ORDER BY 1
    """
    before = operators_database.ask("voc_owner", rights)
    migrate(operators_database.url("voc_owner"))
    operators_database.apply_roles()
    assert operators_database.ask("voc_owner", rights) == before


def test_the_writer_cannot_migrate(operators_database: OperatorsDatabase) -> None:
    """`init` with the worker's credentials says what is wrong and changes nothing."""
    with pytest.raises(
        StoreUnavailableError,
        match="may not change the schema voc_bi: only its owner may: run deploy/postgres/roles",
    ):
        migrate(operators_database.url("voc_writer"))


def test_tables_of_the_next_version_can_be_written_at_once(
    operators_database: OperatorsDatabase,
) -> None:
    """A new worker need not wait until somebody has repeated the roles after its `init`."""
    operators_database.ask("voc_owner", "CREATE TABLE voc.of_next_version (value integer)")
    try:
        operators_database.ask("voc_writer", "INSERT INTO voc.of_next_version VALUES (1)")
        assert operators_database.ask("voc_writer", "SELECT value FROM voc.of_next_version") == [
            (1,)
        ]
    finally:
        operators_database.ask("voc_owner", "DROP TABLE voc.of_next_version")


def test_every_table_was_thought_of() -> None:
    """Whoever adds a table or view to schema voc decides what the writer does not need there."""
    listed = set(
        re.findall(r"^\s+\('(\w+)', '[A-Z, ]+'\)", ROLES.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == {table.name for table in metadata.tables.values()} | {
        name for name, _ in READER_VIEWS
    } | {"schema_version"}


def test_passwords_come_from_files(operators_database: OperatorsDatabase, tmp_path: Path) -> None:
    """Compose sets the passwords from its secrets, whatever characters they have.

    They are kept as SCRAM only.
    """
    for role in ("owner", "writer", "bi", "monitor"):
        (tmp_path / f"{role}_password").write_text(f'it\'s $(a) \\ "{role}"', encoding="utf-8")
    folder = str(operators_database.psql.parent)
    env = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "PGURL": "",
        "VOC_SECRETS": str(tmp_path),
        "POSTGRES_USER": "voc",
    }
    connection = psycopg2.extensions.parse_dsn(operators_database.superuser_url)
    env |= {
        "PGHOST": connection["host"],
        "PGPORT": connection["port"],
        "POSTGRES_DB": connection["dbname"],
    }
    run(["sh", PASSWORDS], env=env)
    stored = (
        "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname ~ '^voc_'"
        " ORDER BY 1"
    )
    assert operators_database.ask("voc", stored) == [
        (f"voc_{role}", True) for role in ("bi", "monitor", "owner", "writer")
    ]
