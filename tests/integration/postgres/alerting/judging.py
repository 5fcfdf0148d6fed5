"""Runs rules on the tables of a store, in a transaction of its own."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg2

from voc_stream.alerts.model import OpenAlert, Verdict
from voc_stream.alerts.registry import RULES
from voc_stream.alerts.rule import Context
from voc_stream.postgres.alerting import alert_rows
from voc_stream.postgres.alerting.evaluator import Evaluator

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from integration.postgres.store import Store

    from voc_stream.alerts.model import Finding, Subject
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor


@contextmanager
def reading(store: Store) -> Iterator[Cursor]:
    """A cursor in a transaction that is committed.

    In a time zone with summer time: that must not show.
    """
    options = "-c search_path=voc -c timezone=Europe/Berlin"
    with (
        closing(psycopg2.connect(store.url, options=options)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def judged(
    store: Store,
    rules: Collection[str],
    now: datetime,
    *open_subjects: Subject,
    catalogue: Catalogue | None = None,
    evaluator: Evaluator | None = None,
) -> Verdict:
    """What rules find together as of `now`, while alerts about these subjects are open."""
    catalogue = catalogue or store.catalogue
    evaluator = evaluator or Evaluator(catalogue)
    with reading(store) as cursor:
        rows = {alert.subject: alert for alert in alert_rows.read_open(cursor)}
        open_alerts = {
            subject: rows.get(subject) or OpenAlert("a", subject, "warning", {}, "", now, now)
            for subject in open_subjects
        }
        chosen = [rule for rule in RULES if rule.name in rules]
        assert len(chosen) == len(rules)
        judged = evaluator.judge(chosen, cursor, Context(catalogue, now, open_alerts))
        verdicts = judged.verdicts.values()
    return Verdict(
        [finding for verdict in verdicts for finding in verdict.findings],
        {subject for verdict in verdicts for subject in verdict.holding},
    )


def by_scope(verdict: Verdict, rule: str) -> dict[str, Finding]:
    """The findings of one rule; its scopes have at most one each."""
    found = [finding for finding in verdict.findings if finding.subject.rule == rule]
    scopes = {finding.subject.scope: finding for finding in found}
    assert len(scopes) == len(found)
    return scopes
