"""The worked example of the seven-step method, pushed as events."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from end_to_end.harness import Service, wait_until

from voc_stream.catalogue.load import load_catalogue
from voc_stream.postgres.chores.postgres_chores import PostgresChores

if TYPE_CHECKING:
    from voc_stream.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_seven_steps(settings: Settings, tmp_path: Path) -> None:
    """Convenience has satisfaction -2, weighted -18, gap -5 and comes first.

    The product has -1; what was not stated stays unknown.
    """
    now = datetime.now(UTC)
    events = tmp_path / "events.jsonl"
    lines = (EXAMPLES / "seven_steps.jsonl").read_text(encoding="utf-8").splitlines()
    events.write_text(
        "".join(
            json.dumps(json.loads(line) | {"occurred_at": now.isoformat()}) + "\n" for line in lines
        ),
        encoding="utf-8",
    )
    catalogue = EXAMPLES / "seven_steps.toml"
    with Service(replace(settings, catalogue=str(catalogue)), tmp_path) as service:
        service.start_worker()
        service.command("push", str(events))
        service.wait_until_caught_up()
        with closing(
            PostgresChores(service.settings.require_database_url(), load_catalogue(catalogue))
        ) as chores:
            wait_until(lambda: chores.refresh(datetime.now(UTC)), 30, "nobody else refreshes")
        found = service.query(
            "SELECT experience, satisfaction, weighted_satisfaction, gap, importance FROM"
            " rolling_satisfaction"
            " WHERE horizon = '24h' AND scope_type = 'all' ORDER BY weighted_satisfaction,"
            " satisfaction, experience"
        )
    assert found[0] == ("convenience", -2, -18, -5, 9)
    assert found[1] == ("product", -1, None, None, None)
    assert [row[:2] for row in found[2:]] == [
        ("brand", 0),
        ("price", 0),
        ("relationship", None),
        ("service", None),
    ]
