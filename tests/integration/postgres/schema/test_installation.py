"""One database is one installation, and one catalogue rules it."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import (
    answered_together,
    callback,
    complaint,
    customer,
    message,
    messages,
    touchpoint,
)
from integration.postgres.store import NOW, Store, batch_of, send
from msgspec.structs import replace

from voc_stream.catalogue.load import load_catalogue
from voc_stream.pipeline.ports import OtherCatalogueError, StoreUnavailableError
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.corrections.renaming import rename_experiences
from voc_stream.postgres.schema.all_tables import metadata
from voc_stream.postgres.schema.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voc_stream.catalogue.model import Catalogue

ROLLING = ["rolling_satisfaction", "experience_daily", "complaint"]


def renamed(catalogue: Catalogue, old: str, new: str) -> Catalogue:
    """The next version, in which an experience has another name."""
    experiences = {new if key == old else key: one for key, one in catalogue.experience.items()}
    churn = replace(catalogue.churn, attitude_experience=None, outcome_experience=None)
    return replace(
        catalogue,
        version=catalogue.version + 1,
        digest="renamed",
        alias={old: new},
        experience=experiences,
        churn=churn,
    )


@pytest.fixture
def given(store: Store) -> Iterator[Callable[[Catalogue], Store]]:
    """The same database with another catalogue, as another worker has it."""
    opened: list[Store] = []

    def given(catalogue: Catalogue) -> Store:
        opened.append(Store(store.url, catalogue))
        return opened[-1]

    yield given
    for one in opened:
        one.__exit__(None, None, None)


def test_each_database_is_another_installation(
    new_database: Callable[[], str], store: Store, shared_database: str
) -> None:
    """A copy is another installation: nobody may take its workers for those of the first.

    The same installation stays the same.
    """
    url = new_database()
    migrate(url)
    assert shared_database == store.url
    chores, other = store.chores(), PostgresChores(url, store.catalogue)
    assert (
        chores.join().installation
        == store.chores().join().installation
        != other.join().installation
    )
    (made,) = Store(url, store.catalogue).ask("SELECT installation_id FROM installation")
    migrate(url)
    assert Store(url, store.catalogue).ask("SELECT installation_id FROM installation") == [made]
    other.close()


def test_workers_with_another_catalogue_wait(
    store: Store, given: Callable[[Catalogue], Store]
) -> None:
    """They change nothing, and say what to do; those with the catalogue that rules go on."""
    assert store.chores().join().problem is None
    store.chores().refresh(NOW)
    keys = store.ask("SELECT experience FROM experience WHERE is_key ORDER BY 1")
    hotel = given(load_catalogue("hotel"))
    problem = hotel.chores().join().problem or ""
    assert f"automotive, version {store.catalogue.version}" in problem
    assert "raise `version`" in problem
    sink = hotel.sink()
    values = [message(touchpoint(experience="overall"))]
    for attempt in (
        lambda: send(sink, values),
        lambda: hotel.chores().refresh(NOW),
        lambda: rebuild(hotel.url, hotel.catalogue, lambda *_: None),
        sink.probe,
    ):
        with pytest.raises(OtherCatalogueError, match="another catalogue rules"):
            attempt()
    assert store.ask("SELECT experience FROM experience WHERE is_key ORDER BY 1") == keys
    assert store.one("SELECT count(*) FROM touchpoint_event") == 0
    send(store.sink(), values)
    store.chores().refresh(NOW)


def test_a_newer_version_takes_over_and_the_older_one_waits(
    store: Store, given: Callable[[Catalogue], Store]
) -> None:
    """A worker that reads on with the older catalogue is refused with its next transaction.

    It does not matter what it had decoded.
    """
    store.chores().join()
    sink, chores = store.sink(0), store.chores()
    batch = batch_of(sink, [message(touchpoint())])
    newer = given(replace(store.catalogue, version=store.catalogue.version + 1, digest="newer"))
    with pytest.raises(OtherCatalogueError, match="takes over when a worker with it starts"):
        newer.chores().refresh(NOW)
    assert newer.chores().join().problem is None
    for attempt in (lambda: sink.process([batch], NOW), lambda: chores.refresh(NOW)):
        with pytest.raises(OtherCatalogueError, match="another catalogue rules"):
            attempt()
    assert chores.join().problem is not None
    newer.chores().refresh(NOW)
    # The next start of the first joins in again only with the newer one.
    assert given(newer.catalogue).chores().join().problem is None


def test_a_dump_that_goes_on_does_not_stop_the_workers(
    store: Store, given: Callable[[Catalogue], Store]
) -> None:
    """A newer catalogue that cannot take over yet gives up soon, and waiters behind it go on."""
    store.chores().join()
    newer = given(
        replace(store.catalogue, version=store.catalogue.version + 1, digest="newer")
    ).chores()
    with closing(psycopg2.connect(store.url)) as dump:
        dump.cursor().execute("LOCK TABLE voc.installation IN ACCESS SHARE MODE")
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="lock timeout"):
            newer.join()
        assert time.monotonic() - started < 10
        store.chores().refresh(NOW)
    assert newer.join().problem is None


def test_an_experience_is_renamed_with_its_history(
    store: Store, given: Callable[[Catalogue], Store]
) -> None:
    """What was counted, what waits, and what comes in with either name is one.

    A rebuild from the stored events finds no difference.
    """
    before = replace(
        store.catalogue,
        churn=replace(store.catalogue.churn, attitude_experience=None, outcome_experience=None),
    )
    old = given(before)
    assert old.chores().join().problem is None
    events = [
        touchpoint("t-1", experience="repair_quality", score=3),
        callback(
            "c-1", answers=[{"item": "repair_quality", "score": 9}, {"item": "overall", "score": 5}]
        ),
        complaint("k-1", category="repair_quality"),
    ]
    values = [message(event) for event in events]
    sink = old.sink(0)
    send(sink, values)
    old.chores().refresh(NOW)
    waiting = [message(touchpoint("t-2", experience="repair_quality", score=1, customer_id="u-2"))]
    send(sink, waiting)
    new = given(renamed(before, "repair_quality", "workmanship"))
    assert new.chores().join().problem is None
    later = [
        message(touchpoint("t-3", experience="workmanship", score=2)),
        message(touchpoint("t-4", experience="repair_quality", score=4)),
        # A profile moves what was folded before, also from bodies with the old name.
        message(customer("p-1", segment="gold", region="north")),
    ]
    send(new.sink(), later)
    new.chores().refresh(NOW)
    sums = "SELECT sum(n), sum(score_sum) FROM experience_daily WHERE experience = %s"
    assert new.ask(sums, "workmanship") == [(5, 1900)]
    assert new.ask(sums, "repair_quality") == [(None, None)]
    assert new.ask(
        "SELECT n FROM rolling_satisfaction WHERE horizon = '30d' AND scope_type = 'all'"
        " AND experience = 'workmanship'"
    ) == [(5,)]
    assert new.ask("SELECT category FROM complaint") == [("workmanship",)]
    assert new.ask("SELECT aliases FROM experience WHERE experience = 'workmanship'") == [
        (["repair_quality"],)
    ]
    assert new.ask("SELECT FROM experience WHERE experience = 'repair_quality'") == []
    new.chores().assess_churn(NOW)
    report = rebuild(new.url, new.catalogue, lambda *_: None)
    assert {table.table: table.differing for table in report.tables if table.differing} == {}
    # The complaint goes on, and keeps its category.
    send(new.sink(), [message(complaint("k-2", action="resolved"))])
    assert new.ask("SELECT category, state FROM complaint") == [("workmanship", "resolved")]


def test_every_table_that_names_experiences_is_renamed() -> None:
    """A table that is forgotten would keep the history under a name that nothing reads any more."""
    naming = {
        table.name
        for table in metadata.tables.values()
        if {"experience", "category"} & set(table.columns.keys())
    } | {"increment"}  # where they are packed
    statements: list[str] = []

    class Told:
        def execute(self, statement: str, names: object = None) -> None:  # noqa: ARG002  as psycopg2 has it
            statements.append(statement)

        def fetchall(self) -> list[tuple[str, str]]:
            return []

    rename_experiences(Told(), {"old": "new"})  # type: ignore[arg-type]  # all that is asked of a cursor
    assert {
        name
        for name in naming
        if any(re.search(rf"(UPDATE|FROM) {name}\b", statement) for statement in statements)
    } == naming


def test_names_that_meet_are_added_up(store: Store, given: Callable[[Catalogue], Store]) -> None:
    """If the new name was used before the old one became its alias, both are one from then on."""
    before = replace(
        store.catalogue,
        churn=replace(store.catalogue.churn, attitude_experience=None, outcome_experience=None),
    )
    old = given(before)
    old.chores().join()
    send(
        old.sink(0),
        [
            message(touchpoint("t-1", experience="repair_quality", score=3)),
            message(touchpoint("t-2", score=8)),
        ],
    )
    old.chores().refresh(NOW)
    experiences = {key: one for key, one in before.experience.items() if key != "repair_quality"}
    merged = replace(
        before,
        version=before.version + 1,
        digest="merged",
        alias={"repair_quality": "overall"},
        experience=experiences,
    )
    new = given(merged)
    new.chores().join()
    new.chores().refresh(NOW)
    assert new.ask(
        "SELECT n, experience_mean FROM rolling_satisfaction WHERE horizon = '30d'"
        " AND scope_type = 'all'"
    ) == [(2, 5.5)]
    new.chores().assess_churn(NOW)
    assert rebuild(new.url, new.catalogue, lambda *_: None).differing == 0


def test_alerts_go_with_the_name(store: Store, given: Callable[[Catalogue], Store]) -> None:
    """An open alert goes on under the new name.

    If there are two, the alert of the old name stays behind, to end as no longer watched.
    """
    store.chores().join()
    for number, (site, experience) in enumerate(
        [("s-1", "repair_quality"), ("s-2", "repair_quality"), ("s-2", "workmanship")]
    ):
        store.ask(
            "INSERT INTO alert (alert_id, rule, experience, scope_type, scope, severity,"
            " started_at, evidence, summary, updated_at)"
            " VALUES (%s, 'VocExperienceBelowExpectation', %s, 'site', %s, 'warning', now(), '{}',"
            " 'Low. / 低。', now())",
            f"a-{number}",
            experience,
            site,
        )
        store.ask(
            "INSERT INTO detector VALUES"
            " ('site', %s, %s, 1, 1, 1, now(), NULL, NULL, '', '[]', '[]')",
            site,
            experience,
        )
    new = given(renamed(store.catalogue, "repair_quality", "workmanship"))
    new.chores().join()
    assert new.ask("SELECT alert_id, experience FROM alert ORDER BY 1") == [
        ("a-0", "workmanship"),
        ("a-1", "repair_quality"),
        ("a-2", "workmanship"),
    ]
    # They are computed anew from hours and days, which bear the new name.
    assert new.ask("SELECT scope, experience FROM detector") == []


def test_what_is_learned_goes_with_the_name(
    store: Store, given: Callable[[Catalogue], Store]
) -> None:
    """Products of answers, bands and grams are as if the new name had been said from the start.

    The new name stands before the name of the outcome, the old one behind it.
    """
    send(
        store.sink(0),
        messages(
            [
                *answered_together(6),
                complaint("k-1", category="repair_quality", text="noise"),
                complaint("k-2", complaint_id="q-2", text="noise"),
            ]
        ),
    )
    store.chores().join()
    store.chores().refresh(NOW)
    catalogue = replace(
        renamed(store.catalogue, "repair_quality", "handiwork"), churn=store.catalogue.churn
    )
    new = given(catalogue)
    new.chores().join()
    assert new.ask("SELECT first, second, n FROM answer_product WHERE scope_type = 'all'") == [
        ("handiwork", "overall", 6)
    ]
    assert new.ask("SELECT DISTINCT category FROM complaint_gram ORDER BY 1") == [
        ("",),
        ("handiwork",),
    ]
    new.chores().refresh(NOW)
    new.chores().assess_churn(NOW)
    assert rebuild(new.url, catalogue, lambda *_: None).differing == 0
