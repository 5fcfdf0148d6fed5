"""What the published examples of each event type make of the tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import customer, messages
from integration.postgres.store import send

from voc_stream.events.types import INPUT_TYPES
from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from integration.postgres.store import Store

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
NOW = datetime(2025, 5, 25, tzinfo=UTC)


@pytest.mark.parametrize("event_type", INPUT_TYPES)
def test_a_type_is_in_all_tables_by_its_examples_alone(store: Store, event_type: str) -> None:
    """Whoever adds a type writes examples; late and repeated, they count as the oracle has it.

    A profile that comes last moves what they measure to its segment.
    """
    values = [path.read_bytes() for path in sorted(EXAMPLES.glob(f"{event_type}/valid/*.json"))]
    bodies = [json.loads(value) for value in values]
    customers = sorted({body["customer_id"] for body in bodies if "customer_id" in body})
    profiles = [
        customer(
            f"profile-{number}",
            customer_id=customer_id,
            occurred_at=NOW.isoformat(),
            segment="late",
            region="late",
        )
        for number, customer_id in enumerate(customers)
    ]
    values = [*messages(profiles), *values]
    sink = store.sink(0)
    for value in [*reversed(values), *values]:
        send(sink, [value], now=NOW)
    assert store.one("SELECT count(*) FROM dead_letter") == 0
    chores = store.chores()
    chores.refresh(NOW)
    store.move_histories()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(values[::-1], NOW, received_at=NOW)
    assert rebuild(store.url, store.catalogue, lambda *_: None).differing == 0
