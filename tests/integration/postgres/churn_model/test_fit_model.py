from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import expm1
from typing import TYPE_CHECKING

import pytest
from integration.postgres.churn_model.lives import MAJOR, MONTH, NOW, Interval, lives, put_lives

from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.churn_model.active import active_risk_model
from voc_stream.postgres.churn_model.fit_model import Fitted, HistoriesMissingError, fit_model
from voc_stream.postgres.churn_model.history import names_of, read_cells, read_groups
from voc_stream.postgres.session.locks import Lock, try_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from integration.postgres.store import Store

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
STATED = 0.3


def fitted(store: Store, now: datetime = NOW) -> Fitted | None:
    with store.chores().transaction() as cursor:
        return fit_model(cursor, store.catalogue, now)


def cells_of(intervals: Sequence[Interval], until: datetime) -> dict[int, tuple[int, float]]:
    """Leavers and months of the time until then, counted customer by customer."""
    found = {}
    for signals in {one.signals for one in intervals}:
        some = [one for one in intervals if one.signals == signals and one.since < until]
        ends = [until if one.until is None else min(one.until, until) for one in some]
        found[signals] = (
            sum(one.left and one.until is not None and one.until < until for one in some),
            sum((end - one.since) / MONTH for one, end in zip(some, ends, strict=True)),
        )
    return found


def test_cells_of_any_month_are_exact(store: Store) -> None:
    """The sums of what is over and the time of what is open are all time until then."""
    intervals = lives(400, 0.02, 4.0)
    put_lives(store, intervals, risk=STATED, version="tarp-2")
    with store.chores().transaction() as cursor:
        for until in (datetime(2024, 6, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC), UNTIL):
            found = {cell.key.signals: cell[1:] for cell in read_cells(cursor, until)}
            expected = cells_of(intervals, until)
            assert found.keys() == {names_of(signals) for signals in expected}
            for signals, (leavers, months) in expected.items():
                cell = found[names_of(signals)]
                assert cell[0] == leavers
                assert cell[1] == pytest.approx(months, rel=1e-9)


def test_groups_are_who_was_there_and_who_left_in_time(store: Store) -> None:
    """Whoever left before the landmark is not there; who leaves after the horizon stays."""
    intervals = lives(400, 0.02, 4.0)
    put_lives(store, intervals, risk=STATED, version="tarp-2")
    landmark, end = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 8, 30, tzinfo=UTC)
    gone = {one.customer_id: one.until for one in intervals if one.left and one.until}
    with store.chores().transaction() as cursor:
        active = active_risk_model(cursor, store.catalogue)
        groups = read_groups(cursor, landmark, 90, active)
    for signals in (0, MAJOR):
        there = [
            one.customer_id
            for one in intervals
            if one.signals == signals
            and one.since <= landmark
            and (one.until is None or one.until > landmark)
        ]
        (group,) = [each for each in groups if each.key.signals == names_of(signals)]
        left = [each for each in there if each in gone and landmark < gone[each] <= end]
        assert (group.customers, group.left) == (len(there), len(left))
        # The stated risk of a year, as one of 90 days at the same hazard.
        assert group.active_risk == pytest.approx(1 - (1 - STATED) ** (90 / 365.25), rel=1e-9)


def test_a_model_of_the_tables_finds_what_is_true_and_takes_over(store: Store) -> None:
    """Hazard and multiplier lie within their intervals; the gate lets it, and everybody waits."""
    put_lives(store, lives(6000, 0.02, 4.0), risk=STATED, version="tarp-2")
    outcome = fitted(store)
    assert outcome is not None
    assert outcome.until == UNTIL
    model = outcome.learned.model
    assert abs(model.multipliers["open_complaint_major"] - 4.0) < 4.0 * 0.1
    assert abs(model.hazards_per_month[0] - 0.02) < 0.02 * 0.1
    assert outcome.is_active, outcome.learned.verdict
    ((state, parameters, evaluation),) = store.ask(
        "SELECT state, parameters, evaluation FROM churn_model WHERE version = %s", outcome.version
    )
    assert state == "active"
    assert parameters["hazards_per_month"] == list(model.hazards_per_month.values())
    assert evaluation["active_version"] == "tarp-2"
    with store.chores().transaction() as cursor:
        active = active_risk_model(cursor, store.catalogue)
    assert (active.version, active.is_fitted) == (outcome.version, True)


def test_a_model_of_chance_is_refused(store: Store) -> None:
    """The active model says what is true already, so nobody's risk changes."""
    put_lives(store, lives(3000, 0.02, 1.0), risk=-expm1(-0.02 * 12), version="tarp-2")
    outcome = fitted(store)
    assert outcome is not None
    assert not outcome.is_active
    assert store.ask("SELECT state FROM churn_model") == [("refused",)]
    with store.chores().transaction() as cursor:
        assert not active_risk_model(cursor, store.catalogue).is_fitted


def test_a_second_fit_of_a_month_has_a_version_of_its_own(store: Store) -> None:
    """Each fit is kept."""
    put_lives(store, lives(50, 0.02, 1.0), risk=STATED, version="tarp-2")
    for _ in range(2):
        fitted(store)
    assert store.ask("SELECT version FROM churn_model ORDER BY 1") == [
        ("fitted-2026-01-01",),
        ("fitted-2026-01-01-2",),
    ]


def test_a_worker_fits_once_a_month_unless_told_otherwise(store: Store) -> None:
    """What has learned from the month is enough; another month is learned from again."""
    put_lives(store, lives(50, 0.02, 1.0), risk=STATED, version="tarp-2")
    with closing(PostgresChores(store.url, store.catalogue, fits_churn_model=False)) as without:
        assert without.fit_churn(NOW) is None
    chores = store.chores()
    assert [chores.fit_churn(NOW + timedelta(days=days)) for days in (0, 20, 30)] == [
        "fitted-2026-01-01",
        None,
        "fitted-2026-02-01",
    ]


def test_while_another_worker_fits_nobody_else_does(store: Store) -> None:
    """The lock of the churn model is held until the end of the fit."""
    put_lives(store, lives(50, 0.02, 1.0), risk=STATED, version="tarp-2")
    with store.chores().transaction() as cursor:
        assert try_lock(cursor, Lock.CHURN_MODEL)
        assert store.chores().fit_churn(NOW) is None


def test_without_customers_there_is_no_model(store: Store) -> None:
    """No data means the catalogue, and no row."""
    assert fitted(store) is None
    assert store.ask("SELECT FROM churn_model") == []
    put_lives(store, lives(5, 0.02, 1.0), risk=STATED, version="tarp-2")
    assert fitted(store, datetime(2024, 1, 20, tzinfo=UTC) - timedelta(days=60)) is None


def test_a_fit_waits_until_histories_are_known(store: Store) -> None:
    """After an upgrade nobody has been walked through: a model of some of them would be wrong."""
    store.ask("INSERT INTO churn_walk SELECT n, '-infinity', false FROM generate_series(1, 9) n")
    with pytest.raises(HistoriesMissingError, match="9 of 9 customers"):
        fitted(store)
    assert store.one("SELECT count(*) FROM churn_model") == 0
