from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from integration.postgres.alerting.judged import EMPLOYEES, EXPERIENCE, FIRST_DAY, TODAY, Judged

from voc_stream.alerts.lifecycle import RENEW_AFTER

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store


@pytest.fixture
def judged(store: Store) -> Judged:
    """Three shops with four weeks behind them."""
    judged = Judged(store)
    judged.past()
    return judged


def test_usual_scores_raise_no_alert(judged: Judged) -> None:
    """Chance is no drop."""
    for _ in range(10):
        for site in judged.sites:
            judged.hear(site, judged.usual(20))
    assert judged.alerts() == []
    assert judged.messages() == []


def test_a_drop_names_shop_experience_employee_and_events(judged: Judged) -> None:
    """The alert says what fell, where, by how much, and who explains it.

    With an interval, and the events that tell it. Its start is told once.
    """
    judged.hear("s-1", judged.usual(20))
    # One of three is suddenly rude.
    for _ in range(8):
        judged.hear("s-1", [2 if number % 3 == 0 else 9 for number in range(12)])
        judged.hear("s-2", judged.usual(12))
    [alert] = judged.alerts()
    assert (alert["rule"], alert["experience"], alert["scope_type"], alert["scope"]) == (
        "VocKeyExperienceDropped",
        EXPERIENCE,
        "site",
        "s-1",
    )
    assert alert["ended_at"] is None
    evidence = alert["evidence"]
    assert (evidence["label_en"], evidence["label_zh"]) == (
        "Service of the advisor",
        "服务顾问满意度",
    )
    assert evidence["explained_by"] == "ann"
    assert evidence["explained_dimension"] == "employee"
    assert evidence["department"] == "service"
    assert evidence["drop_low"] < evidence["drop"] < evidence["drop_high"]
    assert evidence["drop"] == pytest.approx(
        evidence["baseline_mean"] - evidence["mean"], abs=0.011
    )
    assert 7.5 < evidence["baseline_mean"] < 8.3
    assert evidence["baseline_n"] == judged.store.one(
        "SELECT baseline_n FROM detector WHERE scope = 's-1' AND experience = %s", EXPERIENCE
    )
    assert len(evidence["event_ids"]) == 5
    told = judged.store.ask(
        "SELECT DISTINCT site_id, employee_id, body ->> 'score' FROM touchpoint_event WHERE"
        " event_id = ANY(%s)",
        evidence["event_ids"],
    )
    assert told == [("s-1", "ann", "2")]
    assert "s-1" in alert["summary"]
    assert "ann" in alert["summary"]
    assert [
        (one["state"], one["alert_id"], one["evidence"]["explained_by"])
        for one in judged.messages()
    ] == [("started", alert["alert_id"], "ann")]


def test_it_ends_when_the_scores_are_back_and_starts_anew_with_the_next_drop(
    judged: Judged,
) -> None:
    """One alert a drop.

    It goes on while it lasts, ends once after recovery, and the next drop is another alert.
    """
    judged.hear("s-1", [4] * 20)
    assert len(judged.alerts()) == 1
    judged.hear("s-1", [4] * 40)
    [alert] = judged.alerts()
    assert alert["ended_at"] is None
    for _ in range(6):
        judged.hear("s-1", judged.usual(20))
    [alert] = judged.alerts()
    assert alert["ended_at"] is not None
    assert [one["state"] for one in judged.messages()] == ["started", "ended"]
    judged.hear("s-1", [4] * 20)
    assert [one["ended_at"] is None for one in judged.alerts()] == [False, True]


def test_no_data_ends_nothing(judged: Judged) -> None:
    """An alert stays open for however long nothing is heard.

    So does one of a shop that alone is silent.
    """
    judged.hear("s-1", [4] * 20)
    judged.now += timedelta(days=3)
    judged.evaluate()
    judged.hear("s-2", judged.usual(30))
    assert [one["ended_at"] for one in judged.alerts()] == [None]


def test_three_terrible_answers_of_a_key_are_no_alert(store: Store) -> None:
    """Small samples do not fire: neither with a long past, nor without any."""
    judged = Judged(store, sites=("s-1", "s-2"))
    judged.past()
    judged.hear("s-1", [0, 0, 0])
    judged.hear("s-2", judged.usual(40))
    judged.hear("s-9", [0, 0, 0])
    judged.hear("s-2", judged.usual(40))
    assert judged.alerts() == []
    assert judged.store.ask("SELECT scope FROM detector WHERE scope = 's-9'") == []


def test_a_drop_that_one_site_explains_is_told_of_that_site_only(judged: Judged) -> None:
    """One alert a drop: all sites together have fallen, too, but because of one of them."""
    for _ in range(4):
        judged.hear_together({"s-1": [3] * 15, "s-2": judged.usual(15), "s-3": judged.usual(15)})
    assert [(one["scope_type"], one["scope"]) for one in judged.alerts()] == [("site", "s-1")]


def test_a_change_of_mix_is_told_as_such_and_blames_nobody(store: Store) -> None:
    """Ann's customers give 9, as ever, and Bob's 5; only Ann gave most of the answers.

    It is a large drop, and no critical alert: nobody does worse.
    """
    judged = Judged(store, sites=("s-1",))
    judged.take_in(
        [
            judged.event(
                FIRST_DAY + timedelta(days=day, hours=8, minutes=30 * number),
                "s-1",
                "bob" if number < 2 else "ann",
                5 if number < 2 else 8 + number % 3,
            )
            for day in range(28)
            for number in range(20)
        ]
    )
    judged.hear("s-1", [9, 5, 5, 8, 5, 5, 10, 5, 5] * 4, employees=("ann", "bob", "bob"))
    [alert] = [one for one in judged.alerts() if one["scope"] == "s-1"]
    evidence = alert["evidence"]
    assert (alert["severity"], evidence["explained_by"]) == ("warning", None)
    assert evidence["mix"] == "ann"
    assert evidence["mix_share"] > 0.5
    change = evidence["mix_change"]
    assert (change["dimension"], change["volume_before"]) == ("employee", 0.9)
    assert change["volume_now"] < 0.5
    assert change["n_before"] == 28 * 20
    assert "mostly a change of mix: employee ann 90 % →" in alert["summary"]
    assert f"(560 before, {change['n']} now)" in alert["summary"]
    assert "主要是构成变化：员工 ann 的占比 90% →" in alert["summary"]
    judged.now += RENEW_AFTER
    judged.hear("s-1", [9, 5, 5, 5], employees=("ann", "bob", "bob", "bob"))
    [renewed] = [one for one in judged.alerts() if one["scope"] == "s-1"]
    assert renewed["evidence"]["n"] > evidence["n"]
    assert renewed["evidence"]["mix_change"] == change
    assert renewed["severity"] == "warning"
    assert f"(560 before, {change['n']} now)" in renewed["summary"]


def test_two_experiences_that_fall_because_of_one_employee_name_each_other(store: Store) -> None:
    """Two rows, each with its numbers and its own end, and one cause."""
    judged = Judged(store, sites=("s-1",))
    other = "overall"
    judged.past()
    judged.take_in(
        [
            judged.event(
                FIRST_DAY + timedelta(days=day, hours=8, minutes=30 * number),
                "s-1",
                EMPLOYEES[number % 3],
                judged.usual(1)[0],
                other,
            )
            for day in range(28)
            for number in range(20)
        ]
    )
    judged.evaluate()
    for experience in (EXPERIENCE, other):
        for _ in range(4):
            judged.hear("s-1", [1, 9, 9] * 5, experience=experience)
    alerts = [one for one in judged.alerts() if one["scope"] == "s-1"]
    assert [
        (one["experience"], one["evidence"]["explained_by"], one["evidence"]["same_cause"])
        for one in alerts
    ] == [(EXPERIENCE, "ann", []), (other, "ann", [EXPERIENCE])]


def test_who_was_bad_in_the_morning_is_not_blamed_for_the_afternoon(store: Store) -> None:
    """Explanation and telling events are of the scores since the drop began.

    Not of the whole day.
    """
    judged = Judged(store, sites=("s-1",))
    judged.past()
    judged.hear("s-1", [2] * 30, employees=("ann",))
    assert [
        one["evidence"]["explained_by"] for one in judged.alerts() if one["scope"] == "s-1"
    ] == ["ann"]
    for _ in range(8):
        judged.hear("s-1", judged.usual(20))
    judged.now += timedelta(hours=2)
    for _ in range(8):
        judged.hear("s-1", [3, 9, 9, 3], employees=("bob", "ann", "cho", "bob"))
    first, second = (one for one in judged.alerts() if one["scope"] == "s-1")
    assert first["ended_at"] is not None
    assert second["evidence"]["explained_by"] == "bob"
    told = judged.store.ask(
        "SELECT DISTINCT employee_id, body ->> 'score' FROM touchpoint_event WHERE event_id ="
        " ANY(%s)",
        second["evidence"]["event_ids"],
    )
    assert told == [("bob", "3")]


def test_a_drop_of_all_sites_is_told_of_all(judged: Judged) -> None:
    """If no site explains it, the alert is about all of them.

    It starts sooner than one about any single site.
    """
    for _ in range(4):
        judged.hear_together(
            {site: [max(0, score - 2) for score in judged.usual(10)] for site in judged.sites}
        )
    first = judged.alerts()[0]
    assert (first["scope_type"], first["scope"], first["evidence"]["explained_by"]) == (
        "all",
        "",
        None,
    )


def test_a_baseline_stands_while_a_drop_is_suspected(judged: Judged) -> None:
    """What is usual is not learnt from a drop while its alert is open."""
    judged.hear("s-1", [4] * 20)
    usual = "SELECT baseline_mean FROM detector WHERE scope = 's-1' AND experience = %s"
    [before] = judged.store.ask(usual, EXPERIENCE)
    for _ in range(27):
        judged.now += timedelta(days=1)
        judged.hear("s-1", [4] * 10)
    assert judged.store.ask(usual, EXPERIENCE)[0][0] == pytest.approx(before[0], abs=0.1)
    assert [one["ended_at"] for one in judged.alerts()] == [None]


def test_a_drop_that_lasts_eight_weeks_becomes_what_is_usual(judged: Judged) -> None:
    """Its alert ends, and the next baseline is taken from these weeks.

    So the next drop is seen.
    """
    judged.hear("s-1", [4] * 20)
    for _ in range(56):
        judged.now += timedelta(days=1)
        judged.hear("s-1", [4, 5, 4, 6, 5] * 4)
    judged.now += timedelta(hours=1)
    judged.hear("s-2", judged.usual(3))
    assert [one["ended_at"] is None for one in judged.alerts() if one["scope"] == "s-1"] == [False]
    judged.now += timedelta(minutes=2)
    judged.evaluate()
    [usual] = judged.store.ask(
        "SELECT baseline_mean FROM detector WHERE scope = 's-1' AND experience = %s", EXPERIENCE
    )
    assert usual[0] == pytest.approx(4.8, abs=0.3)
    [over] = [one for one in judged.alerts() if one["scope"] == "s-1"]
    assert over["evidence"]["ended_because"] == "usual_by_now"
    assert "is what is usual now" in over["summary"]
    assert "已成为常态" in over["summary"]
    judged.hear("s-1", [1] * 20)
    assert [one["ended_at"] is None for one in judged.alerts() if one["scope"] == "s-1"] == [
        False,
        True,
    ]


def test_a_drop_that_gets_worse_becomes_critical(judged: Judged) -> None:
    """The open alert follows the drop, so that whoever is on call is told when it gets bad.

    Who explained it stays.
    """
    mild = [7, 8, 7, 6, 8, 7, 7, 8, 6, 7]
    for _ in range(12):
        judged.hear("s-1", mild)
        if judged.alerts():
            break
    [alert] = judged.alerts()
    assert alert["severity"] == "warning"
    for _ in range(12):
        judged.hear("s-1", [2] * 10)
    [worse] = judged.alerts()
    assert worse["severity"] == "critical"
    assert worse["evidence"]["drop"] > alert["evidence"]["drop"]
    assert worse["evidence"]["event_ids"] == alert["evidence"]["event_ids"]


def test_what_detectors_keep_is_a_cache(judged: Judged) -> None:
    """Whoever throws it away gets the same detectors from hours and days, and the same alerts."""
    judged.hear("s-1", [4] * 20)
    for _ in range(4):
        judged.now += timedelta(hours=20)
        judged.hear("s-1", [4] * 5)
        judged.hear("s-2", judged.usual(5))
    kept = "SELECT scope_type, scope, digest, (state -> 1)::text FROM detector ORDER BY 1, 2"
    before, alerts = judged.store.ask(kept), judged.alerts()
    assert [one["ended_at"] for one in alerts] == [None]
    for table in ("detector", "detector_clock", "site_level"):
        judged.store.ask(f"DELETE FROM {table}")
    judged.evaluate()
    assert judged.store.ask(kept) == before
    assert judged.alerts() == alerts


def test_a_history_that_comes_bit_by_bit_is_watched_as_it_comes(store: Store) -> None:
    """An experience that was unknown at the first look gets its detectors with the next ones.

    Not an hour later.
    """
    judged = Judged(store, sites=("s-1",))
    judged.take_in(
        [
            judged.event(TODAY - timedelta(days=1, minutes=number), "s-1", "ann", 8)
            for number in range(30)
        ]
    )
    judged.take_in(
        [
            judged.event(
                TODAY - timedelta(days=2, minutes=number),
                "s-1",
                "ann",
                8,
                experience="repair_quality",
            )
            for number in range(30)
        ]
    )
    judged.now += timedelta(minutes=1)
    judged.evaluate()
    assert {experience for (experience,) in store.ask("SELECT experience FROM detector")} == {
        EXPERIENCE,
        "repair_quality",
    }


def test_keys_that_cannot_fall_do_not_keep_others_from_being_watched(store: Store) -> None:
    """What always gets the lowest score has no room for a drop.

    It gets a detector without charts, once.
    """
    judged = Judged(store, sites=("s-1", "s-2"))
    judged.take_in(
        [
            judged.event(TODAY - timedelta(days=1, minutes=number), site, "ann", 0)
            for site in judged.sites
            for number in range(30)
        ]
    )
    assert {scope for (scope,) in store.ask("SELECT scope FROM detector")} == {"", "s-1", "s-2"}


def test_corrections_do_not_raise_an_alert(judged: Judged) -> None:
    """A score that is taken back leaves the chart as it was before it came.

    So a repeated event counts once.
    """
    judged.hear("s-1", judged.usual(5))
    event = judged.event(judged.now, "s-1", "ann", 0)
    judged.take_in([event] * 50)
    assert judged.alerts() == []


def test_a_drop_of_which_nothing_was_heard_for_a_week_is_no_news(judged: Judged) -> None:
    """A bad day that comes three weeks late starts no alert if nothing was heard since."""
    judged.now += timedelta(days=21)
    late = judged.now - timedelta(days=20)
    for day in range(20):
        judged.hear("s-2", judged.usual(10))
        judged.now = late + timedelta(days=day + 1)
    judged.take_in(
        [judged.event(late + timedelta(minutes=each), "s-1", "ann", 1) for each in range(40)]
    )
    for _ in range(3):
        judged.now += timedelta(minutes=2)
        judged.evaluate()
    assert judged.store.one("SELECT fallen_at IS NOT NULL FROM detector WHERE scope = 's-1'")
    assert judged.alerts() == []


def test_what_the_rest_does_not_bear_out_ends_with_that_as_its_reason(judged: Judged) -> None:
    """Bad answers came first; with the good ones of the same hours there was no drop."""
    judged.now = TODAY + timedelta(hours=10)
    hours = [TODAY + timedelta(hours=2 + number, minutes=30) for number in range(6)]
    judged.take_in([judged.event(hour, "s-1", "ann", 3) for hour in hours for _ in range(4)])
    [told] = judged.alerts()
    assert (told["scope"], told["ended_at"]) == ("s-1", None)
    judged.take_in([judged.event(hour, "s-1", "bob", 9) for hour in hours for _ in range(60)])
    [over] = judged.alerts()
    assert over["ended_at"] is not None
    assert over["evidence"]["ended_because"] == "not_borne_out"
    assert "Not borne out: it was told on part of the answers" in over["summary"]
    assert "未获证实" in over["summary"]
    assert [one["state"] for one in judged.messages()] == ["started", "ended"]
    gauges = {each.metric: each.value for each in judged.chores.gauges(judged.now)}
    assert gauges["voc_alerts_not_borne_out"] == 1


def test_shops_that_upload_in_turn_raise_nothing(store: Store) -> None:
    """Two levels that never change: the lower shop's week comes first, then the better one's."""
    judged = Judged(store, sites=("high", "low"))
    levels = {"high": (9, 10, 9, 8, 9), "low": (7, 8, 7, 6, 7)}

    def days(site: str, first: int, end: int) -> list[Event]:
        return [
            judged.event(
                TODAY + timedelta(days=day, hours=8, minutes=30 * number), site, "ann", score
            )
            for day in range(first, end)
            for number, score in enumerate(levels[site] * 4)
        ]

    judged.now = TODAY + timedelta(days=5)
    judged.take_in([*days("low", -28, 0), *days("high", -28, 0)])
    for site in ("low", "high"):
        judged.take_in(days(site, 0, 5))
        for _ in range(2):
            judged.now += timedelta(minutes=1)
            judged.evaluate()
    assert judged.alerts() == []


def test_a_new_shop_enters_with_its_own_level(judged: Judged) -> None:
    """All shops together have not fallen because a worse one opens."""
    for _ in range(10):
        judged.now += timedelta(days=1)
        for site in judged.sites:
            judged.hear(site, judged.usual(10))
        judged.hear("s-new", [max(0, score - 3) for score in judged.usual(20)])
    assert judged.alerts() == []


def test_hours_that_are_hard_everywhere_are_no_drop(store: Store) -> None:
    """Scores are compared with the same weekday and hour where all sites show that it differs."""
    judged = Judged(store, sites=("s-1",))
    events = []
    for day in range(28):
        for number in range(120):
            # The first hours of every day are three points worse.
            hour, minute = divmod(number, 5)
            moment = (
                datetime.fromisoformat(judged.now.isoformat())
                - timedelta(days=28 - day)
                + timedelta(hours=hour, minutes=minute)
            )
            [score] = judged.usual(1)
            events.append(
                judged.event(moment, "s-1", "ann", max(0, score - 3) if hour < 4 else score)
            )
    judged.take_in(events)
    judged.now += timedelta(minutes=5)
    for _ in range(3):
        judged.hear("s-1", [max(0, score - 3) for score in judged.usual(20)], employees=("ann",))
    assert judged.alerts() == []
    judged.now = judged.now.replace(hour=12)
    judged.hear("s-1", [max(0, score - 3) for score in judged.usual(40)], employees=("ann",))
    assert [one["scope_type"] for one in judged.alerts()] == ["site"]
