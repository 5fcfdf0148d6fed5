from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import callback, complaint, repair_step
from integration.postgres.alerting.judged import EMPLOYEES, EXPERIENCE, TODAY, Judged
from msgspec.structs import replace

from voc_stream.catalogue.calendar import SiteCalendar
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.session.locks import Lock
from voc_stream.postgres.session.server_clock import ClockError

if TYPE_CHECKING:
    from integration.postgres.store import Store


def test_before_the_first_refresh_there_is_nothing_to_evaluate(store: Store) -> None:
    """No evaluation is claimed of tables that were never refreshed."""
    assert store.chores().evaluate(TODAY) is None
    assert store.ask("SELECT * FROM evaluation_clock") == []


def test_one_worker_at_a_time_evaluates(store: Store) -> None:
    """Another one leaves it alone, so that no alert starts twice."""
    judged = Judged(store)
    judged.past(days=2)
    with closing(psycopg2.connect(store.url)) as other:
        other.cursor().execute(
            "SELECT FROM voc.lock WHERE name = %s FOR UPDATE", (Lock.EVALUATION,)
        )
        assert store.chores().evaluate(judged.now) is None
    assert store.chores().evaluate(judged.now) is not None


def test_the_evaluation_is_as_old_as_the_tables_it_was_made_from(store: Store) -> None:
    """Rolling tables that are not refreshed any more do not make alerts that look fresh.

    And the time never runs backwards.
    """
    judged = Judged(store)
    judged.past(days=2)
    chores = store.chores()
    chores.evaluate(judged.now + timedelta(minutes=5))
    assert store.one("SELECT as_of FROM evaluation_clock") == judged.now
    chores.evaluate(judged.now - timedelta(minutes=5))
    assert store.one("SELECT as_of FROM evaluation_clock") == judged.now


def test_many_workers_evaluate_no_more_often_than_one(store: Store) -> None:
    """Whoever comes within the interval of another one leaves it alone."""
    judged = Judged(store)
    judged.past(days=2)
    second, interval = store.chores(), timedelta(seconds=15)
    assert second.evaluate(judged.now + timedelta(seconds=5), interval) is None
    assert second.evaluate(judged.now + timedelta(seconds=15), interval) is not None


def test_nothing_ends_and_only_drops_are_looked_for_while_a_backlog_is_read(store: Store) -> None:
    """What was solved hours ago may stand further on in the log."""
    judged = Judged(store, sites=("s-1",))
    judged.take_in(
        [complaint("k-1", occurred_at=(TODAY - timedelta(days=3)).isoformat(), severity="major")]
    )
    judged.find_again()
    assert len(judged.alerts("VocComplaintAgeing")) == 1
    chores = store.chores()
    store.take_in(
        complaint("k-2", occurred_at=TODAY.isoformat(), severity="major", action="resolved"),
        complaint(
            "k-3",
            complaint_id="q-2",
            site_id="s-2",
            occurred_at=(TODAY - timedelta(days=3)).isoformat(),
            severity="major",
        ),
        sink=judged.sink,
        now=judged.now,
    )
    judged.now += timedelta(minutes=2)
    chores.refresh(judged.now)
    chores.evaluate(judged.now, catching_up=True)
    assert [(one["scope"], one["ended_at"]) for one in judged.alerts("VocComplaintAgeing")] == [
        ("s-1", None)
    ]
    judged.take_in([])
    judged.find_again()
    assert [
        (one["scope"], one["ended_at"] is None) for one in judged.alerts("VocComplaintAgeing")
    ] == [("s-1", False), ("s-2", True)]


def test_what_is_found_only_once_is_no_alert(store: Store) -> None:
    """In the midst of a late export, no complaint is told that only looks unanswered.

    Its answer comes some seconds later.
    """
    judged = Judged(store, sites=("s-1",))
    judged.take_in(
        [complaint("k-1", occurred_at=(TODAY - timedelta(days=3)).isoformat(), severity="major")]
    )
    judged.now += timedelta(minutes=1)
    judged.take_in(
        [
            complaint(
                "k-2",
                occurred_at=(TODAY - timedelta(days=2)).isoformat(),
                severity="major",
                action="resolved",
            )
        ]
    )
    assert judged.alerts("VocComplaintAgeing") == []
    judged.take_in(
        [
            complaint(
                "k-3",
                complaint_id="q-2",
                occurred_at=(TODAY - timedelta(days=3)).isoformat(),
                severity="major",
            )
        ]
    )
    judged.now += timedelta(minutes=10)
    judged.take_in([])
    assert judged.alerts("VocComplaintAgeing") == []
    judged.find_again()
    assert len(judged.alerts("VocComplaintAgeing")) == 1


def test_a_worker_with_a_wrong_clock_evaluates_nothing(store: Store) -> None:
    """What a clock that is a day ahead would write into alerts stood there for a day."""
    judged = Judged(store)
    judged.past(days=2)
    with pytest.raises(ClockError, match="the clock of this machine shows"):
        store.chores().evaluate(datetime.now(UTC) + timedelta(days=1))


def test_alerts_that_all_start_at_once_do_start(store: Store) -> None:
    """Evidence is collected for as many as there is time for.

    An incident at every site must not keep any alert from starting.
    """
    judged = Judged(store, sites=tuple(f"s-{number}" for number in range(60)))
    events = [
        judged.event(
            TODAY - timedelta(hours=2, minutes=number), site, "ann", 3, experience="overall"
        )
        for site in judged.sites
        for number in range(20)
    ]
    judged.take_in(events)
    judged.find_again()
    assert len(judged.alerts("VocExperienceBelowExpectation")) == 61


def test_evidence_that_is_collected_at_the_start_stays(store: Store) -> None:
    """Later evaluations renew the numbers, and keep who explains it and what tells it."""
    judged = Judged(store, sites=("s-1",))
    judged.take_in([judged.event(TODAY - timedelta(hours=1), "s-1", "ann", 4) for _ in range(40)])
    judged.find_again()
    before = judged.alerts("VocExperienceBelowExpectation")[1]["evidence"]
    judged.now += timedelta(minutes=6)
    judged.take_in([judged.event(judged.now, "s-1", "ann", 4)])
    after = judged.alerts("VocExperienceBelowExpectation")[1]["evidence"]
    assert (before["n"], after["n"]) == (40, 41)
    assert before["event_ids"]
    assert after["event_ids"] == before["event_ids"]


def test_an_alert_about_what_is_not_judged_any_more_ends(store: Store) -> None:
    """A catalogue in which it is no key experience any more takes its alerts back."""
    judged = Judged(store, sites=("s-1",))
    judged.take_in([judged.event(TODAY, "s-1", "ann", 4) for _ in range(40)])
    judged.find_again()
    experience = store.catalogue.experience[EXPERIENCE]
    others = {**store.catalogue.experience, EXPERIENCE: replace(experience, key=False)}
    with closing(PostgresChores(store.url, replace(store.catalogue, experience=others))) as chores:
        judged.now += timedelta(minutes=2)
        chores.refresh(judged.now)
        chores.evaluate(judged.now)
    assert [one["ended_at"] is None for one in judged.alerts("VocExperienceBelowExpectation")] == [
        False,
        False,
    ]
    assert store.ask("SELECT FROM experience WHERE is_key AND experience = %s", EXPERIENCE) == []


def test_an_alert_about_what_the_catalogue_names_no_more_ends_as_that(store: Store) -> None:
    """Nobody may take it for a recovery.

    Evidence, summary and the message say that it is no longer watched.
    """
    judged = Judged(store, sites=("s-1",))
    judged.take_in([judged.event(TODAY, "s-1", "ann", 4) for _ in range(40)])
    judged.find_again()
    store.ask("DELETE FROM outbox")
    others = {key: one for key, one in store.catalogue.experience.items() if key != EXPERIENCE}
    with closing(PostgresChores(store.url, replace(store.catalogue, experience=others))) as chores:
        judged.now += timedelta(minutes=2)
        chores.refresh(judged.now)
        assert chores.evaluate(judged.now)
        assert not chores.evaluate(judged.now + timedelta(minutes=2))
    found = judged.alerts("VocExperienceBelowExpectation")
    assert [one["ended_at"] for one in found] == [judged.now.isoformat()] * 2
    assert {one["evidence"]["ended_because"] for one in found} == {"no_longer_watched"}
    assert all(
        one["summary"].endswith(
            "No longer watched: the catalogue was changed. / 不再监测：目录已变更。"
        )
        for one in found
    )
    messages = [json.loads(message) for (message,) in store.ask("SELECT message FROM outbox")]
    assert [(one["state"], one["evidence"]["ended_because"]) for one in messages] == [
        ("ended", "no_longer_watched")
    ] * 2


def test_the_alerts_of_a_site_that_is_closed_for_good_end_with_that_reason(store: Store) -> None:
    """From its last day on; nothing is found there any more, and the alert of all sites goes on."""
    judged = Judged(store, sites=("s-1",))
    judged.take_in([judged.event(TODAY, "s-1", "ann", 4) for _ in range(40)])
    judged.find_again()
    store.ask("DELETE FROM outbox")
    closed = SiteCalendar(closed_for_good=judged.now.date())
    with closing(
        PostgresChores(store.url, replace(store.catalogue, site={"s-1": closed}))
    ) as chores:
        for _ in range(3):
            judged.now += timedelta(minutes=2)
            chores.refresh(judged.now)
            chores.evaluate(judged.now)
    found = {one["scope"]: one for one in judged.alerts("VocExperienceBelowExpectation")}
    assert found["s-1"]["evidence"]["ended_because"] == "closed_for_good"
    assert found["s-1"]["summary"].endswith("The site is closed for good. / 门店已永久关闭。")
    assert found[""]["ended_at"] is None
    messages = [json.loads(message) for (message,) in store.ask("SELECT message FROM outbox")]
    assert [(one["state"], one["scope"]) for one in messages] == [("ended", "s-1")]


def test_two_processes_that_take_turns_raise_one_alert(store: Store) -> None:
    """Whoever evaluates next goes on where the last one stood.

    What a detector has heard is in its row.
    """
    judged = Judged(store)
    judged.past()
    for number in range(6):
        judged.chores = store.chores() if number % 2 else judged.chores
        judged.hear("s-1", [4] * 6)
    assert len([alert for alert in judged.alerts() if alert["scope"] == "s-1"]) == 1


def test_a_level_below_expectation_is_an_alert_of_its_own(store: Store) -> None:
    """Long below what customers expect, without any drop."""
    judged = Judged(store, sites=("s-1",))
    events = [
        judged.event(
            TODAY - timedelta(days=1, minutes=number),
            "s-1",
            "ann",
            score=4 + number % 3,
            experience="repair_quality",
        )
        for number in range(60)
    ]
    judged.take_in(events)
    judged.find_again()
    found = judged.alerts("VocExperienceBelowExpectation")
    assert [
        (one["scope_type"], one["scope"], one["experience"], one["severity"]) for one in found
    ] == [
        ("all", "", "repair_quality", "critical"),
        ("site", "s-1", "repair_quality", "critical"),
    ]
    assert judged.alerts() == []


def test_a_level_names_who_lies_below_it(store: Store) -> None:
    """Of three employees one leaves a step of the process out.

    That one is named, with events that tell it.
    """
    judged = Judged(store, sites=("s-1",))
    events = [
        callback(
            f"c-{number}",
            occurred_at=(TODAY - timedelta(hours=5, minutes=number)).isoformat(),
            customer_id=f"u-{number}",
            department="service",
            employee_id=EMPLOYEES[number % 3],
            answers=[{"item": "cost_estimated", "done": number % 3 != 0}],
        )
        for number in range(150)
    ]
    judged.take_in(events)
    judged.find_again()
    alert = next(one for one in judged.alerts("VocProcessItemMissed") if one["scope"] == "s-1")
    evidence = alert["evidence"]
    assert (evidence["explained_by"], evidence["department"]) == ("ann", "service")
    assert store.ask(
        "SELECT DISTINCT employee_id FROM touchpoint_event WHERE event_id = ANY(%s)",
        evidence["event_ids"],
    ) == [("ann",)]


def test_a_level_names_the_mode_that_lies_below_it(store: Store) -> None:
    """Calls by web leave a step out, in either spelling of the mode; a touchpoint has no mode."""
    judged = Judged(store, sites=("s-1",))
    modes = ("caf\u00e9", "cafe\u0301", "phone")
    events = [
        callback(
            f"c-{number}",
            occurred_at=(TODAY - timedelta(hours=5, minutes=number)).isoformat(),
            customer_id=f"u-{number}",
            employee_id=EMPLOYEES[number // 3 % 3],
            mode=modes[number % 3],
            answers=[{"item": "cost_estimated", "done": number % 3 == 2}],
        )
        for number in range(150)
    ]
    judged.take_in(events)
    judged.find_again()
    alert = next(one for one in judged.alerts("VocProcessItemMissed") if one["scope"] == "s-1")
    evidence = alert["evidence"]
    assert evidence["explained_by"] == "caf\u00e9"
    assert store.ask(
        "SELECT DISTINCT normalize(body ->> 'mode', NFC) FROM touchpoint_event"
        " WHERE event_id = ANY(%s)",
        evidence["event_ids"],
    ) == [("caf\u00e9",)]


def test_late_deliveries_tell_of_late_deliveries(store: Store) -> None:
    """Timings have no answers: the telling events are the deliveries that were the latest."""
    judged = Judged(store, sites=("s-1",))
    events = []
    for number in range(40):
        delivered = TODAY - timedelta(hours=5, minutes=number)
        fields = {"customer_id": f"u-{number}", "order_id": f"o-{number}", "stage": "delivery"}
        promised = (delivered - timedelta(hours=number - 10)).isoformat()
        events.append(
            repair_step(
                f"r-{number}-in",
                occurred_at=(delivered - timedelta(minutes=9)).isoformat(),
                promised_at=promised,
                **fields,
            )
        )
        events.append(
            repair_step(f"r-{number}-out", occurred_at=delivered.isoformat(), edge="exit", **fields)
        )
    judged.take_in(events)
    judged.find_again()
    found = [one["evidence"]["event_ids"] for one in judged.alerts("VocOnTimeDeliveryLow")]
    assert found == [[f"r-{number}-out" for number in (39, 38, 37, 36, 35)]] * 2


def test_no_alert_ends_while_nothing_arrives(store: Store) -> None:
    """The seven days pass, the level's answers leave them, and the alert stays.

    Nobody said that it is better.
    """
    judged = Judged(store, sites=("s-1",))
    judged.take_in([judged.event(TODAY, "s-1", "ann", 4) for _ in range(40)])
    judged.find_again()
    judged.now += timedelta(days=10)
    judged.evaluate()
    assert [one["ended_at"] for one in judged.alerts("VocExperienceBelowExpectation")] == [
        None,
        None,
    ]


def test_what_is_judged_more_rarely_is_confirmed_by_the_next_time_that_it_is(store: Store) -> None:
    """Customers are counted every ten minutes.

    An alert about their share starts with the second count.
    """
    judged = Judged(store, sites=("s-1",))
    judged.take_in([judged.event(TODAY, "s-1", "ann", 8)])
    store.ask(
        "INSERT INTO churn_risk (customer_id, risk, band, drivers, model_version, as_of)"
        " SELECT 'u-' || n, 0.4, CASE WHEN n <= 100 THEN 'high' ELSE 'low' END, '[]', 'tarp-2', %s"
        " FROM generate_series(1, 1000) n",
        TODAY,
    )
    store.ask(
        "INSERT INTO risk_daily (day, customers, at_risk, model_version, counted_at)"
        " SELECT (%s - n * interval '1 day')::date, 1000, 50, 'tarp-2', %s - n * interval '1 day'"
        " FROM generate_series(1, 28) n",
        TODAY,
        TODAY,
    )
    for _ in range(25):
        judged.find_again()
    [alert] = judged.alerts("VocChurnRiskRising")
    assert (
        timedelta(minutes=10)
        <= datetime.fromisoformat(alert["started_at"]) - TODAY
        <= timedelta(minutes=12)
    )


def test_what_an_earlier_version_found_is_believed(store: Store) -> None:
    """In the midst of an upgrade nothing has to be found three times, and nothing fails."""
    judged = Judged(store, sites=("s-1",))
    late = (TODAY - timedelta(days=3)).isoformat()
    judged.take_in([complaint("k-1", occurred_at=late, severity="major")])
    found = {
        "at": judged.now.isoformat(),
        "subjects": [["VocComplaintAgeing", None, "site", "s-1"]],
    }
    store.ask("UPDATE evaluation_clock SET others_found = %s", json.dumps(found))
    judged.find_again()
    assert len(judged.alerts("VocComplaintAgeing")) == 1
