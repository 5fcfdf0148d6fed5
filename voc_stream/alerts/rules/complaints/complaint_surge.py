"""More complaints in a day than are usual."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.model import MOST_IDS, Finding, Subject, Verdict
from voc_stream.alerts.rule import Figure, Rule, Words
from voc_stream.alerts.wording import name_scope
from voc_stream.counted import counted
from voc_stream.domain.statistics import benjamini_hochberg, poisson_tail

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.model import Catalogue

NAME = "VocComplaintSurge"
FALSE_DISCOVERIES = 0.01
"""Share of surges that may be nothing but chance, over all sites of one evaluation."""
FEWEST = 5
"""Complaints in 24 hours below which nothing is a surge."""
FAR_FROM_USUAL = 1.5
"""How many times the expected number a surge must exceed, however sure the excess is.

Over many sites a few per cent more are soon certain.
"""
CRITICAL_TIMES, CRITICAL_COUNT = 3.0, 20
"""How many times the expected number, and how many complaints, make a surge critical."""
HISTORY = timedelta(days=14)
"""How old a scope's first complaint must be before it is known what is usual there."""
_DAY = timedelta(days=1)
_WEEKS, _USUAL_DAYS = (1, 2, 3, 4), 28
"""The spans that tell what is usual.

They are the same 24 hours of so many weeks before, and the mean of the days before as one day more.
"""


class Opened(NamedTuple):
    """How many complaints were opened at a site about one category.

    Attributes:
        site_id: the site.
        category: the experience complained about; None if that is unknown.
        last_day: in the last 24 hours.
        days_like_this: in the same 24 hours one, two, three and four weeks before, together.
        four_weeks: in the 28 days before the last 24 hours.
        newest: when those of the last 24 hours were opened, and their ids, newest first; no more
            than MOST_IDS are needed.
    """

    site_id: str
    category: str | None
    last_day: int
    days_like_this: int
    four_weeks: int
    newest: Sequence[tuple[datetime, str]] = ()


class OpenedComplaints(NamedTuple):
    """The complaints of the last 29 days, counted, and when each site's first one was opened."""

    opened: Sequence[Opened]
    first: Mapping[str, datetime]


def judge(facts: Facts, context: Context) -> Verdict:
    """The sites at which complaints surge."""
    opened, first = facts[OpenedComplaints]
    return judge_surges(opened, first, context.catalogue, context.now, context.open_subjects)


def judge_surges(
    opened: Collection[Opened],
    first: Mapping[str, datetime],
    catalogue: Catalogue,
    now: datetime,
    open_subjects: Collection[Subject],
) -> Verdict:
    """The sites at which more complaints were opened in 24 hours than chance explains.

    It also judges all sites together. The number of complaints is compared with a Poisson
    distribution around what is expected at this hour of this weekday. Many sites are looked at, so
    they are judged together at a false discovery rate (Benjamini and Hochberg). A surge starts if
    the excess is both certain and large, and goes on while it is either. If a site's first
    complaint is less than HISTORY old, no alert of it starts or ends; the same holds for all sites
    together. What is told of a site is not told once more of all sites: they are judged without the
    sites that surge.

    Args:
        opened: one for each site and category with a complaint in the last 29 days.
        first: by site, when its first complaint of all was opened.
        catalogue: for the names of categories.
        now: the time of the evaluation.
        open_subjects: whose alerts are open.
    """
    known = {("site", site_id): now - moment for site_id, moment in first.items()}
    known["all", ""] = max(known.values(), default=timedelta(0))
    by_scope: dict[tuple[str, str], list[Opened]] = defaultdict(list)
    for one in opened:
        by_scope["all", ""].append(one)
        by_scope["site", one.site_id].append(one)
    surging = {
        site_id
        for (scope_type, site_id), excess in _excesses(by_scope, known).items()
        if scope_type == "site" and excess.is_surge
    }
    by_scope["all", ""] = [one for one in opened if one.site_id not in surging]
    findings, holding = [], set()
    for scope, excess in _excesses(by_scope, known).items():
        subject = Subject(NAME, None, *scope)
        if excess.is_surge or scope[1] in surging:
            findings.append(_finding(subject, by_scope[scope], known[scope], catalogue))
        elif excess.is_certain or excess.is_far:
            holding.add(subject)
    # A site without any complaint has no past of its own, and waits for nothing once the past of
    # the others is known.
    unknown = {
        subject
        for subject in open_subjects
        if subject.rule == NAME
        and known.get((subject.scope_type, subject.scope), known["all", ""]) < HISTORY
    }
    return Verdict(findings, holding | unknown)


class _Excess(NamedTuple):
    """Whether the complaints of a scope are more than chance explains, and far more than usual.

    If both hold and they are not few, it is a surge.
    """

    is_certain: bool
    is_far: bool
    is_surge: bool


def _excesses(
    by_scope: Mapping[tuple[str, str], Sequence[Opened]], known: Mapping[tuple[str, str], timedelta]
) -> dict[tuple[str, str], _Excess]:
    """The excess of each scope that is known for long enough."""
    scopes = sorted(scope for scope in by_scope if known.get(scope, timedelta(0)) >= HISTORY)
    counts = [sum(one.last_day for one in by_scope[scope]) for scope in scopes]
    expected = [expected_in_a_day(by_scope[scope], known[scope]) for scope in scopes]
    certain = benjamini_hochberg(
        [poisson_tail(*numbers) for numbers in zip(counts, expected, strict=True)],
        FALSE_DISCOVERIES,
    )
    far = [count > FAR_FROM_USUAL * usual for count, usual in zip(counts, expected, strict=True)]
    return {
        scope: _Excess(is_certain, is_far, is_certain and is_far and count >= FEWEST)
        for scope, is_certain, is_far, count in zip(scopes, certain, far, counts, strict=True)
    }


def expected_in_a_day(opened: Iterable[Opened], known: timedelta) -> float:
    """How many complaints are usual in these 24 hours.

    It is the mean of the days like this, and of a usual day as one more. A weekday's few numbers
    are unsteady, and the usual day makes up for that. Both are divided by the days that there were,
    of which the first may be one in part. If complaints are known for ten weeks, these are four
    days like this, and 28 days.

    Args:
        opened: of one scope, or of a category there.
        known: how long ago the scope's first complaint was opened, more than a day.

    >>> opened = [Opened("s-1", "overall", 0, days_like_this=13, four_weeks=112)]
    >>> expected_in_a_day(opened, timedelta(days=70)), expected_in_a_day(opened, timedelta(days=15))
    (3.4, 7.0)
    """
    days = [(one.days_like_this, one.four_weeks) for one in opened]
    usual_day = sum(four_weeks for _, four_weeks in days) / min(_USUAL_DAYS, known / _DAY - 1)
    days_like_this = sum(min(1.0, max(0.0, known / _DAY - 7 * week)) for week in _WEEKS)
    return (sum(like_this for like_this, _ in days) + usual_day) / (days_like_this + 1)


def _finding(
    subject: Subject, opened: Sequence[Opened], known: timedelta, catalogue: Catalogue
) -> Finding:
    count, expected = sum(one.last_day for one in opened), expected_in_a_day(opened, known)
    category = telling_category(opened, known)
    newest = sorted((moment_and_id for one in opened for moment_and_id in one.newest), reverse=True)
    is_critical = count >= CRITICAL_TIMES * expected and count >= CRITICAL_COUNT
    about, about_in_chinese = _about(category, catalogue)
    english, chinese = name_scope(subject.scope)
    return Finding(
        subject,
        "critical" if is_critical else "warning",
        {
            "count": count,
            "expected": round(expected, 2),
            "ratio": round(count / expected, 2) if expected else None,
            "horizon": "24h",
            "complaint_ids": [complaint_id for _, complaint_id in newest[:MOST_IDS]],
            "explained_by": category,
            "explained_dimension": "experience" if category else None,
        },
        f"{counted(count, 'complaint')} at {english} in 24 hours, where {expected:.1f} are"
        f" usual{about} / {chinese} 24 小时内新增投诉 {count} 起，"
        f"平常约 {expected:.1f} 起{about_in_chinese}",
    )


def telling_category(opened: Iterable[Opened], known: timedelta) -> str | None:
    """The category with the largest excess over what is expected of it.

    None unless that is at least half of the whole excess.

    >>> month = timedelta(days=29)
    >>> unknown, room = Opened("s-1", None, 20, 0, 0), Opened("s-1", "room", 1, 0, 0)
    >>> overall = Opened("s-1", "overall", 9, 4, 28)
    >>> telling_category([overall, unknown, room], month)
    >>> telling_category([overall, Opened("s-2", "overall", 5, 4, 28), room], month)
    'overall'
    """
    by_category: Mapping[str | None, list[Opened]] = defaultdict(list)
    for one in opened:
        by_category[one.category].append(one)
    excess = {
        category: sum(one.last_day for one in ones) - expected_in_a_day(ones, known)
        for category, ones in by_category.items()
    }
    category = max(excess, key=lambda each: (excess[each], each or ""))
    return category if excess[category] >= sum(excess.values()) / 2 else None


def _about(category: str | None, catalogue: Catalogue) -> tuple[str, str]:
    """The category of most complaints, as the end of an English and a Chinese sentence."""
    if category is None:
        return "", ""
    experience = catalogue.experience.get(category)
    english, chinese = (
        (category, category) if experience is None else (experience.label.en, experience.label.zh)
    )
    return f", mostly about “{english}”", f"，主要涉及“{chinese}”"


RULE = Rule(
    name=NAME,
    title=Words("more complaints than usual", "投诉激增"),
    headline=Words("Unusually many complaints at {place}", "投诉激增"),
    description="More complaints than usual for this time; for each customer who complains, many"
    " leave without a word.",
    figures=(
        Figure(
            "sum(max by (severity) (voc_complaints_open{site=%q}))",
            ("site",),
            "Open now: {}.",
            'printf "%.0f"',
        ),
    ),
    one_per="site, or all",
    starts="more than 1.5 times as many complaints in 24 hours as at the same time in the four"
    " weeks before, by more than chance; from 14 days after the scope's first complaint on. All"
    " are judged without the sites that are told of by themselves",
    critical="at least 20, and three times as many as usual",
    ends="neither so many, nor more by more than chance",
    needs=(OpenedComplaints,),
    judge=judge,
)
