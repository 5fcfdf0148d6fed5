"""What stands in the tables after clocks were ahead for a while.

PostgreSQL's clock and the workers', both alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from builders import messages, touchpoint
from integration.postgres.alerting.judged import Judged
from integration.postgres.store import send

from voc_stream.pipeline.clocks import LARGEST_LEAP
from voc_stream.pipeline.ports import AlertMessage
from voc_stream.postgres.alerting import evaluator as evaluation
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.rolling import refresh
from voc_stream.postgres.session.server_clock import ClockError

if TYPE_CHECKING:
    from collections.abc import Callable

    from integration.postgres.store import Store

ROLLING = ["rolling_satisfaction", "experience_daily"]
MINUTE = timedelta(minutes=1)


def touchpoints(now: datetime, name: str, count: int = 60) -> list[bytes]:
    """Scores of the last weeks, most of them recent."""
    return messages(
        touchpoint(
            f"{name}-{number}",
            occurred_at=(now - number * number * 7 * MINUTE).isoformat(),
            score=number % 11,
            site_id="s-1",
        )
        for number in range(count)
    )


@pytest.fixture
def set_ahead(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Moves the clock that the server shows to the chores; zero sets it right."""

    def set_ahead(by: timedelta) -> None:
        monkeypatch.setattr(refresh, "require_clock", lambda _, moment: moment)
        monkeypatch.setattr(evaluation, "require_clock", lambda _, moment: moment)
        if not by:
            monkeypatch.undo()

    return set_ahead


@pytest.mark.parametrize(
    "ahead", [timedelta(minutes=20), timedelta(hours=7), timedelta(days=1), LARGEST_LEAP - MINUTE]
)
def test_the_next_refresh_mends_a_clock_that_was_ahead(
    store: Store, set_ahead: Callable[[timedelta], None], ahead: timedelta
) -> None:
    """Everything is exact again, with what came in meanwhile and what comes in afterwards."""
    now = datetime.now(UTC)
    sink, values = store.sink(0), touchpoints(now, "a")
    send(sink, values, now=now)
    store.chores().refresh(now)
    set_ahead(ahead)
    meanwhile = touchpoints(now, "b", 30)
    send(sink, meanwhile, now=now)
    store.chores().refresh(now + ahead)
    store.chores().refresh(now + ahead)  # a new process purges at its first call
    set_ahead(timedelta(0))
    assert store.chores().read_clocks().stored_ahead > timedelta(minutes=5)
    last = touchpoints(now, "c", 30)
    send(sink, last, now=now)
    store.chores().refresh(now + MINUTE)
    store.assert_as_expected(
        [*values, *meanwhile, *last], now + MINUTE, names=ROLLING, received_at=now
    )
    assert store.chores().read_clocks().stored_ahead <= MINUTE
    assert rebuild(store.url, store.catalogue, lambda *_: None).differing == 0


def test_a_rebuild_mends_a_clock_that_was_a_year_ahead(
    store: Store, set_ahead: Callable[[timedelta], None]
) -> None:
    """No refresh goes on with tables whose panes are gone: it says what to do.

    The rebuild finds what is missing.
    """
    now = datetime.now(UTC)
    sink, values = store.sink(0), touchpoints(now, "a")
    send(sink, values, now=now)
    store.chores().refresh(now)
    store.chores().assess_churn(now)
    set_ahead(timedelta(days=500))
    store.chores().refresh(now + timedelta(days=500))
    store.chores().refresh(now + timedelta(days=500))
    store.chores().assess_churn(now + timedelta(days=500))
    set_ahead(timedelta(0))
    with pytest.raises(ClockError, match="voc-stream rebuild"):
        store.chores().refresh(now)
    assert rebuild(store.url, store.catalogue, lambda *_: None).differing > 0
    as_of = store.one("SELECT max(as_of) FROM rolling_clock")
    store.assert_as_expected(values, as_of, names=ROLLING, received_at=now)
    assert store.one("SELECT max(as_of) FROM churn_risk") <= as_of
    later = as_of + MINUTE
    store.chores().refresh(later)
    store.assert_as_expected(values, later, names=ROLLING, received_at=now)
    assert rebuild(store.url, store.catalogue, lambda *_: None).differing == 0


def test_risks_of_the_future_are_assessed_again(store: Store) -> None:
    """Else a customer who seemed silent for a year stays at risk until that year has passed."""
    now = datetime.now(UTC)
    send(store.sink(0), touchpoints(now, "a", 5), now=now)
    store.chores().assess_churn(now)
    right = store.one("SELECT risk FROM churn_risk")
    store.chores().assess_churn(now + timedelta(days=500))
    assert store.one("SELECT risk FROM churn_risk") != right
    store.chores().assess_churn(now)
    assert store.one("SELECT max(as_of) FROM churn_risk") == now
    assert store.one("SELECT risk FROM churn_risk") == right


def test_alerts_go_on_after_an_evaluation_that_was_ahead(
    store: Store, set_ahead: Callable[[timedelta], None]
) -> None:
    """The evaluation is as old as it is, so that Prometheus notices when it stops.

    No alert lies in the future, no message is held.
    """
    judged = Judged(store, sites=("s-1",))
    judged.past(days=2)
    set_ahead(timedelta(days=500))
    chores = store.chores()
    store.ask("UPDATE rolling_clock SET as_of = now() + interval '500 days'")
    chores.evaluate(datetime.now(UTC) + timedelta(days=500))
    store.ask(
        "INSERT INTO alert (alert_id, rule, scope_type, scope, severity, started_at, evidence,"
        " summary, updated_at)"
        " VALUES ('a-1', 'VocComplaintSurge', 'site', 's-1', 'warning', now() + interval '500"
        " days', '{}', '', now() + interval '500 days')"
    )
    store.ask(
        "INSERT INTO outbox (kind, alert_id, message, claimed_at, claimed_by)"
        " VALUES ('alert', 'a-1', '{}', now() + interval '500 days', 'another')"
    )
    store.ask(
        "INSERT INTO risk_daily VALUES ((now() + interval '500 days')::date, 1, 1, 'v', now() +"
        " interval '500 days')"
    )
    set_ahead(timedelta(0))
    store.ask("UPDATE rolling_clock SET as_of = now()")
    assert store.one("SELECT as_of > now() + interval '499 days' FROM evaluation_clock")
    chores.evaluate(datetime.now(UTC))
    assert store.one("SELECT greatest(as_of, evaluated_at) <= now() FROM evaluation_clock")
    assert store.one("SELECT max(greatest(started_at, updated_at)) <= now() FROM alert")
    assert store.one("SELECT count(*) FROM risk_daily WHERE day > current_date") == 0
    assert store.chores().claim_messages("alert", 10) == [
        AlertMessage(store.one("SELECT number FROM outbox"), "a-1", b"{}")
    ]
