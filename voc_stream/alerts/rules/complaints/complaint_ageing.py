"""Complaints that wait longer for their next step than they may."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.model import MOST_IDS, Finding, Subject, Verdict
from voc_stream.alerts.rule import Figure, Rule, Words
from voc_stream.alerts.wording import duration
from voc_stream.counted import counted
from voc_stream.domain.limits import limit_is_over_at
from voc_stream.domain.moment import microseconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.model import Limits
    from voc_stream.domain.calendar import Calendar, Calendars

NAME = "VocComplaintAgeing"
GIVEN_UP_AFTER = timedelta(days=90)
"""How long a complaint may wait before it does not count at all.

A complaint that has waited longer was given up, or nobody told its resolution.
"""


class OpenComplaint(NamedTuple):
    """A complaint that is not resolved.

    Attributes:
        complaint_id: the complaint.
        site_id: the site.
        severity: `minor` or `major`.
        is_answered: it was acknowledged, or apologised for.
        waiting_since: the opening or, if that was later, the latest reopening.
        handed_to: the department it was handed to.
    """

    complaint_id: str
    site_id: str
    severity: str
    is_answered: bool
    waiting_since: datetime
    handed_to: str | None

    def is_overdue(self, limits: Limits, calendar: Calendar, now: datetime) -> bool:
        """Whether the next step, an answer or the resolution, takes longer than it may."""
        allowed = (
            [limits.resolve_minutes]
            if self.is_answered
            else [limits.acknowledge_minutes, limits.resolve_minutes]
        )
        began, in_opening_time = microseconds_of(self.waiting_since), limits.in_opening_time
        ends = (
            limit_is_over_at(began, limit, self.severity, calendar, in_opening_time=in_opening_time)
            for limit in allowed
        )
        return any(end is not None and microseconds_of(now) > end for end in ends)


class SiteComplaints:
    """The open complaints of one site: counts, and the few that wait longest."""

    def __init__(self) -> None:
        self.count_open = self.overdue = self.major = self.unresolved = 0
        self.longest: list[tuple[datetime, str]] = []
        self.departments: Counter[str | None] = Counter()

    def add(
        self, complaint: OpenComplaint, limits: Limits, calendar: Calendar, now: datetime
    ) -> None:
        """Count one complaint."""
        self.count_open += 1
        if not complaint.is_overdue(limits, calendar, now):
            return
        self.overdue += 1
        self.major += complaint.severity == "major"
        self.unresolved += complaint.is_answered
        self.departments[complaint.handed_to] += 1
        insort(self.longest, (complaint.waiting_since, complaint.complaint_id))
        del self.longest[MOST_IDS:]


class OpenComplaints(NamedTuple):
    """The open complaints by site, but for those that were given up."""

    sites: Mapping[str, SiteComplaints]


def count_by_site(
    complaints: Iterable[OpenComplaint], limits: Limits, calendars: Calendars, now: datetime
) -> OpenComplaints:
    """Count open complaints one by one, so that few are in memory at once."""
    sites: dict[str, SiteComplaints] = defaultdict(SiteComplaints)
    for complaint in complaints:
        if now - complaint.waiting_since <= GIVEN_UP_AFTER:
            calendar = calendars.of(complaint.site_id)
            sites[complaint.site_id].add(complaint, limits, calendar, now)
    return OpenComplaints(sites)


def judge(facts: Facts, context: Context) -> Verdict:
    """The sites at which an open complaint has waited for its next step for too long.

    The catalogue says how long it may.
    """
    return Verdict(
        [
            _ageing_at(site_id, site, context.now)
            for site_id, site in sorted(facts[OpenComplaints].sites.items())
            if site.overdue
        ]
    )


def _ageing_at(site_id: str, site: SiteComplaints, now: datetime) -> Finding:
    overdue, unresolved, major = site.overdue, site.unresolved, site.major
    unanswered = overdue - unresolved
    waiting = now - site.longest[0][0]
    english, chinese = duration(waiting)
    department, shared_by = site.departments.most_common(1)[0]
    return Finding(
        Subject(NAME, None, "site", site_id),
        "critical" if major else "warning",
        {
            "overdue": overdue,
            "open": site.count_open,
            "major": major,
            "missing": {"acknowledged": unanswered, "resolved": unresolved},
            "oldest_hours": round(waiting.total_seconds() / 3600, 1),
            "complaint_ids": [complaint_id for _, complaint_id in site.longest],
            "department": department if shared_by * 2 > overdue else None,
        },
        f"{site_id}: {counted(overdue, 'complaint')} of {site.count_open} open for too long"
        f" ({unanswered} without an answer,"
        f" {unresolved} without a solution; {major} major), the oldest for {english}"
        f" / {site_id} 有 {overdue} 起投诉处理超时（共 {site.count_open} 起未结，{unanswered}"
        " 起待受理，"
        f"{unresolved} 起待解决，重大 {major} 起），最久已 {chinese}",
    )


RULE = Rule(
    name=NAME,
    title=Words("complaints wait too long", "投诉处理超时"),
    headline=Words("Complaints at {place} wait too long", "投诉处理超时"),
    description="Open complaints wait for an answer, and resentment grows with the wait.",
    figures=(
        Figure(
            "max(voc_complaint_oldest_age_seconds{site=%q})",
            ("site",),
            "The oldest was opened {} ago.",
            "humanizeDuration",
        ),
    ),
    one_per="site",
    starts="a complaint waits for its acknowledgement or resolution for longer than `[limits]`"
    " says; days on which the site is closed do not count",
    critical="a major one does",
    ends="none does",
    needs=(OpenComplaints,),
    judge=judge,
)
