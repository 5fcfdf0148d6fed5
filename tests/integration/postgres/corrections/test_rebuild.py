from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import START, at, event_lists, in_two_spellings, messages, touchpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.crowd import crowd
from integration.postgres.settings import in_one_database
from integration.postgres.store import NOW, send, send_as_a_worker_does

from voc_stream.domain.horizons import PANES_KEPT
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.cells.schemas import schemas_of
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.schema.sums import SUMS

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.corrections.rebuild import RebuildReport

VALUES = messages(crowd(80))
GHOST = """'{"customer_id":"ghost"}'"""


# Those that a clock that was ahead may have cost are not compared.
KEPT_PANES = (
    " WHERE n <> 0 AND ("
    + " OR ".join(
        f"resolution = {width // timedelta(minutes=1)} AND start >= (SELECT max(as_of) FROM"
        f" rolling_clock) - interval '{kept.days} days'"
        for width, kept in PANES_KEPT.items()
    )
    + ")"
)


def nothing(done: int, of: int) -> None:
    """Hear of progress."""


def run(store: Store) -> RebuildReport:
    return rebuild(store.url, store.catalogue, nothing)


@pytest.fixture
def filled(store: Store) -> Store:
    """A store that has taken in all events and is up to date as of NOW."""
    send(store.sink(), VALUES)
    _refresh(store)
    return store


def _refresh(store: Store) -> None:
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)


@settings(in_one_database, max_examples=4)
@given(
    st.lists(
        st.tuples(event_lists(10), st.timedeltas(START - START, (NOW - START) / 4)),
        min_size=1,
        max_size=4,
    )
)
def test_nothing_differs_after_any_history(
    store: Store, rounds: list[tuple[list[Event], timedelta]]
) -> None:
    """Batches and refreshes at any moments leave the right tables.

    They are the very tables that the stored events give anew.
    """
    store.clear()
    sink, chores = store.sink(0), store.chores()
    as_of, count = START, 0
    for number, (drawn, passed) in enumerate(rounds):
        if drawn:
            events = [
                {**event, "event_id": f"{number}-{event['event_id']}"}
                for event in in_two_spellings(drawn)
            ]
            send(sink, messages(events))
        as_of += passed
        chores.refresh(as_of)
        chores.assess_churn(as_of)
        count += len(drawn)
    report = run(store)
    assert [table for table in report.tables if table.differing] == []
    assert report.events == count


def test_a_risk_that_other_facts_give_again_is_no_difference(store: Store) -> None:
    """A row that was found again is not written, so it is compared as of a moment after that.

    A late event shows that the customer was not yet silent when the row was written.
    """
    sink, chores, later = store.sink(0), store.chores(), START + timedelta(days=230)
    send(sink, messages([touchpoint("t-1")]))
    chores.assess_churn(START + timedelta(days=200))
    send(sink, messages([touchpoint("t-2", occurred_at=at(days=45))]), now=later)
    chores.refresh(later)
    chores.assess_churn(later, everyone=True)
    assert store.one("SELECT as_of FROM churn_risk") == START + timedelta(days=200)
    assert run(store).differing == 0


def test_pending_work_is_no_difference(store: Store) -> None:
    """What the chores have not merged or assessed yet is taken in first."""
    send(store.sink(), VALUES)
    report = run(store)
    assert report.differing == 0
    store.assert_as_expected(
        VALUES, names=["repair_order", "complaint", "customer", "experience_daily"]
    )


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("repair_order", "UPDATE repair_order SET final_amount = 12345 WHERE order_id = 'o-1'"),
        (
            "repair_order",
            "UPDATE repair_order SET fold_state = '{\"order_id\": \"o-1\"}' WHERE order_id = 'o-1'",
        ),
        ("repair_order", "DELETE FROM repair_order WHERE order_id = 'o-1'"),
        (
            "complaint",
            (
                "UPDATE complaint SET state = 'closed', version = version + 7 WHERE complaint_id ="
                " 'q-1'"
            ),
        ),
        ("complaint", "DELETE FROM complaint WHERE complaint_id = 'q-1'"),
        ("customer", "UPDATE customer SET segment = 'platinum' WHERE customer_id = 'u-1'"),
        (
            "customer",
            (
                f"INSERT INTO customer (customer_id, version, fold_state)"
                f" VALUES ('ghost', 1, {GHOST})"
            ),
        ),
        (
            "churn_risk",
            (
                "UPDATE churn_risk SET risk = 0.5 WHERE customer_id = (SELECT min(customer_id) FROM"
                " churn_risk)"
            ),
        ),
        (
            "churn_risk",
            "DELETE FROM churn_risk WHERE customer_id = (SELECT min(customer_id) FROM churn_risk)",
        ),
        (
            "churn_risk",
            (
                "INSERT INTO churn_risk SELECT 'ghost', risk, band, drivers, 1, model_version,"
                " as_of"
                " FROM churn_risk LIMIT 1"
            ),
        ),
        (
            "experience_daily",
            (
                "UPDATE experience_cube SET score_sum = score_sum + 1 WHERE ctid = (SELECT"
                " min(ctid)"
                " FROM experience_cube)"
            ),
        ),
        (
            "experience_daily",
            (
                "UPDATE experience_cube SET bin_3 = coalesce(bin_3, 0) + 1 WHERE ctid ="
                " (SELECT min(ctid) FROM experience_cube)"
            ),
        ),
        (
            "experience_daily",
            "DELETE FROM experience_cube WHERE ctid = (SELECT min(ctid) FROM experience_cube)",
        ),
        (
            "pane",
            (
                "UPDATE pane SET top_n = top_n + 1 WHERE ctid = (SELECT max(ctid) FROM pane WHERE"
                " resolution = 1440)"
            ),
        ),
        (
            "pane",
            "DELETE FROM pane WHERE ctid = (SELECT max(ctid) FROM pane WHERE resolution = 1440)",
        ),
        (
            "rolling_satisfaction",
            (
                "UPDATE rolling_sum SET score_sum = score_sum + 100 WHERE ctid = (SELECT min(ctid)"
                " FROM"
                " rolling_sum)"
            ),
        ),
        (
            "rolling_satisfaction",
            "DELETE FROM rolling_sum WHERE ctid = (SELECT min(ctid) FROM rolling_sum)",
        ),
        (
            "rolling_satisfaction",
            (
                "INSERT INTO rolling_sum SELECT '30d', 'site', 'ghost', 'overall', 1, 1, 1, 0, 0,"
                " 0, 0,"
                " 0, 0"
            ),
        ),
    ],
)
def test_a_difference_is_found_in_its_table_and_repaired(
    filled: Store, table: str, statement: str
) -> None:
    """A changed, lost or invented row is counted where it is.

    Afterwards the tables are right and nothing differs.
    """
    filled.ask(statement)
    found = {one.table: one.differing for one in run(filled).tables}
    assert found[table] == 1, found
    # A risk that was repaired is as of the last moment at which it holds, which is after NOW.
    filled.ask("UPDATE churn_risk SET as_of = least(as_of, %s)", NOW)
    filled.assert_as_expected(VALUES)
    assert run(filled).differing == 0


def test_detectors_hear_anew_what_was_replaced(filled: Store) -> None:
    """Where they stand comes from the sums before. If nothing differed, they go on."""
    assert filled.chores().evaluate(NOW) is not None
    assert filled.one("SELECT count(*) FROM detector_clock") == 1
    assert run(filled).differing == 0
    assert filled.one("SELECT count(*) FROM detector_clock") == 1
    filled.ask("UPDATE pane SET n = n + 1")
    assert run(filled).differing > 0
    assert filled.one("SELECT count(*) FROM detector_clock") == 0


def test_intervals_are_compared_as_wide_as_days_differ(filled: Store) -> None:
    """A rebuild computes no detectors: the phi of the live ones widens the intervals of both."""
    narrow = filled.ask("SELECT scope, ci_low FROM rolling_satisfaction WHERE horizon = '30d'")
    filled.ask(
        "INSERT INTO detector SELECT DISTINCT ON (scope_type, scope) scope_type, scope, experience,"
        " 100, 8.0, 4.0, %s, NULL, NULL, '', '{}', '{}' FROM rolling_sum"
        " WHERE scope_type IN ('all', 'site') RETURNING 1",
        NOW,
    )
    wide = filled.ask("SELECT scope, ci_low FROM rolling_satisfaction WHERE horizon = '30d'")
    assert wide != narrow
    assert run(filled).differing == 0


def test_the_report_counts_rows_and_tells_of_progress(filled: Store) -> None:
    """Every table is named with its rows, and progress ends with all events."""
    heard: list[tuple[int, int]] = []
    report = rebuild(filled.url, filled.catalogue, lambda done, of: heard.append((done, of)))
    assert heard[-1] == (80, 80)
    assert report.events == 80
    for one in report.tables:
        assert one.rows == filled.one(
            f"SELECT count(*) FROM {one.table}" + (KEPT_PANES if one.table == "pane" else "")
        ), one
    assert (
        filled.one(
            "SELECT count(*) FROM pg_namespace WHERE nspname = %s", schemas_of(filled.url).scratch
        )
        == 0
    )


def test_a_worker_writes_on_while_and_after_tables_are_replaced(store: Store) -> None:
    """It waits, reads the replaced rows anew, and everything counts once."""
    send(store.sink(), VALUES[:20])
    _refresh(store)
    sink = store.sink(1)
    batches = [VALUES[first : first + 6] for first in range(20, 80, 6)]
    writing = threading.Thread(target=send_as_a_worker_does, args=(sink, batches, 1))
    writing.start()
    rounds = 0
    try:
        while writing.is_alive() or rounds < 2:
            store.ask(
                f"INSERT INTO experience_cube (day, cell, experience, {', '.join(SUMS)})"
                f" SELECT '2020-01-01', min(cell), 'ghost', 1{', 0' * 6} FROM cube_cell"
            )
            assert run(store).differing == 1
            rounds += 1
    finally:
        writing.join()
    _refresh(store)
    store.assert_as_expected(
        VALUES,
        names=[
            "touchpoint_event",
            "repair_order",
            "complaint",
            "experience_daily",
            "rolling_satisfaction",
        ],
    )


def test_a_server_that_is_not_there_is_unavailable(catalogue: Catalogue) -> None:
    """The error is the one that commands know how to tell."""
    with pytest.raises(StoreUnavailableError):
        rebuild("postgresql://voc@127.0.0.1:1/voc", catalogue, nothing)
