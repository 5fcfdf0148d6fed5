from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from builders import START, at, complaint
from integration.postgres.alerting.judging import by_scope, judged, reading
from integration.postgres.store import NOW

from voc_stream.alerts.model import Subject
from voc_stream.alerts.rules.complaints.complaint_ageing import NAME as AGEING
from voc_stream.alerts.rules.complaints.complaint_surge import NAME as SURGE
from voc_stream.postgres.alerting.facts.complaints import read_first, read_opened

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

HOURS = timedelta(hours=1)
BOTH = (AGEING, SURGE)


def ageing(store: Store, **since: float) -> dict[str, tuple[object, object, object]]:
    """By site: how many are overdue, of how many, and how old the oldest is.

    So long after START.
    """
    found = by_scope(judged(store, BOTH, START + timedelta(**since)), AGEING)
    return {
        site: (
            finding.evidence["overdue"],
            finding.evidence["open"],
            finding.evidence["oldest_hours"],
        )
        for site, finding in found.items()
    }


def opened(number: int, before: timedelta, **fields: object) -> Event:
    return complaint(
        f"k-{number}", complaint_id=f"q-{number}", occurred_at=(NOW - before).isoformat(), **fields
    )


def test_empty_tables_find_nothing(store: Store) -> None:
    """No complaints, no history: nothing starts, and a surge that is open stays."""
    subject = Subject(SURGE, None, "site", "s-1")
    assert judged(store, BOTH, NOW, subject) == (
        [],
        {subject},
    )


def test_a_complaint_waits_from_its_opening_for_each_step(store: Store) -> None:
    """A complaint is overdue without an answer, and again without a resolution.

    In between it is in time; with a resolution it is over.
    """
    store.take_in(
        complaint(severity="major"),
        complaint("k-2", severity="minor", complaint_id="q-2", site_id="s-2"),
    )
    assert ageing(store, hours=4) == {}
    assert ageing(store, hours=4.5) == {"s-1": (1, 1, 4.5)}
    store.take_in(
        complaint("k-3", severity="major", action="acknowledged", occurred_at=at(hours=5))
    )
    assert ageing(store, hours=24) == {}
    assert ageing(store, hours=25) == {"s-1": (1, 1, 25), "s-2": (1, 1, 25)}
    store.take_in(complaint("k-4", severity="major", action="resolved", occurred_at=at(hours=26)))
    assert ageing(store, hours=27) == {"s-2": (1, 1, 27)}


def test_reopening_starts_the_wait_anew(store: Store) -> None:
    """The wait counts from the latest reopening.

    However long ago the complaint was opened, and whatever was answered before.
    """
    store.take_in(
        complaint(severity="major"),
        complaint("k-2", action="acknowledged", severity="major", occurred_at=at(hours=1)),
        complaint("k-3", action="resolved", severity="major", occurred_at=at(hours=2)),
        complaint("k-4", action="reopened", severity="major", occurred_at=at(days=100)),
        now=START + timedelta(days=100),
    )
    assert ageing(store, days=100, hours=4) == {}
    assert ageing(store, days=100, hours=5) == {"s-1": (1, 1, 5)}
    answer = complaint(
        "k-5", action="apologised", severity="major", occurred_at=at(days=100, hours=6)
    )
    store.take_in(answer, now=START + timedelta(days=101))
    assert ageing(store, days=100, hours=24) == {}
    assert ageing(store, days=100, hours=25) == {"s-1": (1, 1, 25)}


def test_where_the_opening_is_unknown_the_first_answer_tells_that_it_was_open(store: Store) -> None:
    """An acknowledgement alone has no opening to wait from, but it waits for its resolution."""
    store.take_in(complaint(action="acknowledged", severity="major"))
    assert ageing(store, hours=24) == {}
    assert ageing(store, hours=25) == {"s-1": (1, 1, 25)}


def test_what_was_given_up_is_not_read(store: Store) -> None:
    """Ninety days after its opening a complaint is no alert any more."""
    store.take_in(complaint(severity="major"))
    assert ageing(store, days=90) == {"s-1": (1, 1, 90 * 24)}
    assert ageing(store, days=90, seconds=1) == {}


def test_days_are_compared_with_the_same_days_of_four_weeks(store: Store) -> None:
    """What falls into which window, to the microsecond.

    24 hours that end now, the same of four weeks, and 28 days before.
    """
    week, day, moment = timedelta(days=7), timedelta(days=1), timedelta(microseconds=1)
    in_the_last_day = [timedelta(0), HOURS, day - moment]
    like_today = [day, week - moment, week, week + day - moment, 4 * week, 4 * week + day - moment]
    others = [
        2 * day,
        6 * day,
        week + day,
        3 * week + day,
        -HOURS / 10,
        4 * week + day,
        5 * week,
        6 * week,
    ]
    store.take_in(
        *(
            opened(number, before)
            for number, before in enumerate([*in_the_last_day, *like_today, *others])
        )
    )
    with reading(store) as cursor:
        ((site, category, last_day, days_like_this, four_weeks, newest),) = read_opened(cursor, NOW)
    assert (site, category, last_day) == ("s-1", None, 3)
    assert days_like_this == 4, "two of week 1, two of week 4"
    assert four_weeks == 2 + 4 + 4, "all that is between 24 hours and 29 days old"
    assert [complaint_id for _, complaint_id in newest] == ["q-0", "q-1", "q-2"]


def test_a_surge_is_found_against_a_quiet_month(store: Store) -> None:
    """One a day for four weeks, then eight of one category.

    Told of that site, not of the other, nor once more of all.
    """
    days = [
        opened(100 * site + day, timedelta(days=day, hours=1), site_id=f"s-{site}")
        for site in (1, 2)
        for day in range(1, 29)
    ]
    today = [opened(1000 + number, HOURS * number, category="fair_charge") for number in range(8)]
    before = [opened(3000 + site, timedelta(days=40), site_id=f"s-{site}") for site in (1, 2)]
    store.take_in(*before, *days, *today, opened(2000, HOURS, site_id="s-2"))
    verdict = judged(store, BOTH, NOW)
    found = by_scope(verdict, SURGE)
    assert found.keys() == {"s-1"}
    assert found["s-1"].evidence == {
        "count": 8,
        "expected": 1.0,
        "ratio": 8.0,
        "horizon": "24h",
        "complaint_ids": [f"q-{1000 + number}" for number in range(5)],
        "explained_by": "fair_charge",
        "explained_dimension": "experience",
    }
    later = judged(store, BOTH, NOW + timedelta(hours=25))
    assert by_scope(later, SURGE) == {}


def test_a_surge_needs_two_weeks_of_history(store: Store) -> None:
    """Thirteen days after the first complaint nobody knows what is usual, a day later it is."""
    store.take_in(opened(0, timedelta(days=13)), *(opened(number, HOURS) for number in range(1, 9)))
    assert by_scope(judged(store, BOTH, NOW), SURGE) == {}
    store.take_in(opened(9, timedelta(days=14)))
    assert by_scope(judged(store, BOTH, NOW), SURGE).keys() == {"s-1"}


def test_a_new_shop_is_judged_after_two_weeks_of_its_own(store: Store) -> None:
    """Six complaints three days after it opened are no surge, whatever is known of the other shops.

    A steady new installation has none.
    """
    old = [opened(day, timedelta(days=day, hours=1), site_id="s-2") for day in range(60)]
    new = [opened(1000 + number, 3 * HOURS * number, site_id="s-1") for number in range(24)]
    store.take_in(*old, *new)
    assert "s-1" not in by_scope(judged(store, BOTH, NOW), SURGE)
    store.clear()
    steady = [opened(number, 2 * HOURS * number) for number in range(14 * 12 + 1)]
    store.take_in(*steady)
    assert by_scope(judged(store, BOTH, NOW), SURGE) == {}


def test_a_shop_is_known_since_its_first_complaint(store: Store) -> None:
    """However long ago that was, by site.

    One that comes later than now, or of which no opening is known, tells nothing.
    """
    days = timedelta(days=1)
    store.take_in(
        *(opened(number, number * 10 * days, site_id="s-1") for number in range(9)),
        opened(10, 3 * days, site_id="s-2"),
        opened(11, -HOURS / 10, site_id="s-3"),
        opened(12, 5 * days, site_id="s-4", action="resolved"),
    )
    with reading(store) as cursor:
        assert read_first(cursor, NOW) == {"s-1": NOW - 80 * days, "s-2": NOW - 3 * days}
