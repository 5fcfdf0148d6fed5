"""Complaints that wait too long, and complaints that are more than usual."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.alerts.finding import MOST_IDS, Finding, Subject, Verdict
from voc_stream.domain.alerts.stuck import poisson_tail
from voc_stream.domain.alerts.wording import place
from voc_stream.domain.detection.discoveries import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from voc_stream.catalogue import Catalogue, Limits

AGEING, SURGE = "VocComplaintAgeing", "VocComplaintSurge"
GIVEN_UP_AFTER = timedelta(days=90)
"""A complaint that has waited longer was given up, or its resolution was never told: it is not counted at all."""

FALSE_DISCOVERIES = 0.01
"""Share of surges that may be nothing but chance, over all sites of one evaluation."""
FEWEST = 5
"""Complaints in 24 hours below which nothing is a surge."""
FAR_FROM_USUAL = 1.5
"""Times the expected number that a surge must exceed, however sure the excess is: over many sites a few per cent more are soon certain."""
CRITICAL_TIMES, CRITICAL_COUNT = 3.0, 20
"""Times the expected number, and complaints, from which on a surge is critical."""
DAYS_LIKE_THIS, USUAL_DAYS = 4, 28
"""The days that tell what is expected: the same 24 hours of the weeks before, and the mean of the four weeks before as one day more."""
HISTORY = timedelta(days=14)
"""How old the first complaint must be before it is known what is usual."""


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


class Opened(NamedTuple):
    """How many complaints were opened at a site about one category.

    Attributes:
        site_id: where.
        category: the experience complained about; None where that is unknown.
        last_day: in the last 24 hours.
        days_like_this: in the same 24 hours one, two, three and four weeks before, together.
        four_weeks: in the 28 days before the last 24 hours.
        newest: of those of the last 24 hours when they were opened and their ids, newest first; no more than MOST_IDS are needed.
    """

    site_id: str
    category: str | None
    last_day: int
    days_like_this: int
    four_weeks: int
    newest: Sequence[tuple[datetime, str]] = ()


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
    return Verdict(frozenset({AGEING}), findings)


def _ageing_at(site_id: str, overdue: Sequence[OpenComplaint], count_open: int, now: datetime) -> Finding:
    major = sum(complaint.severity == "major" for complaint in overdue)
    unresolved = sum(complaint.is_answered for complaint in overdue)
    unanswered = len(overdue) - unresolved
    oldest_hours = round((now - overdue[0].waiting_since).total_seconds() / 3600, 1)
    department, shared_by = Counter(complaint.handed_to for complaint in overdue).most_common(1)[0]
    return Finding(
        Subject(AGEING, None, "site", site_id),
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
        f"{len(overdue)} of {count_open} open complaints at {site_id} wait too long ({unanswered} for an answer, {unresolved} for a"
        f" solution; {major} major), the oldest for {oldest_hours:g} hours / {site_id} 有 {len(overdue)} 起投诉处理超时（共 {count_open} 起"
        f"未结，{unanswered} 起待受理，{unresolved} 起待解决，重大 {major} 起），最久已 {oldest_hours:g} 小时",
    )


def judge_surges(opened: Collection[Opened], *, has_history: bool, catalogue: Catalogue, open_subjects: Collection[Subject]) -> Verdict:
    """The sites at which, and whether all together, more complaints were opened in 24 hours than chance explains.

    The number of complaints is compared with a Poisson distribution around what is expected at this hour of this weekday. Many sites are
    looked at, so they are believed together (Benjamini and Hochberg). A surge starts where the excess is both certain and large, and goes
    on while it is either.

    Args:
        opened: one for each site and category with a complaint in the last 29 days.
        has_history: whether the first complaint of all is at least HISTORY old. While it is not, none starts or ends.
        catalogue: for the names of categories.
        open_subjects: whose alerts are open.
    """
    if not has_history:
        return Verdict(frozenset({SURGE}), (), {subject for subject in open_subjects if subject.rule == SURGE})
    by_scope: dict[tuple[str, str], list[Opened]] = defaultdict(list)
    for one in opened:
        by_scope["all", ""].append(one)
        by_scope["site", one.site_id].append(one)
    scopes = sorted(by_scope)
    counts = {scope: sum(one.last_day for one in by_scope[scope]) for scope in scopes}
    expected = {scope: expected_in_a_day(by_scope[scope]) for scope in scopes}
    believed = benjamini_hochberg([poisson_tail(counts[scope], expected[scope]) for scope in scopes], FALSE_DISCOVERIES)
    findings, holding = [], set()
    for scope, is_believed in zip(scopes, believed, strict=True):
        is_far = counts[scope] > FAR_FROM_USUAL * expected[scope]
        if is_believed and is_far and counts[scope] >= FEWEST:
            findings.append(_surge_at(Subject(SURGE, None, *scope), by_scope[scope], catalogue))
        elif is_believed or is_far:
            holding.add(Subject(SURGE, None, *scope))
    return Verdict(frozenset({SURGE}), findings, holding)


def expected_in_a_day(opened: Iterable[Opened]) -> float:
    """How many complaints are usual in these 24 hours: the mean of the four days like this, and of a usual day as a fifth.

    The fifth is what a weekday's four numbers lack in steadiness.

    >>> expected_in_a_day([Opened("s-1", "overall", 0, days_like_this=11, four_weeks=112)])
    3.0
    """
    days = [(one.days_like_this, one.four_weeks) for one in opened]
    usual_day = sum(four_weeks for _, four_weeks in days) / USUAL_DAYS
    return (sum(days_like_this for days_like_this, _ in days) + usual_day) / (DAYS_LIKE_THIS + 1)


def _surge_at(subject: Subject, opened: Sequence[Opened], catalogue: Catalogue) -> Finding:
    count, expected = sum(one.last_day for one in opened), expected_in_a_day(opened)
    category = telling_category(opened)
    newest = sorted((moment_and_id for one in opened for moment_and_id in one.newest), reverse=True)
    is_critical = count >= CRITICAL_TIMES * expected and count >= CRITICAL_COUNT
    about, about_in_chinese = _about(category, catalogue)
    english, chinese = place(subject.scope)
    return Finding(
        subject,
        "critical" if is_critical else "warning",
        {
            "count": count,
            "expected": round(expected, 2),
            "ratio": round(count / expected, 2) if expected else None,
            "horizon": "24h",
            "complaint_ids": [complaint_id for _, complaint_id in newest[:MOST_IDS]],
            "explained_by": f"experience {category}" if category else None,
        },
        f"{count} complaints at {english} in 24 hours, where {expected:.1f} are usual{about}"
        f" / {chinese} 24 小时内新增投诉 {count} 起，平常约 {expected:.1f} 起{about_in_chinese}",
    )


def telling_category(opened: Iterable[Opened]) -> str | None:
    """The category with the largest excess over what is expected of it, if that is at least half of the whole excess.

    >>> telling_category([Opened("s-1", "overall", 9, 4, 28), Opened("s-1", None, 20, 0, 0), Opened("s-1", "room", 1, 0, 0)])
    >>> telling_category([Opened("s-1", "overall", 9, 4, 28), Opened("s-2", "overall", 5, 4, 28), Opened("s-1", "room", 1, 0, 0)])
    'overall'
    """
    by_category: Mapping[str | None, list[Opened]] = defaultdict(list)
    for one in opened:
        by_category[one.category].append(one)
    excess = {category: sum(one.last_day for one in ones) - expected_in_a_day(ones) for category, ones in by_category.items()}
    category = max(excess, key=lambda each: (excess[each], each or ""))
    return category if excess[category] >= sum(excess.values()) / 2 else None


def _about(category: str | None, catalogue: Catalogue) -> tuple[str, str]:
    """What most of them are about, to end an English and a Chinese sentence with."""
    if category is None:
        return "", ""
    experience = catalogue.experience.get(category)
    english, chinese = (category, category) if experience is None else (experience.label.en, experience.label.zh)
    return f", mostly about “{english}”", f"，主要涉及“{chinese}”"
