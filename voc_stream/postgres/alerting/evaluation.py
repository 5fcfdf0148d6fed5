"""One evaluation of all alerts: one transaction under a lock, so that one worker at a time does it.

Drops are looked for every time; the other rules, which read more and move slowly, are judged once a minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.alerts.lifecycle import changes
from voc_stream.postgres.alerting import ledger
from voc_stream.postgres.alerting.complaints import judge_complaints
from voc_stream.postgres.alerting.customers import judge_customers
from voc_stream.postgres.alerting.drops import DropRule
from voc_stream.postgres.alerting.levels import judge_levels_of
from voc_stream.postgres.alerting.silence import judge_silence
from voc_stream.postgres.alerting.workshop import Workshop
from voc_stream.postgres.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Collection

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Catalogue
    from voc_stream.domain.alerts.finding import Subject, Verdict

OTHERS_EVERY = timedelta(minutes=1)


class Evaluator:
    """One per process; its rules keep what is expensive to read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._drops = DropRule(catalogue)
        self._workshop = Workshop()
        self._others_at: datetime | None = None

    def evaluate(self, cursor: Cursor, now: datetime) -> bool | None:
        """Start, renew and end alerts as of `now`; whether any started or ended, None where another worker holds the lock."""
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (Lock.EVALUATION,))
        if not cursor.fetchone()[0]:  # type: ignore[index]  # a SELECT without FROM gives one row
            return None
        # Until the rolling tables were refreshed once there is nothing to evaluate.
        cursor.execute("SELECT as_of FROM rolling_clock WHERE refresh = 'sites'")
        row = cursor.fetchone()
        if row is None:
            return False
        open_alerts = ledger.read_open(cursor)
        cursor.execute("SELECT max(updated_at) FROM stream_position")
        (heard_at,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
        found = changes(open_alerts, self._verdicts(cursor, now, {alert.subject for alert in open_alerts}), heard_at, now)
        ledger.write(cursor, found, now)
        # Alerts are as fresh as what they were evaluated from.
        cursor.execute(
            "INSERT INTO evaluation_clock (evaluator, as_of) VALUES ('alerts', least(%s, %s))"
            " ON CONFLICT (evaluator) DO UPDATE SET as_of = greatest(evaluation_clock.as_of, excluded.as_of)",
            (now, row[0]),
        )
        return bool(found.starts or found.ends)

    def _verdicts(self, cursor: Cursor, now: datetime, open_subjects: Collection[Subject]) -> list[Verdict]:
        verdicts = [self._drops.judge(cursor, now, open_subjects)]
        if self._others_at is None or not timedelta(0) <= now - self._others_at < OTHERS_EVERY:
            verdicts += [
                judge_levels_of(cursor, self._catalogue, now, open_subjects),
                self._workshop.judge(cursor, self._catalogue, now, open_subjects),
                judge_complaints(cursor, self._catalogue, now, open_subjects),
                judge_silence(cursor, self._catalogue, now, open_subjects),
                judge_customers(cursor, self._catalogue, now, open_subjects),
            ]
            self._others_at = now
        return verdicts
