"""Finds drops of key experiences: feeds the detectors, and collects evidence of drops."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.detector import (
    announce,
    feed,
    has_recovered,
    latest,
    start_anew,
    suspicion,
)
from voc_stream.alerts.detection.hour_of_week import hour_of_week, without_rhythm
from voc_stream.alerts.explanation.reason import find_reason, reason_as_evidence
from voc_stream.alerts.model import Subject
from voc_stream.alerts.rules.experiences.key_experience_dropped import (
    ESTIMATED_SHARE,
    NAME,
    NEW_USUAL_AFTER,
    Drop,
    Drops,
    choose_announced,
)
from voc_stream.domain.watched import stored_mean, watched_difference
from voc_stream.postgres.alerting import detector_rows
from voc_stream.postgres.alerting.baselines import Baselines
from voc_stream.postgres.alerting.facts.evidence import (
    read_event_ids,
    read_groups,
    read_slower_stages,
)
from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery
from voc_stream.postgres.alerting.rhythms import Rhythms

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from voc_stream.alerts.detection.detector import Detector, Suspicion
    from voc_stream.alerts.model import OpenAlert
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.alerting.detector_rows import Key
    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

STARTS_A_TIME = 20
"""How many alerts start at once; further ones follow with the next evaluation.

Evidence takes time to read.
"""
ASKED_AGAIN_AFTER = timedelta(minutes=5)


class DropReader:
    """Reads drops; one per process, because it keeps what is expensive to read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._baselines = Baselines(catalogue)
        self._rhythms = Rhythms(catalogue)
        self._of_one_site: dict[Subject, datetime] = {}

    def __call__(self, reading: Reading) -> Drops:
        """Feed the detectors with what arrived since the last time.

        Returns which drops they announce, and which go on.
        """
        cursor, (_, now, open_alerts) = reading.cursor, reading.context
        self._rhythms.renew(cursor, now)
        self._baselines.renew(cursor, now)
        detectors = self._feed(cursor)
        ours = {
            _key(subject): alert for subject, alert in open_alerts.items() if subject.rule == NAME
        }
        detectors |= detector_rows.load(cursor, [key for key in ours if key not in detectors])
        drops, holding = [], set()
        for key, alert in ours.items():
            # If no detector knows of the drop, nothing could ever end it.
            detector = detectors.get(key)
            if (
                detector is None
                or detector.fallen is None
                or key.experience not in self._catalogue.experience
            ):
                continue
            if now - alert.started_at >= NEW_USUAL_AFTER:
                detector_rows.remove(cursor, key)
                del detectors[key]
            elif has_recovered(
                detector, self._catalogue.experience[key.experience].alert.minimum_samples
            ):
                detectors[key] = start_anew(detector)
            elif (found := latest(detector)) is not None:
                drops.append(_going_on(alert, detector, found))
            else:
                holding.add(alert.subject)
        drops += self._starts(cursor, detectors, open_alerts.keys(), now)
        detector_rows.save(cursor, detectors)
        return Drops(drops, holding)

    def _feed(self, cursor: Cursor) -> dict[Key, Detector]:
        """Feed the detectors with what arrived, and return them."""
        arrivals = {
            key: list(hours)
            for key, hours in groupby(
                detector_rows.take_arrivals(cursor), key=lambda arrival: arrival.key
            )
        }
        detectors = detector_rows.load(cursor, arrivals.keys())
        for key, hours in arrivals.items():
            for _, scores in hours:
                usual_difference = self._rhythms.points(key.experience, hour_of_week(scores.moment))
                detectors[key] = feed(detectors[key], without_rhythm(scores, usual_difference))
        return detectors

    def _starts(
        self,
        cursor: Cursor,
        detectors: dict[Key, Detector],
        open_subjects: Collection[Subject],
        now: datetime,
    ) -> list[Drop]:
        """The drops that are announced now; their detectors remember them afterwards."""
        suspicions = self._suspicions(cursor, detectors, open_subjects)
        chosen = sorted(
            choose_announced(suspicions), key=lambda subject: -suspicions[subject].margin
        )
        asked = {
            subject
            for subject, moment in self._of_one_site.items()
            if now - moment < ASKED_AGAIN_AFTER
        }
        query, drops = TimeLimitedQuery(cursor), []
        for subject in [subject for subject in chosen if subject not in asked][:STARTS_A_TIME]:
            key, found = _key(subject), suspicions[subject]
            reason = find_reason(read_groups(query, subject, found.since, now))
            site = reason.named
            if (
                site is not None
                and site.dimension == "site"
                and detector_rows.load(cursor, [key._replace(scope_type="site", scope=site.value)])
            ):
                # It is that site's drop, and the site's own detector announces it.
                self._of_one_site[subject] = now
                continue
            usual = detectors[key].usual
            evidence = {
                **reason_as_evidence(
                    reason, partial(stored_mean, self._catalogue.experience[key.experience])
                ),
                "slower_stages": read_slower_stages(query, subject, found.since),
                "event_ids": read_event_ids(
                    query,
                    subject,
                    reason.named,
                    found.since,
                    below=usual - found.drop / 2,
                    now=now,
                ),
            }
            detectors[key] = announce(detectors[key], found.chart)
            drops.append(Drop(subject, found, usual, evidence))
        return drops

    def _suspicions(
        self, cursor: Cursor, detectors: dict[Key, Detector], open_subjects: Collection[Subject]
    ) -> dict[Subject, Suspicion]:
        found: dict[Subject, Suspicion] = {}
        for key, detector in detectors.items():
            if (
                detector.fallen is None
                and _subject(key) not in open_subjects
                and key.experience in self._catalogue.experience
            ):
                experience = self._catalogue.experience[key.experience]
                drop = watched_difference(experience, experience.alert.drop)
                one = suspicion(detector, ESTIMATED_SHARE * drop)
                if one is not None:
                    found[_subject(key)] = one
        samples = self._samples(cursor, found)
        return {
            subject: one
            for subject, one in found.items()
            if samples.get(subject, 0)
            >= self._catalogue.experience[_key(subject).experience].alert.minimum_samples
        }

    @staticmethod
    def _samples(cursor: Cursor, subjects: Collection[Subject]) -> dict[Subject, int]:
        """How many scores each subject had in the last seven days."""
        if not subjects:
            return {}
        cursor.execute(
            "SELECT scope_type, scope, experience, n FROM rolling_satisfaction WHERE horizon = '7d'"
            " AND scope_type IN ('all', 'site')"
            " AND scope = ANY(%s) AND experience = ANY(%s)",
            (
                sorted({subject.scope for subject in subjects}),
                sorted({subject.experience or "" for subject in subjects}),
            ),
        )
        return {_subject(detector_rows.Key(*key)): n for *key, n in cursor}


def _going_on(alert: OpenAlert, detector: Detector, found: Suspicion) -> Drop:
    """The open alert with its numbers as they are now; its start told who explains it."""
    return Drop(alert.subject, found, detector.usual, alert.evidence)


def _subject(key: Key) -> Subject:
    return Subject(NAME, key.experience, key.scope_type, key.scope)


def _key(subject: Subject) -> Key:
    return detector_rows.Key(subject.scope_type, subject.scope, subject.experience or "")
