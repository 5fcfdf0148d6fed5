"""Reads open alerts, and writes what changed of them to their table and the outbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from voc_stream.alerts.model import OpenAlert, Subject
from voc_stream.postgres.cells.schemas import SCHEMA
from voc_stream.postgres.intake.outbox import put_alert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.alerts.lifecycle import Changes
    from voc_stream.alerts.model import Finding, Reason
    from voc_stream.postgres.session.cursor import Cursor

_COLUMNS = (
    "alert_id, rule, experience, scope_type, scope, severity, started_at, ended_at, evidence,"
    " summary"
)
_CELL = f"substr(current_schema(), {len(SCHEMA) + 2})"
"""SQL of the name of the cell: an alert about all sites is about all sites of its cell."""


def read_open(cursor: Cursor) -> list[OpenAlert]:
    """The alerts that have started and not ended."""
    cursor.execute(
        "SELECT alert_id, rule, experience, scope_type, scope, severity, evidence, summary,"
        " started_at, updated_at"
        " FROM alert WHERE ended_at IS NULL"
    )
    return [
        OpenAlert(alert_id, Subject(*subject), severity, evidence, summary, started_at, updated_at)
        for alert_id, *subject, severity, evidence, summary, started_at, updated_at in cursor
    ]


def write(cursor: Cursor, changes: Changes, now: datetime) -> None:
    """Write starts, updates and ends, and a message for each start and end."""
    for finding in changes.starts:
        _message(cursor, [_start(cursor, finding, now)])
    for alert_id, finding in changes.updates:
        cursor.execute(
            "UPDATE alert SET severity = %s, evidence = %s, summary = %s, updated_at = %s WHERE"
            " alert_id = %s",
            (finding.severity, _json(finding.evidence), finding.summary, now, alert_id),
        )
    if changes.ends:
        cursor.execute(
            "UPDATE alert SET ended_at = %s WHERE alert_id = ANY(%s)", (now, list(changes.ends))
        )
        _message(cursor, changes.ends)
    end_because(cursor, changes.unfounded, now)


def end_because(cursor: Cursor, ends: Sequence[tuple[OpenAlert, Reason]], now: datetime) -> None:
    """End alerts for a reason that is no recovery; evidence, summary and message say it."""
    for alert, reason in ends:
        cursor.execute(
            "UPDATE alert SET ended_at = %s, summary = summary || ' ' || %s,"
            " evidence = evidence || %s WHERE alert_id = %s",
            (now, reason.said, _json({"ended_because": reason.name}), alert.alert_id),
        )
    _message(cursor, [alert.alert_id for alert, _ in ends])


def _start(cursor: Cursor, finding: Finding, now: datetime) -> str:
    alert_id = str(uuid4())
    cursor.execute(
        "INSERT INTO alert (alert_id, rule, experience, scope_type, scope, severity, started_at,"
        " evidence, summary, updated_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            alert_id,
            *finding.subject,
            finding.severity,
            now,
            _json(finding.evidence),
            finding.summary,
            now,
        ),
    )
    return alert_id


def _message(cursor: Cursor, alert_ids: Sequence[str]) -> None:
    """Put what the rows of these alerts say into the outbox."""
    cursor.execute(
        f"SELECT {_COLUMNS}, {_CELL} FROM alert WHERE alert_id = ANY(%s)"
        " ORDER BY started_at, alert_id",
        (list(alert_ids),),
    )
    names = [*_COLUMNS.split(", "), "cell"]
    for row in cursor.fetchall():
        said = dict(zip(names, row, strict=True))
        state = "started" if said["ended_at"] is None else "ended"
        text = _json(
            {
                "state": state,
                **{
                    name: _utc(value) if isinstance(value, datetime) else value
                    for name, value in said.items()
                },
            }
        )
        put_alert(cursor, said["alert_id"], text)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
