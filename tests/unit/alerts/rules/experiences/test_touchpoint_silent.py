from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.alerts.rules.example import Example

from voc_stream.alerts.model import Subject
from voc_stream.alerts.rule import Facts
from voc_stream.alerts.rules.experiences.touchpoint_silent import (
    NAME,
    WEEK,
    WINDOWS,
    HeardSites,
    Silence,
    SiteContacts,
    hours_to_look_at,
    judge_silences,
    silence_at,
    still_silent,
    telling_hours,
)
from voc_stream.domain.horizons import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.catalogue.measures import Kind

END = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOTHING = (0, 0, 0, 0)


def weeks(now: Sequence[int], *before: Sequence[int]) -> list[Sequence[int]]:
    """Numbers of contacts by window.

    Now, and in the four weeks before (the last of those given stands for the others, too).
    """
    return [now, *before, *[before[-1]] * (4 - len(before))]


def site(
    silent_hours: int, unrated_hours: int = 48, **contacts: Sequence[Sequence[int]]
) -> SiteContacts:
    kinds: dict[str, Kind] = {"rating": "rating", "process": "process", "timing": "timing"}
    return SiteContacts(
        "s-1", silent_hours, unrated_hours, {kinds[name]: found for name, found in contacts.items()}
    )


USUAL = weeks(NOTHING, (10, 20, 40, 80))
EXAMPLE = Example(
    starts=Facts(HeardSites([site(12, rating=USUAL)], {})),
    ends=Facts(HeardSites([site(0, 0, rating=USUAL)], {})),
    now=END,
)


def test_a_site_is_quiet_where_ten_contacts_were_to_be_expected_in_its_silence() -> None:
    """The window is the longest that was silent, so the number grows with the silence.

    Ten are enough, a little less is not.
    """
    usual = weeks(NOTHING, (10, 20, 40, 80))
    assert [silence_at(site(hours, rating=usual)) for hours in (5, 6, 11, 12, 30, 48)] == [
        None,
        Silence("s-1", "quiet", 6, 10.0),
        Silence("s-1", "quiet", 6, 10.0),
        Silence("s-1", "quiet", 12, 20.0),
        Silence("s-1", "quiet", 24, 40.0),
        Silence("s-1", "quiet", 48, 80.0),
    ]
    assert (
        silence_at(
            site(
                11,
                rating=weeks(
                    NOTHING, (10, 20, 40, 80), (10, 20, 40, 80), (10, 20, 40, 80), (9, 20, 40, 80)
                ),
            )
        )
        is None
    )


def test_a_site_that_is_always_closed_at_this_hour_is_not_quiet() -> None:
    """Twelve hours of a night are no silence where every night has them.

    With the day before they are.
    """
    nights = weeks(NOTHING, (0, 0, 90, 180))
    assert silence_at(site(13, rating=nights)) is None
    assert silence_at(site(24, rating=nights)) == Silence("s-1", "quiet", 24, 90.0)


def test_two_of_the_four_weeks_must_have_been_heard() -> None:
    """A single busy week, such as a campaign, is no rhythm."""
    once, twice = weeks(NOTHING, (99,) * 4, NOTHING), weeks(NOTHING, (20,) * 4, (20,) * 4, NOTHING)
    assert silence_at(site(48, rating=once)) is None
    assert silence_at(site(48, rating=twice)) == Silence("s-1", "quiet", 48, 10.0)


def test_kinds_are_not_added_up() -> None:
    """The answers of one call are ratings and process items.

    So contacts are those of the most frequent kind.
    """
    assert (
        silence_at(site(6, rating=weeks(NOTHING, (9,) * 4), process=weeks(NOTHING, (9,) * 4)))
        is None
    )
    found = silence_at(site(6, rating=weeks(NOTHING, (9,) * 4), timing=weeks(NOTHING, (12,) * 4)))
    assert found == Silence("s-1", "quiet", 6, 12.0)


def test_a_site_of_which_nothing_is_known_is_not_silent() -> None:
    """No data is no expectation."""
    assert silence_at(site(48)) is None


def test_feedback_is_missing_where_a_site_works_as_usual_and_nobody_rates() -> None:
    """At least half of the usual timings, at least ten usual ratings, none for a day.

    One hour less is not enough.
    """
    ratings = weeks(NOTHING, (3, 5, 10, 20))
    found = {}
    for timings in (7, 8):
        for unrated_hours in (23, 24):
            one = site(
                0, unrated_hours, rating=ratings, timing=weeks((0, 0, timings, 30), (4, 8, 16, 32))
            )
            found[timings, unrated_hours] = silence_at(one)
    assert found == {
        (7, 23): None,
        (7, 24): None,
        (8, 23): None,
        (8, 24): Silence("s-1", "no feedback", 24, 10.0),
    }
    few_ratings = weeks(NOTHING, (3, 5, 10, 20), (3, 5, 9, 20))
    assert silence_at(site(0, rating=few_ratings, timing=weeks((1,) * 4, (1,) * 4))) is None
    assert silence_at(site(0, rating=ratings)) is None, "no timings, no sign that it works"
    assert silence_at(site(0, rating=ratings, timing=weeks((9,) * 4, NOTHING))) is None, (
        "nor where it never had any"
    )


def test_a_quiet_site_lacks_no_feedback_as_well() -> None:
    """One alert for each site: silence says more."""
    found = silence_at(
        site(12, 48, rating=weeks(NOTHING, (20,) * 4), timing=weeks((20,) * 4, (20,) * 4))
    )
    assert found is not None
    assert found.form == "quiet"


def test_a_silence_ends_when_what_was_missing_is_heard() -> None:
    """Anything from a quiet site; a rating where feedback was missing."""
    assert [still_silent(site(hours, 24), "quiet") for hours in (0, 5, 6, 48)] == [
        False,
        False,
        True,
        True,
    ]
    assert [still_silent(site(0, hours), "no feedback") for hours in (0, 23, 24, 48)] == [
        False,
        False,
        True,
        True,
    ]


def test_the_alert_says_how_long_and_what_is_usual() -> None:
    """In both languages.

    Critical from thirty missed contacts on; when it was last heard, where that is known.
    """
    quiet, unrated = Silence("s-1", "quiet", 12, 29.96), Silence("s-2", "no feedback", 24, 30.0)
    verdict = judge_silences([unrated, quiet], {quiet: END}, ["s-3"])
    assert verdict.holding == {Subject(NAME, None, "site", "s-3")}
    first, second = verdict.findings
    assert (first.subject, first.severity, second.severity) == (
        Subject(NAME, None, "site", "s-1"),
        "warning",
        "critical",
    )
    assert first.evidence == {
        "form": "quiet",
        "hours": 12,
        "expected": 30.0,
        "last_heard_at": "2026-01-05T12:00:00+00:00",
    }
    assert second.evidence == {
        "form": "no feedback",
        "hours": 24,
        "expected": 30.0,
        "last_heard_at": None,
    }
    assert first.summary == (
        "Nothing was heard from s-1 for 12 hours, in which 30 contacts are usual / s-1 已 12"
        " 小时毫无反馈，往常同期约 30 次"
    )
    assert second.summary == (
        "s-2 works as usual, but no customer gave a rating for 24 hours, in which 30 are usual"
        " / s-2 业务照常，但已 24 小时没有客户评分，往常同期约 30 个"
    )


LOOKED_AT = hours_to_look_at(END)


def without(*back: int, weeks: Sequence[int] = (0,)) -> list[datetime]:
    """All hours but those so many hours before the end, in these weeks."""
    return [
        hour
        for hour in LOOKED_AT
        if hour not in {END - hours * HOUR - week * WEEK for hours in back for week in weeks}
    ]


def telling(heard: Sequence[datetime]) -> list[int]:
    return [(END - hour) // HOUR for hour in telling_hours(heard, END)]


def test_where_the_input_stopped_no_hour_tells() -> None:
    """Neither while nothing comes, nor the hours in which it stopped and came back.

    Short gaps of few sites do.
    """
    assert telling(LOOKED_AT) == [*range(1, 49)]
    assert telling([]) == []
    assert telling(without(*range(52))) == []
    assert telling(without(0, 1, 2)) == [*range(4, 49)], "it has stopped for three hours"
    assert telling(without(0, 1)) == [*range(1, 49)], "two may be chance"
    assert telling(without(*range(20, 30))) == [*range(1, 19), *range(31, 49)]


def test_an_hour_in_which_all_are_usually_closed_is_no_stop() -> None:
    """The hours beside a night are whole, and the night itself tells nothing."""
    night = range(13, 24)
    assert telling(without(*night, weeks=(0, 1, 2, 3, 4))) == [*range(1, 13), *range(24, 49)]
    assert telling(without(*night, weeks=(0, 1, 2, 4))) == [*range(1, 49)], (
        "one week suffices for something to be usual"
    )
    assert telling(without(*night, weeks=(0, 1, 2))) == [*range(1, 12), *range(25, 49)], (
        "two make its absence a stop"
    )


@given(st.sets(st.integers(0, 51)), st.integers(0, 51))
def test_the_more_is_heard_now_the_more_tells(missed: set[int], one_more: int) -> None:
    """Hearing somebody in one more hour never takes an hour away."""
    assert set(telling(without(*missed))) <= set(telling(without(*(missed - {one_more}))))


@given(
    st.lists(
        st.lists(st.integers(0, 60), min_size=4, max_size=4).map(sorted), min_size=4, max_size=4
    ),
    st.integers(0, 48),
)
def test_a_longer_silence_stays_one(before: list[list[int]], silent_hours: int) -> None:
    """Longer windows hold more contacts.

    So what is a silence after some hours is one after more, and expects no less.
    """
    usual = weeks(NOTHING, *before)
    found, later = silence_at(site(silent_hours, rating=usual)), silence_at(site(48, rating=usual))
    if found is not None:
        assert later is not None
        assert later.expected >= found.expected >= 10


@pytest.mark.parametrize("hours", WINDOWS)
def test_the_mean_is_that_of_all_four_weeks(hours: int) -> None:
    """A week without anything counts as none, not as unknown."""
    usual = weeks(NOTHING, (8, 16, 24, 32), NOTHING, (4, 4, 4, 4), NOTHING)
    assert site(0, rating=usual).expected("rating", hours) == {6: 3, 12: 5, 24: 7, 48: 9}[hours]
