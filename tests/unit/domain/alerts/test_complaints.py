from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.catalogue import Limits
from voc_stream.domain.alerts.complaints import AGEING, SURGE, OpenComplaint, Opened, expected_in_a_day, judge_ageing, judge_surges
from voc_stream.domain.alerts.finding import MOST_IDS, Subject

if TYPE_CHECKING:
    from voc_stream.catalogue import Catalogue
    from voc_stream.domain.alerts.finding import Verdict

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LIMITS = Limits()  # acknowledged within 240 (major) and 1,440 minutes, resolved within 1,440 and 4,320
SITE, ALL = Subject(SURGE, None, "site", "s-1"), Subject(SURGE, None, "all", "")


def waiting(
    minutes: float,
    *,
    severity: str = "minor",
    is_answered: bool = False,
    name: str = "q-1",
    site: str = "s-1",
    handed_to: str | None = None,
) -> OpenComplaint:
    return OpenComplaint(name, site, severity, is_answered, NOW - timedelta(minutes=minutes), handed_to)


def surges(catalogue: Catalogue, *opened: Opened, has_history: bool = True, open_subjects: tuple[Subject, ...] = ()) -> Verdict:
    return judge_surges(opened, has_history=has_history, catalogue=catalogue, open_subjects=open_subjects)


def usual(site: str, a_day: int, last_day: int, category: str | None = "overall") -> Opened:
    """A site with as many complaints on every day of the four weeks."""
    moments = tuple((NOW - timedelta(minutes=number), f"{category}-{number}") for number in range(min(last_day, MOST_IDS)))
    return Opened(site, category, last_day, 4 * a_day, 28 * a_day, moments)


@pytest.mark.parametrize(
    ("severity", "is_answered", "minutes"), [("major", False, 240), ("minor", False, 1440), ("major", True, 1440), ("minor", True, 4320)]
)
def test_a_complaint_is_overdue_after_the_limit_and_not_at_it(severity: str, is_answered: bool, minutes: float) -> None:
    """The last minute that the catalogue allows is still in time; only the step that is missing counts."""
    at_the_limit = waiting(minutes, severity=severity, is_answered=is_answered)
    assert judge_ageing([at_the_limit], LIMITS, NOW).findings == []
    (finding,) = judge_ageing([at_the_limit], LIMITS, NOW + timedelta(seconds=1)).findings
    assert finding.subject == Subject(AGEING, None, "site", "s-1")
    assert finding.severity == ("critical" if severity == "major" else "warning")
    assert finding.evidence["missing"] == {"acknowledged": int(not is_answered), "resolved": int(is_answered)}


def test_no_complaints_are_no_alert() -> None:
    """Nothing open, nothing overdue: whatever was open ends."""
    assert judge_ageing([], LIMITS, NOW) == (frozenset({AGEING}), [], ())


def test_the_evidence_names_the_oldest_first_and_what_they_lack() -> None:
    """Per site: how many of how many, which step, how long, whom to ask, and a sentence in both languages with the numbers."""
    overdue = [waiting(1500 + 60 * number, name=f"q-{number}", is_answered=number > 2 and number % 2 == 0) for number in range(7)]
    overdue[4] = waiting(6000, name="q-4", is_answered=True, severity="major", handed_to="parts")
    others = [waiting(5, name="new"), waiting(9000, name="elsewhere", site="s-2")]
    here, there = judge_ageing([*overdue, *others], LIMITS, NOW).findings
    assert here.evidence == {
        "overdue": 6,
        "open": 8,
        "major": 1,
        "missing": {"acknowledged": 5, "resolved": 1},
        "oldest_hours": 100.0,
        "complaint_ids": ["q-4", "q-5", "q-3", "q-2", "q-1"],
        "department": None,
    }
    assert (here.severity, there.severity, there.subject.scope) == ("critical", "warning", "s-2")
    english, _, chinese = here.summary.partition(" / ")
    for number in ("6", "8", "5", "1", "100"):
        assert number in english
        assert number in chinese
    assert "投诉处理超时" in chinese


def test_a_department_is_named_where_most_wait_for_it() -> None:
    """More than half, so that the alert is not sent to a department that has little to do with it."""
    parts, paint = (waiting(9000, handed_to=name, name=name) for name in ("parts", "paint"))
    for complaints, expected in (
        ([parts], "parts"),
        ([parts, paint], None),
        ([parts, parts, paint], "parts"),
        ([parts, waiting(9000)], None),
    ):
        (finding,) = judge_ageing(complaints, LIMITS, NOW).findings
        assert finding.evidence["department"] == expected


def test_complaints_that_were_given_up_are_not_counted() -> None:
    """Nobody works on what is older than ninety days, and an alert that never ends is not read."""
    assert judge_ageing([waiting(90 * 1440 + 1, severity="major")], LIMITS, NOW).findings == []
    (finding,) = judge_ageing([waiting(90 * 1440, severity="major"), waiting(90 * 1440 + 1)], LIMITS, NOW).findings
    assert (finding.evidence["overdue"], finding.evidence["open"]) == (1, 1)


def test_as_many_complaints_as_usual_are_no_surge(catalogue: Catalogue) -> None:
    """Nor are somewhat more."""
    assert surges(catalogue, usual("s-1", 10, 10), usual("s-2", 10, 14)) == (frozenset({SURGE}), [], set())


def test_many_more_than_usual_are_a_surge(catalogue: Catalogue) -> None:
    """At the site and, where that is enough, over all; with what is usual, what it is about, and the newest complaints."""
    verdict = surges(catalogue, usual("s-1", 4, 22), usual("s-1", 1, 2, "fair_charge"), usual("s-2", 1, 1))
    everywhere, here = verdict.findings
    assert (everywhere.subject, here.subject, here.severity) == (ALL, SITE, "critical")
    assert here.evidence == {
        "count": 24,
        "expected": 5.0,
        "ratio": 4.8,
        "horizon": "24h",
        "complaint_ids": ["overall-0", "fair_charge-0", "overall-1", "fair_charge-1", "overall-2"],
        "explained_by": "experience overall",
    }
    label = catalogue.experience["overall"].label
    assert here.summary == (
        f"24 complaints at s-1 in 24 hours, where 5.0 are usual, mostly about “{label.en}”"
        f" / s-1 24 小时内新增投诉 24 起，平常约 5.0 起，主要涉及“{label.zh}”"
    )
    assert everywhere.evidence["count"] == 25
    assert "all sites" in everywhere.summary


def test_a_surge_is_critical_from_three_times_the_usual_and_twenty_on(catalogue: Catalogue) -> None:
    """Both are needed: many, and far more than usual."""
    found = {}
    for a_day, last_day in ((5, 20), (7, 21), (7, 20), (1, 19)):
        _, here = surges(catalogue, usual("s-1", a_day, last_day)).findings
        found[a_day, last_day] = here.severity
    assert found == {(5, 20): "critical", (7, 21): "critical", (7, 20): "warning", (1, 19): "warning"}


def test_few_complaints_are_no_surge_however_rare_they_are(catalogue: Catalogue) -> None:
    """Four in a day where there never was one are no surge, five are; four do not end one that is open."""
    few, enough = surges(catalogue, usual("s-1", 0, 4)), surges(catalogue, usual("s-1", 0, 5))
    assert (few.findings, few.holding) == ([], {SITE, ALL})
    assert [finding.subject for finding in enough.findings] == [ALL, SITE]
    assert (enough.findings[0].severity, enough.findings[0].evidence["ratio"]) == ("warning", None)


def test_what_is_certain_but_close_to_the_usual_starts_no_surge(catalogue: Catalogue) -> None:
    """Over many sites a few per cent more are soon certain, and worth nobody's night; an alert that is open goes on while it is certain."""
    verdict = surges(catalogue, usual("s-1", 1000, 1300))
    assert (verdict.findings, verdict.holding) == ([], {SITE, ALL})
    assert surges(catalogue, usual("s-1", 1000, 1050)).holding == set()


def test_a_surge_holds_until_the_number_is_nearly_as_usual(catalogue: Catalogue) -> None:
    """Starting needs certainty, going on needs one and a half times the usual; at exactly that it ends."""
    assert surges(catalogue, usual("s-1", 4, 7)) == (frozenset({SURGE}), [], {SITE, ALL})
    assert surges(catalogue, usual("s-1", 4, 6)).holding == set()
    assert surges(catalogue, usual("s-1", 0, 0)).holding == set()


def test_without_history_nothing_starts_or_ends(catalogue: Catalogue) -> None:
    """In the first two weeks nobody knows what is usual."""
    other = Subject(AGEING, None, "site", "s-1")
    verdict = surges(catalogue, usual("s-1", 0, 50), has_history=False, open_subjects=(SITE, other))
    assert verdict == (frozenset({SURGE}), (), {SITE})


def test_the_more_sites_are_looked_at_the_more_is_asked_of_one(catalogue: Catalogue) -> None:
    """Eight instead of three happens by chance somewhere among three hundred sites, and at a given one it is worth a look."""
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
        opened = [usual("s-1", 0, count, category) for category, count in zip(categories, counts, strict=True)]
        found.append(surges(catalogue, *opened).findings[0].evidence["explained_by"])
    assert found == ["experience overall", None, None]


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


@given(OPENED, OPENED)
def test_what_is_expected_adds_up(some: list[Opened], others: list[Opened]) -> None:
    """Of the parts it is together what it is of the whole, so sites and categories may be summed in any way."""
    assert expected_in_a_day([*some, *others]) == pytest.approx(expected_in_a_day(some) + expected_in_a_day(others))


@given(OPENED, st.randoms())
def test_the_verdict_does_not_depend_on_the_order_of_rows(catalogue: Catalogue, opened: list[Opened], random: object) -> None:
    """The database gives them in any; and a finding is never held at the same time."""
    shuffled = list(opened)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    verdict, again = surges(catalogue, *opened), surges(catalogue, *shuffled)
    assert [(found.subject, found.severity, found.evidence["count"]) for found in verdict.findings] == [
        (found.subject, found.severity, found.evidence["count"]) for found in again.findings
    ]
    assert verdict.holding == again.holding
    assert not {found.subject for found in verdict.findings} & set(verdict.holding)
