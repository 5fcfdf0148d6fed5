"""The facts behind the alert about silence: when each site was last heard, and how often it usually is."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.alerts.silence import (
    DUE_BY_ITSELF,
    FEEDBACK_HOURS,
    PAST,
    RULE,
    WINDOWS,
    SiteContacts,
    hours_to_look_at,
    judge_silences,
    silence_at,
    still_silent,
    telling_hours,
)
from voc_stream.domain.horizons import EPOCH, HOUR, PANES_KEPT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Catalogue, Kind
    from voc_stream.domain.alerts.finding import Subject, Verdict
    from voc_stream.domain.alerts.silence import Form, Silence

_SIGNS_OF_LIFE = f"n > 0 AND experience <> '{DUE_BY_ITSELF}'"
# Of each site and kind the experience with the most contributions of the last 30 days.
_MOST_FREQUENT = f"""
SELECT DISTINCT ON (scope, kind) scope, kind, experience
FROM rolling_sum JOIN unnest(%s::text[], %s::text[]) catalogue (experience, kind) USING (experience)
WHERE horizon = '30d' AND scope_type = 'site' AND {_SIGNS_OF_LIFE}
ORDER BY scope, kind, n DESC, experience
"""
_LAST_HEARD = f"""
SELECT scope, max(start), max(start) FILTER (WHERE experience = ANY(%s)) FROM pane
WHERE resolution = 60 AND start BETWEEN %s AND %s AND scope_type = 'site' AND {_SIGNS_OF_LIFE}
GROUP BY scope
"""
_HEARD_ANYWHERE = f"""
SELECT DISTINCT start FROM pane
WHERE resolution = 60 AND start = ANY(%s) AND scope_type = 'all' AND scope = '' AND {_SIGNS_OF_LIFE}
"""
_COUNTS = ", ".join(f"coalesce(sum(n) FILTER (WHERE hour >= %(end)s - {hours} * interval '1 hour'), 0)::bigint" for hours in WINDOWS)
# A week in hours, because a week of the session's time zone may have 167.
_CONTACTS = f"""
SELECT site, kind, week, {_COUNTS}
FROM unnest(%(sites)s::text[], %(kinds)s::text[], %(experiences)s::text[]) counted (site, kind, experience)
CROSS JOIN generate_series(0, {PAST[-1]}) week
CROSS JOIN unnest(%(hours)s::timestamptz[]) hour
JOIN pane p ON p.resolution = 60 AND p.start = hour - week * interval '168 hours' AND p.scope_type = 'site' AND p.scope = site
     AND p.experience = counted.experience
GROUP BY site, kind, week
"""
# By day first: a silence may be weeks old, and hours are many.
_HEARD_BEFORE = """
SELECT hourly.start
FROM (SELECT start FROM pane WHERE resolution = 1440 AND start BETWEEN %(from)s AND %(now)s AND scope_type = 'site' AND scope = %(site)s
      AND n > 0 AND experience = ANY(%(experiences)s) ORDER BY start DESC LIMIT 1) daily,
     LATERAL (SELECT start FROM pane WHERE resolution = 60 AND start >= daily.start AND start < daily.start + interval '24 hours'
      AND scope_type = 'site' AND scope = %(site)s AND n > 0 AND experience = ANY(%(experiences)s) ORDER BY start DESC LIMIT 1) hourly
"""


def judge_silence(cursor: Cursor, catalogue: Catalogue, now: datetime, open_subjects: Collection[Subject]) -> Verdict:
    """What is found by the rule VocTouchpointSilent."""
    kinds = {key: experience.kind for key, experience in catalogue.experience.items() if key != DUE_BY_ITSELF}
    open_forms = _open_forms(cursor, {subject.scope for subject in open_subjects if subject.rule == RULE})
    sites = read_sites(cursor, kinds, now, open_forms)
    silences = [silence for site in sites if (silence := silence_at(site)) is not None]
    still = [site.site_id for site in sites if site.site_id in open_forms and still_silent(site, open_forms[site.site_id])]
    return judge_silences(silences, _heard_before(cursor, silences, kinds, now), still)


def read_sites(cursor: Cursor, kinds: Mapping[str, Kind], now: datetime, also: Collection[str] = ()) -> list[SiteContacts]:
    """The sites that have been silent or without ratings for so long that it may be worth an alert, and those of `also`."""
    ratings = [key for key, kind in kinds.items() if kind == "rating"]
    end = EPOCH + (now - EPOCH) // HOUR * HOUR
    cursor.execute(_LAST_HEARD, (ratings, end - WINDOWS[-1] * HOUR, end + HOUR))
    last_heard: dict[str, tuple[datetime, datetime | None]] = {site_id: (heard, rated) for site_id, heard, rated in cursor}
    cursor.execute(_MOST_FREQUENT, (list(kinds), list(kinds.values())))
    counted: dict[str, dict[Kind, str]] = defaultdict(dict, {site_id: {} for site_id in also})
    for site_id, kind, experience in cursor:
        counted[site_id][kind] = experience
    silent = {}
    for site_id in counted:
        heard, rated = last_heard.get(site_id, (None, None))
        silent[site_id] = _hours_since(heard, end), _hours_since(rated, end)
    chosen = {
        site_id: experiences
        for site_id, experiences in counted.items()
        if site_id in also or silent[site_id][0] >= WINDOWS[0] or ("rating" in experiences and silent[site_id][1] >= FEEDBACK_HOURS)
    }
    contacts = _contacts(cursor, chosen, end)
    return [SiteContacts(site_id, *silent[site_id], contacts.get(site_id, {})) for site_id in counted if site_id in chosen]


def _hours_since(heard: datetime | None, end: datetime) -> int:
    """Complete hours after the one in which something was heard."""
    return WINDOWS[-1] if heard is None else max(0, (end - heard) // HOUR - 1)


def _contacts(cursor: Cursor, chosen: Mapping[str, Mapping[Kind, str]], end: datetime) -> dict[str, dict[Kind, list[Sequence[int]]]]:
    """How often these sites were heard: by kind and, from now backwards, by week."""
    cursor.execute(_HEARD_ANYWHERE, (hours_to_look_at(end),))
    hours = telling_hours([start for (start,) in cursor], end)
    rows = [(site_id, kind, experience) for site_id, experiences in chosen.items() for kind, experience in experiences.items()]
    found: dict[str, dict[Kind, list[Sequence[int]]]] = defaultdict(dict)
    if not rows or not hours:
        return found
    sites, kinds, experiences = (list(column) for column in zip(*rows, strict=True))
    cursor.execute(_CONTACTS, {"sites": sites, "kinds": kinds, "experiences": experiences, "hours": hours, "end": end})
    for site_id, kind, week, *counts in cursor:
        weeks = found[site_id].setdefault(kind, [(0,) * len(WINDOWS) for _ in range(PAST[-1] + 1)])
        weeks[week] = counts
    return found


def _open_forms(cursor: Cursor, sites: Collection[str]) -> dict[str, Form]:
    """Of the open alerts, which form of silence each is about."""
    if not sites:
        return {}
    cursor.execute("SELECT scope, evidence ->> 'form' FROM alert WHERE rule = %s AND ended_at IS NULL", (RULE,))
    forms: dict[str, Form] = dict(cursor.fetchall())
    return {site_id: forms.get(site_id, "quiet") for site_id in sites}


def _heard_before(cursor: Cursor, silences: Iterable[Silence], kinds: Mapping[str, Kind], now: datetime) -> dict[Silence, datetime]:
    """The hour in which each site was last heard or, where feedback is missing, last rated."""
    found = {}
    for silence in silences:
        experiences = [key for key, kind in kinds.items() if silence.form == "quiet" or kind == "rating"]
        cursor.execute(
            _HEARD_BEFORE,
            {"from": now - PANES_KEPT[HOUR] + timedelta(days=1), "now": now, "site": silence.site_id, "experiences": experiences},
        )
        row = cursor.fetchone()
        if row is not None:
            found[silence] = row[0].astimezone(UTC)
    return found
