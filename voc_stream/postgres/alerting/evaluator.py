"""Evaluates the alerts, by one worker at a time.

Every rule of the registry is judged; the evaluator knows none by its name. Some rules are judged at
every evaluation. The others read more, and what they find moves slowly. They are judged once a
minute, in a transaction of their own: if one of them fails, the first rules are judged all the
same.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.alerts.lifecycle import changes, is_heard, keep_confirmed
from voc_stream.alerts.model import Subject  # noqa: TC001  msgspec reads the annotations at run time
from voc_stream.alerts.registry import RULES
from voc_stream.alerts.rule import Context, Facts
from voc_stream.alerts.same_cause import with_same_cause
from voc_stream.alerts.unwatched import find_unwatched, without_sites
from voc_stream.domain.calendar import calendars_of
from voc_stream.pipeline.clocks import LARGEST_SKEW
from voc_stream.postgres.alerting import alert_rows
from voc_stream.postgres.alerting.explanations import explain_start
from voc_stream.postgres.alerting.facts.reading import Reading
from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery
from voc_stream.postgres.alerting.readers import make_readers
from voc_stream.postgres.session.locks import Lock, try_lock
from voc_stream.postgres.session.server_clock import require_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.alerts.model import Reason, Verdict
    from voc_stream.alerts.rule import Rule
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

OTHERS_EVERY = timedelta(minutes=1)
ALWAYS = tuple(rule for rule in RULES if rule.is_looked_for_always)
OTHERS = tuple(rule for rule in RULES if not rule.is_looked_for_always)
_CONFIRMED = {rule.name: rule.confirmed_within or timedelta(0) for rule in OTHERS}
LONGEST_CONFIRMED = max(_CONFIRMED.values())
RARE = {name for name, within in _CONFIRMED.items() if within > 3 * OTHERS_EVERY}
"""Rules whose facts are not read each minute."""

log = logging.getLogger(__name__)


class Judgement(NamedTuple):
    """What some rules find.

    Attributes:
        verdicts: by rule.
        reasons: of subjects whose alert ends without a recovery, why.
    """

    verdicts: dict[str, Verdict]
    reasons: Mapping[Subject, Reason]


class Evaluator:
    """Evaluates alerts.

    One per process, because its readers of facts keep what is expensive to read.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._calendars = calendars_of(catalogue)
        self._readers = make_readers(catalogue)

    def judge_always(
        self, cursor: Cursor, now: datetime, every: timedelta, *, catching_up: bool
    ) -> bool | None:
        """Start, renew and end alerts of the rules that are judged at every evaluation.

        Returns:
            Whether any started or ended. None if it is another worker's turn, or too early.
        """
        as_of = _turn(cursor, now, "evaluated_at", every)
        if as_of is None:
            return None
        forget_future(cursor)
        closed = self._calendars.closed_for_good(now)
        gone = find_unwatched(alert_rows.read_open(cursor), self._catalogue.experience, closed)
        alert_rows.end_because(cursor, gone, now)
        found = self.judge(ALWAYS, cursor, self._context(cursor, now))
        # Alerts are as fresh as what they were evaluated from.
        cursor.execute(
            "INSERT INTO evaluation_clock (evaluator, as_of, evaluated_at, others_found) VALUES"
            " ('alerts', least(%s, %s), %s, '{}')"
            " ON CONFLICT (evaluator)"
            " DO UPDATE SET as_of = greatest(evaluation_clock.as_of, excluded.as_of), evaluated_at"
            " = excluded.evaluated_at",
            (now, as_of, now),
        )
        return self._write(cursor, found, now, catching_up=catching_up) or bool(gone)

    @staticmethod
    def take_turn_at_the_others(cursor: Cursor, now: datetime) -> bool:
        """Whether the other rules are due.

        If so, nobody else judges them for a minute, even if this worker fails to.
        """
        if _turn(cursor, now, "others_at", OTHERS_EVERY) is None:
            return False
        cursor.execute("UPDATE evaluation_clock SET others_at = %s", (now,))
        return True

    def judge_the_others(self, cursor: Cursor, now: datetime) -> bool:
        """Start, renew and end alerts of the other rules; returns whether any started or ended.

        Not to be done while a backlog is read: what was solved long ago would be taken for open.
        """
        context = self._context(cursor, now)
        before = _found_before(cursor, now)
        verdicts, reasons = self.judge(OTHERS, cursor, context)
        found = [finding.subject for verdict in verdicts.values() for finding in verdict.findings]
        _remember(cursor, [_Found(now, found), *_of_rare_rules(before)])
        for rule in OTHERS:
            if (within := rule.confirmed_within) is not None:
                known = {
                    subject
                    for each in before
                    if abs(now - each.at) <= within
                    for subject in each.subjects
                }
                verdicts[rule.name] = keep_confirmed(
                    verdicts[rule.name], known, context.open_subjects
                )
        return self._write(cursor, Judgement(verdicts, reasons), now, catching_up=False)

    def judge(self, rules: Sequence[Rule], cursor: Cursor, context: Context) -> Judgement:
        """What some rules find: all facts are read first, then each rule judges them."""
        reading = Reading(cursor, context, self._readers)
        facts = {rule.name: Facts(*(reading[kind] for kind in rule.needs)) for rule in rules}
        closed = self._calendars.closed_for_good(context.now)
        verdicts = {
            rule.name: without_sites(rule.judge(facts[rule.name], context), closed)
            for rule in rules
        }
        reasons: dict[Subject, Reason] = {}
        for rule in rules:
            reasons |= rule.why_ends(facts[rule.name])
        return Judgement(verdicts, reasons)

    def _context(self, cursor: Cursor, now: datetime) -> Context:
        open_alerts = {alert.subject: alert for alert in alert_rows.read_open(cursor)}
        return Context(self._catalogue, now, open_alerts)

    @staticmethod
    def _write(cursor: Cursor, judgement: Judgement, now: datetime, *, catching_up: bool) -> bool:
        # A moment of the future was written while the server's clock was ahead.
        cursor.execute("SELECT max(updated_at) FROM stream_position WHERE updated_at <= now()")
        (heard_at,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
        open_alerts = alert_rows.read_open(cursor)
        found = changes(
            open_alerts,
            judgement.verdicts,
            now,
            may_end=is_heard(heard_at, now) and not catching_up,
            reasons=judgement.reasons,
        )
        query = TimeLimitedQuery(cursor)
        starts = [explain_start(query, finding, now) for finding in found.starts]
        starts = with_same_cause(starts, open_alerts)
        alert_rows.write(cursor, found._replace(starts=starts), now)
        return bool(found.starts or found.ends or found.unfounded)


def forget_future(cursor: Cursor) -> None:
    """If the last evaluation was ahead of the server's clock, give its marks the time of now.

    So everything goes on.
    """
    cursor.execute(
        "UPDATE evaluation_clock SET as_of = least(as_of, now()), evaluated_at = now(), others_at ="
        " least(others_at, now())"
        " WHERE greatest(as_of, evaluated_at) > now() + %s RETURNING evaluator",
        (LARGEST_SKEW,),
    )
    if cursor.fetchone() is None:
        return
    log.warning(
        "the last evaluation was ahead of now: alerts and counts of the future get the time of now,"
        " or go"
    )
    cursor.execute(
        "UPDATE alert SET started_at = least(started_at, now()), updated_at = least(updated_at,"
        " now()), ended_at = least(ended_at, now())"
        " WHERE greatest(started_at, updated_at, ended_at) > now()"
    )
    cursor.execute("DELETE FROM risk_daily WHERE greatest(counted_at, day::timestamptz) > now()")


class _Found(msgspec.Struct):
    """What the other rules found, and when."""

    at: datetime
    subjects: list[Subject]


def _found_before(cursor: Cursor, now: datetime) -> list[_Found]:
    """What the other rules found of late: the last time, and rare rules before that."""
    cursor.execute(
        "SELECT others_found::text FROM evaluation_clock WHERE others_found::text <> '{}'"
    )
    # An evaluation of an earlier version wrote no list.
    found = [msgspec.json.decode(text, type=_Found | list[_Found]) for (text,) in cursor]
    flat = [one for each in found for one in (each if isinstance(each, list) else [each])]
    return [one for one in flat if abs(now - one.at) <= LONGEST_CONFIRMED]


def _of_rare_rules(before: Sequence[_Found]) -> list[_Found]:
    """What is kept longer than until the next evaluation.

    Their rules are not judged each minute.
    """
    kept = [
        _Found(one.at, [subject for subject in one.subjects if subject.rule in RARE])
        for one in before
    ]
    return [one for one in kept if one.subjects]


def _remember(cursor: Cursor, found: Sequence[_Found]) -> None:
    text = msgspec.json.encode(found).decode()
    cursor.execute("UPDATE evaluation_clock SET others_found = %s", (text,))


def _turn(cursor: Cursor, now: datetime, column: str, every: timedelta) -> datetime | None:
    """The moment that the rolling tables show, if this worker may evaluate now.

    None if another worker evaluates now, or did a moment ago.
    """
    if not try_lock(cursor, Lock.EVALUATION):
        return None
    require_clock(cursor, now)
    cursor.execute(
        f"SELECT as_of, (SELECT {column} FROM evaluation_clock) FROM rolling_clock WHERE refresh ="
        f" 'sites'"
    )
    # There is nothing to evaluate until the rolling tables were refreshed once.
    as_of, last = cursor.fetchone() or (None, None)
    # A little early is on time; a clock that was set back must not stop it for long.
    too_early = last is not None and timedelta(0) <= now - last < 0.8 * every
    return None if too_early else as_of
