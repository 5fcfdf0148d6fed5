"""Finds sites from which nothing is heard any more, or whose customers are no longer asked.

A silence is judged by the site's own rhythm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from voc_stream.alerts.model import Finding, Severity, Subject, Verdict
from voc_stream.alerts.rule import Rule, Words
from voc_stream.domain.horizons import HOUR

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.model import OpenAlert
    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.measures import Kind

NAME = "VocTouchpointSilent"
Form = Literal["quiet", "no feedback"]

WINDOWS = (6, 12, 24, 48)
"""The hours after which a silence may be worth an alert."""
FEEDBACK_HOURS = 24
"""Hours without any rating after which feedback is missing."""
PAST = (1, 2, 3, 4)
"""The weeks that tell what is usual at an hour of a weekday, backwards."""
WEEKS_HEARD = 2
"""In how many of these weeks something must have been heard."""
FEWEST, MANY = 10.0, 30.0
"""How many contacts must have been expected for an alert, and for a critical one.

All of 10 are missed by chance once in 22,000 times.
"""
STOP_HOURS = 3
"""After so many hours without a sign of any site, the input has stopped.

This does not hold if all sites are usually closed then.
"""
AS_USUAL = 0.5
"""Share of the expected timings with which a site works as usual."""
WEEK = 168 * HOUR
_HOURS = WINDOWS[-1] + STOP_HOURS + 1


class SiteContacts(NamedTuple):
    """What was heard of a site.

    Contacts are counted by one experience of each kind, so that the answers of one call count once.

    Attributes:
        site_id: the site.
        silent_hours: complete hours in which nothing was heard, until now; at most the longest of
            WINDOWS.
        unrated_hours: complete hours without a rating, until now; at most the longest of WINDOWS.
        contacts: by kind, as far as they may matter, the numbers of contacts in each of WINDOWS.
            They are those of now, and of the same hours one, two, three and four weeks before.
    """

    site_id: str
    silent_hours: int
    unrated_hours: int
    contacts: Mapping[Kind, Sequence[Sequence[int]]]

    def expected(self, kind: Kind, hours: int) -> float:
        """How many contacts are usual in this window; 0 if too few weeks had any."""
        column = WINDOWS.index(hours)
        usual = [counts[column] for counts in self.contacts.get(kind, ())[1:]]
        return sum(usual) / len(PAST) if sum(count > 0 for count in usual) >= WEEKS_HEARD else 0.0


class Silence(NamedTuple):
    """A silence that is worth an alert, with its hours and the contacts expected in them."""

    site_id: str
    form: Form
    hours: int
    expected: float


class HeardSites(NamedTuple):
    """The sites whose silence may be worth an alert, or has one.

    Attributes:
        sites: what was heard of each site.
        last_heard: by silence that is worth an alert, the hour in which anything, or the last
            rating, was heard. Silences of which it is not known any more are left out.
    """

    sites: Sequence[SiteContacts]
    last_heard: Mapping[Silence, datetime]


def judge(facts: Facts, context: Context) -> Verdict:
    """Which sites are silent."""
    sites, last_heard = facts[HeardSites]
    forms = open_forms(context.open_alerts)
    still = [
        site.site_id
        for site in sites
        if site.site_id in forms and still_silent(site, forms[site.site_id])
    ]
    return judge_silences(silences_of(sites), last_heard, still)


def open_forms(open_alerts: Mapping[Subject, OpenAlert]) -> dict[str, Form]:
    """The form of silence that the open alert of each site is about."""
    return {
        subject.scope: "no feedback" if alert.evidence.get("form") == "no feedback" else "quiet"
        for subject, alert in open_alerts.items()
        if subject.rule == NAME
    }


def silences_of(sites: Iterable[SiteContacts]) -> list[Silence]:
    """The silences that are worth an alert."""
    return [silence for site in sites if (silence := silence_at(site)) is not None]


def telling_hours(heard: Collection[datetime], end: datetime) -> list[datetime]:
    """The hours whose silence would tell something, by their starts, the newest first.

    They are among the last 48 complete hours: hours in which sites usually are heard, and in which
    the input did not stop. It stopped if no site at all was heard in STOP_HOURS or more such hours
    in a row. The hours before and after may have been cut short, and tell nothing either. So if the
    input stops, no site falls silent, and none has been silent when the input comes back.

    Args:
        heard: those of `hours_to_look_at` in which any site was heard.
        end: of the last complete hour.

    >>> from datetime import UTC, datetime
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> hours = [hour for hour in hours_to_look_at(noon) if hour.hour != 8]
    >>> heard = [hour for hour in hours if not (hour.day == 5 and 3 <= hour.hour <= 5)]
    >>> [hour.hour for hour in telling_hours(heard, noon)][:9]
    [11, 10, 9, 7, 1, 0, 23, 22, 21]
    """
    hours, found = hours_to_look_at(end)[:_HOURS], set(heard)
    weeks = {hour: sum(hour - week * WEEK in found for week in PAST) for hour in hours}
    missing = {hour for hour in hours if hour not in found and weeks[hour] >= WEEKS_HEARD}
    stops = [
        hour for hour in missing if {hour + later * HOUR for later in range(STOP_HOURS)} <= missing
    ]
    cut = {stop + later * HOUR for stop in stops for later in range(-1, STOP_HOURS + 1)}
    return [hour for hour in hours[1 : WINDOWS[-1] + 1] if weeks[hour] and hour not in cut]


def hours_to_look_at(end: datetime) -> list[datetime]:
    """Starts of hours, the newest first: the hour that has not ended, and those before it.

    Then the same hours of the four weeks before follow.
    """
    return [end - week * WEEK - back * HOUR for week in (0, *PAST) for back in range(_HOURS)]


def silence_at(site: SiteContacts) -> Silence | None:
    """The silence of a site, if there is one that its rhythm does not explain.

    A site has gone quiet if its most frequent kind of contact was expected at least FEWEST times in
    a window, but nothing was heard. Otherwise feedback may be missing: the site works as usual, as
    its timings show, and as many ratings were expected, but there was none.
    """
    windows = [hours for hours in WINDOWS if hours <= site.silent_hours]
    if windows:
        missed = max((site.expected(kind, windows[-1]) for kind in site.contacts), default=0.0)
        if missed >= FEWEST:
            return Silence(site.site_id, "quiet", windows[-1], missed)
    if site.unrated_hours >= FEEDBACK_HOURS and _works_as_usual(site):
        missed = site.expected("rating", FEEDBACK_HOURS)
        if missed >= FEWEST:
            return Silence(site.site_id, "no feedback", FEEDBACK_HOURS, missed)
    return None


def _works_as_usual(site: SiteContacts) -> bool:
    usual = site.expected("timing", FEEDBACK_HOURS)
    return (
        usual > 0 and site.contacts["timing"][0][WINDOWS.index(FEEDBACK_HOURS)] >= AS_USUAL * usual
    )


def still_silent(site: SiteContacts, form: Form) -> bool:
    """Whether an alert of this form goes on.

    It ends when a quiet site is heard, or when missing feedback comes.
    """
    return (
        site.silent_hours >= WINDOWS[0] if form == "quiet" else site.unrated_hours >= FEEDBACK_HOURS
    )


def judge_silences(
    silences: Iterable[Silence], last_heard: Mapping[Silence, datetime], still: Iterable[str] = ()
) -> Verdict:
    """The verdict on silences.

    Args:
        silences: what was found.
        last_heard: the hour in which anything, or the last rating, was heard; silences of which it
            is not known any more are left out.
        still: sites whose open alert goes on.
    """
    findings = [_finding(silence, last_heard.get(silence)) for silence in sorted(silences)]
    return Verdict(findings, {Subject(NAME, None, "site", site_id) for site_id in still})


def _finding(silence: Silence, last_heard: datetime | None) -> Finding:
    site_id, form, hours, expected = silence
    severity: Severity = "critical" if expected >= MANY else "warning"
    if form == "quiet":
        summary = (
            f"Nothing was heard from {site_id} for {hours} hours, in which {expected:.0f} contacts"
            f" are usual / {site_id} 已 {hours} 小时毫无反馈，往常同期约 {expected:.0f} 次"
        )
    else:
        summary = (
            f"{site_id} works as usual, but no customer gave a rating for {hours} hours, in which"
            f" {expected:.0f} are usual / {site_id} 业务照常，但已 {hours} 小时没有客户评分，"
            f"往常同期约 {expected:.0f} 个"
        )
    evidence = {
        "form": form,
        "hours": hours,
        "expected": round(expected, 1),
        "last_heard_at": None if last_heard is None else last_heard.isoformat(),
    }
    return Finding(Subject(NAME, None, "site", site_id), severity, evidence, summary)


RULE = Rule(
    name=NAME,
    title=Words("nothing is heard any more", "无客户反馈"),
    headline=Words("No feedback any more from {place}", "已无客户反馈"),
    description="Silent against its own rhythm: either nobody asks the customers, or what they"
    " say does not arrive. No data is no good news.",
    one_per="site",
    starts="nothing from a site that by its rhythm should have sent at least ten; or events, but"
    " no rating; nothing is expected of days on which it is closed",
    critical="it should have sent thirty",
    ends="something is heard; a rating, where only ratings were missing",
    needs=(HeardSites,),
    judge=judge,
)
