"""Reads drops of key experiences: which detectors have fallen, and evidence of what fell."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.hearing import is_news
from voc_stream.alerts.explanation.reason import find_reason, reason_as_evidence
from voc_stream.alerts.model import Subject
from voc_stream.alerts.rules.experiences.key_experience_dropped import (
    NAME,
    NEW_USUAL_AFTER,
    USUAL_BY_NOW,
    Drop,
    Drops,
    why_it_ends,
)
from voc_stream.domain.moment import EPOCH
from voc_stream.domain.watched import stored_mean
from voc_stream.postgres.alerting.facts.evidence import (
    read_event_ids,
    read_groups,
    read_slower_stages,
)
from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery
from voc_stream.postgres.alerting.watching.detector_rows import Key, mark_keys
from voc_stream.postgres.alerting.watching.watchers import Watchers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.alerts.detection.detector import Detector, Suspicion
    from voc_stream.alerts.model import Json, OpenAlert, Reason
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

STARTS_A_TIME = 20
"""How many alerts start at once; further ones follow with the next evaluation.

Evidence takes time to read.
"""


class DropReader:
    """Reads drops; one per process, because it keeps what is expensive to read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._watchers = Watchers(catalogue)

    def __call__(self, reading: Reading) -> Drops:
        """Let the detectors hear what is known, and tell who has fallen."""
        cursor, (_, now, open_alerts) = reading.cursor, reading.context
        ours = {
            _key(subject): alert
            for subject, alert in open_alerts.items()
            if subject.rule == NAME and subject.experience in self._catalogue.experience
        }
        standing = self._watchers.watch(cursor, ours.keys(), now)
        drops: list[Drop] = []
        holding: list[Subject] = []
        reasons: dict[Subject, Reason] = {}
        for key, alert in ours.items():
            detector = standing.detectors.get(key)
            told = None if detector is None else detector.told
            if key in standing.unknown or (
                told is None and self._goes_on(cursor, alert, standing.begins, now)
            ):
                holding.append(alert.subject)
            elif detector is None or told is None or now - alert.started_at >= NEW_USUAL_AFTER:
                recovered_at = None if detector is None else detector.recovered_at
                reason = why_it_ends(alert, recovered_at, standing.begins, now)
                if reason is not None:
                    reasons[alert.subject] = reason
            else:
                drops.append(_going_on(alert, detector, told))
        usual = [_key(subject) for subject, why in reasons.items() if why == USUAL_BY_NOW]
        # Their walks begin anew, from now.
        mark_keys(cursor, dict.fromkeys(usual, EPOCH))
        new = {
            key: detector
            for key, detector in standing.detectors.items()
            if key not in ours and detector.told is not None and is_news(detector, now)
        }
        drops += self._starts(cursor, new, now)
        return Drops(drops, holding, reasons)

    @staticmethod
    def _goes_on(cursor: Cursor, alert: OpenAlert, begins: datetime, now: datetime) -> bool:
        """Whether a drop goes on that began before the hours that detectors hear.

        Its detector takes a part of it for usual. So the week is compared with what was usual when
        the alert started, until eight weeks are over.
        """
        since = datetime.fromisoformat(str(alert.evidence["since"]))
        if since >= begins or now - alert.started_at >= NEW_USUAL_AFTER:
            return False
        _, experience, scope_type, scope = alert.subject
        cursor.execute(
            "SELECT experience_mean < (%s::float8 + %s::float8) / 2 FROM rolling_satisfaction"
            " WHERE horizon = '7d' AND (scope_type, scope, experience) = (%s, %s, %s)",
            (
                alert.evidence["baseline_mean"],
                alert.evidence["mean"],
                scope_type,
                scope,
                experience,
            ),
        )
        # No data is no good news.
        (is_low,) = cursor.fetchone() or (True,)
        return bool(is_low)

    def _starts(self, cursor: Cursor, fallen: Mapping[Key, Detector], now: datetime) -> list[Drop]:
        """The drops that start now: the surest ones, if there are many."""
        told = {key: one.told for key, one in fallen.items() if one.told is not None}
        chosen = sorted(told, key=lambda key: (-told[key].margin, key))[:STARTS_A_TIME]
        query, drops = TimeLimitedQuery(cursor), []
        for key in chosen:
            subject, found, detector = _subject(key), told[key], fallen[key]
            reason = find_reason(read_groups(query, subject, found.since, now))
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
                    below=detector.usual - found.drop / 2,
                    now=now,
                ),
            }
            drops.append(_drop(subject, detector, found, evidence))
        return drops


def _going_on(alert: OpenAlert, detector: Detector, found: Suspicion) -> Drop:
    """The open alert with its numbers as they are now; its start told who explains it."""
    return _drop(alert.subject, detector, found, alert.evidence)


def _drop(
    subject: Subject, detector: Detector, found: Suspicion, evidence: Mapping[str, Json]
) -> Drop:
    return Drop(subject, found, detector.usual, detector.baseline_scores, detector.phi, evidence)


def _subject(key: Key) -> Subject:
    return Subject(NAME, key.experience, key.scope_type, key.scope)


def _key(subject: Subject) -> Key:
    return Key(subject.scope_type, subject.scope, subject.experience or "")
