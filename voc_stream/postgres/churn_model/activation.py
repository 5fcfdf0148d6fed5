"""Lets a fitted model decide risks from now on, and says so in the log and in the topic of alerts.

Every customer is assessed again, and each history is told anew, as it would have been. Until that
is done, risks name the model that stated them.
"""

from __future__ import annotations

import logging
from datetime import UTC
from typing import TYPE_CHECKING

import msgspec

from voc_stream.postgres.cells.schemas import SCHEMA
from voc_stream.postgres.churn_model.active import active_version
from voc_stream.postgres.churn_walk.queue import all_are_due
from voc_stream.postgres.intake.outbox import put_alert
from voc_stream.postgres.rolling.churn_risk import queue_everyone
from voc_stream.postgres.session.locks import Lock, wait_for_lock

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

RULE = "VocChurnModelActivated"
"""What the message names in the place of an alert rule. Nobody has to do anything about it."""
TOLD = ("landmark", "gain", "gain_error", "slope")
"""Figures of the gate that the message has."""

log = logging.getLogger(__name__)


def activate(cursor: Cursor, version: str, catalogue: Catalogue, now: datetime) -> None:
    """Let this candidate decide risks in the place of the active model."""
    # Who is being walked through by the model of before would not be walked through again.
    wait_for_lock(cursor, Lock.WALKS)
    before = active_version(cursor, catalogue)
    cursor.execute("UPDATE churn_model SET state = 'replaced' WHERE state = 'active'")
    cursor.execute(
        "UPDATE churn_model SET state = 'active', activated_at = %s WHERE version = %s"
        " RETURNING because, leavers, evaluation",
        (now, version),
    )
    ((because, leavers, evaluation),) = cursor.fetchall()
    customers = queue_everyone(cursor)
    all_are_due(cursor)
    log.info(
        "churn model %s decides risks from now on, in the place of %s: %s; %d customers are"
        " assessed again",
        version,
        before,
        because,
        customers,
    )
    cursor.execute(f"SELECT substr(current_schema(), {len(SCHEMA) + 2})")
    ((cell,),) = cursor.fetchall()
    moment = now.astimezone(UTC).isoformat().replace("+00:00", "Z")
    message = {
        "alert_id": f"churn-model-{version}",
        "state": "ended",
        "rule": RULE,
        "experience": None,
        "scope_type": "all",
        "scope": "",
        "cell": cell,
        "severity": "warning",
        "started_at": moment,
        "ended_at": moment,
        "evidence": {
            "version": version,
            "before": before,
            "leavers": leavers,
            **{name: evaluation.get(name) for name in TOLD},
        },
        "summary": f"Churn model {version} decides risks from now on, in the place of {before}."
        f" 流失模型 {version} 已启用，取代 {before}。",
    }
    put_alert(cursor, message["alert_id"], msgspec.json.encode(message).decode())
