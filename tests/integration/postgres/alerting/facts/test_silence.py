from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from builders import callback, complaint, messages, repair_step
from integration.postgres.alerting.judging import judged
from integration.postgres.store import NOW, send
from msgspec.structs import replace

from voc_stream.alerts.model import Subject
from voc_stream.alerts.rules.experiences.touchpoint_silent import NAME
from voc_stream.catalogue.calendar import SiteCalendar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builders import Event
    from integration.postgres.store import Store

    from voc_stream.alerts.model import Verdict

EVENING = NOW.replace(hour=18, minute=30)  # of the day on which summer time begins in Berlin
OPEN_FROM, OPEN_UNTIL = 8, 18
ANSWERS = [
    {"item": "overall", "score": 8},
    {"item": "advisor_service", "score": 9},
    {"item": "advice_given", "done": True},
]
_numbers = count()


def hours(until: datetime = EVENING, days: int = 29) -> Iterator[datetime]:
    """The middle of each hour in which shops are open, on the days until this moment."""
    for day in reversed(range(days)):
        for hour in range(OPEN_FROM, OPEN_UNTIL):
            moment = (EVENING - timedelta(days=day)).replace(hour=hour, minute=30)
            if moment <= until:
                yield moment


def rating(moment: datetime, site: str) -> list[Event]:
    """A call with two ratings and a process item: one contact."""
    number = next(_numbers)
    return [
        callback(
            f"c-{number}",
            occurred_at=moment.isoformat(),
            site_id=site,
            customer_id=f"u-{number}",
            answers=ANSWERS,
        )
    ]


def timing(moment: datetime, site: str) -> list[Event]:
    """A vehicle that enters and leaves the reception."""
    number = next(_numbers)
    common = {"order_id": f"o-{number}", "customer_id": f"u-{number}", "site_id": site}
    entered = (moment - timedelta(minutes=9)).isoformat()
    return [
        repair_step(f"e-{number}", occurred_at=entered, **common),
        repair_step(f"x-{number}", edge="exit", occurred_at=moment.isoformat(), **common),
    ]


def put(
    store: Store,
    kind: Callable[[datetime, str], list[Event]],
    site: str,
    until: datetime = EVENING,
    days: int = 29,
) -> None:
    """One an hour on the days until this moment."""
    events = [event for moment in hours(until, days) for event in kind(moment, site)]
    send(store.sink(), messages(events), now=EVENING)


def open_alert(store: Store, site: str, form: str) -> Subject:
    store.ask(
        "INSERT INTO alert (alert_id, rule, scope_type, scope, severity, started_at, updated_at,"
        " evidence, summary)"
        " VALUES (%s, %s, 'site', %s, 'warning', %s, %s, jsonb_build_object('form', %s::text), '')",
        *(site, NAME, site, NOW, NOW, form),
    )
    return Subject(NAME, None, "site", site)


def silence(store: Store, *open_subjects: Subject, now: datetime = EVENING) -> Verdict:
    store.chores().refresh(now)
    return judged(store, [NAME], now, *open_subjects)


def test_empty_tables_find_nothing_and_end_nothing(store: Store) -> None:
    """No data is no silence; what is open was not heard, so it stays."""
    assert silence(store) == ([], set())
    subject = open_alert(store, "s-1", "quiet")
    assert silence(store, subject) == ([], {subject})


def test_a_site_that_has_gone_quiet_is_found(store: Store) -> None:
    """Nothing since yesterday noon, where a call an hour is usual.

    One call counts once, however many answers it has.
    """
    noon = EVENING.replace(hour=12) - timedelta(days=1)
    put(store, rating, "s-1", noon)
    put(store, rating, "s-2")
    verdict = silence(store)
    (finding,) = verdict.findings
    assert finding.subject == Subject(NAME, None, "site", "s-1")
    assert finding.evidence == {
        "form": "quiet",
        "hours": 24,
        "expected": 10.0,
        "last_heard_at": noon.replace(minute=0).isoformat(),
    }


def test_a_day_off_is_no_silence(store: Store) -> None:
    """A site that is closed today is not quiet, however usual a call an hour is; another one is."""
    yesterday = EVENING - timedelta(days=1)
    for site, until in (("s-1", yesterday), ("s-2", yesterday), ("s-3", EVENING)):
        put(store, rating, site, until)
    day_off = SiteCalendar(holidays=frozenset([EVENING.date()]))
    store.chores().refresh(EVENING)
    for sites, quiet in (({}, ["s-1", "s-2"]), ({"s-1": day_off}, ["s-2"])):
        catalogue = replace(store.catalogue, site=sites)
        findings = judged(store, [NAME], EVENING, catalogue=catalogue).findings
        assert [finding.subject.scope for finding in findings] == quiet


def test_a_site_that_is_heard_is_not_quiet(store: Store) -> None:
    """Though all others are, and though it said nothing at night."""
    for site in ("s-1", "s-2"):
        put(store, rating, site)
    assert silence(store).findings == []
    morning = EVENING.replace(hour=8, minute=5) + timedelta(days=1)
    assert silence(store, now=morning).findings == []


def test_what_falls_due_by_itself_is_no_sign_of_life(store: Store) -> None:
    """Follow-ups of deliveries of three days ago count today.

    Though nobody has been there since.
    """
    silent_since = EVENING - timedelta(days=2)
    put(store, rating, "s-1", silent_since)
    put(store, rating, "s-2")
    deliveries = [
        repair_step(
            f"d-{hour}",
            order_id=f"d-{hour}",
            stage="delivery",
            edge="exit",
            occurred_at=moment.isoformat(),
            site_id="s-1",
        )
        for hour, moment in enumerate(hours(EVENING - timedelta(days=2)))
        if moment > EVENING - timedelta(days=4)
    ]
    send(store.sink(), messages(deliveries), now=EVENING)
    (finding,) = silence(store).findings
    today = EVENING.replace(hour=OPEN_FROM, minute=0)
    due = (
        "SELECT sum(n) FROM pane WHERE resolution = 60 AND scope_type = 'site' AND scope = 's-1'"
        " AND start BETWEEN %s AND %s"
    )
    assert store.one(due, today, EVENING) == 10
    assert (finding.subject.scope, finding.evidence["hours"]) == ("s-1", 48)


def test_a_limit_that_runs_out_is_no_sign_of_life(store: Store) -> None:
    """Whatever falls due without an event: limits of complaints of a day ago run out today.

    Nobody has been heard at their site since, and at the other one a call an hour is usual.
    """
    put(store, rating, "s-1", EVENING - timedelta(days=1))
    put(store, rating, "s-2")
    yesterday = [moment for moment in hours(days=2) if moment <= EVENING - timedelta(days=1)]
    opened = [
        complaint(
            f"k-{number}",
            complaint_id=f"q-{number}",
            site_id="s-1",
            severity="minor",
            occurred_at=moment.isoformat(),
        )
        for number, moment in enumerate(yesterday)
    ]
    send(store.sink(), messages(opened), now=EVENING)
    (finding,) = silence(store).findings
    due = store.ask(
        "SELECT DISTINCT experience FROM pane WHERE resolution = 60 AND scope_type = 'site'"
        " AND scope = 's-1' AND start >= %s AND start <= %s AND n > 0",
        EVENING.replace(hour=OPEN_FROM, minute=0),
        EVENING,
    )
    assert due == [("complaint_acknowledged_in_time",)]
    assert (finding.subject.scope, finding.evidence["hours"]) == ("s-1", 24)


def test_where_the_input_stops_no_site_falls_silent(store: Store) -> None:
    """That all are quiet is told by another alert.

    What is open stays open, and nothing starts when the first is heard again.
    """
    stopped = EVENING.replace(hour=9) - timedelta(days=1)
    for site in ("s-1", "s-2"):
        put(store, rating, site, stopped)
    subject = open_alert(store, "s-1", "quiet")
    assert silence(store, subject) == ([], {subject})
    send(store.sink(), messages(rating(EVENING, "s-2")), now=EVENING)
    assert silence(store, subject) == ([], {subject})


def test_an_alert_ends_when_the_site_is_heard_again(store: Store) -> None:
    """By whatever it sends, in the hour that has not ended yet."""
    put(store, rating, "s-1", EVENING.replace(hour=12) - timedelta(days=1))
    put(store, rating, "s-2")
    subject = open_alert(store, "s-1", "quiet")
    assert len(silence(store, subject).findings) == 1
    send(store.sink(), messages(timing(EVENING, "s-1")), now=EVENING)
    assert silence(store, subject) == ([], set())


def test_feedback_that_is_missing_is_found_and_ends_with_a_rating(store: Store) -> None:
    """The workshop works as usual, and for more than a day nobody gave a score.

    Other answers are no rating.
    """
    since = EVENING.replace(hour=13) - timedelta(days=1)
    for site in ("s-1", "s-2"):
        put(store, timing, site)
    put(store, rating, "s-1", since)
    put(store, rating, "s-2")
    (finding,) = silence(store).findings
    assert finding.subject.scope == "s-1"
    assert finding.evidence == {
        "form": "no feedback",
        "hours": 24,
        "expected": 10.0,
        "last_heard_at": since.replace(minute=0).isoformat(),
    }
    subject = open_alert(store, "s-1", "no feedback")
    night = EVENING + timedelta(hours=12)
    assert silence(store, subject, now=night).holding == {subject}
    send(store.sink(), messages(rating(EVENING, "s-1")), now=EVENING)
    assert silence(store, subject) == ([], set())


def test_where_the_workshop_stands_still_no_feedback_is_missing(store: Store) -> None:
    """Without vehicles there is nobody to ask.

    The site is not quiet either, because one vehicle was seen.
    """
    since = EVENING.replace(hour=17) - timedelta(days=2)
    for kind in (rating, timing):
        put(store, kind, "s-1", since)
        put(store, kind, "s-2")
    send(store.sink(), messages(timing(EVENING, "s-1")), now=EVENING)
    assert silence(store).findings == []


def test_a_new_site_has_no_rhythm(store: Store) -> None:
    """A week is not enough to know when it is open: at least two weeks must have been heard."""
    put(store, rating, "s-1", EVENING - timedelta(days=1, hours=5), days=7)
    put(store, rating, "s-2")
    assert silence(store).findings == []


def test_a_silence_of_weeks_is_still_told_with_its_last_hour(store: Store) -> None:
    """Two weeks of the four before were heard, so the alert goes on by itself.

    After that it holds until something comes.
    """
    last = EVENING.replace(hour=11) - timedelta(days=14)
    put(store, rating, "s-1", last)
    put(store, rating, "s-2")
    (finding,) = silence(store).findings
    assert finding.evidence["last_heard_at"] == last.replace(minute=0).isoformat()
    assert finding.evidence["expected"] == pytest.approx(20 * 2 / 4, abs=1)
