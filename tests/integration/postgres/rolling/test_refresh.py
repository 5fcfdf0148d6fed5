from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import START, at, event_lists, message, messages, repair_step, touchpoint
from comparison import assert_tables_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.crowd import crowd
from integration.postgres.settings import in_one_database
from integration.postgres.store import CATALOGUE, NOW, send
from oracle import expected_tables

from voc_stream.domain.dimensions import SCOPE_TYPES, SITES
from voc_stream.domain.horizons import PANES_KEPT
from voc_stream.pipeline.clocks import LARGEST_LEAP
from voc_stream.pipeline.ports import StoreGaveUpError
from voc_stream.postgres.chores import refresh_tables
from voc_stream.postgres.rolling import refresh
from voc_stream.postgres.rolling.refreshes import OF_SITES
from voc_stream.postgres.session.server_clock import ClockError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builders import Event
    from comparison import Table
    from integration.postgres.store import Store

    from voc_stream.postgres.rolling.refreshes import Refresh
    from voc_stream.postgres.session.cursor import Cursor

    Round = tuple[list[Event], timedelta, bool]

INSTANT = timedelta(microseconds=1)
ROLLING = ["rolling_satisfaction", "experience_daily"]
# From one refresh to the next: within a pane, by a pane, by an hour, by a day, past a horizon, past
# the keeping of panes.
STEPS = st.sampled_from(
    [
        INSTANT,
        timedelta(minutes=5),
        timedelta(hours=1),
        timedelta(days=1),
        timedelta(days=8),
        timedelta(days=41),
    ]
)
ROUNDS = st.tuples(event_lists(6), STEPS, st.booleans())


def horizons(store: Store, scope_type: str = "all") -> set[str]:
    return {
        name
        for (name,) in store.ask(
            "SELECT horizon FROM rolling_satisfaction WHERE scope_type = %s", scope_type
        )
    }


@settings(in_one_database, max_examples=10)
@given(
    st.lists(ROUNDS, min_size=2, max_size=6),
    st.sampled_from([START, START + timedelta(days=13, hours=5)]),
)
def test_rolling_tables_are_exact_at_every_refresh(
    store: Store, rounds: list[Round], begin: datetime
) -> None:
    """Each refresh shows exactly its own horizons as time moves on.

    Events are early, late, or there are none.

    Sites do so at each refresh, the other scopes and the cube at those that include details.
    """
    store.clear()
    sink, chores = store.sink(0), store.chores()
    values: list[bytes] = []
    as_of = begin
    for number, (events, passed, details) in enumerate(rounds):
        arrived = messages(
            {**event, "event_id": f"{number}-{event['event_id']}"} for event in events
        )
        if arrived:
            send(sink, arrived)
        values += arrived
        as_of += passed
        chores.refresh(as_of) if details else chores.refresh_sites(as_of)
        assert_rolling(store, values, as_of, SCOPE_TYPES if details else SITES)
        if details:
            store.assert_as_expected(values, names=["experience_daily"])


def assert_rolling(
    store: Store, values: list[bytes], as_of: datetime, scope_types: Sequence[str]
) -> None:
    """The rolling table is the oracle's, of these scope types."""

    def of_these(tables: Mapping[str, Table]) -> dict[str, Table]:
        return {
            "rolling_satisfaction": {
                key: row
                for key, row in tables["rolling_satisfaction"].items()
                if key[1] in scope_types
            }
        }

    assert_tables_equal(
        of_these(expected_tables(values, CATALOGUE, as_of, NOW)), of_these(store.tables())
    )


@pytest.mark.parametrize(
    ("horizon", "length"),
    [
        ("1h", timedelta(hours=1)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("30d", timedelta(days=30)),
        ("90d", timedelta(days=90)),
    ],
)
def test_an_event_leaves_a_horizon_though_nothing_else_happens(
    store: Store, horizon: str, length: timedelta
) -> None:
    """Time alone lowers the counts; what has no events any more has no row."""
    midnight = START.replace(hour=0)
    store.take_in(touchpoint(occurred_at=midnight.isoformat()))
    chores = store.chores()
    chores.refresh(midnight + length - INSTANT)
    assert horizon in horizons(store)
    chores.refresh(midnight + length)
    assert horizon not in horizons(store)


def test_an_event_of_the_future_enters_when_its_time_comes(store: Store) -> None:
    """A follow-up that falls due in 72 hours counts from then on, without another event."""
    store.take_in(repair_step(stage="delivery", edge="exit"))
    chores = store.chores()
    statement = (
        "SELECT count(*) FROM rolling_satisfaction WHERE experience = 'follow_up_72h'"
        " AND horizon = '1h'"
    )
    chores.refresh(START + timedelta(hours=72) - INSTANT)
    assert store.one(statement) == 0
    chores.refresh(START + timedelta(hours=72))
    assert store.one(statement) == 2  # in all and at its site


def test_what_a_horizon_jumps_over_is_not_subtracted(store: Store) -> None:
    """An event that lay ahead lies behind after a standstill.

    It was never in the shorter horizons, and must not be taken out of them.
    """
    value = message(repair_step(stage="delivery", edge="exit"))
    send(store.sink(), [value])
    store.chores().refresh(START)
    later = START + timedelta(days=40)
    store.chores().refresh(later)
    store.assert_as_expected([value], later, names=ROLLING)
    # Only that nobody came back within 30 days is ten days old.
    assert horizons(store) == {"30d", "90d"}
    first = "SELECT DISTINCT horizon FROM rolling_satisfaction WHERE experience = 'follow_up_72h'"
    assert store.ask(first) == [("90d",)]


def test_the_clock_never_runs_backwards(store: Store) -> None:
    """A worker whose clock is behind refreshes as of the later moment."""
    chores = store.chores()
    chores.refresh(NOW)
    store.take_in(*crowd(30))
    assert chores.refresh(NOW - timedelta(days=20))
    assert store.ask("SELECT DISTINCT as_of FROM rolling_clock") == [(NOW,)]
    store.assert_as_expected(messages(crowd(30)), NOW, names=ROLLING)


def test_one_worker_at_a_time_refreshes(store: Store) -> None:
    """Who finds the lock taken leaves everything as it is, and may try again."""
    store.take_in(*crowd(30))
    chores = store.chores()
    with closing(psycopg2.connect(store.url)) as connection:
        connection.cursor().execute(
            "SELECT FROM voc.lock WHERE name = %s FOR UPDATE", (OF_SITES.lock,)
        )
        assert chores.refresh(NOW) is False
        assert store.one("SELECT count(*) FROM increment") > 0
        connection.rollback()
    assert chores.refresh(NOW) is True
    assert store.one("SELECT count(*) FROM increment") == 0


def test_a_backlog_is_merged_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little one step takes, one call merges all (it has seconds for it)."""
    monkeypatch.setattr(refresh, "MEASURES_A_TIME", 20)
    values, sink = messages(crowd(30)), store.sink()
    for value in values:
        send(sink, [value])
    store.chores().refresh(NOW)
    assert store.one("SELECT count(*) FROM increment") == 0
    store.assert_as_expected(values, names=ROLLING)


def test_what_is_too_much_for_the_server_is_merged_in_parts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is slow, or busy, still gets on with a backlog."""
    values, sink = messages(crowd(30)), store.sink()
    for value in values:
        send(sink, [value])
    merge, asked = refresh.refresh, []

    def slow_refresh(cursor: Cursor, which: Refresh, as_of: datetime, most: int) -> int | None:
        asked.append(most)
        if most > 10:
            raise StoreGaveUpError("no answer in time")
        return merge(cursor, which, as_of, most)

    monkeypatch.setattr(refresh, "MEASURES_A_TIME", 40)
    monkeypatch.setattr(refresh, "refresh", slow_refresh)
    chores = store.chores()
    for _ in range(2):
        with pytest.raises(StoreGaveUpError):
            chores.refresh_sites(NOW)
    assert chores.refresh_sites(NOW)
    assert asked[:2] == [40, 20]
    assert set(asked[2:]) == {10}
    monkeypatch.undo()
    chores.refresh(NOW)
    store.assert_as_expected(values, names=ROLLING)


def test_much_waits_until_it_has_waited_for_long(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longer increments wait, the more of them share a row: details follow after half a minute.

    Then all is merged, however much it is.
    """
    monkeypatch.setattr(refresh, "FEW_MEASURES", 0)
    chores = store.chores()
    chores.refresh(NOW)
    values = messages(crowd(30))
    send(store.sink(), values)
    store.move_histories()
    as_of = NOW + refresh.DUE_AFTER - INSTANT
    chores.refresh_sites(as_of)
    assert chores.refresh_details(as_of, when_due=True)
    assert store.ask("SELECT * FROM experience_daily") == []
    assert store.one("SELECT as_of FROM rolling_clock WHERE refresh = 'details'") == NOW
    assert_rolling(store, values, as_of, SITES)
    chores.refresh_sites(as_of + INSTANT)
    assert chores.refresh_details(as_of + INSTANT, when_due=True)
    assert store.one("SELECT count(*) FROM increment") == 0
    store.assert_as_expected(values, as_of + INSTANT, names=ROLLING)


def test_little_is_merged_at_once(store: Store) -> None:
    """A quiet shop need not wait."""
    chores = store.chores()
    chores.refresh(NOW)
    store.take_in(*crowd(30))
    store.move_histories()
    chores.refresh_sites(NOW)
    assert chores.refresh_details(NOW, when_due=True)
    store.assert_as_expected(messages(crowd(30)), names=ROLLING)


def test_what_is_taken_back_is_not_merged_before_it_was_added(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little is merged at a time, readers never see a scope with less than nothing."""
    monkeypatch.setattr(refresh, "MEASURES_A_TIME", 2)
    monkeypatch.setattr(refresh_tables, "BUDGET_SECONDS", 0.0)
    chores = store.chores()
    for number in range(6):
        # Each delivery moves to another shop what the order had contributed so far.
        store.take_in(
            repair_step(
                f"r-{number}",
                stage="delivery",
                edge="exit",
                site_id=f"s-{number}",
                occurred_at=at(hours=number),
            )
        )
        chores.refresh_sites(NOW)
        assert (
            store.ask(
                "SELECT * FROM rolling_sum WHERE n < 0 UNION ALL SELECT * FROM rolling_sum"
                " WHERE score_sum < 0"
            )
            == []
        )
        store.ask("SELECT * FROM rolling_satisfaction")
    while store.one("SELECT count(*) FROM increment"):
        chores.refresh(NOW)
    assert store.ask(
        "SELECT DISTINCT scope FROM rolling_satisfaction WHERE scope_type = 'site'"
    ) == [("s-5",)]


def test_a_clock_that_is_far_ahead_moves_nothing(store: Store) -> None:
    """What has left a horizon is not brought back, so a wrong clock is refused, in words."""
    store.take_in(*crowd(30))
    chores = store.chores()
    chores.refresh(NOW)
    with pytest.raises(ClockError, match="set it"):
        chores.refresh(datetime.now(UTC) + timedelta(hours=1))
    store.assert_as_expected(messages(crowd(30)), NOW, names=ROLLING)


def test_details_forget_what_has_left_after_any_standstill(store: Store) -> None:
    """The panes that details have still to take out of their horizons stay until they have."""
    values = messages(crowd(30))
    send(store.sink(), values)
    chores = store.chores()
    chores.refresh(NOW)
    later = NOW + timedelta(days=45)
    store.chores().refresh_sites(later)  # a new process purges at its first call
    chores.refresh(later)
    store.assert_as_expected(values, later, names=ROLLING)


def test_purging_keeps_all_results(store: Store) -> None:
    """Panes past their keeping and sums of nothing are deleted.

    What readers see stays exact, also for events that arrive later still.
    """
    values = messages(crowd(60))
    send(store.sink(), values)
    as_of = START + timedelta(days=60)
    store.chores().refresh(NOW)
    store.chores().refresh(as_of)
    store.chores().refresh(as_of)  # a new process purges at its first call
    for width, kept in PANES_KEPT.items():
        minutes = width // timedelta(minutes=1)
        assert (
            store.one(
                "SELECT count(*) FROM pane WHERE resolution = %s AND start < %s",
                minutes,
                as_of - kept - LARGEST_LEAP,
            )
            == 0
        )
    assert store.one("SELECT count(*) FROM pane WHERE resolution = 1440") > 0
    assert store.one("SELECT count(*) FROM rolling_sum WHERE n = 0") == 0
    values += messages(crowd(30, seed=2))
    send(store.sink(), values[60:])
    store.chores().refresh(as_of)
    store.assert_as_expected(values, as_of, names=ROLLING)


def test_what_was_taken_back_entirely_leaves_no_row(store: Store) -> None:
    """No data is not zero: an order that moves to another site counts nothing at the first."""
    store.take_in(repair_step("r-1", stage="delivery", edge="exit"))
    store.chores().refresh(NOW)
    store.take_in(repair_step("r-2", site_id="s-2", occurred_at=at(hours=1)))
    store.chores().refresh(NOW)
    assert store.ask("SELECT DISTINCT site_id FROM experience_daily") == [("s-2",)]
    assert store.ask(
        "SELECT DISTINCT scope FROM rolling_satisfaction WHERE scope_type = 'site'"
    ) == [("s-2",)]
    store.chores().refresh(NOW)  # a new process purges at its first call
    assert store.ask(
        "SELECT DISTINCT site_id FROM experience_cube JOIN cube_cell USING (cell)"
    ) == [("s-2",)]


def test_a_stage_of_years_counts_nothing(store: Store) -> None:
    """A wrong clock when a stage began is shown in the order, and averaged with nothing."""
    values = messages(
        repair_step(f"r-{order}-{edge}", order_id=order, edge=edge, occurred_at=moment)
        for order, began in [("o-1", "2010-01-01T00:00:00Z"), ("o-2", "2024-09-01T00:00:00Z")]
        for edge, moment in [("enter", began), ("exit", at())]
    )
    send(store.sink(), values)
    store.chores().refresh(NOW)
    assert store.ask(
        "SELECT n FROM experience_daily WHERE experience = 'stage_minutes.reception'"
    ) == [(1,)]
    store.assert_as_expected(values, names=[*ROLLING, "repair_order"])


def test_nothing_at_all_has_no_rows(store: Store) -> None:
    """A refresh of nothing sets the clock and nothing else."""
    store.chores().refresh(NOW)
    assert store.ask("SELECT DISTINCT as_of FROM rolling_clock") == [(NOW,)]
    assert horizons(store) == set()
