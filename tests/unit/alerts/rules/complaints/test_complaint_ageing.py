from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from unit.alerts.calendars import SIX_DAYS, with_calendar
from unit.alerts.rules.example import Example

from voc_stream.alerts.model import Subject, Verdict
from voc_stream.alerts.rule import Context, Facts
from voc_stream.alerts.rules.complaints.complaint_ageing import (
    NAME,
    OpenComplaint,
    count_by_site,
    judge,
)
from voc_stream.catalogue.load import load_catalogue
from voc_stream.catalogue.model import Limits
from voc_stream.domain.calendar import NEVER_CLOSED, calendars_of

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LIMITS = (
    Limits()
)  # acknowledged within 240 (major) and 1,440 minutes, resolved within 1,440 and 4,320


def judge_ageing(complaints: list[OpenComplaint], limits: Limits, now: datetime) -> Verdict:
    """What the rule finds among these complaints."""
    counted = count_by_site(complaints, limits, NEVER_CLOSED, now)
    return judge(Facts(counted), Context(load_catalogue(), now, {}))


def waiting(
    minutes: float,
    *,
    severity: str = "minor",
    is_answered: bool = False,
    name: str = "q-1",
    site: str = "s-1",
    handed_to: str | None = None,
) -> OpenComplaint:
    return OpenComplaint(
        name, site, severity, is_answered, NOW - timedelta(minutes=minutes), handed_to
    )


EXAMPLE = Example(
    starts=Facts(count_by_site([waiting(9000)], LIMITS, NEVER_CLOSED, NOW)),
    ends=Facts(count_by_site([waiting(5)], LIMITS, NEVER_CLOSED, NOW)),
    now=NOW,
)


@pytest.mark.parametrize(
    ("severity", "is_answered", "minutes"),
    [("major", False, 240), ("minor", False, 1440), ("major", True, 1440), ("minor", True, 4320)],
)
def test_a_complaint_is_overdue_after_the_limit_and_not_at_it(
    severity: str, is_answered: bool, minutes: float
) -> None:
    """The last minute that the catalogue allows is still in time.

    Only the step that is missing counts.
    """
    at_the_limit = waiting(minutes, severity=severity, is_answered=is_answered)
    assert judge_ageing([at_the_limit], LIMITS, NOW).findings == []
    (finding,) = judge_ageing([at_the_limit], LIMITS, NOW + timedelta(seconds=1)).findings
    assert finding.subject == Subject(NAME, None, "site", "s-1")
    assert finding.severity == ("critical" if severity == "major" else "warning")
    assert finding.evidence["missing"] == {
        "acknowledged": int(not is_answered),
        "resolved": int(is_answered),
    }


def test_no_complaints_are_no_alert() -> None:
    """Nothing open, nothing overdue: whatever was open ends."""
    assert judge_ageing([], LIMITS, NOW) == ([], ())


def test_the_evidence_names_the_oldest_first_and_what_they_lack() -> None:
    """The alert says per site what somebody needs to know, in both languages.

    How many of how many, which step, how long, whom to ask, and the numbers.
    """
    overdue = [
        waiting(1500 + 60 * number, name=f"q-{number}", is_answered=number > 2 and number % 2 == 0)
        for number in range(7)
    ]
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
    for number in ("6", "8", "5", "1", "4.2"):
        assert number in english
        assert number in chinese
    assert "投诉处理超时" in chinese


def test_a_department_is_named_where_most_wait_for_it() -> None:
    """The department is that of more than half.

    So the alert is not sent to a department that has little to do with it.
    """
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
    (finding,) = judge_ageing(
        [waiting(90 * 1440, severity="major"), waiting(90 * 1440 + 1)], LIMITS, NOW
    ).findings
    assert (finding.evidence["overdue"], finding.evidence["open"]) == (1, 1)


@pytest.mark.parametrize(
    ("in_opening_time", "waited", "is_overdue"),
    [
        # Opened on Saturday at 17:00; on Sunday nobody is there, and Saturday has an hour more.
        (False, timedelta(hours=28), False),
        (False, timedelta(hours=48), False),
        (False, timedelta(hours=48, minutes=1), True),
        (True, timedelta(hours=48, minutes=1), False),
        # An hour on Saturday, ten on Monday, ten on Tuesday and three on Wednesday are 24.
        (True, timedelta(days=3, hours=18), False),
        (True, timedelta(days=3, hours=18, minutes=1), True),
    ],
)
def test_a_closed_sunday_is_no_wait(
    in_opening_time: bool, waited: timedelta, is_overdue: bool
) -> None:
    """A minor complaint may wait 24 hours: without the days off, or only in opening hours."""
    saturday = datetime(2026, 1, 10, 17, tzinfo=UTC)
    complaint = waiting(0)._replace(waiting_since=saturday)
    catalogue = with_calendar(SIX_DAYS, in_opening_time=in_opening_time)
    counted = count_by_site(
        [complaint], catalogue.limits, calendars_of(catalogue), saturday + waited
    )
    assert bool(judge(Facts(counted), Context(catalogue, saturday + waited, {})).findings) is (
        is_overdue
    )
