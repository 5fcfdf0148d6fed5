"""Fits the churn model to the tables, keeps it, and activates it if the gate lets it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.churn_model.fit import Prior
from voc_stream.churn_model.learning import Past, landmark_of, learn, month_start
from voc_stream.domain.churn.signals import SIGNALS
from voc_stream.errors import VocError
from voc_stream.postgres.churn_model.activation import activate
from voc_stream.postgres.churn_model.active import active_risk_model, horizon_days
from voc_stream.postgres.churn_model.command import in_transaction
from voc_stream.postgres.churn_model.history import read_cells, read_groups
from voc_stream.postgres.churn_model.model_rows import Candidate, keep
from voc_stream.postgres.churn_walk.queue import waiting
from voc_stream.postgres.session.locks import Lock, wait_for_lock
from voc_stream.postgres.session.server_clock import server_now

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue, ChurnModel
    from voc_stream.churn_model.learning import Learned
    from voc_stream.postgres.session.cursor import Cursor

GATE_DAYS = 90

MOST_MISSING = 1_000
"""Of so many customers, the history of one may be missing in what is learned from."""

log = logging.getLogger(__name__)


class HistoriesMissingError(VocError):
    """Customers have still to be walked through before a model can learn from them."""


class Fitted(NamedTuple):
    """A model that was fitted to the tables.

    Attributes:
        version: under which it is kept.
        until: it has learned from the time before.
        learned: its numbers, and how it was judged.
        is_active: whether it decides risks from now on.
    """

    version: str
    until: datetime
    learned: Learned
    is_active: bool


def prior_of(churn: ChurnModel) -> Prior:
    """What the catalogue believes; a signal that it does not name changes nothing."""
    return Prior(
        churn.base_hazard_per_month,
        {signal.name: churn.multipliers.get(signal.name, 1.0) for signal in SIGNALS},
    )


def fit_model(
    cursor: Cursor, catalogue: Catalogue, now: datetime, gate_days: int = GATE_DAYS
) -> Fitted | None:
    """Fit the time until the start of this month; None if there is no customer yet.

    The caller holds the lock of the churn model. Raises HistoriesMissingError.
    """
    until = month_start(now)
    missing, everybody = waiting(cursor, until)
    if missing * MOST_MISSING > everybody:
        raise HistoriesMissingError(
            f"workers have still to go through the histories of {missing:,} of {everybody:,}"
            " customers: wait until they have, and try again"
        )
    cells = read_cells(cursor, until)
    if not cells:
        return None
    active, pasts = active_risk_model(cursor, catalogue), {}
    for days in sorted({gate_days, GATE_DAYS, horizon_days(catalogue)}):
        landmark = landmark_of(until, days)
        groups = read_groups(cursor, landmark, days, active)
        pasts[days] = Past(landmark, read_cells(cursor, landmark), groups)
    learned = learn(cells, pasts, prior_of(catalogue.churn), gate_days)
    verdict = learned.verdict
    candidate = Candidate(
        now,
        until,
        gate_days,
        learned.model,
        learned.lines,
        {
            "landmark": learned.landmark,
            "active_version": active.version,
            **{name: getattr(verdict, name) for name in ("gain", "gain_error", "slope")},
            **{
                name: None if found is None else found._asdict()
                for name, found in (("candidate", learned.candidate), ("active", learned.active))
            },
        },
        verdict.because,
    )
    version = keep(cursor, candidate, "candidate" if verdict.activate else "refused")
    if verdict.activate:
        activate(cursor, version, catalogue, now)
    else:
        log.info("churn model %s was refused: %s", version, verdict.because)
    return Fitted(version, until, learned, verdict.activate)


def fit_now(database_url: str, catalogue: Catalogue, gate_days: int) -> Fitted | None:
    """Do that for a command, in a transaction of its own.

    Raises StoreUnavailableError and HistoriesMissingError.
    """
    with in_transaction(database_url, catalogue) as cursor:
        wait_for_lock(cursor, Lock.CHURN_MODEL)
        return fit_model(cursor, catalogue, server_now(cursor), gate_days)
