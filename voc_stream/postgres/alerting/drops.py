"""Drops of key experiences: feeds the detectors with what arrived, and collects the evidence of what they announce."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from voc_stream.domain.alerts.drops import ESTIMATED_SHARE, RULE, announced_of, finding_of
from voc_stream.domain.alerts.explanation import department_of, explained, mostly, shown
from voc_stream.domain.alerts.finding import Subject, Verdict
from voc_stream.domain.detection.rhythm import hour_of_week
from voc_stream.domain.detection.watch import announced, has_recovered, heard, started_anew, suspicion
from voc_stream.postgres.alerting import detectors
from voc_stream.postgres.alerting.baselines import Baselines
from voc_stream.postgres.alerting.evidence import read_event_ids, read_groups, read_slower_stages

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Catalogue
    from voc_stream.domain.alerts.finding import Finding
    from voc_stream.domain.detection.watch import Suspicion, Watch
    from voc_stream.postgres.alerting.detectors import Key


class DropRule:
    """One per process; it keeps what is expensive to read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._baselines = Baselines(catalogue)

    def judge(self, cursor: Cursor, now: datetime, open_subjects: Collection[Subject]) -> Verdict:
        """Let the detectors hear what arrived since the last time; which drops they announce, and which go on."""
        self._baselines.renew(cursor, now)
        watches = self._hear(cursor)
        fallen = [_key(subject) for subject in open_subjects if subject.rule == RULE]
        watches |= detectors.load(cursor, [key for key in fallen if key not in watches])
        changed: dict[Key, Watch] = dict(watches)
        holding: set[Subject] = set()
        for key in fallen:
            watch = watches.get(key)
            if watch is None:
                continue  # no key experience any more
            if has_recovered(watch, self._catalogue.experience[key.experience].alert.minimum_samples):
                changed[key] = started_anew(watch)
            else:
                holding.add(_subject(key))
        findings = []
        for subject, found in self._announced(cursor, watches, open_subjects):
            finding = self._finding(cursor, subject, changed, found, now)
            if finding is not None:
                findings.append(finding)
        detectors.save(cursor, changed)
        return Verdict(frozenset({RULE}), findings, holding)

    def _hear(self, cursor: Cursor) -> dict[Key, Watch]:
        """The watches of what arrived, after having heard it."""
        arrivals = {key: list(hours) for key, hours in groupby(detectors.take_arrivals(cursor), key=lambda arrival: arrival.key)}
        watches = detectors.load(cursor, arrivals.keys())
        for key, hours in arrivals.items():
            for _, hour, scores, total in hours:
                usual_difference = self._baselines.rhythm(key.experience, hour_of_week(hour))
                watches[key] = heard(watches[key], scores, total - scores * usual_difference, hour)
        return watches

    def _announced(self, cursor: Cursor, watches: dict[Key, Watch], open_subjects: Collection[Subject]) -> list[tuple[Subject, Suspicion]]:
        suspicions: dict[Subject, Suspicion] = {}
        for key, watch in watches.items():
            if watch.fallen is None and _subject(key) not in open_subjects:
                found = suspicion(watch, ESTIMATED_SHARE * self._catalogue.experience[key.experience].alert.drop)
                if found is not None:
                    suspicions[_subject(key)] = found
        return [(subject, suspicions[subject]) for subject in announced_of(suspicions) if self._has_enough_samples(cursor, subject)]

    def _has_enough_samples(self, cursor: Cursor, subject: Subject) -> bool:
        cursor.execute(
            "SELECT n >= %s FROM rolling_satisfaction WHERE horizon = '7d' AND scope_type = %s AND scope = %s AND experience = %s",
            (
                self._catalogue.experience[_key(subject).experience].alert.minimum_samples,
                subject.scope_type,
                subject.scope,
                subject.experience,
            ),
        )
        row = cursor.fetchone()
        return row is not None and bool(row[0])

    def _finding(self, cursor: Cursor, subject: Subject, changed: dict[Key, Watch], found: Suspicion, now: datetime) -> Finding | None:
        key = _key(subject)
        explanations = explained(read_groups(cursor, subject, found.since))
        most = mostly(explanations)
        if most is not None and most.dimension == "site" and detectors.load(cursor, [key._replace(scope_type="site", scope=most.value)]):
            return None  # it is that site's drop, and the site's own detector tells it
        changed[key] = announced(changed[key], found.chart)
        return finding_of(
            subject,
            found,
            changed[key].usual,
            self._catalogue.experience[key.experience],
            department=department_of(explanations),
            explanation=most,
            more={
                "explanations": shown(explanations),
                "slower_stages": read_slower_stages(cursor, subject, found.since),
                "event_ids": read_event_ids(cursor, subject, most, found.since, now),
            },
            now=now,
        )


def _subject(key: Key) -> Subject:
    return Subject(RULE, key.experience, key.scope_type, key.scope)


def _key(subject: Subject) -> Key:
    return detectors.Key(subject.scope_type, subject.scope, subject.experience or "")
