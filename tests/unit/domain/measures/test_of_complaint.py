"""What complaints measure, and when: golden lives of one complaint."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import START, at, complaint
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.domain.world import events_of

from voc_stream.alerts.rules.complaints.complaint_ageing import OpenComplaint
from voc_stream.catalogue.calendar import SiteCalendar
from voc_stream.catalogue.measures import Between, KeptBy
from voc_stream.catalogue.model import BySeverity, Experience, Limits
from voc_stream.domain.calendar import Calendar
from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.moment import from_microseconds, moment_of
from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from voc_stream.catalogue.measures import Source
    from voc_stream.catalogue.model import Catalogue

MINUTE = timedelta(minutes=1)
# START is a Saturday, 08:00 in UTC.
OFFICE = SiteCalendar(week=(((480, 1080),),) * 5 + ((), ()))
ANSWERED = KeptBy(
    moment="complaint.answered", after="complaint.last_opened", limit="acknowledge_minutes"
)
TO_ANSWER = Between(start="complaint.last_opened", end="complaint.answered")
TO_RESOLVE = Between(start="complaint.opened", end="complaint.resolved")
LIMITS = Limits(acknowledge_minutes=BySeverity(major=60, minor=120))
Step = tuple[str, int]
"""An action, and minutes after START."""


def measured(
    catalogue: Catalogue,
    source: Source,
    *steps: Step,
    calendar: SiteCalendar | None = None,
    limits: Limits = LIMITS,
    severity: str = "minor",
) -> tuple[int, float] | None:
    """What a life measures: in minutes after START when it counts, and the value."""
    kind = catalogue.experience["complaint_minutes_to_resolve"]
    only: dict[str, Experience] = {"one": msgspec.structs.replace(kind, source=source)}
    rules = measure_rules(
        msgspec.structs.replace(
            catalogue, experience=only, limits=limits, calendar=calendar or SiteCalendar()
        )
    )
    state = ComplaintState("q-1")
    bodies = [
        complaint(f"k-{n}", action=action, occurred_at=at(minutes=minute), severity=severity)
        for n, (action, minute) in enumerate(steps)
    ]
    for event in events_of(bodies, catalogue):
        assert isinstance(event, Complaint)
        state.apply(event, moment_of(event))
    counted = state.counted(rules).measured
    assert len(counted) <= 1
    return (
        (
            (from_microseconds(counted[0][0]) - START) // timedelta(minutes=1),
            counted[0][1].value / 100,
        )
        if counted
        else None
    )


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("opened", 0)], None),
        ([("opened", 0), ("acknowledged", 30)], (30, 30)),
        ([("opened", 0), ("resolved", 20), ("acknowledged", 30)], (20, 20)),
        ([("opened", 0), ("acknowledged", 30), ("reopened", 100)], None),
        ([("opened", 0), ("acknowledged", 30), ("reopened", 100), ("apologised", 104)], (104, 4)),
        ([("acknowledged", 30)], None),
    ],
)
def test_minutes_to_acknowledge(
    catalogue: Catalogue, steps: list[Step], expected: tuple[int, float] | None
) -> None:
    """Any answer acknowledges. A complaint that is reopened waits anew for one."""
    assert measured(catalogue, TO_ANSWER, *steps) == expected


def test_minutes_to_resolve_are_the_whole_wait(catalogue: Catalogue) -> None:
    """A reopening takes back what counted; the next resolution counts from the first opening."""
    life: list[Step] = [("opened", 0), ("resolved", 50), ("reopened", 60), ("resolved", 90)]
    assert measured(catalogue, TO_RESOLVE, *life[:2]) == (50, 50)
    assert measured(catalogue, TO_RESOLVE, *life[:3]) is None
    assert measured(catalogue, TO_RESOLVE, *life) == (90, 90)


def test_opening_minutes_are_those_of_the_site(catalogue: Catalogue) -> None:
    """Opened on Saturday, resolved on Monday at 08:30: 30 minutes open. Unknown without hours."""
    life: list[Step] = [("opened", 0), ("resolved", 2 * 24 * 60 + 30)]
    source = msgspec.structs.replace(TO_RESOLVE, time="opening")
    assert measured(catalogue, source, *life, calendar=OFFICE) == (2910, 30)
    assert measured(catalogue, source, *life) is None


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("opened", 0)], (120, 0)),
        ([("opened", 0), ("acknowledged", 120)], (120, 10)),
        ([("opened", 0), ("acknowledged", 121)], (120, 0)),
        ([("opened", 0), ("acknowledged", 5), ("reopened", 500)], (620, 0)),
        ([("opened", 0), ("reopened", 500), ("resolved", 510)], (620, 10)),
        ([("opened", 0), ("withdrawn", 60)], None),
        ([("opened", 0), ("withdrawn", 121)], (120, 0)),
        ([("opened", 0), ("acknowledged", 20), ("withdrawn", 60)], (120, 10)),
        ([("acknowledged", 5)], None),
    ],
)
def test_whether_a_limit_was_kept(
    catalogue: Catalogue, steps: list[Step], expected: tuple[int, float] | None
) -> None:
    """It counts when the limit is over, whether or not anybody answered.

    A complaint that was withdrawn before, unanswered, is not judged.
    """
    assert measured(catalogue, ANSWERED, *steps) == expected


def test_a_limit_is_that_of_the_severity(catalogue: Catalogue) -> None:
    """`[limits]` is the one place that states it: an hour for a major complaint here."""
    assert measured(catalogue, ANSWERED, ("opened", 0), severity="major") == (60, 0)


def test_a_limit_waits_as_the_alert_does(catalogue: Catalogue) -> None:
    """A weekend does not count in it, nor a closed hour if limits are in opening time."""
    monday, friday = 2 * 24 * 60, -15 * 60  # Monday 08:00, and Friday 17:00
    opening = msgspec.structs.replace(LIMITS, in_opening_time=True)
    for limits, due in ((LIMITS, monday - 8 * 60 + 120), (opening, monday + 120)):
        found = measured(catalogue, ANSWERED, ("opened", 0), calendar=OFFICE, limits=limits)
        assert found == (due, 0)
    found = measured(catalogue, ANSWERED, ("opened", friday), calendar=OFFICE, limits=opening)
    assert found == (monday + 60, 0)


@settings(max_examples=30)
@given(opened=st.integers(-10_000, 0), later=st.integers(0, 10_000), in_hours=st.booleans())
def test_a_limit_is_over_when_the_alert_begins(
    catalogue: Catalogue, opened: int, later: int, in_hours: bool
) -> None:
    """Until the moment at which it counts a complaint is not overdue, and after it it is."""
    limits = msgspec.structs.replace(LIMITS, in_opening_time=in_hours)
    found = measured(catalogue, ANSWERED, ("opened", opened), calendar=OFFICE, limits=limits)
    assert found is not None
    waits = OpenComplaint("q-1", "s-1", "minor", False, START + opened * MINUTE, None)
    for minute, is_overdue in ((found[0], False), (found[0] + 1 + later, True)):
        moment = START + minute * MINUTE
        assert waits.is_overdue(limits, Calendar(OFFICE), moment) is is_overdue


def test_a_time_on_the_clock_can_be_named_as_well(catalogue: Catalogue) -> None:
    """`within_minutes` runs on the clock, whatever the limits and closed days say."""
    source = KeptBy(moment="complaint.informed", after="complaint.resolved", within_minutes=24 * 60)
    life: list[Step] = [("opened", 0), ("resolved", 10), ("informed", 20)]
    assert measured(catalogue, source, *life, calendar=OFFICE) == (1450, 10)
