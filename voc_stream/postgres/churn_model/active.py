"""Reads the fitted model that decides risks, if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.fitted import FittedNumbers
from voc_stream.domain.churn.risk_model import risk_model

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.churn.risk_model import RiskModel
    from voc_stream.postgres.session.cursor import Cursor

DAYS_A_MONTH = 365.25 / 12


def horizon_days(catalogue: Catalogue) -> int:
    """The horizon of the catalogue's risks, in whole days: the calibration of it is applied."""
    return round(catalogue.churn.horizon_months * DAYS_A_MONTH)


def active_risk_model(cursor: Cursor, catalogue: Catalogue) -> RiskModel:
    """What decides risks now: the active model, or else the catalogue alone."""
    return risk_model(catalogue, active_numbers(cursor, horizon_days(catalogue)))


def active_numbers(cursor: Cursor, days: int) -> FittedNumbers | None:
    """The numbers of the active model with its line for so many days; None if there is none."""
    cursor.execute(
        "SELECT version, parameters, calibration -> %s FROM churn_model WHERE state = 'active'",
        (str(days),),
    )
    row = cursor.fetchone()
    if row is None:
        return None
    version, parameters, line = row
    return FittedNumbers(
        version,
        parameters["hazards_per_month"],
        parameters["multipliers"],
        **({"level": line["level"], "slope": line["slope"]} if line else {}),
    )


def active_version(cursor: Cursor, catalogue: Catalogue) -> str:
    """The version that risks name: that of the active model, or else the catalogue's."""
    cursor.execute("SELECT version FROM churn_model WHERE state = 'active'")
    row = cursor.fetchone()
    return catalogue.churn.version if row is None else str(row[0])
