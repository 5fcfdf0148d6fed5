"""A fitted model, as the oracle reads it and as the table holds it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from integration.postgres.store import NOW

if TYPE_CHECKING:
    from integration.postgres.store import Store

MODEL: dict[str, Any] = {
    "version": "fitted-2026-01-01",
    "parameters": {
        "hazards_per_month": [0.02, 0.01, 0.004],
        "multipliers": {
            "open_complaint_major": 9.5,
            "open_complaint_minor": 6.0,
            "resolved_complaint_major": 2.5,
            "resolved_complaint_minor": 2.0,
            "broken_promise": 1.7,
            "silent_unhappy": 3.0,
            "low_outcome": 1.3,
            "bad_memory": 0.8,
            "inactive_180d": 4.5,
            "visits_1": 1.6,
            "tenure_730d": 0.6,
            "contacts_3": 1.4,
            "unresolved_complaint": 2.2,
            "compensation": 0.9,
            "missed_follow_up": 1.2,
            "nps_detractor": 1.3,
            "price_complaint": 1.0,
        },
    },
    "calibration": {"365": {"level": -0.2, "slope": 0.9}},
}


def put_model(store: Store, state: str = "candidate", **other: Any) -> dict[str, Any]:
    """Write the model with this state; the model as the oracle reads it."""
    model = MODEL | other
    store.ask(
        "INSERT INTO churn_model (version, fitted_at, fitted_until, label, horizon_days, leavers,"
        " exposure_months, parameters, errors, calibration, evaluation, state, because)"
        " VALUES (%s, %s, %s, 'churned', 90, 270, 41000, %s, '{}', %s, '{\"gain\": 0.01}', %s,"
        " 'its log loss out of time is smaller')",
        *(model["version"], NOW, NOW, json.dumps(model["parameters"])),
        *(json.dumps(model["calibration"]), state),
    )
    return model


def put_told(store: Store) -> None:
    """One row of what came of stated risks."""
    store.ask(
        "INSERT INTO churn_told VALUES (%s, 90, 'fitted-2026-01-01', 'all', '', 100, 50, 6, 5.2)",
        NOW,
    )
