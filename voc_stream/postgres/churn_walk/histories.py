"""Walks through the histories of customers, and keeps them with what the churn model learns from.

A history is made anew as a whole, and only what differs is written. The cells take back what the
old history counted, and add what the new one counts. So both are exact, whatever came late or was
taken back, in whatever order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from voc_stream.domain.churn.hazard import Driver
from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.lives.exposure import CellOf, Exposure, exposure_of
from voc_stream.domain.lives.walk import Life, Said, Step, WalkTerms, walk
from voc_stream.postgres.churn_model.active import active_risk_model
from voc_stream.postgres.churn_walk.related_events import read_related
from voc_stream.postgres.schema.sums import merge
from voc_stream.postgres.session.connection import apart
from voc_stream.postgres.session.copy_csv import array, lines
from voc_stream.postgres.session.staging import stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

COLUMNS = (
    *("customer_id", "since", "until", "event_id", "has_left", "risk", "band", "drivers"),
    *("model_version", "tenure_band", "signals"),
)
_NAMES = ", ".join(COLUMNS)
_CELL = ("month", "tenure_band", "signals")
_COUNTED = ("microseconds", "leavers")


def walk_through(
    cursor: Cursor, customer_ids: Collection[str], catalogue: Catalogue, now: datetime
) -> int:
    """Bring the histories of these customers to `now`, and of those who share an order with them.

    Returns how many rows of histories changed. The caller holds the lock of walks.
    """
    related = read_related(cursor, customer_ids, catalogue.alias)
    terms = WalkTerms(
        measure_rules(catalogue), catalogue.churn, active_risk_model(cursor, catalogue)
    )
    lives = {
        customer_id: walk(customer_id, events, terms, now)
        for customer_id, events in related.events.items()
    }
    everyone = sorted({*customer_ids, *lives, *related.too_many})
    before = _stored(cursor, everyone)
    gone: list[tuple[Value, ...]] = []
    new: list[tuple[Value, ...]] = []
    counted = defaultdict[CellOf, list[int]](lambda: [0, 0])
    for customer_id in everyone:
        life = lives.get(customer_id)
        old, steps = before.get(customer_id, ()), life.steps if life else ()
        if old == steps:
            continue
        kept = set(old).intersection(steps)
        gone += [(customer_id, step.since) for step in old if step not in kept]
        new += [_row(customer_id, step) for step in steps if step not in kept]
        for some, weight in ((old, -1), (steps, 1)):
            for cell, exposure in exposure_of(some).items():
                counted[cell][0] += weight * exposure.microseconds
                counted[cell][1] += weight * exposure.leavers
    _replace(cursor, gone, new)
    _count(cursor, {cell: Exposure(*sums) for cell, sums in counted.items() if any(sums)})
    _note(cursor, everyone, lives, related.too_many)
    return len(gone) + len(new)


def walk_apart(
    cursor: Cursor, customer_ids: Sequence[str], catalogue: Catalogue, now: datetime
) -> int:
    """Do what `walk_through` does; if it fails, the transaction stays as it was.

    Returns how many customers that were. Raises StoreUnavailableError if the server is to blame.
    """
    with apart(cursor):
        walk_through(cursor, customer_ids, catalogue, now)
    return len(customer_ids)


def _stored(cursor: Cursor, customer_ids: Sequence[str]) -> Mapping[str, list[Step]]:
    cursor.execute(
        f"SELECT {_NAMES.replace('drivers', 'drivers::text')} FROM churn_history"
        " WHERE customer_id = ANY(%s) ORDER BY customer_id, since",
        (list(customer_ids),),
    )
    found = defaultdict[str, list[Step]](list)
    for customer_id, since, until, event_id, left, risk, band, drivers, *rest in cursor:
        said = Said(risk, band, tuple(_drivers(drivers)), *rest)
        found[customer_id].append(Step(since, until, event_id, left, said))
    return found


def _drivers(text: str) -> Iterable[Driver]:
    return [Driver(one["driver"], one["contribution"]) for one in msgspec.json.decode(text)]


def _row(customer_id: str, step: Step) -> tuple[Value, ...]:
    said = step.said
    drivers = [{"driver": one.driver, "contribution": one.contribution} for one in said.drivers]
    return (
        *(customer_id, step.since, step.until, step.event_id, step.left, said.risk, said.band),
        *(msgspec.json.encode(drivers).decode(), said.model_version, said.tenure, said.signals),
    )


def _replace(
    cursor: Cursor, gone: Sequence[tuple[Value, ...]], new: Sequence[tuple[Value, ...]]
) -> None:
    if gone:
        customer_ids, moments = zip(*gone, strict=True)
        cursor.execute(
            "DELETE FROM churn_history WHERE (customer_id, since) IN"
            " (SELECT * FROM unnest(%s::text[], %s::timestamptz[]))",
            (array(customer_ids), array(moments)),
        )
    if new:
        stage(cursor, "churn_history", COLUMNS, lines(new))
        cursor.execute(
            f"INSERT INTO churn_history ({_NAMES}) SELECT {_NAMES} FROM staged_churn_history"
            " ORDER BY customer_id, since; TRUNCATE staged_churn_history"
        )


def _count(cursor: Cursor, counted: Mapping[CellOf, Exposure]) -> None:
    if counted:
        rows = [
            (cell.month.isoformat(), cell.tenure, cell.signals, *exposure)
            for cell, exposure in sorted(counted.items())
        ]
        stage(cursor, "churn_cell", (*_CELL, *_COUNTED), lines(rows))
        names = ", ".join((*_CELL, *_COUNTED))
        merge(cursor, "churn_cell", _CELL, _COUNTED, f"SELECT {names} FROM staged_churn_cell")
        cursor.execute("TRUNCATE staged_churn_cell")


def _note(
    cursor: Cursor,
    customer_ids: Iterable[str],
    lives: Mapping[str, Life],
    too_many: Collection[str],
) -> None:
    """Note when each history goes on; who has no event any more has none."""
    rows: list[tuple[Value, ...]] = []
    for customer_id in customer_ids:
        life = lives.get(customer_id)
        if life is not None or customer_id in too_many:
            rows.append((customer_id, life.next_at if life else None, life is not None))
    kept = {row[0] for row in rows}
    gone = [each for each in customer_ids if each not in kept]
    if gone:
        cursor.execute("DELETE FROM churn_walk WHERE customer_id = ANY(%s)", (gone,))
    stage(cursor, "churn_walk", ("customer_id", "next_at", "is_walked"), lines(rows))
    cursor.execute(
        "INSERT INTO churn_walk AS t (customer_id, next_at, is_walked)"
        " SELECT customer_id, next_at, is_walked FROM staged_churn_walk ORDER BY customer_id"
        " ON CONFLICT (customer_id) DO UPDATE"
        " SET (next_at, is_walked) = (excluded.next_at, excluded.is_walked)"
        " WHERE (t.next_at, t.is_walked) IS DISTINCT FROM (excluded.next_at, excluded.is_walked);"
        " TRUNCATE staged_churn_walk"
    )
