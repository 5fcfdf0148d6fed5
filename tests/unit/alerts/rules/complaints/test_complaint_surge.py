from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.alerts.rules.example import Example

from voc_stream.alerts.model import MOST_IDS, Subject
from voc_stream.alerts.rule import Facts
from voc_stream.alerts.rules.complaints.complaint_surge import (
    NAME,
    Opened,
    OpenedComplaints,
    expected_in_a_day,
    judge_surges,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.alerts.model import Verdict
    from voc_stream.catalogue.model import Catalogue

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
YEAR, INSTANT = timedelta(days=365), timedelta(microseconds=1)
SITE, ALL = Subject(NAME, None, "site", "s-1"), Subject(NAME, None, "all", "")


def surges(
    catalogue: Catalogue,
    *opened: Opened,
    first: Mapping[str, datetime] | None = None,
    open_subjects: tuple[Subject, ...] = (),
) -> Verdict:
    """The verdict as of NOW.

    All sites have been known for a year unless it is said when their first complaint was.
    """
    if first is None:
        first = {one.site_id: NOW - YEAR for one in opened}
    return judge_surges(opened, first, catalogue, NOW, open_subjects)


def usual(site: str, a_day: int, last_day: int, category: str | None = "overall") -> Opened:
    """A site with as many complaints on every day of the four weeks."""
    moments = tuple(
        (NOW - timedelta(minutes=number), f"{category}-{number}")
        for number in range(min(last_day, MOST_IDS))
    )
    return Opened(site, category, last_day, 4 * a_day, 28 * a_day, moments)


FIRST = {"s-1": NOW - YEAR, "s-2": NOW - YEAR}
EXAMPLE = Example(
    starts=Facts(OpenedComplaints([usual("s-1", 4, 22), usual("s-2", 1, 1)], FIRST)),
    ends=Facts(OpenedComplaints([usual("s-1", 10, 10), usual("s-2", 1, 1)], FIRST)),
    now=NOW,
)


def test_as_many_complaints_as_usual_are_no_surge(catalogue: Catalogue) -> None:
    """Nor are somewhat more."""
    assert surges(catalogue, usual("s-1", 10, 10), usual("s-2", 10, 14)) == (
        [],
        set(),
    )


def test_many_more_than_usual_are_a_surge(catalogue: Catalogue) -> None:
    """With what is usual, what it is about, and the newest complaints."""
    verdict = surges(
        catalogue, usual("s-1", 4, 22), usual("s-1", 1, 2, "fair_charge"), usual("s-2", 1, 1)
    )
    [here] = verdict.findings
    assert (here.subject, here.severity) == (SITE, "critical")
    assert here.evidence == {
        "count": 24,
        "expected": 5.0,
        "ratio": 4.8,
        "horizon": "24h",
        "complaint_ids": ["overall-0", "fair_charge-0", "overall-1", "fair_charge-1", "overall-2"],
        "explained_by": "overall",
        "explained_dimension": "experience",
    }
    label = catalogue.experience["overall"].label
    assert here.summary == (
        f"24 complaints at s-1 in 24 hours, where 5.0 are usual, mostly about “{label.en}”"
        f" / s-1 24 小时内新增投诉 24 起，平常约 5.0 起，主要涉及“{label.zh}”"
    )


def test_all_sites_surge_where_they_do_without_those_that_surge_alone(catalogue: Catalogue) -> None:
    """One site's flood is told once.

    A rise that is too small at each site, but not over all, is told of all.
    """
    everywhere = [usual(f"s-{number}", 2, 4) for number in range(2, 12)]
    [alone] = surges(catalogue, *everywhere).findings
    assert (alone.subject, alone.evidence["count"]) == (ALL, 40)
    assert "all sites" in alone.summary
    others, here = surges(catalogue, usual("s-1", 4, 40), *everywhere).findings
    assert (others.subject, others.evidence["count"], here.subject) == (ALL, 40, SITE)
    [here] = surges(catalogue, usual("s-1", 4, 40), usual("s-2", 2, 2)).findings
    assert here.subject == SITE


def test_a_surge_is_critical_from_three_times_the_usual_and_twenty_on(catalogue: Catalogue) -> None:
    """Both are needed: many, and far more than usual."""
    found = {}
    for a_day, last_day in ((5, 20), (7, 21), (7, 20), (1, 19)):
        [here] = surges(catalogue, usual("s-1", a_day, last_day)).findings
        found[a_day, last_day] = here.severity
    assert found == {
        (5, 20): "critical",
        (7, 21): "critical",
        (7, 20): "warning",
        (1, 19): "warning",
    }


def test_few_complaints_are_no_surge_however_rare_they_are(catalogue: Catalogue) -> None:
    """Four in a day where there never was one are no surge, five are.

    Four do not end one that is open.
    """
    few, enough = surges(catalogue, usual("s-1", 0, 4)), surges(catalogue, usual("s-1", 0, 5))
    assert (few.findings, few.holding) == ([], {SITE, ALL})
    assert [finding.subject for finding in enough.findings] == [SITE]
    assert (enough.findings[0].severity, enough.findings[0].evidence["ratio"]) == ("warning", None)


def test_what_is_certain_but_close_to_the_usual_starts_no_surge(catalogue: Catalogue) -> None:
    """Over many sites a few per cent more are soon certain, and worth nobody's night.

    An alert that is open goes on while it is certain.
    """
    verdict = surges(catalogue, usual("s-1", 1000, 1300))
    assert (verdict.findings, verdict.holding) == ([], {SITE, ALL})
    assert surges(catalogue, usual("s-1", 1000, 1050)).holding == set()


def test_a_surge_holds_until_the_number_is_nearly_as_usual(catalogue: Catalogue) -> None:
    """Starting needs certainty, going on needs one and a half times the usual.

    At exactly that it ends.
    """
    assert surges(catalogue, usual("s-1", 4, 7)) == ([], {SITE, ALL})
    assert surges(catalogue, usual("s-1", 4, 6)).holding == set()
    assert surges(catalogue, usual("s-1", 0, 0)).holding == set()


@pytest.mark.parametrize(
    ("days", "count"), [(14, 120), (14.5, 120), (15, 120), (20, 130), (28.5, 120)]
)
def test_steady_complaints_are_no_surge_however_new_the_installation_is(
    days: float, count: int, catalogue: Catalogue
) -> None:
    """What is usual is divided by the days that there were, not by four weeks."""
    known = timedelta(days=days)
    week_days = sum(min(1.0, max(0.0, days - 7 * week)) for week in (1, 2, 3, 4))
    steady = Opened("s-1", "overall", count, round(120 * week_days), round(120 * (days - 1)))
    verdict = surges(catalogue, steady, first={"s-1": NOW - known})
    assert (verdict.findings, verdict.holding) == ([], set())
    assert expected_in_a_day([steady], known) == pytest.approx(120, rel=0.001)


def test_a_new_installation_finds_surges_after_two_weeks(catalogue: Catalogue) -> None:
    """Three times as many as on each of the thirteen days before."""
    opened = Opened("s-1", "overall", 360, 120, 13 * 120)
    found = surges(catalogue, opened, first={"s-1": NOW - timedelta(days=14)}).findings
    assert [
        (finding.subject, finding.severity, finding.evidence["expected"]) for finding in found
    ] == [
        (SITE, "critical", 120),
    ]


def test_a_new_shop_is_not_judged_for_two_weeks(catalogue: Catalogue) -> None:
    """However long the others have been known: nothing starts there, and nothing ends."""
    opened, other = usual("s-1", 0, 50), usual("s-2", 100, 100)
    for age, found in (
        (timedelta(days=3), []),
        (timedelta(days=14) - INSTANT, []),
        (timedelta(days=14), [SITE]),
    ):
        verdict = surges(
            catalogue,
            opened,
            other,
            first={"s-1": NOW - age, "s-2": NOW - YEAR},
            open_subjects=(SITE,),
        )
        assert [finding.subject for finding in verdict.findings if finding.subject != ALL] == found
        assert (SITE in verdict.holding) is (not found)


def test_without_history_nothing_starts_or_ends(catalogue: Catalogue) -> None:
    """In the first two weeks nobody knows what is usual, and of empty tables nobody ever does.

    Other rules hold for themselves.
    """
    other = Subject("VocComplaintAgeing", None, "site", "s-1")
    for opened, first in (([usual("s-1", 0, 50)], {"s-1": NOW - timedelta(days=13)}), ([], {})):
        verdict = surges(catalogue, *opened, first=first, open_subjects=(SITE, ALL, other))
        assert verdict == ([], {SITE, ALL})


def test_a_surge_ends_where_no_complaint_is_left(catalogue: Catalogue) -> None:
    """Whether the site's are long ago, or were all stated anew as those of another site."""
    for first in ({"s-1": NOW - YEAR}, {"s-2": NOW - YEAR}):
        assert surges(catalogue, first=first, open_subjects=(SITE,)) == (
            [],
            set(),
        )


def test_the_more_sites_are_looked_at_the_more_is_asked_of_one(catalogue: Catalogue) -> None:
    """Eight instead of three is worth a look at a given site.

    By chance it happens somewhere among three hundred sites.
    """
    loud, calm = usual("s-1", 3, 9), [usual(f"t-{number}", 3, 3) for number in range(300)]
    assert SITE in [finding.subject for finding in surges(catalogue, loud).findings]
    among_many = surges(catalogue, loud, *calm)
    assert among_many.findings == []
    assert among_many.holding == {SITE}


def test_a_category_explains_a_surge_only_if_it_is_known_and_large(catalogue: Catalogue) -> None:
    """At least half of the excess; complaints without a category point at nothing."""
    cases = {
        ("overall", "fair_charge", None): (10, 5, 5),
        ("fair_charge", "overall", None): (9, 6, 5),
        (None, "overall", "fair_charge"): (10, 5, 5),
    }
    found = []
    for categories, counts in cases.items():
        opened = [
            usual("s-1", 0, count, category)
            for category, count in zip(categories, counts, strict=True)
        ]
        evidence = surges(catalogue, *opened).findings[0].evidence
        found.append((evidence["explained_by"], evidence["explained_dimension"]))
    assert found == [("overall", "experience"), (None, None), (None, None)]


def test_a_category_that_the_catalogue_no_longer_names_keeps_its_key(catalogue: Catalogue) -> None:
    """Old events still speak of it."""
    finding = surges(catalogue, usual("s-1", 0, 9, "gone")).findings[0]
    assert "“gone”" in finding.summary


OPENED = st.lists(
    st.builds(
        Opened,
        st.sampled_from(["s-1", "s-2", "s-3"]),
        st.sampled_from(["overall", "fair_charge", None]),
        st.integers(0, 40),
        st.integers(0, 40),
        st.integers(0, 200),
    ),
    max_size=9,
)


@given(OPENED, OPENED, st.timedeltas(timedelta(days=14), timedelta(days=90)))
def test_what_is_expected_adds_up(
    some: list[Opened], others: list[Opened], known: timedelta
) -> None:
    """Of the parts it is together what it is of the whole.

    So sites and categories may be summed in any way.
    """
    parts = expected_in_a_day(some, known) + expected_in_a_day(others, known)
    assert expected_in_a_day([*some, *others], known) == pytest.approx(parts)


@given(st.integers(1, 1000), st.timedeltas(timedelta(days=14), timedelta(days=90)))
def test_a_steady_rate_is_expected_however_long_it_is_known(a_day: int, known: timedelta) -> None:
    """Counted as the windows count it.

    Those of the weeks before that there were, the first perhaps in part.
    """
    day = timedelta(days=1)
    like_this = sum(
        min(day, max(timedelta(0), known - 7 * week * day)) / day for week in range(1, 5)
    )
    steady = Opened("s-1", None, 0, a_day * like_this, a_day * min(28, known / day - 1))  # type: ignore[arg-type]  # a rate, not a count
    assert expected_in_a_day([steady], known) == pytest.approx(a_day)


@given(OPENED, st.randoms())
def test_the_verdict_does_not_depend_on_the_order_of_rows(
    catalogue: Catalogue, opened: list[Opened], random: object
) -> None:
    """The database gives them in any; and a finding is never held at the same time."""
    shuffled = list(opened)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    verdict, again = surges(catalogue, *opened), surges(catalogue, *shuffled)
    assert [
        (found.subject, found.severity, found.evidence["count"]) for found in verdict.findings
    ] == [(found.subject, found.severity, found.evidence["count"]) for found in again.findings]
    assert verdict.holding == again.holding
    assert not {found.subject for found in verdict.findings} & set(verdict.holding)
