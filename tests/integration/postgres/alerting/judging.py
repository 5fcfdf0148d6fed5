"""Runs a rule on the tables of a store, in a transaction of its own."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from integration.postgres.store import Store

    from voc_stream.alerts.model import Finding, Subject, Verdict
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

    Judge = Callable[[Cursor, Catalogue, datetime, Collection[Subject]], Verdict]


@contextmanager
def reading(store: Store) -> Iterator[Cursor]:
    """A cursor in a transaction that is committed. In a time zone with summer time: that must not show."""
    options = "-c search_path=voc -c timezone=Europe/Berlin"
    with (
        closing(psycopg2.connect(store.url, options=options)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def judged(
    store: Store,
    judge: Judge,
    now: datetime,
    *open_subjects: Subject,
    catalogue: Catalogue | None = None,
) -> Verdict:
    """What the rules of `judge` find as of `now`."""
    with reading(store) as cursor:
        return judge(cursor, catalogue or store.catalogue, now, open_subjects)


def by_scope(verdict: Verdict, rule: str) -> dict[str, Finding]:
    """The findings of one rule; its scopes have at most one each."""
    found = [finding for finding in verdict.findings if finding.subject.rule == rule]
    scopes = {finding.subject.scope: finding for finding in found}
    assert len(scopes) == len(found)
    return scopes
