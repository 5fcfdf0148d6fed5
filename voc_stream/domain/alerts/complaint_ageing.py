"""Complaints that wait longer for their next step than they may."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.alerts.finding import MOST_IDS, Finding, Subject, Verdict
from voc_stream.domain.alerts.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voc_stream.catalogue import Limits

RULE = "VocComplaintAgeing"
GIVEN_UP_AFTER = timedelta(days=90)
"""A complaint that has waited longer was given up, or its resolution was never told: it is not counted at all."""


class OpenComplaint(NamedTuple):
    """A complaint that is not resolved.

    Attributes:
        complaint_id: which.
        site_id: where.
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

    def is_overdue(self, limits: Limits, now: datetime) -> bool:
        """Whether the next step, an answer or the resolution, is later than the catalogue allows."""
        allowed = [limits.resolve_minutes] if self.is_answered else [limits.acknowledge_minutes, limits.resolve_minutes]
        minutes = (now - self.waiting_since).total_seconds() / 60
        return any(minutes > getattr(limit, self.severity) for limit in allowed)


def judge_ageing(complaints: Iterable[OpenComplaint], limits: Limits, now: datetime) -> Verdict:
    """The sites at which at least one open complaint has waited for its next step longer than the catalogue allows."""
    by_site: dict[str, list[OpenComplaint]] = defaultdict(list)
    for complaint in complaints:
        if now - complaint.waiting_since <= GIVEN_UP_AFTER:
            by_site[complaint.site_id].append(complaint)
    findings = []
    for site_id, here in sorted(by_site.items()):
        overdue = sorted(
            (complaint for complaint in here if complaint.is_overdue(limits, now)),
            key=lambda complaint: (complaint.waiting_since, complaint.complaint_id),
        )
        if overdue:
            findings.append(_ageing_at(site_id, overdue, len(here), now))
    return Verdict(frozenset({RULE}), findings)


def _ageing_at(site_id: str, overdue: Sequence[OpenComplaint], count_open: int, now: datetime) -> Finding:
    major = sum(complaint.severity == "major" for complaint in overdue)
    unresolved = sum(complaint.is_answered for complaint in overdue)
    unanswered = len(overdue) - unresolved
    oldest_hours = round((now - overdue[0].waiting_since).total_seconds() / 3600, 1)
    english, chinese = duration(now - overdue[0].waiting_since)
    department, shared_by = Counter(complaint.handed_to for complaint in overdue).most_common(1)[0]
    return Finding(
        Subject(RULE, None, "site", site_id),
        "critical" if major else "warning",
        {
            "overdue": len(overdue),
            "open": count_open,
            "major": major,
            "missing": {"acknowledged": unanswered, "resolved": unresolved},
            "oldest_hours": oldest_hours,
            "complaint_ids": [complaint.complaint_id for complaint in overdue[:MOST_IDS]],
            "department": department if shared_by * 2 > len(overdue) else None,
        },
        f"{site_id}: {counted(len(overdue), 'complaint')} of {count_open} open for too long ({unanswered} without an answer,"
        f" {unresolved} without a solution; {major} major), the oldest for {english}"
        f" / {site_id} 有 {len(overdue)} 起投诉处理超时（共 {count_open} 起未结，{unanswered} 起待受理，"
        f"{unresolved} 起待解决，重大 {major} 起），最久已 {chinese}",
    )
