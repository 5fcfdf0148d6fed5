"""Reads the facts behind the alert about silence.

They are when each site was last heard, and how often it usually is.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.rules.experiences.touchpoint_silent import (
    FEEDBACK_HOURS,
    PAST,
    WINDOWS,
    HeardSites,
    SiteContacts,
    hours_to_look_at,
    open_forms,
    silences_of,
    telling_hours,
)
from voc_stream.catalogue.measures import concerns_complaints, counts_when_due
from voc_stream.domain.calendar import NEVER_CLOSED, calendars_of
from voc_stream.domain.horizons import HOUR, PANES_KEPT
from voc_stream.domain.moment import EPOCH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from voc_stream.alerts.rules.experiences.touchpoint_silent import Silence
    from voc_stream.catalogue.measures import Kind
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.calendar import Calendars
    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

# What counts when a time is over does so even if a site fell silent meanwhile.
_SIGNS_OF_LIFE = "n > 0 AND experience <> ALL(%(due)s)"
# For each site and kind, the experience with the most contributions of the last 30 days.
_MOST_FREQUENT = """
SELECT DISTINCT ON (scope, kind) scope, kind, experience, n
FROM rolling_sum
JOIN unnest(%s::text[], %s::text[]) catalogue (experience, kind) USING (experience)
WHERE horizon = '30d' AND scope_type = 'site' AND n > 0
ORDER BY scope, kind, n DESC, experience
"""
# It looks hour by hour backwards, so for a site that is heard all the time it reads only one hour.
_LAST_HEARD = """
SELECT site, {anything}, {rating} FROM unnest(%(sites)s::text[]) site
""".format(
    **{
        name: f"""
    (SELECT hour FROM unnest(%(hours)s::timestamptz[]) hour WHERE EXISTS (
        SELECT FROM pane WHERE resolution = 60 AND start = hour AND scope_type = 'site'
        AND scope = site AND {condition} OFFSET 0
    ) LIMIT 1)"""
        for name, condition in (
            ("anything", _SIGNS_OF_LIFE),
            ("rating", "n > 0 AND experience = ANY(%(ratings)s)"),
        )
    }
)
_HEARD_ANYWHERE = f"""
SELECT DISTINCT start FROM pane
WHERE resolution = 60 AND start = ANY(%(hours)s) AND scope_type = 'all' AND scope = ''
    AND {_SIGNS_OF_LIFE}
"""
_COUNTS = ", ".join(
    f"coalesce(sum(n) FILTER (WHERE hour >= %(end)s - {hours} * interval '1 hour'), 0)::bigint"
    for hours in WINDOWS
)
# A week is written in hours, because a week of the session's time zone may have 167.
_CONTACTS = f"""
SELECT site, kind, week, {_COUNTS}
FROM unnest(%(sites)s::text[], %(kinds)s::text[], %(experiences)s::text[], %(windows)s::int[])
     counted (site, kind, experience, hours)
JOIN unnest(%(hours)s::timestamptz[]) hour ON hour >= %(end)s - hours * interval '1 hour'
CROSS JOIN generate_series(0, {PAST[-1]}) week
JOIN pane p ON p.resolution = 60 AND p.start = hour - week * interval '168 hours'
      AND p.scope_type = 'site' AND p.scope = site
     AND p.experience = counted.experience
WHERE NOT EXISTS (SELECT FROM unnest(%(closed_sites)s::text[], %(closed_hours)s::timestamptz[])
                                   closed (closed_site, closed_hour)
                  WHERE closed_site = site AND closed_hour = hour)
GROUP BY site, kind, week
"""
# It looks by day first: a silence may be weeks old, and hours are many.
_HEARD_BEFORE = """
SELECT hourly.start
FROM (SELECT start FROM pane WHERE resolution = 1440 AND start BETWEEN %(from)s AND %(now)s
       AND scope_type = 'site' AND scope = %(site)s
       AND n > 0 AND experience = ANY(%(experiences)s) ORDER BY start DESC LIMIT 1) daily,
     LATERAL (SELECT start FROM pane WHERE resolution = 60 AND start >= daily.start
      AND start < daily.start + interval '24 hours' AND scope_type = 'site' AND scope = %(site)s
      AND n > 0 AND experience = ANY(%(experiences)s) ORDER BY start DESC LIMIT 1) hourly
"""


def read_heard_sites(reading: Reading) -> HeardSites:
    """The sites whose silence may be worth an alert, or has an alert.

    Silent sites come with the time when they were last heard.
    """
    cursor, (catalogue, now, open_alerts) = reading.cursor, reading.context
    signs, calendars = signs_of_life(catalogue), calendars_of(catalogue)
    sites = read_sites(cursor, signs, now, open_forms(open_alerts), calendars)
    return HeardSites(sites, _heard_before(cursor, silences_of(sites), signs.kinds, now))


class Signs(NamedTuple):
    """What tells whether a site is alive.

    Attributes:
        kinds: experiences whose rhythm is looked at, with their kinds: answers, and the timings of
            orders. A measure of a call is heard whenever the call's answers are.
        due: measures that count when a time is over: no signs of life.
    """

    kinds: Mapping[str, Kind]
    due: Sequence[str]


def signs_of_life(catalogue: Catalogue) -> Signs:
    """What a catalogue lets a site be heard by."""
    due = [key for key, one in catalogue.experience.items() if counts_when_due(one.source)]
    kinds = {
        key: one.kind
        for key, one in catalogue.experience.items()
        if one.source is None
        or (one.kind == "timing" and key not in due and not concerns_complaints(one.source))
    }
    return Signs(kinds, due)


def read_sites(
    cursor: Cursor,
    signs: Signs,
    now: datetime,
    also: Collection[str] = (),
    calendars: Calendars = NEVER_CLOSED,
) -> list[SiteContacts]:
    """The sites that have been silent or without ratings for long, and the sites of `also`.

    They have been so for so long that it may be worth an alert. Nothing is expected of the hours of
    a day on which a site is closed.
    """
    end = EPOCH + (now - EPOCH) // HOUR * HOUR
    usual: dict[str, dict[Kind, _Usual]] = defaultdict(dict, {site_id: {} for site_id in also})
    cursor.execute(_MOST_FREQUENT, (list(signs.kinds), list(signs.kinds.values())))
    for site_id, kind, experience, contributions in cursor:
        usual[site_id][kind] = _Usual(contributions, experience, kind)
    hours = [end - back * HOUR for back in range(-1, WINDOWS[-1] + 1)]
    ratings = [key for key, kind in signs.kinds.items() if kind == "rating"]
    names = {"sites": list(usual), "hours": hours, "ratings": ratings, "due": list(signs.due)}
    cursor.execute(_LAST_HEARD, names)
    silent = {
        site_id: (_hours_since(heard, end), _hours_since(rated, end))
        for site_id, heard, rated in cursor
    }
    counted: dict[tuple[str, _Usual], int] = {}
    for site_id, (silent_hours, unrated_hours) in silent.items():
        here = usual[site_id]
        if silent_hours >= WINDOWS[0] and here:
            counted[site_id, max(here.values())] = silent_hours
        if unrated_hours >= FEEDBACK_HOURS and {"rating", "timing"} <= here.keys():
            for one in (here["rating"], here["timing"]):
                counted[site_id, one] = max(FEEDBACK_HOURS, counted.get((site_id, one), 0))
    contacts = _contacts(cursor, counted, end, calendars, signs.due)
    return [
        SiteContacts(site_id, *silent[site_id], contacts.get(site_id, {}))
        for site_id in {*also, *contacts}
    ]


class _Usual(NamedTuple):
    """How often an experience is usually heard at a site.

    It holds the contributions of 30 days, the key and the kind of the experience.
    """

    contributions: int
    experience: str
    kind: Kind


def _hours_since(heard: datetime | None, end: datetime) -> int:
    """How many complete hours have passed since the hour in which something was heard."""
    return WINDOWS[-1] if heard is None else max(0, (end - heard) // HOUR - 1)


def _contacts(
    cursor: Cursor,
    counted: Mapping[tuple[str, _Usual], int],
    end: datetime,
    calendars: Calendars,
    due: Sequence[str],
) -> dict[str, dict[Kind, list[Sequence[int]]]]:
    """How often sites were heard by these experiences in the last so many hours.

    Counted by kind and by week, from now backwards.
    """
    found: dict[str, dict[Kind, list[Sequence[int]]]] = defaultdict(dict)
    if not counted:
        return found
    cursor.execute(_HEARD_ANYWHERE, {"hours": hours_to_look_at(end), "due": list(due)})
    hours = telling_hours([start for (start,) in cursor], end)
    rows = [
        (site_id, one.kind, one.experience, window) for (site_id, one), window in counted.items()
    ]
    names = ("sites", "kinds", "experiences", "windows")
    columns = {
        name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    closed = [
        (site_id, hour)
        for site_id in {site_id for site_id, _ in counted}
        for hour in hours
        if not calendars.of(site_id).time_on_open_days(hour, hour + HOUR)
    ]
    cursor.execute(
        _CONTACTS,
        {
            **columns,
            "hours": hours,
            "end": end,
            "closed_sites": [site_id for site_id, _ in closed],
            "closed_hours": [hour for _, hour in closed],
        },
    )
    for site_id, kind, week, *counts in cursor:
        weeks = found[site_id].setdefault(kind, [(0,) * len(WINDOWS) for _ in range(PAST[-1] + 1)])
        weeks[week] = counts
    return found


def _heard_before(
    cursor: Cursor, silences: Iterable[Silence], kinds: Mapping[str, Kind], now: datetime
) -> dict[Silence, datetime]:
    """The hour in which each site was last heard or, if feedback is missing, last rated."""
    found = {}
    for silence in silences:
        experiences = [
            key for key, kind in kinds.items() if silence.form == "quiet" or kind == "rating"
        ]
        cursor.execute(
            _HEARD_BEFORE,
            {
                "from": now - PANES_KEPT[HOUR] + timedelta(days=1),
                "now": now,
                "site": silence.site_id,
                "experiences": experiences,
            },
        )
        row = cursor.fetchone()
        if row is not None:
            found[silence] = row[0].astimezone(UTC)
    return found
