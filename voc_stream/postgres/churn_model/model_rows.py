"""Writes fitted models, and what the gate says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from voc_stream.churn_model.calibration import CalibrationFit
    from voc_stream.churn_model.fit import Fit
    from voc_stream.postgres.session.cursor import Cursor

LABEL = "churned"
"""What counts as leaving: the event of a customer that says so."""
_COLUMNS = (
    *("version", "fitted_at", "fitted_until", "label", "horizon_days", "leavers"),
    *("exposure_months", "parameters", "errors", "calibration", "evaluation", "state", "because"),
)


class Candidate(NamedTuple):
    """A fitted model and how good its risks were out of time.

    Attributes:
        fitted_at: when.
        fitted_until: it has learned from the time before.
        horizon_days: of the risks by which it is judged.
        model: its numbers.
        lines: the lines of calibration, by horizon in days.
        evaluation: the figures of the gate, for people.
        because: why the gate decided so.
    """

    fitted_at: datetime
    fitted_until: datetime
    horizon_days: int
    model: Fit
    lines: Mapping[int, CalibrationFit]
    evaluation: Mapping[str, object]
    because: str


def keep(cursor: Cursor, candidate: Candidate, state: str) -> str:
    """Write a model in this state, `candidate` or `refused`; returns the version that it gets."""
    model = candidate.model
    day = candidate.fitted_until.date().isoformat()
    cursor.execute(
        "SELECT count(*) FROM churn_model WHERE fitted_until = %s", (candidate.fitted_until,)
    )
    ((before,),) = cursor.fetchall()
    version = f"fitted-{day}" + (f"-{before + 1}" if before else "")
    values = (
        version,
        candidate.fitted_at,
        candidate.fitted_until,
        LABEL,
        candidate.horizon_days,
        model.leavers,
        model.exposure_months,
        _json(
            {
                "hazards_per_month": list(model.hazards_per_month.values()),
                "multipliers": model.multipliers,
            }
        ),
        _json(
            {
                "hazards_per_month": list(model.hazard_errors.values()),
                "multipliers": model.multiplier_errors,
                "covariance": model.covariance.tolist(),
            }
        ),
        _json(
            {
                str(days): {
                    **fitted.line._asdict(),
                    "level_error": fitted.level_error,
                    "slope_error": fitted.slope_error,
                }
                for days, fitted in candidate.lines.items()
            }
        ),
        _json(candidate.evaluation),
        state,
        candidate.because,
    )
    cursor.execute(
        f"INSERT INTO churn_model ({', '.join(_COLUMNS)})"
        f" VALUES ({', '.join(['%s'] * len(_COLUMNS))})",
        values,
    )
    return version


def was_fitted(cursor: Cursor, fitted_until: datetime) -> bool:
    """Whether a model has learned from the time until then already."""
    cursor.execute("SELECT FROM churn_model WHERE fitted_until >= %s LIMIT 1", (fitted_until,))
    return cursor.rowcount == 1


def _json(value: object) -> str:
    # Numbers of numpy are floats, but of a kind that msgspec does not know.
    return msgspec.json.encode(value, enc_hook=float).decode()
